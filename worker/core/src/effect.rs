//! What a worker wants done.

use std::time::Duration;

use bytes::Bytes;
use callboard_proto::codec::EncodedItems;
use callboard_proto::message::{AckItem, Beat, Free, ReplyHead};
use callboard_proto::{AttemptKey, Effect as ToolEffect, ToolName};

use crate::input::ReplyTo;

/// Enter a tool now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The attempt.
    pub of: AttemptKey,
    /// The place that it has among the attempts that are held: a small number, and its own until it
    /// has [`crate::Finished`].
    pub place: usize,
    /// Where its progress goes: the reply subject that the call came with.
    pub reply: ReplyTo,
    /// The tool to enter.
    pub tool: ToolName,
    /// What executing it does to the world: the stronger of the call's and the tool's own word.
    pub effect: ToolEffect,
    /// The model's own JSON.
    pub arguments: Bytes,
    /// Time for the attempt, from now; the core sends [`Effect::Stop`] when it is over.
    pub budget: Duration,
    /// Time since it arrived.
    pub queued: Duration,
    /// Idempotency key that the caller gave.
    pub key: Option<String>,
    /// W3C trace context of the call.
    pub traceparent: Option<String>,
}

/// Why a running tool must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopReason {
    /// Its budget is used up: the outcome is `timed_out`.
    TimedOut,
    /// Its coordinator asked: the outcome is `cancelled`.
    Cancelled,
    /// Its coordinator is silent (P20): the outcome is `cancelled`.
    Orphaned,
    /// The drain's grace is over: the outcome is `interrupted`.
    Drained,
}

/// One thing that a worker wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Enter a tool; [`crate::Finished`] must follow, once.
    Start(Start),
    /// End a running tool; its [`crate::Finished`] must still follow, with the outcome that the
    /// reason names unless the tool was faster.
    Stop {
        /// The attempt.
        of: AttemptKey,
        /// Its place, as [`Start`] named it.
        place: usize,
        /// Why.
        reason: StopReason,
    },
    /// Send an `ack`.
    Ack {
        /// Where to.
        to: ReplyTo,
        /// What its items share.
        head: ReplyHead,
        /// The states.
        items: Vec<AckItem>,
    },
    /// Send a `result`.
    Result {
        /// Where to.
        to: ReplyTo,
        /// What its items share.
        head: ReplyHead,
        /// The ends, one [`callboard_proto::message::ResultItem`] each; shared with the memory that
        /// keeps them for status.
        items: EncodedItems,
    },
    /// Send a `free`.
    Free {
        /// Where to: the reply subject of a message that was answered `busy` or named calls waiting.
        to: ReplyTo,
        /// What is free.
        free: Free,
    },
    /// Publish a beat.
    Beat(Beat),
    /// Nothing runs any more and the drain is complete: the process may go.
    Drained,
}
