//! The pure core of a worker: admission by slots, grants, duplicate memory, kept results, beats,
//! `free`, age checks, the orphan rule, cancel and drain (P2, P6, P7, P12, P13, P15 to P20).
//!
//! [`Worker`] is a struct with four verbs: [`Worker::handle_input`], [`Worker::handle_timeout`],
//! [`Worker::poll_effect`], [`Worker::poll_timeout`]. It never reads a clock, never awaits and draws
//! no randomness: a shell feeds it and performs its effects.

mod config;
mod effect;
mod input;

pub use config::{Config, Identity, OfferedTool};
pub use effect::{Effect, Start, StopReason};
pub use input::{Finished, Input, ReplyTo};
