//! A history that can be broken in one place.

use callboard_mock_provider::{Format, Mock};
use serde_json::Value;

use crate::talk::{Called, Talk, mock};

pub(crate) const SCRIPT: &str = r#"
[[turn]]
thinking = "Three things."
text = "I'll look."
[[turn.call]]
tool = "look"
arguments = { path = "a" }
[[turn.call]]
tool = "wait"
[[turn.call]]
tool = "look"
arguments = { path = "c" }
[[turn]]
text = "Done."
"#;

/// A history after the first turn, with its good results, to be broken.
pub(crate) struct Broken {
    pub(crate) talk: Talk,
    pub(crate) calls: Vec<Called>,
    /// Where the first of the assistant's messages, items or contents is.
    pub(crate) assistant: usize,
    /// Where the first of the results is.
    pub(crate) results: usize,
}

impl Broken {
    pub(crate) async fn new(format: Format, mock: &Mock) -> Self {
        let mut talk = Talk::new(format);
        let assistant = talk.history.len();
        let calls = talk.turn(mock).await;
        let results = talk.history.len();
        talk.answer(&calls);
        Self {
            talk,
            calls,
            assistant,
            results,
        }
    }

    /// The list that holds the results, and where in it they begin.
    pub(crate) fn results(&mut self) -> (&mut Vec<Value>, usize) {
        let at = self.results;
        let key = match self.talk.format {
            Format::Anthropic => "content",
            Format::Gemini => "parts",
            Format::Chat | Format::Responses => return (&mut self.talk.history, at),
        };
        (self.talk.history[at][key].as_array_mut().unwrap(), 0)
    }

    /// The part of the assistant's turn that is a call.
    pub(crate) fn call(&mut self, index: usize) -> &mut Value {
        let at = self.assistant;
        match self.talk.format {
            // Thinking and text come first.
            Format::Anthropic => &mut self.talk.history[at]["content"][2 + index],
            Format::Gemini => &mut self.talk.history[at]["parts"][2 + index],
            Format::Chat => &mut self.talk.history[at]["tool_calls"][index],
            Format::Responses => &mut self.talk.history[at + 2 + index],
        }
    }

    pub(crate) fn thinking(&mut self) -> &mut Value {
        let at = self.assistant;
        match self.talk.format {
            Format::Anthropic => &mut self.talk.history[at]["content"][0],
            Format::Gemini => &mut self.talk.history[at]["parts"][0],
            Format::Chat => &mut self.talk.history[at],
            Format::Responses => &mut self.talk.history[at],
        }
    }
}

pub(crate) type Break = fn(&mut Broken);

/// Breaks a good history, and expects the rule and the words.
pub(crate) async fn fires(format: Format, name: &str, broken: Break, rule: &str, words: &str) {
    let mock = mock(SCRIPT).await;
    let mut history = Broken::new(format, &mock).await;
    broken(&mut history);
    let reply = history.talk.ask(&mock).await;
    let last = mock.requests().pop().unwrap();
    let case = format!("{format}: {name}: {}", reply.text());
    assert_eq!(last.rule, Some(rule), "{case}");
    assert_eq!(last.status, Some(400), "{case}");
    assert!(last.refusal.unwrap().contains(words), "{case}");
    assert_eq!(reply.status, 400);
}
