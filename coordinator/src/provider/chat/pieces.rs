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
    /// Takes what an event says of a member. `null` says nothing of one that is there already.
    pub(super) fn merge(&mut self, name: &str, raw: &RawValue) -> Result<(), serde_json::Error> {
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
            return Ok(());
        };
        match (old, new) {
            (_, Piece::Whole(new)) if new.get() == "null" => {}
            (Piece::Text(old), Piece::Text(new)) => old.push_str(&new),
            (Piece::List(old), Piece::List(new)) => old.extend(new),
            (old, new) => *old = new,
        }
        Ok(())
    }

    /// Takes a name, which some servers send whole with each fragment, and others piece by piece.
    pub(super) fn merge_name(&mut self, raw: &RawValue) -> Result<(), serde_json::Error> {
        let is_repeated = self
            .text("name")
            .is_some_and(|old| old == decode(raw.get()));
        if is_repeated {
            return Ok(());
        }
        self.merge("name", raw)
    }

    /// Whether anything was said of a member, if only `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// A member's text so far, if it is text and there is any.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.iter().find(|(other, _)| other == name)? {
            (_, Piece::Text(inside)) if inside.is_empty() => None,
            (_, Piece::Text(inside)) => Some(decode(&format!("\"{inside}\""))),
            (_, Piece::List(_) | Piece::Whole(_)) => None,
        }
    }

    /// Whether a member's text ends like an object: asked of each fragment, so it must be cheap.
    pub(super) fn ends_like_an_object(&self, name: &str) -> bool {
        let Some((_, Piece::Text(inside))) = self.0.iter().find(|(other, _)| other == name) else {
            return false;
        };
        let mut inside = inside.as_str();
        let blanks = [" ", "\\n", "\\r", "\\t"];
        while let Some(rest) = blanks.iter().find_map(|blank| inside.strip_suffix(blank)) {
            inside = rest;
        }
        inside.ends_with('}')
    }

    /// A member that came whole: neither text nor list.
    pub(super) fn whole(&self, name: &str) -> Option<&RawValue> {
        match self.0.iter().find(|(other, _)| other == name)? {
            (_, Piece::Whole(raw)) => Some(raw),
            (_, Piece::Text(_) | Piece::List(_)) => None,
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
