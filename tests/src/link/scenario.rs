//! The format of a scenario: JSON, with labels for parties and tokens, so that a link in another
//! language can be played against the same files. `tests/scenarios/link/README.md` explains it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub shows: String,
    /// Which adapters can play it; absent: all.
    #[serde(default)]
    pub adapters: Option<Vec<String>>,
    /// Labels of the coordinators.
    pub coordinators: Vec<String>,
    /// Labels of the workers, each with its tools.
    #[serde(default)]
    pub workers: BTreeMap<String, Vec<String>>,
    /// What happens, in order.
    pub(super) steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// A coordinator sends to an instance.
    Send {
        from: String,
        to: String,
        kind: String,
        token: String,
        #[serde(default)]
        body: Body,
    },
    /// A worker answers.
    Reply {
        from: String,
        to: String,
        kind: String,
        token: String,
        #[serde(default)]
        body: Body,
    },
    /// A worker beats.
    Beat { from: String, seq: u64 },
    /// A coordinator speaks to itself.
    Echo { from: String, seq: u64 },
    /// A coordinator asks who is there.
    Discover { from: String },
    /// A stranger publishes; `{instance:w}`, `{coordinator:c}` and `{token:t}` in subjects stand for
    /// the ids of those labels.
    Publish {
        subject: String,
        #[serde(default)]
        reply: Option<String>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: Body,
    },
    /// A party's line is cut, and stays so.
    Cut { party: String },
    /// A party's line is mended.
    Heal { party: String },
    /// A party hears exactly this next, of all that comes the same way.
    Hears { party: String, what: What },
}

/// A message's body.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Body {
    /// This text.
    Text(String),
    /// As many bytes as the sender's link takes, and this many more.
    BeyondMax { bytes_beyond_max: usize },
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// What a party hears.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum What {
    /// A worker: a message.
    Request {
        kind: String,
        reply: Option<ReplyTo>,
        #[serde(default)]
        body: Body,
    },
    /// A coordinator: an answer.
    Answer {
        kind: String,
        token: String,
        #[serde(default)]
        body: Body,
    },
    /// A coordinator: a message did not arrive.
    Undelivered { token: String, why: String },
    /// A coordinator: a beat.
    Beat { of: String, seq: u64 },
    /// A coordinator: announcements, in any order.
    Announcements { of: Vec<String> },
    /// A coordinator: its echo.
    Echo { seq: u64 },
    /// Something unreadable; a worker says with which code it is refused, and to whom.
    Unreadable {
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        reply: Option<ReplyTo>,
    },
    /// The line went down.
    Down {},
    /// The line came up.
    Up {},
}

/// Where an answer goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyTo {
    pub(super) coordinator: String,
    pub(super) token: String,
}
