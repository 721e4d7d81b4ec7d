//! What `execute` is fed, and what it must answer.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

/// An assistant message with calls.
#[derive(Debug, Clone, Default)]
pub struct Message {
    blocks: Vec<Value>,
    ids: Vec<String>,
}

impl Message {
    /// A message without calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a call.
    #[must_use]
    pub fn call(mut self, id: &str, tool: &str, input: &Value) -> Self {
        self.blocks
            .push(json!({"type": "tool_use", "id": id, "name": tool, "input": input}));
        self.ids.push(id.to_owned());
        self
    }

    /// The ids of its calls, in order.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The message as the provider would have sent it.
    #[must_use]
    pub fn json(&self) -> String {
        json!({"role": "assistant", "content": self.blocks, "stop_reason": "tool_use"}).to_string()
    }
}

/// One result as the provider would read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call that it answers.
    pub id: String,
    /// Its text blocks, joined.
    pub text: String,
    /// Whether it says that the call went wrong.
    pub is_error: bool,
}

/// The one message with all results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results(Vec<ToolResult>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    role: String,
    content: Vec<WireResult>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireResult {
    #[serde(rename = "type")]
    block_type: String,
    tool_use_id: String,
    #[serde(default)]
    content: Vec<WireText>,
    #[serde(default)]
    is_error: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireText {
    #[serde(rename = "type")]
    block_type: String,
    text: String,
}

impl Results {
    /// Reads the user message; whatever the provider would not take is refused.
    ///
    /// # Errors
    /// It isn't one user message of `tool_result` blocks of text.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let wire: Wire = serde_json::from_str(text)
            .with_context(|| format!("no message with results: {text:?}"))?;
        ensure!(wire.role == "user", "the role is {:?}", wire.role);
        let mut results = Vec::with_capacity(wire.content.len());
        for block in wire.content {
            ensure!(block.block_type == "tool_result", "{}", block.block_type);
            let mut text = String::new();
            for part in &block.content {
                ensure!(part.block_type == "text", "{}", part.block_type);
                write!(text, "{}", part.text)?;
            }
            results.push(ToolResult {
                id: block.tool_use_id,
                text,
                is_error: block.is_error,
            });
        }
        Ok(Self(results))
    }

    /// Reads the results of `message`: exactly one for each of its calls, in its order.
    ///
    /// # Errors
    /// As [`Results::read`]; also when a result is missing, doubled or out of order.
    pub fn of(message: &Message, text: &str) -> anyhow::Result<Self> {
        let results = Self::read(text)?;
        let ids: Vec<&str> = results.0.iter().map(|result| result.id.as_str()).collect();
        ensure!(
            ids == message.ids(),
            "results {ids:?} for the calls {:?}",
            message.ids()
        );
        Ok(results)
    }

    /// The results, in order.
    #[must_use]
    pub fn all(&self) -> &[ToolResult] {
        &self.0
    }

    /// The result of one call.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, id: &str) -> anyhow::Result<&ToolResult> {
        let found = self.0.iter().find(|result| result.id == id);
        found.with_context(|| format!("no result for {id}"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn only_all_results_in_order_will_do() {
        let message = Message::new()
            .call("a", "echo", &json!({}))
            .call("b", "echo", &json!({}));
        let text = |ids: &[&str]| {
            let content: Vec<Value> = ids
                .iter()
                .map(|id| json!({"type": "tool_result", "tool_use_id": id}))
                .collect();
            json!({"role": "user", "content": content}).to_string()
        };
        let results = Results::of(&message, &text(&["a", "b"])).unwrap();
        assert_eq!(results.get("b").unwrap().text, "");
        for ids in [&["a"][..], &["b", "a"], &["a", "b", "b"], &[]] {
            assert!(Results::of(&message, &text(ids)).is_err(), "{ids:?}");
        }
        assert!(Results::read(r#"{"role":"assistant","content":[]}"#).is_err());
        assert!(Results::read("").is_err());
    }
}
