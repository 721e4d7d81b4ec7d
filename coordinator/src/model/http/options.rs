//! How a provider is asked, beyond what the model is told.

use std::time::Duration;

use super::key::ApiKey;
use super::retry::RetryLimits;

/// The version of Anthropic's API where none is configured: of 2026-10-21, which is what anthropic
/// 2.12.0 sends.
pub const ANTHROPIC_VERSION: &str = "2026-10-21";

/// How a key is shown to Anthropic; others have one way each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer`, as its libraries do.
    #[default]
    Bearer,
    /// `x-api-key`, which some gateways want.
    ApiKeyHeader,
}

/// How a provider is asked.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Where it is; `None`: its own address. Without a path it gets the format's usual one.
    pub base_url: Option<String>,
    /// The key; `None` for a server that wants none.
    pub key: Option<ApiKey>,
    /// Whether the key was meant for this very server. One that merely lay in the environment isn't sent
    /// over plain http to another machine.
    pub is_key_meant: bool,
    /// How the key is shown, for Anthropic.
    pub auth: Auth,
    /// The version of the API: Anthropic's header, Gemini's path. `None`: the usual one.
    pub version: Option<String>,
    /// Anthropic's beta features.
    pub betas: Vec<String>,
    /// Headers to add; they win over ours.
    pub headers: Vec<(String, String)>,
    /// Time for a connection. 5 s, as the providers' libraries have it.
    pub connect_timeout: Duration,
    /// Time without a byte, before the first and between two. `None`: 120 s for a stream (chosen, not
    /// measured: pings come every few seconds) and 600 s for a whole response, of which nothing comes
    /// before all of it is there (as the providers' libraries have it).
    pub idle_timeout: Option<Duration>,
    /// When a question is asked again.
    pub retries: RetryLimits,
    /// A proxy to go through; those of the environment aren't used.
    pub proxy: Option<String>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            base_url: None,
            key: None,
            is_key_meant: false,
            auth: Auth::default(),
            version: None,
            betas: Vec::new(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: None,
            retries: RetryLimits::default(),
            proxy: None,
        }
    }
}

impl HttpOptions {
    /// The time without a byte for a response that is streamed, or not.
    pub(super) fn idle_timeout(&self, is_streamed: bool) -> Duration {
        let usual = if is_streamed { 120 } else { 600 };
        self.idle_timeout.unwrap_or(Duration::from_secs(usual))
    }
}
