//! The files, as they are read.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What the scenario is for; people read it.
    #[serde(rename = "shows")]
    _shows: String,
    pub(crate) worker: Worker,
    pub(crate) tools: BTreeMap<String, Tool>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    pub(crate) instance: String,
    pub(crate) slots: u32,
    pub(crate) results_bytes_max: Option<usize>,
    pub(crate) tombstones_max: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    pub(crate) digest: String,
    pub(crate) effect: String,
    pub(crate) slots: Option<NonZeroU32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) at_ms: u64,
    #[serde(default)]
    pub(crate) hears: Vec<Hear>,
    #[serde(default)]
    pub(crate) says: Vec<Says>,
    pub(crate) beat: Option<Beat>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hear {
    Message(Message),
    Finished(Finished),
    Drain(Drain),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) kind: String,
    /// `coordinator/token`: where the answer goes.
    pub(crate) reply: String,
    /// The instance that the head names; none where it names none.
    pub(crate) instance: Option<String>,
    pub(crate) seen: Option<u64>,
    #[serde(default)]
    pub(crate) waiting: u32,
    pub(crate) items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    pub(crate) of: String,
    pub(crate) tool: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) effect: Option<String>,
    pub(crate) budget_ms: Option<u64>,
    pub(crate) arguments: Option<String>,
    pub(crate) grant: Option<String>,
    pub(crate) seen: Option<u64>,
    #[serde(default)]
    pub(crate) bad: Bad,
}

/// Whether an item can be decoded.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bad {
    #[default]
    No,
    /// Only its `of` can.
    ButOf,
    /// Nothing of it can.
    All,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finished {
    pub(crate) of: String,
    pub(crate) end: End,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drain {
    pub(crate) grace_ms: u64,
}

/// How an attempt ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    pub(crate) completed: Option<String>,
    pub(crate) failed: Option<String>,
    pub(crate) executed: Option<String>,
}

/// One thing that a worker says, or does with its tools.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Says {
    Start(String),
    Stop(Stop),
    Ack(Ack),
    Result(Results),
    Free(Free),
    Refusal(Refusal),
    Drained(bool),
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    pub(crate) of: String,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ack {
    pub(crate) to: String,
    pub(crate) items: Vec<State>,
    #[serde(default)]
    pub(crate) bad: Vec<u32>,
    pub(crate) free: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) of: String,
    pub(crate) state: String,
    pub(crate) grant: Option<String>,
    #[serde(default)]
    pub(crate) tool_full: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    pub(crate) to: String,
    pub(crate) items: Vec<Ended>,
    pub(crate) free: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ended {
    pub(crate) of: String,
    pub(crate) end: End,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Free {
    pub(crate) to: String,
    pub(crate) free: u32,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    pub(crate) to: String,
    pub(crate) code: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beat {
    pub(crate) seq: Option<u64>,
    pub(crate) free: Option<u32>,
    pub(crate) slots: Option<u32>,
    pub(crate) draining: Option<bool>,
}

fn fits<T: PartialEq>(expected: &Option<T>, found: &Option<T>) -> bool {
    expected.is_none() || expected == found
}

impl Beat {
    /// Whether a beat has all that is expected of it.
    pub(crate) fn fits(&self, found: &Self) -> bool {
        fits(&self.seq, &found.seq)
            && fits(&self.free, &found.free)
            && fits(&self.slots, &found.slots)
            && fits(&self.draining, &found.draining)
    }
}

impl Says {
    /// Whether something said has all that is expected of it; what isn't expected may be anything.
    pub(crate) fn fits(&self, found: &Self) -> bool {
        match (self, found) {
            (Self::Ack(expected), Self::Ack(found)) => {
                expected.to == found.to
                    && expected.bad == found.bad
                    && fits(&expected.free, &found.free)
                    && expected.items.len() == found.items.len()
                    && expected
                        .items
                        .iter()
                        .zip(&found.items)
                        .all(|(expected, found)| {
                            expected.of == found.of
                                && expected.state == found.state
                                && fits(&expected.grant, &found.grant)
                        })
            }
            (Self::Result(expected), Self::Result(found)) => {
                expected.to == found.to
                    && expected.items == found.items
                    && fits(&expected.free, &found.free)
            }
            (expected, found) => expected == found,
        }
    }
}
