//! A content block that grows while it streams.
//!
//! The conversation must repeat every block as the model wrote it. So strings grow as the JSON text that
//! they came in, without being read and written again, and fields that no delta touches stay as they are.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::parse::{self, NO_INPUT, TOOL_USE};
use crate::model::ToolUse;
use crate::provider::ParseError;
use crate::provider::fields::{Fields, decode, literal, sound};

/// The key under which input that is no JSON object is repeated: the API takes back nothing but
/// objects, and its documentation suggests this one.
const INVALID_JSON: &str = "INVALID_JSON";

/// One content block as far as it has come. Strings and input are kept as they stand between quotes.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) index: usize,
    pub(super) block_type: String,
    pub(super) is_closed: bool,
    start: Box<RawValue>,
    /// What was added to strings, by field.
    strings: Vec<(&'static str, String)>,
    /// What took the place of values, by field.
    values: Vec<(String, Box<RawValue>)>,
    /// What was added to `citations`.
    citations: Vec<Box<RawValue>>,
    /// The JSON text of `input`, if any of it came.
    input: Option<String>,
}

impl Block {
    /// A block as it starts.
    pub(super) fn start(index: usize, start: &RawValue) -> Result<Self, serde_json::Error> {
        let fields = Fields::read(start.get())?;
        let Some(block_type) = fields.get("type") else {
            return Err(serde_json::Error::missing_field("type"));
        };
        Ok(Self {
            index,
            block_type: serde_json::from_str(block_type.get())?,
            is_closed: false,
            start: start.to_owned(),
            strings: Vec::new(),
            values: Vec::new(),
            citations: Vec::new(),
            input: None,
        })
    }

    pub(super) fn is_call(&self) -> bool {
        self.block_type == TOOL_USE
    }

    /// Takes a delta. Gives its type where that isn't known: what it meant to change is lost.
    pub(super) fn grow(&mut self, delta: &RawValue) -> Result<Option<String>, serde_json::Error> {
        let delta = Fields::read(delta.get())?;
        let delta_type = delta.text("type")?;
        match delta_type.as_str() {
            "text_delta" => self.add("text", delta.inside("text")?),
            "thinking_delta" => self.add("thinking", delta.inside("thinking")?),
            "signature_delta" => self.set("signature", delta.get("signature")),
            "input_json_delta" => {
                let fragment = delta.inside("partial_json")?;
                self.input.get_or_insert_default().push_str(fragment);
            }
            "citations_delta" => self
                .citations
                .extend(delta.get("citation").map(ToOwned::to_owned)),
            "compaction_delta" => {
                for (name, value) in delta.0.iter().filter(|(name, _)| name != "type") {
                    self.set(name, Some(value));
                }
            }
            _ => return Ok(Some(delta_type)),
        }
        Ok(None)
    }

    fn add(&mut self, name: &'static str, inside: &str) {
        match self.strings.iter_mut().find(|(field, _)| *field == name) {
            Some((_, added)) => added.push_str(inside),
            None => self.strings.push((name, inside.to_owned())),
        }
    }

    fn set(&mut self, name: &str, value: Option<&RawValue>) {
        let Some(value) = value else { return };
        self.values.retain(|(field, _)| field != name);
        self.values.push((name.to_owned(), value.to_owned()));
    }

    /// The block's JSON text.
    pub(super) fn json(&self) -> String {
        let start = self.fields();
        let mut changes: Vec<(&str, String)> = Vec::new();
        for (name, added) in &self.strings {
            let inside = start.inside(name).unwrap_or_default();
            changes.push((name, sound(format!("\"{inside}{added}\""))));
        }
        for (name, value) in &self.values {
            changes.push((name, value.get().to_owned()));
        }
        if !self.citations.is_empty() {
            changes.push((
                "citations",
                with_items(start.get("citations"), &self.citations),
            ));
        }
        if self.input.is_some() || (self.is_call() && start.get("input").is_none()) {
            changes.push(("input", self.input(&start).json));
        }
        if changes.is_empty() {
            return self.start.get().to_owned();
        }
        let mut written: Vec<(Cow<'_, str>, Cow<'_, str>)> = start
            .0
            .iter()
            .map(|(name, raw)| (name.clone(), Cow::Borrowed(raw.get())))
            .collect();
        for (name, value) in changes {
            match written.iter_mut().find(|(field, _)| field == name) {
                Some((_, written)) => *written = value.into(),
                None => written.push((name.into(), value.into())),
            }
        }
        let written: Vec<String> = written
            .iter()
            .map(|(name, value)| format!("{}:{value}", literal(name)))
            .collect();
        format!("{{{}}}", written.join(","))
    }

    /// The call that the block is.
    pub(super) fn call(&self) -> Result<ToolUse, ParseError> {
        let mut call = parse::call_of(Bytes::from(self.json()), self.index)?;
        if let Some(broken) = self.broken_input() {
            call.arguments = broken;
        }
        Ok(call)
    }

    /// A call's input that is no JSON object, as the model wrote it.
    pub(super) fn broken_input(&self) -> Option<Bytes> {
        self.input(&self.fields()).broken.map(Bytes::from)
    }

    fn fields(&self) -> Fields<'_> {
        Fields::read(self.start.get()).expect("it was read when the block started")
    }

    fn input(&self, start: &Fields<'_>) -> Input {
        let text = self
            .input
            .as_ref()
            .map(|inside| decode(&format!("\"{inside}\"")))
            .unwrap_or_default();
        if text.trim().is_empty() {
            let given = start.get("input").map(RawValue::get);
            return Input {
                json: given.unwrap_or("{}").to_owned(),
                // An empty slot is no empty object.
                broken: given.is_none().then(|| NO_INPUT.to_owned()),
            };
        }
        if Fields::read(&text).is_ok() {
            return Input {
                json: text,
                broken: None,
            };
        }
        Input {
            json: format!("{{\"{INVALID_JSON}\":{}}}", literal(&text)),
            broken: Some(text),
        }
    }
}

/// A call's input.
struct Input {
    /// An object that the conversation can repeat.
    json: String,
    /// What the model wrote, where that is none.
    broken: Option<String>,
}

fn with_items(old: Option<&RawValue>, items: &[Box<RawValue>]) -> String {
    let old: Vec<&RawValue> = old
        .and_then(|old| serde_json::from_str(old.get()).ok())
        .unwrap_or_default();
    let items: Vec<&str> = old
        .into_iter()
        .map(RawValue::get)
        .chain(items.iter().map(|item| item.get()))
        .collect();
    format!("[{}]", items.join(","))
}
