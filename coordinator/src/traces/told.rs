//! What is told, until it is written down.

use std::time::{Duration, Instant};

use callboard_coordinator_core::EventKind;
use callboard_coordinator_core::run::Usage;
use callboard_proto::{RunId, ToolUseId, Turn};
use callboard_telemetry::{Clock, OpenSpan};

/// One thing that happened in a run that is recorded.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) run: RunId,
    pub(super) at: Instant,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    Began(Box<Began>),
    Asked {
        turn: Turn,
    },
    Answered(Box<Answered>),
    Failed {
        turn: Turn,
    },
    Opened {
        turn: Turn,
        time: Duration,
    },
    Call {
        turn: Turn,
        id: ToolUseId,
        kind: EventKind,
    },
    Reported {
        turn: Turn,
        stopped: &'static str,
        elapsed: Duration,
        calls: usize,
        /// What the tools answered, where that is captured.
        results: Vec<(ToolUseId, String)>,
    },
    Ended {
        reason: &'static str,
        is_error: bool,
    },
}

/// A run, or somebody else's turn, began.
#[derive(Debug)]
pub(super) struct Began {
    pub(super) root: OpenSpan,
    pub(super) clock: Clock,
    pub(super) model: String,
    pub(super) provider: Option<String>,
}

/// The model answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) turn: Turn,
    pub(super) calls: usize,
    pub(super) stop_reason: String,
    pub(super) usage: Option<Usage>,
    /// What the tools are given, where that is captured.
    pub(super) arguments: Vec<(ToolUseId, String)>,
}
