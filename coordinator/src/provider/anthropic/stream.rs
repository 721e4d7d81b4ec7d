//! Puts a streamed message together.

use std::collections::VecDeque;

use bytes::Bytes;
use callboard_coordinator_core::run::{Stop, Usage};
use serde_json::value::RawValue;

use super::block::Block;
use super::error::read_error;
use super::parse::{self, Seen, TOOL_USE};
use super::tokens::Tokens;
use crate::model::{ModelAnswer, ToolUse};
use crate::provider::StreamError;
use crate::provider::fields::Fields;
use crate::provider::sse::Event;

/// The block with which another model takes over from one that declined; the call before it may be cut off.
const FALLBACK: &str = "fallback";

/// Puts a streamed response together. After an error it takes nothing more.
///
/// The safe signal of a call is that the model has moved on from it: another block starts, or the
/// response stops for `tool_use`. A block's own end is none, for a response that is cut off ends its last
/// block, too. This is what the provider's own library goes by (`EagerToolCalls` of anthropic 2.12.0).
#[derive(Debug, Default)]
pub struct Assembler {
    has_begun: bool,
    /// The message's own id.
    id: Option<String>,
    blocks: Vec<Block>,
    /// Calls whose block hasn't ended.
    open_calls: usize,
    seen: Seen,
    tokens: Option<Tokens>,
    stop_reason: Option<String>,
    /// Position of the last call that ended, until the model has moved on from it.
    ended: Option<usize>,
    /// Whether no further call can be given before the response is whole.
    is_early_over: bool,
    sealed: VecDeque<ToolUse>,
    /// Bytes of blocks and of what was added to them.
    kept_bytes: usize,
    /// A delta whose meaning isn't known.
    unknown_delta: Option<String>,
}

impl Assembler {
    pub(in crate::provider) fn take(&mut self, event: &Event) -> Result<(), StreamError> {
        let Some((kind, data)) = read(event)? else {
            return Ok(());
        };
        let unreadable = |source| StreamError::Event {
            name: kind.clone(),
            source,
        };
        if self.is_whole() {
            return match kind.as_str() {
                "message_start" | "content_block_start" => Err(StreamError::Contradiction(
                    format!("a {kind} came after the response had ended"),
                )),
                _ => Ok(()),
            };
        }
        match kind.as_str() {
            "message_start" => {
                let message = data.object("message").map_err(unreadable)?;
                let id = message.some_text("id");
                // A proxy may say it again. With another id somebody has begun anew behind it.
                let is_same = id.is_some() && id == self.id;
                if std::mem::replace(&mut self.has_begun, true) && !is_same {
                    return Err(StreamError::Contradiction(
                        "a second message_start came before the first message had ended".to_owned(),
                    ));
                }
                self.id = id;
                self.count(message.get("usage"));
            }
            "content_block_start" => {
                let index = data.index().map_err(unreadable)?;
                let start = data.value("content_block").map_err(unreadable)?;
                self.kept_bytes += start.get().len();
                let block = Block::start(index, start).map_err(unreadable)?;
                self.start(block)?;
            }
            "content_block_delta" => {
                let index = data.index().map_err(unreadable)?;
                let delta = data.value("delta").map_err(unreadable)?;
                self.kept_bytes += delta.get().len();
                let block = self.open_block(index)?;
                let unknown = block.grow(delta).map_err(unreadable)?;
                self.unknown_delta = unknown.or(self.unknown_delta.take());
            }
            "content_block_stop" => {
                let index = data.index().map_err(unreadable)?;
                self.end(index);
            }
            "message_delta" => {
                let delta = data.object("delta").map_err(unreadable)?;
                self.count(data.get("usage"));
                let reason = delta.text("stop_reason").map_err(unreadable)?;
                if !reason.is_empty() {
                    self.stop(reason)?;
                }
            }
            "error" => {
                let error = read_error(event.data.as_bytes());
                return Err(StreamError::Provider(Box::new(error)));
            }
            // `message_stop` says nothing that the reason to stop hasn't said, `ping` nothing at all.
            _ => {}
        }
        Ok(())
    }

    pub(in crate::provider) fn poll_sealed(&mut self) -> Option<ToolUse> {
        self.sealed.pop_front()
    }

    pub(in crate::provider) fn is_whole(&self) -> bool {
        self.stop_reason.is_some()
    }

    pub(in crate::provider) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    pub(in crate::provider) fn usage(&self) -> Option<Usage> {
        self.tokens.map(Tokens::usage)
    }

