//! The pure core of a worker: admission by slots, grants, duplicate memory, kept results, beats,
//! `free`, age checks, the orphan rule, cancel and drain (P2, P6, P7, P12, P13, P15 to P20).
//!
//! [`Worker`] is a struct with four verbs: [`Worker::handle_input`], [`Worker::handle_timeout`],
//! [`Worker::poll_effect`], [`Worker::poll_timeout`]. It never reads a clock, never awaits and draws
//! no randomness: a shell feeds it and performs its effects.
//!
//! The order in which a shell calls them is part of the contract: feed every input that is ready,
//! then [`Worker::handle_timeout`] if a timer is due, then poll effects until there are none. So
//! results that finished together leave together, and a worker that was stopped for a while reads
//! what it was sent meanwhile before it calls anybody silent.

// A hash map's order differs from run to run, and a run of the simulation must not.
#![warn(clippy::iter_over_hash_type)]

mod admission;
mod answers;
mod beats;
mod catalogue;
mod config;
mod counters;
mod drain;
mod effect;
mod failure;
mod grants;
mod held;
mod index;
mod input;
mod inquiry;
mod memory;
#[doc(hidden)]
pub mod mutation;
mod offers;
mod orphans;
mod outbox;
mod pages;
mod peers;
mod replies;
mod tool_slots;
mod withdrawal;
mod worker;

pub use config::{Config, Identity, OfferedTool};
pub use counters::Counters;
pub use effect::{Effect, Start, StopReason};
pub use input::{Finished, Input, ReplyTo};
pub use worker::Worker;
