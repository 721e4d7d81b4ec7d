//! What the driver says to the processes that it measures: one JSON value per line, one answer each.

use serde::{Deserialize, Serialize};

/// What a call executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Answers at once; a `read`.
    Read,
    /// Answers at once; a `write`, so that each call is granted.
    Write,
    /// Sleeps 5 ms; a `read`.
    Sleep5,
    /// Sleeps 300 ms; a `read`.
    Sleep300,
    /// Answers when the worker's process is told to let go; a `read`.
    Held,
}

/// What a measured coordinator can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Posts `calls` calls at once and gathers them, `repeats` times; [`Answer::Samples`].
    FanOut {
        /// Calls of one fan-out.
        calls: u32,
        /// Fan-outs, one after the other; a sample each.
        repeats: u32,
        /// What each call executes.
        tool: Tool,
    },
    /// Posts a call when the one before it is gathered; [`Answer::Samples`] with one sample.
    Chain {
        /// Calls, one after the other.
        calls: u32,
        /// What each call executes.
        tool: Tool,
    },
    /// Keeps calls in flight for a while; [`Answer::Sustained`].
    Sustained(Load),
    /// Opens calls and answers [`Answer::Done`] without waiting for their results.
    Open {
        /// Calls to open.
        calls: u32,
        /// Calls of one turn, where the side has turns.
        turn_calls: u32,
        /// What each call executes.
        tool: Tool,
    },
    /// Waits for the results of what [`Command::Open`] opened; [`Answer::Gathered`].
    Gather,
    /// Asks a worker what it executed since the last question; [`Answer::Log`].
    TakeLog,
    /// Asks a collector how many spans came since the last question; [`Answer::Spans`].
    TakeSpans,
    /// Lets the calls of [`Tool::Held`] answer; [`Answer::Done`].
    LetGo,
}

/// A sustained load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Calls in flight at once, over all turns.
    pub in_flight: u32,
    /// Turns at once, where the side has turns; each holds `in_flight / turns` calls.
    pub turns: u32,
    /// Time after which nothing new is posted, in milliseconds.
    pub millis: u64,
    /// What each call executes.
    pub tool: Tool,
}

/// What a measured process answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The process has started and can be measured.
    Ready,
    /// It is done.
    Done,
    /// How long each repetition took, in nanoseconds.
    Samples(Vec<u64>),
    /// What a sustained load came to.
    Sustained(Sustained),
    /// How the opened calls ended.
    Gathered {
        /// Calls that completed.
        completed: u64,
        /// Calls that did not.
        failed: u64,
        /// From opening the first to the last result, in nanoseconds.
        nanos: u64,
    },
    /// What a worker executed.
    Log(Vec<Execution>),
    /// Spans that came to a collector.
    Spans(u64),
    /// It could not be done.
    Failed(String),
}

/// What a sustained load came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sustained {
    /// Calls that completed.
    pub calls: u64,
    /// From the first post to the last result, in nanoseconds.
    pub nanos: u64,
}

/// One execution of a tool, as the worker's process saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Which coordinator's call it was: the number in its arguments.
    pub from: u32,
    /// When it began, in nanoseconds after the worker's process began.
    pub began_nanos: u64,
    /// When it ended, likewise.
    pub ended_nanos: u64,
}
