//! The messages: one file per direction, one struct per [`Kind`](crate::Kind).
//!
//! A batch is a head and items; the items are length-delimited on the wire, so one that can't be
//! decoded harms no sibling (P21). See [`crate::codec`].

mod control;
mod discovery;
mod post;
mod reply;

pub use control::{CancelHead, CancelItem, Drain, GrantHead, GrantItem, StatusHead, StatusItem};
pub use discovery::{Announce, Beat, Describe, Down, ToolDigest, ToolsHead};
pub use post::{CallHead, CallItem};
pub use reply::{
    AckItem, AckState, BadItem, Free, Load, ProgressHead, ProgressItem, Refusal, RefusalCode,
    ReplyHead, ResultItem,
};
