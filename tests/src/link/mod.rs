//! The conformance suite of the links: scenarios in data files, played against the NATS link and the
//! local link alike.

#[path = "../../../src/embedded.rs"]
mod embedded;

mod adapter;
mod local;
mod nats;
mod party;
mod people;
mod scenario;
mod suite;

pub use adapter::{Adapter, Line};
pub use local::Local;
pub use nats::Nats;
pub use party::{Heard, Party, Say};
pub use people::{announce, beat, coordinator_id, instance_id, pool, tenant, token};
pub use scenario::Scenario;
pub use suite::{folder, play, play_all};

/// Connects an instance to a switchboard, until its link is dropped.
#[must_use]
pub fn join(
    board: &callboard_coordinator::link::local::Switchboard,
    announce: &callboard_proto::message::Announce,
) -> callboard_worker::link::local::LocalLink {
    embedded::join(board, announce)
}
