//! Changes of single values in a text whose every other byte must stay.

use std::ops::Range;

use serde_json::value::RawValue;

use super::fields::Fields;

/// What shall stand in a place of a text.
#[derive(Debug)]
pub(super) struct Edit {
    place: Range<usize>,
    json: String,
}

impl Edit {
    /// Another value for a member of an object that is a part of the text. An object that lacks the member
    /// has it put in front. Nothing where it is no object.
    pub(super) fn member(text: &str, object: &RawValue, name: &str, json: String) -> Option<Self> {
        let start_of = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
        let fields = Fields::read(object.get()).ok()?;
        Some(match fields.raw(name) {
            Some(old) => {
                let start = start_of(old.get());
                let place = start..start + old.get().len();
                Self { place, json }
            }
            None => {
                let start = start_of(object.get()) + 1;
                let comma = if fields.0.is_empty() { "" } else { "," };
                Self {
                    place: start..start,
                    json: format!("\"{name}\":{json}{comma}"),
                }
            }
        })
    }
}

/// A JSON text with these changes, of which no two touch the same place.
pub(super) fn edited(text: &str, mut edits: Vec<Edit>) -> Box<RawValue> {
    edits.sort_by_key(|edit| edit.place.start);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Edit { place, json } in edits {
        out.push_str(&text[from..place.start]);
        out.push_str(&json);
        from = place.end;
    }
    out.push_str(&text[from..]);
    RawValue::from_string(out).expect("JSON with other JSON for some of its values is JSON")
}