    pub(in crate::provider) fn finish(self) -> Result<ModelAnswer, StreamError> {
        let Some(stop_reason) = self.stop_reason else {
            return Err(StreamError::Cut);
        };
        let blocks: Vec<String> = self.blocks.iter().map(Block::json).collect();
        let raw = Bytes::from(format!("[{}]", blocks.join(",")));
        let content: &RawValue =
            serde_json::from_slice(&raw).expect("a list of what is JSON is JSON");
        let usage = self.tokens.map(Tokens::usage);
        let mut answer = parse::answer(&raw, content, stop_reason, usage)?;
        let calls = self.blocks.iter().filter(|block| block.is_call());
        for (call, block) in std::iter::zip(&mut answer.calls, calls) {
            if let Some(broken) = block.broken_input() {
                call.arguments = broken;
            }
        }
        match self.unknown_delta {
            // A block that isn't whole may end a conversation, but can't be repeated in one.
            Some(delta) if matches!(answer.stop, Stop::Calls | Stop::Paused) => {
                Err(StreamError::Unknown { delta })
            }
            Some(_) | None => Ok(answer),
        }
    }

    fn start(&mut self, block: Block) -> Result<(), StreamError> {
        if !self.has_begun {
            return Err(StreamError::Contradiction(
                "a content block came before its message".to_owned(),
            ));
        }
        if let Some(last) = self.blocks.last()
            && block.index <= last.index
        {
            return Err(StreamError::Contradiction(format!(
                "content block {} came after content block {}",
                block.index, last.index
            )));
        }
        if block.is_call() {
            let call = block.call()?;
            self.seen.take(&call.id, block.index)?;
        }
        // Calls are given in their order: one that isn't at its end when the next block starts can't be
        // given before the response is whole, so no later one can.
        if self.open_calls > 0 || block.block_type == FALLBACK {
            self.is_early_over = true;
        }
        self.move_on()?;
        self.open_calls += usize::from(block.is_call());
        self.blocks.push(block);
        Ok(())
    }

    fn end(&mut self, index: usize) {
        let Some(at) = self.position(index) else {
            return;
        };
        let block = &mut self.blocks[at];
        if block.is_call() && !block.is_closed {
            self.ended = Some(at);
            self.open_calls -= 1;
        }
        block.is_closed = true;
    }

    fn stop(&mut self, reason: String) -> Result<(), StreamError> {
        if reason == TOOL_USE {
            self.move_on()?;
        }
        self.stop_reason = Some(reason);
        Ok(())
    }

    fn move_on(&mut self) -> Result<(), StreamError> {
        let ended = self.ended.take();
        if let Some(at) = ended.filter(|_| !self.is_early_over) {
            self.sealed.push_back(self.blocks[at].call()?);
        }
        Ok(())
    }

    fn open_block(&mut self, index: usize) -> Result<&mut Block, StreamError> {
        let at = self.position(index);
        at.map(|at| &mut self.blocks[at])
            .filter(|block| !block.is_closed)
            .ok_or_else(|| {
                StreamError::Contradiction(format!(
                    "more came of content block {index}, which isn't open"
                ))
            })
    }

    /// Where the block of this index is: blocks start in order.
    fn position(&self, index: usize) -> Option<usize> {
        self.blocks
            .binary_search_by_key(&index, |block| block.index)
            .ok()
    }

    fn count(&mut self, usage: Option<&RawValue>) {
        if let Some(tokens) = usage.and_then(Tokens::read) {
            self.tokens.get_or_insert_default().update(tokens);
        }
    }
}

/// An event's type and fields; nothing for one that is none of the format's.
fn read(event: &Event) -> Result<Option<(String, Fields<'_>)>, StreamError> {
    match Fields::read(&event.data) {
        Ok(data) => {
            let kind = data
                .text("type")
                .ok()
                .filter(|kind| !kind.is_empty())
                .unwrap_or_else(|| event.name.clone());
            Ok(Some((kind, data)))
        }
        Err(source) if is_known(&event.name) && event.data.trim() != "[DONE]" => {
            Err(StreamError::Event {
                name: event.name.clone(),
                source,
            })
        }
        // What a gateway adds of its own.
        Err(_) => Ok(None),
    }
}

fn is_known(name: &str) -> bool {
    matches!(
        name,
        "" | "message_start"
            | "content_block_start"
            | "content_block_delta"
            | "content_block_stop"
            | "message_delta"
            | "error"
    )
}
