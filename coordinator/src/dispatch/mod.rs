//! The dispatch actor: owns the dispatcher core and the link, and is the only one that touches either.
//!
//! `handle` and `gathering` are the only public items that speak to it; `actor` owns the only `select!`; `directory`
//! knows which tools the workers offer, `absent` which ones they offered a moment ago; `observe` is told what becomes of calls; `wire` turns effects into bytes and bytes into inputs.

mod absent;
mod actor;
mod directory;
mod gathering;
mod handle;
mod message;
mod observe;
mod options;
mod wire;

pub use actor::Dispatch;
pub use gathering::OpenTurn;
pub use handle::{DispatchHandle, Gone, Known, Standing};
pub use observe::ObserveCalls;
pub use options::Options;
