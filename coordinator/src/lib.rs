//! The coordinator: drives model loops, and the tool calls of each response to one outcome per call.
//!
//! A caller joins a [`link`] and a [`dispatch`] actor, freezes a [`catalogue`] of the tools on offer,
//! and gathers turns through the dispatch handle, or lets a [`run`] do so with a [`model`]. How a
//! provider writes calls and results is in [`provider`]. The decisions are all made in [`core`].

pub use callboard_coordinator_core as core;

pub mod call_log;
pub mod catalogue;
pub mod dispatch;
pub mod follow;
pub mod link;
pub mod metrics;
pub mod model;
pub mod probe;
pub mod provider;
pub mod run;
pub mod run_log;
pub mod service;
pub mod traces;
