//! What a stream says about one object, put together: strings are continued, lists go on, and of
//! everything else the last word holds.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::provider::fields::{decode, list, sound};

/// The members of an object so far, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces(Vec<(String, Piece)>);

#[derive(Clone, Debug)]
enum Piece {
    /// What stands between the quotes: a pair of surrogates may be parted, and a string that was written
    /// with escapes keeps them.
    Text(String),
    List(Vec<Box<RawValue>>),
    Whole(Box<RawValue>),
}

impl Pieces {
    /// Takes what an event says of a member; whether that changes it. `null` says nothing of one that is there
    /// already.
    pub(super) fn merge(&mut self, name: &str, raw: &RawValue) -> Result<bool, serde_json::Error> {
        let json = raw.get();
        let new = if let Some(inside) = inside(json) {
            Piece::Text(inside.to_owned())
        } else if json.starts_with('[') {
            Piece::List(list(raw)?.into_iter().map(ToOwned::to_owned).collect())
        } else {
            Piece::Whole(raw.to_owned())
        };
        let Some((_, old)) = self.0.iter_mut().find(|(other, _)| other == name) else {
            self.0.push((name.to_owned(), new));
            return Ok(true);
        };
        Ok(match (old, new) {
            (_, Piece::Whole(new)) if new.get() == "null" => false,
            (Piece::Text(old), Piece::Text(new)) => {
                old.push_str(&new);
                !new.is_empty()
            }
            (Piece::List(old), Piece::List(new)) => {
                let changes = !new.is_empty();
                old.extend(new);
                changes
            }
            (Piece::Whole(old), Piece::Whole(new)) if old.get() == new.get() => false,
            (old, new) => {
                *old = new;
                true
            }
        })
    }

    /// Takes a name, which some servers send whole with each fragment, and others piece by piece.
    pub(super) fn merge_name(&mut self, raw: &RawValue) -> Result<bool, serde_json::Error> {
        let is_repeated = match self.piece("name") {
            Some(Piece::Text(old)) => !old.is_empty() && inside(raw.get()) == Some(old),
            Some(Piece::List(_) | Piece::Whole(_)) | None => false,
        };
        if is_repeated {
            return Ok(false);
        }
        self.merge("name", raw)
    }

    fn piece(&self, name: &str) -> Option<&Piece> {
        let (_, piece) = self.0.iter().find(|(other, _)| other == name)?;
        Some(piece)
    }

    /// Whether anything was said of a member, if only `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.piece(name).is_some()
    }

    /// A member's text so far, if it is text and there is any.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.piece(name)? {
            Piece::Text(inside) if inside.is_empty() => None,
            Piece::Text(inside) => Some(decode(&format!("\"{inside}\""))),
            Piece::List(_) | Piece::Whole(_) => None,
        }
    }

    /// Whether a member is text, and there is any.
    pub(super) fn has_text(&self, name: &str) -> bool {
        matches!(self.piece(name), Some(Piece::Text(inside)) if !inside.is_empty())
    }

    /// A member that came whole: neither text nor list.
    pub(super) fn whole(&self, name: &str) -> Option<&RawValue> {
        match self.piece(name)? {
            Piece::Whole(raw) => Some(raw),
            Piece::Text(_) | Piece::List(_) => None,
        }
    }

    /// Writes the members into an object that has others, too.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (name, piece) in &self.0 {
            match piece {
                Piece::Text(inside) => map.serialize_entry(name, &string(inside))?,
                Piece::List(items) => map.serialize_entry(name, items)?,
                Piece::Whole(raw) => map.serialize_entry(name, raw)?,
            }
        }
        Ok(())
    }
}

/// What stands between the quotes of a string.
fn inside(json: &str) -> Option<&str> {
    json.strip_prefix('"')?.strip_suffix('"')
}

fn string(inside: &str) -> Box<RawValue> {
    let literal = sound(format!("\"{inside}\""));
    RawValue::from_string(literal).expect("what stood in strings is a string")
}

impl Serialize for Pieces {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}
