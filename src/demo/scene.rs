//! What is played, and what is expected of it.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::cut::Moment;

/// A scene of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SceneName {
    /// A chain of three: each call needs the result of the one before.
    Chain,
    /// Three calls at once.
    FanOut,
    /// One lookup, three details at once, a synthesis.
    Mixed,
    /// Three at once, of which one never answers.
    Slow,
    /// Three at once, of which one fails.
    Failing,
    /// A write whose worker is lost, before and after it took effect.
    LostWrite,
}

impl SceneName {
    /// As it is typed.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::FanOut => "fan-out",
            Self::Mixed => "mixed",
            Self::Slow => "slow",
            Self::Failing => "failing",
            Self::LostWrite => "lost-write",
        }
    }
}

/// Runs that are played at the same time, each with workers and a shop of its own.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) name: SceneName,
    /// What it shows, in a sentence.
    pub(super) story: &'static str,
    pub(super) acts: &'static [Act],
    /// Time for each call.
    pub(super) call_deadline: Duration,
    /// Time that the timeline has room for.
    pub(super) span: Duration,
    /// Whether one call after the other would have made sense to compare with.
    pub(super) is_compared: bool,
}

/// One run of a scene.
#[derive(Debug)]
pub(super) struct Act {
    /// What is special about it among its scene's.
    pub(super) note: Option<&'static str>,
    /// What the run is asked to do.
    pub(super) task: &'static str,
    /// What answers in the model's place.
    pub(super) script: &'static str,
    /// The workers on stage.
    pub(super) workers: &'static [&'static str],
    /// When a worker's line is cut.
    pub(super) cut: Option<Moment>,
    /// Every call that is made, in order, and how it ends.
    pub(super) expected: &'static [Expected],
    /// Refunds that are in the shop's books in the end, whatever the model was told.
    pub(super) refunds: usize,
}

/// How a call is expected to end.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) call: &'static str,
    pub(super) tool: &'static str,
    pub(super) outcome: &'static str,
    pub(super) executed: &'static str,
}

const BOTH: &[&str] = &["stage-left", "stage-right"];

const fn completed(call: &'static str, tool: &'static str) -> Expected {
    Expected {
        call,
        tool,
        outcome: "completed",
        executed: "yes",
    }
}

/// For calls of 300 ms; chosen so that a busy machine passes, and the deadline is still in the picture.
const CALL_DEADLINE: Duration = Duration::from_millis(800);

