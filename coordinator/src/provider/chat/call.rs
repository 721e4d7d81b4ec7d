//! The calls of a streamed message, and to which of them a fragment belongs.
//!
//! OpenAI numbers the calls and names each in its first fragment. Ollama numbers all of them 0, others
//! number none, repeat the id with each fragment or mint a new one each time, or count on within a call.
//! So neither number nor id alone tells two calls apart.

use std::collections::BTreeSet;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::pieces::Pieces;
use super::scan::Scan;
use crate::provider::fields::{Fields, decode};

/// A call as far as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamedCall {
    index: Option<u64>,
    id: String,
    kind: String,
    function: Option<Pieces>,
    custom: Option<Pieces>,
    others: Pieces,
    /// The arguments of the function.
    scan: Scan,
}

/// The numbers and ids that a stream's calls were given, so that what is new is found to be so at once.
#[derive(Debug, Default)]
pub(super) struct Given {
    numbers: BTreeSet<u64>,
    ids: BTreeSet<String>,
}

impl Given {
    /// Whether a fragment has a number or an id that one before it had, or neither; and keeps both.
    pub(super) fn knows(&mut self, fragment: &Fragment<'_>) -> bool {
        let number = fragment.index.map(|number| self.numbers.insert(number));
        let id = fragment.id.clone().map(|id| self.ids.insert(id));
        match (number, id) {
            (None, None) => true,
            (number, id) => number == Some(false) || id == Some(false),
        }
    }
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

    /// The position of the call that the fragment continues; `None` where it begins one. `is_known` says
    /// whether its number or id was seen before.
    pub(super) fn continues(&self, calls: &[StreamedCall], is_known: bool) -> Option<usize> {
        if !is_known && (self.id.is_some() || self.is_named) {
            return None;
        }
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
    /// Takes a fragment; whether it changes the call.
    pub(super) fn merge(&mut self, fragment: &Fragment<'_>) -> Result<bool, serde_json::Error> {
        self.index = self.index.or(fragment.index);
        let mut changes = false;
        for (name, raw) in &fragment.fields.0 {
            match name.as_ref() {
                "index" => {}
                "id" if self.id.is_empty() => {
                    self.id = fragment.id.clone().unwrap_or_default();
                    changes |= !self.id.is_empty();
                }
                "type" if self.kind.is_empty() => {
                    self.kind = fragment.fields.some_text("type").unwrap_or_default();
                    changes |= !self.kind.is_empty();
                }
                "id" | "type" => {}
                "function" => {
                    changes |= inner(&mut self.function, raw)?;
                    self.scan(raw)?;
                }
                "custom" => changes |= inner(&mut self.custom, raw)?,
                other => changes |= self.others.merge(other, raw)?,
            }
        }
        Ok(changes)
    }

    /// Looks at what a fragment brings of the function's arguments, once it is taken.
    fn scan(&mut self, function: &RawValue) -> Result<(), serde_json::Error> {
        if function.get() == "null" {
            return Ok(());
        }
        let fields = Fields::read(function.get())?;
        let Some(arguments) = fields.get("arguments") else {
            return Ok(());
        };
        if !arguments.get().starts_with('"') {
            self.scan = Scan::default();
        } else if self.scan.take(&decode(arguments.get()))
            && let Some(text) = self.function.as_ref().and_then(|it| it.text("arguments"))
        {
            self.scan.read(&text);
        }
        Ok(())
    }

    fn is_named(&self) -> bool {
        let inner = self.function.as_ref().or(self.custom.as_ref());
        inner.is_some_and(|inner| inner.has_text("name"))
    }

    /// Whether the arguments are one JSON object: then nothing can be missing.
    pub(super) fn has_whole_arguments(&self) -> bool {
        let function = self.function.as_ref();
        self.scan.is_object() || function.is_some_and(|it| it.whole("arguments").is_some())
    }

    /// The call as a whole response would hold it.
    pub(super) fn raw(&self) -> Box<RawValue> {
        to_raw_value(self).expect("all keys are strings and memory can't fail")
    }
}

fn inner(pieces: &mut Option<Pieces>, raw: &RawValue) -> Result<bool, serde_json::Error> {
    if raw.get() == "null" {
        return Ok(false);
    }
    let mut changes = pieces.is_none();
    let pieces = pieces.get_or_insert_default();
    for (name, raw) in Fields::read(raw.get())?.0 {
        changes |= if name == "name" {
            pieces.merge_name(raw)?
        } else {
            pieces.merge(&name, raw)?
        };
    }
    Ok(changes)
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
