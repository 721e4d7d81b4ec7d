//! Where in its script a conversation stands.

use std::ops::Range;

use crate::answer::Asked;
use crate::conversation::History;
use crate::format::Format;
use crate::format::gemini::answer::continuation;
use crate::judge::Broken;
use crate::refusal::Refusal;
use crate::script::{Script, Stop, Turn};

/// The turns of each message that the assistant gives: more than one where it was paused, and the format goes on
/// within the same message.
pub(crate) fn messages(script: &Script, format: Format) -> Vec<Range<usize>> {
    let mut messages: Vec<Range<usize>> = Vec::new();
    for turn in 0..script.turns.len() {
        let goes_on = turn > 0 && script.turns[turn - 1].stop == Some(Stop::Pause);
        match messages.last_mut() {
            Some(last) if goes_on && format.continues_within() => last.end = turn + 1,
            Some(_) | None => messages.push(turn..turn + 1),
        }
    }
    messages
}

/// Where a conversation stands.
pub(crate) struct Position<'a> {
    pub(crate) turn: usize,
    pub(crate) spec: &'a Turn,
    /// Paused turns before it that belong to the same message.
    pub(crate) hop: usize,
}

impl<'a> Position<'a> {
    pub(crate) fn of(
        script: &'a Script,
        history: &History,
        format: Format,
        asked: &Asked,
    ) -> Result<Self, Box<Broken>> {
        let given = history.turns().count();
        let own = |message: String| Broken::new("script", Refusal::invalid(message));
        let message = given.checked_sub(script.foreign_turns).ok_or_else(|| {
            own(format!(
                "mock provider: the script says that {} assistant turns are foreign, and this conversation has only {given}.",
                script.foreign_turns
            ))
        })?;
        let turns = messages(script, format);
        let turns = turns.get(message).cloned().ok_or_else(|| {
            own(format!(
                "mock provider: the script has {} turns, and this conversation asks for number {}.",
                turns.len(),
                message + 1
            ))
        })?;
        let hop = match &asked.continuation {
            None => 0,
            Some(token) => {
                let seed = history.digest();
                let mut hops = 1..turns.len();
                hops.find(|hop| *token == continuation(seed, hop - 1))
                    .ok_or_else(|| {
                        let message = "mock provider: this continuationToken goes on from no answer to these contents.";
                        Broken::new("continuation", Refusal::invalid(message))
                    })?
            }
        };
        let turn = turns.start + hop;
        let spec = &script.turns[turn];
        Ok(Self { turn, spec, hop })
    }

    /// Checks how the conversation ends: as the turn expects it, and not with the assistant's own words.
    pub(crate) fn check_end(
        &self,
        script: &Script,
        history: &History,
        format: Format,
    ) -> Result<(), Box<Broken>> {
        let before = self.turn.checked_sub(1).map(|before| &script.turns[before]);
        let ends_with_assistant = history
            .turns()
            .last()
            .is_some_and(|(step, _)| step + 1 == history.steps.len());
        let is_paused = before.is_some_and(|turn| turn.stop == Some(Stop::Pause));
        if ends_with_assistant && !is_paused && format == Format::Anthropic {
            let message = "This model does not support assistant message prefill. The conversation must end with a user \
                           message.";
            return Err(Broken::new("prefill", Refusal::invalid(message)));
        }
        let text = history
            .last_results()
            .map(|results| results.text.as_str())
            .unwrap_or_default();
        match self
            .spec
            .expect
            .iter()
            .find(|expected| !text.contains(*expected))
        {
            None => Ok(()),
            Some(expected) => Err(Broken::new(
                "expect",
                Refusal::invalid(format!(
                    "mock provider: turn {} of the script expects {expected:?} in the results before it, and they say: \
                     {}",
                    self.turn + 1,
                    text.chars().take(500).collect::<String>()
                )),
            )),
        }
    }
}
