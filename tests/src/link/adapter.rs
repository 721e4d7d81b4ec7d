//! What the suite needs of an adapter: both ends, and a line that can be cut.

use callboard_proto::CoordinatorId;
use callboard_proto::message::Announce;

use super::Party;

/// A line between one party and what connects it with the others.
pub trait Line: Send {
    /// Cuts the line and keeps it cut.
    fn cut(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Mends the line.
    fn heal(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// A way to connect coordinators and workers.
pub trait Adapter: Sized {
    /// The name by which scenarios speak of it.
    const NAME: &'static str;

    /// A party's line.
    type Line: Line;

    /// Starts what connects the parties.
    fn start() -> impl Future<Output = anyhow::Result<Self>>;

    /// Connects a coordinator.
    fn coordinator(
        &self,
        id: CoordinatorId,
    ) -> impl Future<Output = anyhow::Result<(Party, Self::Line)>>;

    /// Connects a worker's instance.
    fn worker(
        &self,
        announce: Announce,
    ) -> impl Future<Output = anyhow::Result<(Party, Self::Line)>>;

    /// Publishes a message as no link of ours would; only the NATS adapter can.
    fn publish(
        &self,
        subject: String,
        reply: Option<String>,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> impl Future<Output = anyhow::Result<()>>;
}
