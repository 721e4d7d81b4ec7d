//! The ids by which results find their calls.
//!
//! Each call needs an id that no other call of the conversation has, and a `tool` message that repeats
//! it. Servers that keep to that are repeated to the byte. Where one leaves an id out, or gives one
//! twice, an id is made up and written into both the call and its result before either is first sent.

use std::collections::BTreeSet;
use std::ops::Range;

use callboard_proto::ToolUseId;
use data_encoding::BASE32;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::model::{Exchange, Reply, ToolUse};
use crate::provider::fields::{Fields, list, literal};
use crate::provider::ids::Ids;

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
    /// Towards the provider.
    pub(super) wire: String,
    /// Whether the call's own id must give way to it.
    pub(super) is_new: bool,
}

impl Addresses {
    /// Names the message's next call.
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
        Address { id, wire, is_new }
    }
}

impl Address {
    /// How the call's result is addressed.
    pub(super) fn reply(&self) -> Reply {
        Reply {
            id: (self.wire != self.id.as_str()).then(|| self.wire.clone()),
            ..Reply::default()
        }
    }
}

/// The id that the provider knows a call by.
pub(super) fn wire(call: &ToolUse) -> &str {
    call.reply.id.as_deref().unwrap_or(call.id.as_str())
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

/// An exchange as it is sent: some servers begin to count anew in each response, so the ids that earlier
/// turns took are replaced. `None`: it may be sent as it is.
pub(super) fn unique_among(
    taken: &mut BTreeSet<String>,
    exchange: &Exchange,
) -> Option<(Box<RawValue>, Vec<ToolUse>)> {
    let answer = &exchange.answer;
    let ids = answer.calls.iter().map(wire);
    let colliding: Vec<usize> = ids
        .enumerate()
        .filter_map(|(position, id)| taken.contains(id).then_some(position))
        .collect();
    taken.extend(answer.calls.iter().map(|call| wire(call).to_owned()));
    if colliding.is_empty() {
        return None;
    }
    let mut calls = answer.calls.clone();
    let mut edits = Vec::new();
    for position in colliding {
        let turn = exchange.turn.0.to_be_bytes();
        let old = wire(&calls[position]).as_bytes();
        let id = made_up(taken, &[&turn, &position.to_be_bytes(), old]);
        taken.insert(id.clone());
        calls[position].reply.id = Some(id.clone());
        edits.push((position, id));
    }
    let echo = answer.echo.first()?;
    Some((with_ids(echo.get(), &edits), calls))
}

/// A message with other ids for some of its calls, by their position, lowest first; every other byte stays.
pub(super) fn with_ids(message: &str, edits: &[(usize, String)]) -> Box<RawValue> {
    let calls = if edits.is_empty() {
        Vec::new()
    } else {
        calls(message).unwrap_or_default()
    };
    let mut out = String::with_capacity(message.len());
    let mut from = 0;
    for (position, id) in edits {
        let Some((place, text)) = calls
            .get(*position)
            .and_then(|call| edit(message, call, id))
        else {
            continue;
        };
        out.push_str(&message[from..place.start]);
        out.push_str(&text);
        from = place.end;
    }
    out.push_str(&message[from..]);
    RawValue::from_string(out).expect("a message whose ids are other strings is still JSON")
}

fn calls(message: &str) -> Option<Vec<&RawValue>> {
    list(Fields::read(message).ok()?.get("tool_calls")?).ok()
}

/// Where the id of a call stands, and what must stand there.
fn edit(message: &str, call: &RawValue, id: &str) -> Option<(Range<usize>, String)> {
    let id = literal(id);
    let start_of = |part: &str| part.as_ptr().addr() - message.as_ptr().addr();
    Some(match Fields::read(call.get()).ok()?.raw("id") {
        Some(old) => {
            let start = start_of(old.get());
            (start..start + old.get().len(), id)
        }
        None => {
            // Behind the brace; a call has other members, or it would be none.
            let start = start_of(call.get()) + 1;
            (start..start, format!("\"id\":{id},"))
        }
    })
}
