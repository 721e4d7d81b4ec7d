//! A question that a run asks its model.

use std::time::Duration;

use callboard_coordinator_core::run::Usage;
use tokio::time::Instant;

use super::{EarlyCalls, FailureDetails, ModelError, ToolUse};

/// A question that a run asks its model: what may be taken of the answer early, how long there is for it,
/// and what it has come to so far. The run keeps it when it no longer waits for the answer.
#[derive(Debug)]
pub struct Question {
    early: EarlyCalls,
    deadline: Option<Instant>,
    /// What responses used that came to nothing.
    discarded: Usage,
    /// What the response used that is being read.
    current: Option<Usage>,
    /// Why the same was asked again the last time, for people and for programs.
    failure: Option<(String, Option<FailureDetails>)>,
    /// Who is asked, and how far that is.
    standing: Option<String>,
}

impl Question {
    /// A question that is dropped at a deadline, if there is one.
    #[must_use]
    pub const fn new(early: EarlyCalls, deadline: Option<Instant>) -> Self {
        Self {
            early,
            deadline,
            discarded: Usage {
                input_tokens: 0,
                output_tokens: 0,
            },
            current: None,
            failure: None,
            standing: None,
        }
    }

    /// A question that takes nothing early and waits for ever.
    #[must_use]
    pub const fn plain() -> Self {
        Self::new(EarlyCalls::none(), None)
    }

    /// Offers a call that is surely whole while its response still streams; see [`EarlyCalls::offer`].
    pub fn offer(&mut self, call: ToolUse) {
        self.early.offer(call);
    }

    /// Calls that were taken; see [`EarlyCalls::taken`].
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.early.taken()
    }

    /// How long there is until the question is dropped; `None`: for ever.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The question was put; `standing` says to whom, and how far that is, for people.
    pub fn stands(&mut self, standing: String) {
        self.standing = Some(standing);
    }

    /// The response that is being read says that it used so much, so far.
    pub const fn uses(&mut self, usage: Usage) {
        self.current = Some(usage);
    }

    /// The response that is being read is the answer, which itself says what it used.
    pub fn is_answered(&mut self) {
        self.current = None;
        self.standing = None;
    }

    /// The response that was being read came to nothing, and the same is asked again. What it used is
    /// used all the same.
    pub fn is_asked_again(&mut self, failure: &ModelError) {
        self.came_to_nothing();
        self.failure = Some((failure.told(), failure.details()));
    }

    /// The response that was being read came to nothing.
    pub fn came_to_nothing(&mut self) {
        self.discarded.add(self.current.take().unwrap_or_default());
        self.standing = None;
    }

    /// What was used, in all, but for the answer.
    #[must_use]
    pub fn discarded(&self) -> Usage {
        let mut all = self.discarded;
        all.add(self.current.unwrap_or_default());
        all
    }

    /// How far it is, for people: who was still asked or answering, and why it was asked again, if it was.
    #[must_use]
    pub fn account(&self) -> Option<String> {
        let again = self.failure.as_ref();
        let again = again.map(|(failure, _)| format!("the model was being asked again: {failure}"));
        let accounts: Vec<String> = again.into_iter().chain(self.standing.clone()).collect();
        (!accounts.is_empty()).then(|| accounts.join("; "))
    }

    /// Why the question was asked again the last time, if it was.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_ref().map(|(failure, _)| failure.as_str())
    }

    /// The same for programs, where a provider failed.
    #[must_use]
    pub fn details(&self) -> Option<FailureDetails> {
        self.failure.as_ref()?.1.clone()
    }
}
