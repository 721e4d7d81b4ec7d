//! The local link: one switchboard in this process.

use anyhow::bail;
use callboard_coordinator::link::local::Switchboard;
use callboard_proto::message::Announce;
use callboard_proto::{CoordinatorId, InstanceId};

use super::{Adapter, Line, Party, embedded};

/// Connects parties by a switchboard.
#[derive(Debug, Default)]
pub struct Local {
    board: Switchboard,
}

/// Which line of the switchboard.
#[derive(Debug)]
pub enum LocalLine {
    /// A coordinator's.
    Coordinator(Switchboard, CoordinatorId),
    /// An instance's.
    Instance(Switchboard, InstanceId),
}

impl Line for LocalLine {
    async fn cut(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Coordinator(board, id) => board.cut_coordinator(*id),
            Self::Instance(board, id) => {
                board.cut(*id);
            }
        }
        Ok(())
    }

    async fn heal(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Coordinator(board, id) => board.heal_coordinator(*id),
            Self::Instance(board, id) => {
                board.heal(*id);
            }
        }
        Ok(())
    }
}

impl Adapter for Local {
    const NAME: &'static str = "local";

    type Line = LocalLine;

    async fn start() -> anyhow::Result<Self> {
        Ok(Self::default())
    }

    async fn coordinator(&self, id: CoordinatorId) -> anyhow::Result<(Party, LocalLine)> {
        let party = Party::coordinator(self.board.connect(id));
        Ok((party, LocalLine::Coordinator(self.board.clone(), id)))
    }

    async fn worker(&self, announce: Announce) -> anyhow::Result<(Party, LocalLine)> {
        let party = Party::worker(embedded::join(&self.board, &announce));
        let line = LocalLine::Instance(self.board.clone(), announce.instance);
        Ok((party, line))
    }

    async fn publish(
        &self,
        subject: String,
        _reply: Option<String>,
        _headers: Vec<(String, String)>,
        _body: Vec<u8>,
    ) -> anyhow::Result<()> {
        bail!("the local link has no subjects, so nothing can be published to {subject}")
    }
}
