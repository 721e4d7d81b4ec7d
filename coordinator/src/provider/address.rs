//! The ids by which results find their calls, in the formats where a call may be given another.
//!
//! Each call needs an id that no other call of the conversation has, and a result that repeats it. What
//! keeps to that is repeated to the byte. Where an id is left out that the format wants, or is given twice,
//! one is made up and written into both the call and its result before either is first sent.

use std::collections::BTreeSet;

use callboard_proto::ToolUseId;
use data_encoding::BASE32;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::edit::{Edit, edited};
use super::fields::literal;
use super::ids::Ids;
use crate::model::{Exchange, Reply, ToolUse};

/// Characters of an id that is made up. Mistral's templates take letters and digits, nine of them, and
/// nothing else; all other servers take that, too.
const ID_CHARACTERS: usize = 9;

/// The ids of one message so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    ids: Ids,
    taken: BTreeSet<String>,
}

/// How one call is named.
#[derive(Debug)]
pub(super) struct Address {
    /// Within Callboard.
    pub(super) id: ToolUseId,
    /// Towards the provider; `None` where its format does without.
    pub(super) wire: Option<String>,
    /// Whether the call's own id must give way to it.
    pub(super) is_new: bool,
}

impl Addresses {
    /// Names the message's next call, in a format where each has an id.
    pub(super) fn next(&mut self, own: Option<&str>, name: &str, arguments: &[u8]) -> Address {
        let own = own.filter(|own| !own.is_empty());
        let id = self.ids.next(own);
        let (wire, is_new) = match own.filter(|own| !self.taken.contains(*own)) {
            Some(own) => (own.to_owned(), false),
            None => {
                let position = self.taken.len();
                let wire = made_up(
                    &self.taken,
                    &[&position.to_be_bytes(), name.as_bytes(), arguments],
                );
                (wire, true)
            }
        };
        self.taken.insert(wire.clone());
        Address {
            id,
            wire: Some(wire),
            is_new,
        }
    }

    /// Names the message's next call, in a format where one without an id stays without.
    pub(super) fn next_if_named(
        &mut self,
        own: Option<&str>,
        name: &str,
        arguments: &[u8],
    ) -> Address {
        if own.is_some_and(|own| !own.is_empty()) {
            return self.next(own, name, arguments);
        }
        Address {
            id: self.ids.next(None),
            wire: None,
            is_new: false,
        }
    }
}

impl Address {
    /// How the call's result is addressed where the [`ToolUse::id`] is the address but for exceptions.
    pub(super) fn reply(&self) -> Reply {
        let wire = self.wire.as_ref();
        Reply {
            id: wire.filter(|wire| *wire != self.id.as_str()).cloned(),
            is_made_up: self.is_new,
            ..Reply::default()
        }
    }
}

/// An id that isn't taken, the same for the same seed: a response that streams and one that doesn't get
/// the same, and so does a request that is made again.
fn made_up(taken: &BTreeSet<String>, seed: &[&[u8]]) -> String {
    (0_u32..)
        .map(|attempt| {
            let mut hash = Sha256::new();
            hash.update(attempt.to_be_bytes());
            for piece in seed {
                hash.update(piece.len().to_be_bytes());
                hash.update(piece);
            }
            let mut id = format!("c{}", BASE32.encode(&hash.finalize()).to_ascii_lowercase());
            id.truncate(ID_CHARACTERS);
            id
        })
        .find(|id| !taken.contains(id))
        .expect("a conversation has fewer calls than there are ids")
}

/// How a format names its calls.
#[derive(Clone, Copy)]
pub(super) struct Naming {
    /// The id that the provider knows a call by, if by any.
    pub(super) wire: for<'a> fn(&'a ToolUse) -> Option<&'a str>,
    /// The objects of a message that hold the ids of its calls, in call order.
    pub(super) calls: for<'a> fn(&'a str) -> Option<Vec<&'a RawValue>>,
}

impl Naming {
    /// An exchange as it is sent: some servers begin to count anew in each response, so the ids that earlier
    /// turns took are replaced. `None`: it may be sent as it is.
    pub(super) fn unique_among(
        self,
        taken: &mut BTreeSet<String>,
        exchange: &Exchange,
    ) -> Option<(Box<RawValue>, Vec<ToolUse>)> {
        let answer = &exchange.answer;
        let is_taken = |call: &ToolUse| (self.wire)(call).is_some_and(|id| taken.contains(id));
        let colliding: Vec<usize> = answer
            .calls
            .iter()
            .enumerate()
            .filter_map(|(position, call)| is_taken(call).then_some(position))
            .collect();
        let own = answer.calls.iter().filter_map(self.wire);
        taken.extend(own.map(str::to_owned));
        if colliding.is_empty() {
            return None;
        }
        let mut calls = answer.calls.clone();
        let mut ids = Vec::new();
        for position in colliding {
            let turn = exchange.turn.0.to_be_bytes();
            let old = (self.wire)(&calls[position]).unwrap_or_default().as_bytes();
            let id = made_up(taken, &[&turn, &position.to_be_bytes(), old]);
            taken.insert(id.clone());
            calls[position].reply.id = Some(id.clone());
            ids.push((position, id));
        }
        let echo = answer.echo.first()?;
        Some((self.with_ids(echo.get(), &ids), calls))
    }

    /// A message with other ids for some of its calls, by their position; every other byte stays.
    pub(super) fn with_ids(self, message: &str, ids: &[(usize, String)]) -> Box<RawValue> {
        let calls = if ids.is_empty() {
            Vec::new()
        } else {
            (self.calls)(message).unwrap_or_default()
        };
        let edits = ids
            .iter()
            .filter_map(|(position, id)| {
                Edit::member(message, calls.get(*position)?, "id", literal(id))
            })
            .collect();
        edited(message, edits)
    }
}
