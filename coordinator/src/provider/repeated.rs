//! Ids that come again in a later turn, in the formats where a call can't be given another: what the model
//! wrote must be repeated there as it is, and a conversation in which two calls share an id is refused for ever.

use std::collections::BTreeMap;

use callboard_proto::{ToolUseId, Turn};

use super::error::ParseError;
use super::format::Format;
use crate::model::{Conversation, ToolUse};

/// The ids that the calls of a conversation have.
#[derive(Debug)]
pub(crate) struct TakenIds {
    format: Format,
    /// Empty in a format where ids are replaced.
    turns: BTreeMap<ToolUseId, Turn>,
}

impl TakenIds {
    pub(crate) fn of(format: Format, conversation: &Conversation) -> Self {
        let turns = match format {
            Format::Chat | Format::Gemini => BTreeMap::new(),
            Format::Anthropic | Format::Responses => conversation
                .exchanges
                .iter()
                .flat_map(|exchange| {
                    let calls = exchange.answer.calls.iter();
                    calls.map(|call| (call.id.clone(), exchange.turn))
                })
                .collect(),
        };
        Self { format, turns }
    }

    /// Whether a call can be answered in this conversation.
    pub(crate) fn check(&self, call: &ToolUse) -> Result<(), ParseError> {
        match self.turns.get(&call.id) {
            None => Ok(()),
            Some(turn) => Err(ParseError::RepeatedId {
                format: self.format,
                id: call.id.to_string(),
                turn: *turn,
            }),
        }
    }
}
