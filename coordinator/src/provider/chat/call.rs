//! The calls of a streamed message, and to which of them a fragment belongs.
//!
//! OpenAI numbers the calls and names each in its first fragment. Ollama numbers all of them 0, others
//! number none, repeat the id with each fragment or mint a new one each time, or count on within a call.
//! So neither number nor id alone tells two calls apart.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::pieces::Pieces;
use crate::provider::fields::{Fields, is_object};

/// A call as far as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamedCall {
    index: Option<u64>,
    id: String,
    kind: String,
    function: Option<Pieces>,
    custom: Option<Pieces>,
    others: Pieces,
}

/// What an event says of a call.
pub(super) struct Fragment<'a> {
    fields: Fields<'a>,
    index: Option<u64>,
    id: Option<String>,
    /// Whether it names a tool.
    is_named: bool,
    /// Whether it brings arguments.
    has_arguments: bool,
}

impl<'a> Fragment<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let fields = Fields::read(raw.get())?;
        let inner = fields.get("function").or_else(|| fields.get("custom"));
        let inner = inner.map(|raw| Fields::read(raw.get())).transpose()?;
        let is_said = |name: &str| {
            inner
                .as_ref()
                .and_then(|inner| inner.get(name))
                .is_some_and(|raw| raw.get() != "\"\"")
        };
        Ok(Self {
            index: fields
                .get("index")
                .and_then(|raw| serde_json::from_str(raw.get()).ok()),
            id: fields.some_text("id"),
            is_named: is_said("name"),
            has_arguments: is_said("arguments") || is_said("input"),
            fields,
        })
    }

    /// Whether it adds nothing to a call that is there already.
    pub(super) fn brings_nothing(&self) -> bool {
        let is_known = |name: &str| matches!(name, "index" | "id" | "type" | "function" | "custom");
        !self.is_named
            && !self.has_arguments
            && self
                .fields
                .0
                .iter()
                .all(|(name, _)| is_known(name.as_ref()))
    }

    /// The position of the call that the fragment continues; `None` where it begins one.
    pub(super) fn continues(&self, calls: &[StreamedCall]) -> Option<usize> {
        let at_index = |call: &StreamedCall| self.index.is_some() && call.index == self.index;
        let find = |is_it: &dyn Fn(&StreamedCall) -> bool| calls.iter().rposition(is_it);
        let last = calls.len().checked_sub(1);
        let found = match &self.id {
            Some(id) => find(&|call| {
                let may_be = at_index(call) || call.index.is_none() || self.index.is_none();
                call.id == *id && may_be
            })
            .or_else(|| find(&|call| at_index(call) && (call.id.is_empty() || !self.is_named))),
            None if self.index.is_some() => {
                find(&at_index).or(if self.is_named { None } else { last })
            }
            None => last.filter(|last| !(self.is_named && calls[*last].is_named())),
        };
        // Nothing goes on behind arguments that are whole.
        found.filter(|found| {
            !(self.is_named && self.has_arguments && calls[*found].has_whole_arguments())
        })
    }
}

impl StreamedCall {
    /// Takes a fragment.
    pub(super) fn merge(&mut self, fragment: &Fragment<'_>) -> Result<(), serde_json::Error> {
        self.index = self.index.or(fragment.index);
        for (name, raw) in &fragment.fields.0 {
            match name.as_ref() {
                "index" => {}
                "id" if self.id.is_empty() => self.id = fragment.id.clone().unwrap_or_default(),
                "type" if self.kind.is_empty() => {
                    self.kind = fragment.fields.some_text("type").unwrap_or_default();
                }
                "id" | "type" => {}
                "function" => inner(&mut self.function, raw)?,
                "custom" => inner(&mut self.custom, raw)?,
                other => self.others.merge(other, raw)?,
            }
        }
        Ok(())
    }

    fn is_named(&self) -> bool {
        let inner = self.function.as_ref().or(self.custom.as_ref());
        inner.is_some_and(|inner| inner.text("name").is_some())
    }

    /// Whether the arguments are one JSON object: then nothing can be missing.
    pub(super) fn has_whole_arguments(&self) -> bool {
        self.function.as_ref().is_some_and(|function| {
            let text = || {
                let may_be = function.ends_like_an_object("arguments");
                may_be.then(|| function.text("arguments")).flatten()
            };
            function.whole("arguments").is_some() || text().is_some_and(|text| is_object(&text))
        })
    }

    /// The call as a whole response would hold it.
    pub(super) fn raw(&self) -> Box<RawValue> {
        to_raw_value(self).expect("all keys are strings and memory can't fail")
    }
}

fn inner(pieces: &mut Option<Pieces>, raw: &RawValue) -> Result<(), serde_json::Error> {
    if raw.get() == "null" {
        return Ok(());
    }
    let pieces = pieces.get_or_insert_default();
    for (name, raw) in Fields::read(raw.get())?.0 {
        if name == "name" {
            pieces.merge_name(raw)?;
        } else {
            pieces.merge(&name, raw)?;
        }
    }
    Ok(())
}

impl Serialize for StreamedCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.id.is_empty() {
            map.serialize_entry("id", &self.id)?;
        }
        let kind = match (self.kind.as_str(), &self.function, &self.custom) {
            ("", None, Some(_)) => "custom",
            ("", _, _) => "function",
            (kind, _, _) => kind,
        };
        map.serialize_entry("type", kind)?;
        if let Some(function) = &self.function {
            map.serialize_entry("function", function)?;
        }
        if let Some(custom) = &self.custom {
            map.serialize_entry("custom", custom)?;
        }
        self.others.write(&mut map)?;
        map.end()
    }
}
