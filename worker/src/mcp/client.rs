//! What a server may say unasked.

use std::sync::Arc;

use rmcp::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProgressNotificationParam};
use rmcp::service::{NotificationContext, RoleClient};
use tokio::sync::Notify;

use super::progress::Progress;

/// Hears one connection. It offers no sampling, no roots and nobody to be asked: a server that wants
/// those is told so by the protocol's own means.
pub(super) struct Client {
    /// The calls that wait for progress.
    pub(super) progress: Arc<Progress>,
    /// Told when the list of tools changed.
    pub(super) changed: Arc<Notify>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let own = Implementation::new("callboard", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), own)
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.progress.take(params);
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}
