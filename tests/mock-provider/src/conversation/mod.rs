//! A conversation as every format tells it: what the assistant said, what came back, in which order.

pub(crate) mod echo;
pub(crate) mod memory;
pub(crate) mod rules;
mod violation;

use crate::digest::Digest;

pub(crate) use violation::{Place, Violation};

/// The history that a request carries.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// What must not change as long as the conversation lasts: instructions and tools.
    pub(crate) fixed: String,
    pub(crate) steps: Vec<Step>,
}

/// One side's say: a message, or as many as the format needs for it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The position of its (first) message.
    pub(crate) at: usize,
    /// All of it, in one form.
    pub(crate) canonical: String,
    pub(crate) kind: StepKind,
}

#[derive(Clone, Debug)]
pub(crate) enum StepKind {
    /// The user's words, or instructions.
    Input,
    /// The assistant's turn.
    Assistant(Vec<Spoken>),
    /// What calls have come to.
    Results(Results),
}

/// A part of an assistant's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) at: Place,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Text(String),
    /// Without a signature, it needn't come back.
    Thinking {
        text: String,
        signature: Option<String>,
    },
    Call(Call),
    /// Whatever a client only passes on.
    Opaque(String),
}

/// A call as history tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: Option<String>,
    pub(crate) tool: String,
    pub(crate) arguments: Arguments,
    pub(crate) signature: Option<String>,
    /// Everything else about it, in one form.
    pub(crate) rest: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// An object, in one form.
    Object(String),
    /// The model's own text.
    Text(String),
}

/// Results that belong together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) results: Vec<CallResult>,
    /// Whether something else comes before the first of them.
    pub(crate) preceded: bool,
    /// All their text, for what a script expects.
    pub(crate) text: String,
}

#[derive(Clone, Debug)]
pub(crate) struct CallResult {
    pub(crate) at: Place,
    pub(crate) id: Option<String>,
    /// The tool's name, where the format repeats it.
    pub(crate) tool: Option<String>,
}

impl History {
    /// Positions of the assistant's turns among the steps.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (usize, &[Spoken])> {
        self.steps
            .iter()
            .enumerate()
            .filter_map(|(index, step)| match &step.kind {
                StepKind::Assistant(spoken) => Some((index, spoken.as_slice())),
                StepKind::Input | StepKind::Results(_) => None,
            })
    }

    /// A digest of all that comes before a step.
    pub(crate) fn digest_before(&self, step: usize) -> Digest {
        let steps = self.steps.iter().take(step);
        Digest::of(
            std::iter::once(self.fixed.as_str()).chain(steps.map(|step| step.canonical.as_str())),
        )
    }

    /// A digest of all of it.
    pub(crate) fn digest(&self) -> Digest {
        self.digest_before(self.steps.len())
    }

    /// What tells this conversation from others: its format, and its first user message.
    pub(crate) fn key(&self, format: &str) -> Digest {
        let first = self
            .steps
            .iter()
            .find(|step| matches!(step.kind, StepKind::Input));
        Digest::of(std::iter::once(format).chain(first.map(|step| step.canonical.as_str())))
    }

    /// The results at the end, if that is what it ends with.
    pub(crate) fn last_results(&self) -> Option<&Results> {
        self.steps
            .iter()
            .rev()
            .take_while(|step| !matches!(step.kind, StepKind::Assistant(_)))
            .find_map(|step| match &step.kind {
                StepKind::Results(results) => Some(results),
                StepKind::Input | StepKind::Assistant(_) => None,
            })
    }
}

/// The calls among what was said.
pub(crate) fn calls(spoken: &[Spoken]) -> impl Iterator<Item = (Place, &Call)> {
    spoken.iter().filter_map(|spoken| match &spoken.what {
        What::Call(call) => Some((spoken.at, call)),
        What::Text(_) | What::Thinking { .. } | What::Opaque(_) => None,
    })
}

/// Joins texts, and thoughts, that a stream has parted.
pub(crate) fn merged(spoken: Vec<Spoken>) -> Vec<Spoken> {
    let mut all: Vec<Spoken> = Vec::new();
    for next in spoken {
        match (all.last_mut().map(|last| &mut last.what), &next.what) {
            (Some(What::Text(text)), What::Text(more)) => text.push_str(more),
            (Some(What::Thinking { text, .. }), What::Thinking { text: more, .. }) => {
                text.push_str(more);
            }
            _ => all.push(next),
        }
    }
    all
}