/// All scenes, in the order in which they are played.
pub(crate) const SCENES: &[Scene] = &[
    Scene {
        name: SceneName::Chain,
        story: "each call needs the result of the one before, so nothing can be saved",
        acts: &[Act {
            note: None,
            task: "Where is the parcel of Jane Doe's latest order?",
            script: include_str!("scripts/chain.toml"),
            workers: BOTH,
            cut: None,
            expected: &[
                completed("customer", "find_customer"),
                completed("order", "list_orders"),
                completed("parcel", "shipping_status"),
            ],
            refunds: 0,
        }],
        call_deadline: CALL_DEADLINE,
        span: Duration::from_millis(1500),
        is_compared: true,
    },
    Scene {
        name: SceneName::FanOut,
        story: "three calls in one model response run at once",
        acts: &[Act {
            note: None,
            task: "What is the weather in Boston, London and Zürich?",
            script: include_str!("scripts/fan_out.toml"),
            workers: BOTH,
            cut: None,
            expected: &[
                completed("boston", "weather"),
                completed("london", "weather"),
                completed("zurich", "weather"),
            ],
            refunds: 0,
        }],
        call_deadline: CALL_DEADLINE,
        span: Duration::from_millis(900),
        is_compared: true,
    },
    Scene {
        name: SceneName::Mixed,
        story: "one lookup, then three details at once, then a synthesis",
        acts: &[Act {
            note: None,
            task: "Compare the last three orders of this customer.",
            script: include_str!("scripts/mixed.toml"),
            workers: BOTH,
            cut: None,
            expected: &[
                completed("orders", "list_orders"),
                completed("newest", "order_details"),
                completed("second", "order_details"),
                completed("third", "order_details"),
            ],
            refunds: 0,
        }],
        call_deadline: CALL_DEADLINE,
        span: Duration::from_millis(1200),
        is_compared: true,
    },
    Scene {
        name: SceneName::Slow,
        story: "one of three carriers never answers; the deadline ends that call and no other",
        acts: &[Act {
            note: None,
            task: "Where are the parcels of O-1040, O-1036 and O-1035?",
            script: include_str!("scripts/slow.toml"),
            workers: BOTH,
            cut: None,
            expected: &[
                completed("o-1040", "shipping_status"),
                Expected {
                    call: "o-1036",
                    tool: "shipping_status",
                    outcome: "timed_out",
                    executed: "yes",
                },
                completed("o-1035", "shipping_status"),
            ],
            refunds: 0,
        }],
        call_deadline: CALL_DEADLINE,
        span: Duration::from_millis(900),
        is_compared: true,
    },
    Scene {
        name: SceneName::Failing,
        story: "one of three calls fails; the other two results are not hidden by it",
        acts: &[Act {
            note: None,
            task: "What is the weather in Madrid, Atlantis and Osaka?",
            script: include_str!("scripts/failing.toml"),
            workers: BOTH,
            cut: None,
            expected: &[
                completed("madrid", "weather"),
                Expected {
                    call: "atlantis",
                    tool: "weather",
                    outcome: "tool_error",
                    executed: "yes",
                },
                completed("osaka", "weather"),
            ],
            refunds: 0,
        }],
        call_deadline: CALL_DEADLINE,
        span: Duration::from_millis(900),
        is_compared: true,
    },
    Scene {
        name: SceneName::LostWrite,
        story: "three writes, each in a shop of its own, whose worker's line is cut without farewell",
        acts: &[
            Act {
                note: Some(
                    "after-effect: cut when the refund is made, before the worker can say so",
                ),
                task: "Pay O-1034 back, the blade is chipped.",
                script: include_str!("scripts/after_effect.toml"),
                workers: BOTH,
                cut: Some(Moment::AfterEffect),
                expected: &[Expected {
                    call: "after-effect",
                    tool: "refund_order",
                    outcome: "worker_lost",
                    executed: "unknown",
                }],
                refunds: 1,
            },
            Act {
                note: Some("before-grant: cut before it may run; there is another worker"),
                task: "Pay O-1038 back, the kettle leaks.",
                script: include_str!("scripts/before_grant.toml"),
                workers: BOTH,
                cut: Some(Moment::BeforeGrant),
                expected: &[completed("before-grant", "refund_order")],
                refunds: 1,
            },
            Act {
                note: Some("nobody-else: cut before it may run; there is no other worker"),
                task: "Pay O-1042 back, one lamp is dark.",
                script: include_str!("scripts/nobody_else.toml"),
                workers: &["stage-left"],
                cut: Some(Moment::BeforeGrant),
                expected: &[Expected {
                    call: "nobody-else",
                    tool: "refund_order",
                    outcome: "no_worker",
                    executed: "no",
                }],
                refunds: 0,
            },
        ],
        // Longer than the lease of 3 s, which is looked at once a second.
        call_deadline: Duration::from_secs(6),
        span: Duration::from_millis(6500),
        is_compared: false,
    },
];

impl Scene {
    /// The scenes of these names, in playing order; all where none is named.
    pub(crate) fn chosen(names: &[SceneName]) -> impl Iterator<Item = &'static Self> {
        SCENES
            .iter()
            .filter(move |scene| names.is_empty() || names.contains(&scene.name))
    }

    pub(super) fn expected(&self) -> impl Iterator<Item = &'static Expected> {
        self.acts.iter().flat_map(|act| act.expected)
    }
}
