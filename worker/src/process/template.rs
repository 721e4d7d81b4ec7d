//! Command lines from typed slots: which values go where, and which are refused. There is no shell
//! between a model and a process, so nothing is quoted and nothing is expanded.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::slot;

/// Bytes of one argument, at most: Linux's `MAX_ARG_STRLEN` less the terminator.
const ARGUMENT_BYTES_MAX: usize = 128 * 1024 - 1;
/// Arguments that one list may become, at most. Chosen, not measured.
const LIST_ITEMS_MAX: usize = 1_024;
/// What ends the options of most programs.
const END_OF_OPTIONS: &str = "--";

/// One entry of an `argv` template as it is written: an argument, or several that come and go together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a text such as \"--max={count}\", or a list of texts"
)]
pub enum Entry {
    /// One argument.
    One(String),
    /// Arguments that are left out together when a slot of theirs has no value.
    Group(Vec<String>),
}

/// Whether values need a `--` in front of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dashes {
    /// A template in which a text may begin an argument before `--` is refused.
    #[default]
    Required,
    /// For programs that know no `--`: a value that begins with `-` is refused when it comes.
    Checked,
}

/// Why a template can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no program.
    #[error("argv is empty; its first entry is the program")]
    Empty,
    /// The program isn't fixed.
    #[error("the program in argv is {0:?}; it must be one fixed text without slots")]
    Program(String),
    /// A brace without its partner.
    #[error(
        "{0:?} in argv has a brace without a partner; write {{{{ and }}}} for braces themselves"
    )]
    Brace(String),
    /// A slot that the schema doesn't have.
    #[error(
        "{element:?} in argv has the slot {{{slot}}}, which the input schema doesn't have; it has: {known}"
    )]
    UnknownSlot {
        /// The entry.
        element: String,
        /// The slot.
        slot: String,
        /// The schema's properties.
        known: String,
    },
    /// A slot whose type is no argument.
    #[error(
        "the slot {{{slot}}} in argv has the type {found} in the input schema; an argument is a string, integer, number or \
         boolean, or a list of those as an entry of its own"
    )]
    SlotType {
        /// The slot.
        slot: String,
        /// What the schema says.
        found: String,
    },
    /// A text may begin an option.
    #[error(
        "the slot {{{slot}}} begins an argument before \"--\" in argv, so its value could be an option; put \"--\" before it, \
         or set dashes = \"checked\" if the program knows no \"--\""
    )]
    NoDashes {
        /// The slot.
        slot: String,
    },
    /// A `--` that isn't always there.
    #[error(
        "{0:?} in argv is left out when a slot of it has no value, and its \"--\" with it, so what follows could be an option; \
         give \"--\" as an entry of its own"
    )]
    OptionalDashes(Vec<String>),
    /// A required property that no slot takes and that isn't given by standard input either.
    #[error(
        "the input schema requires {0:?}, which no slot of argv takes; add {{{0}}}, or stdin = \"json\""
    )]
    Unused(String),
}

/// Why values can't be filled in. Nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// A value that could be an option.
    #[error("{0} begins with \"-\", which the program could take for an option; give it without")]
    Dash(String),
    /// A character that no argument may have here.
    #[error("{slot} contains {what}, which can't be passed to the program")]
    Character {
        /// The slot.
        slot: String,
        /// The character.
        what: &'static str,
    },
    /// A value of a type that is no argument.
    #[error("{slot} is {found}; it must be {wanted}")]
    Type {
        /// The slot.
        slot: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A value that is missing where it can't be left out.
    #[error("{0} is missing")]
    Missing(String),
    /// An argument that is too long.
    #[error("{0} makes an argument of more than {ARGUMENT_BYTES_MAX} bytes; give less")]
    TooLong(String),
    /// A list that is too long.
    #[error("{0} has more than {LIST_ITEMS_MAX} items; give fewer")]
    TooMany(String),
}

/// A template that was checked against its tool's schema.
#[derive(Clone, Debug)]
pub struct Template {
    program: String,
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    elements: Vec<Element>,
    /// The slots in it: without a value for each, all of it is left out.
    slots: Vec<String>,
}

#[derive(Clone, Debug)]
struct Element {
    pieces: Vec<Piece>,
    /// Whether it is the `--` of whoever wrote the template.
    is_end_of_options: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot { name: String, is_list: bool },
}

impl Template {
    /// Checks a template against the input schema of its tool.
    ///
    /// # Errors
    /// When a slot isn't in the schema or is no scalar, when a value could be taken for an option, or
    /// when a required property goes nowhere (unless `has_stdin`).
    pub fn new(
        argv: &[Entry],
        dashes: Dashes,
        has_stdin: bool,
        schema: &Map<String, Value>,
    ) -> Result<Self, TemplateError> {
        let (program, rest) = argv.split_first().ok_or(TemplateError::Empty)?;
        let program = match program {
            Entry::One(program) if !program.is_empty() && !program.contains(['{', '}', '\0']) => {
                program.clone()
            }
            Entry::One(program) => return Err(TemplateError::Program(program.clone())),
            Entry::Group(group) => return Err(TemplateError::Program(group.join(" "))),
        };
        let properties = slot::properties(schema);
        let required: BTreeSet<&str> = slot::required(schema).collect();
        let mut is_after_dashes = false;
        let mut used = BTreeSet::new();
        let mut groups = Vec::new();
        for entry in rest {
            let written = match entry {
                Entry::One(one) => std::slice::from_ref(one),
                Entry::Group(group) => group,
            };
            let mut elements = Vec::new();
            let mut slots = Vec::new();
            for element in written {
                let pieces = pieces(element, &properties)?;
                if !is_after_dashes
                    && dashes == Dashes::Required
                    && let Some(slot) = may_become_an_option(&pieces, &properties)
                {
                    return Err(TemplateError::NoDashes {
                        slot: slot.to_owned(),
                    });
                }
                for piece in &pieces {
                    if let Piece::Slot { name, .. } = piece {
                        used.insert(name.clone());
                        slots.push(name.clone());
                    }
                }
                let is_end_of_options = element == END_OF_OPTIONS;
                is_after_dashes |= is_end_of_options;
                elements.push(Element {
                    pieces,
                    is_end_of_options,
                });
            }
            let may_be_absent =
                |slot: &String| !required.contains(&**slot) || slot::may_be_null(&properties[slot]);
            if elements.iter().any(|element| element.is_end_of_options)
                && slots.iter().any(may_be_absent)
            {
                return Err(TemplateError::OptionalDashes(written.to_vec()));
            }
            groups.push(Group { elements, slots });
        }
        if let Some(name) = required
            .iter()
            .find(|name| !has_stdin && !used.contains(**name))
        {
            return Err(TemplateError::Unused((*name).to_owned()));
        }
        Ok(Self { program, groups })
    }

    /// The program, as it is written.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The arguments after the program for these values. Entries whose slots have no value (or `null`)
    /// are left out.
    ///
    /// # Errors
    /// When a value could be an option, has a character that can't be passed on, or is no scalar.
    pub fn fill(&self, values: &Map<String, Value>) -> Result<Vec<String>, FillError> {
        let mut arguments = Vec::new();
        // Of what is there, not of what is written: an entry before may have been left out.
        let mut is_after_dashes = false;
        for group in &self.groups {
            let is_absent = |slot: &String| values.get(slot).is_none_or(Value::is_null);
            if group.slots.iter().any(is_absent) {
                continue;
            }
            for element in &group.elements {
                element.fill(values, is_after_dashes, &mut arguments)?;
                is_after_dashes |= element.is_end_of_options;
            }
        }
        Ok(arguments)
    }
}

impl Element {
    fn fill(
        &self,
        values: &Map<String, Value>,
        is_after_dashes: bool,
        arguments: &mut Vec<String>,
    ) -> Result<(), FillError> {
        if let [
            Piece::Slot {
                name,
                is_list: true,
            },
        ] = &self.pieces[..]
        {
            let Some(Value::Array(items)) = values.get(name) else {
                return Err(FillError::Type {
                    slot: name.clone(),
                    found: values.get(name).map_or("nothing", type_of),
                    wanted: "a list",
                });
            };
            if items.len() > LIST_ITEMS_MAX {
                return Err(FillError::TooMany(name.clone()));
            }
            for item in items {
                let text = scalar(name, item)?;
                check(name, &text, is_after_dashes)?;
                if !is_after_dashes && text.starts_with('-') {
                    return Err(FillError::Dash(name.clone()));
                }
                arguments.push(text);
            }
            return Ok(());
        }
        let mut argument = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => argument.push_str(text),
                Piece::Slot { name, .. } => {
                    let value = values
                        .get(name)
                        .ok_or_else(|| FillError::Missing(name.clone()))?;
                    let text = scalar(name, value)?;
                    check(name, &text, is_after_dashes)?;
                    // A slot before it may have been empty.
                    let begins = argument.is_empty() && text.starts_with('-');
                    let ends_options = format!("{argument}{text}") == END_OF_OPTIONS;
                    if !is_after_dashes && (begins || ends_options) {
                        return Err(FillError::Dash(name.clone()));
                    }
                    argument.push_str(&text);
                    if argument.len() > ARGUMENT_BYTES_MAX {
                        return Err(FillError::TooLong(name.clone()));
                    }
                }
            }
        }
        arguments.push(argument);
        Ok(())
    }
}

/// A value may stand in an argument only if no program can take it for something else.
fn check(slot: &str, text: &str, is_after_dashes: bool) -> Result<(), FillError> {
    let character = |what| FillError::Character {
        slot: slot.to_owned(),
        what,
    };
    if text.contains('\0') {
        return Err(character("a NUL character"));
    }
    if !is_after_dashes && text.contains(['\n', '\r']) {
        return Err(character("a line break"));
    }
    if text.len() > ARGUMENT_BYTES_MAX {
        return Err(FillError::TooLong(slot.to_owned()));
    }
    Ok(())
}

fn scalar(slot: &str, value: &Value) -> Result<String, FillError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(FillError::Type {
            slot: slot.to_owned(),
            found: type_of(value),
            wanted: "a text, a number or a boolean",
        }),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Takes `--max={count}` apart.
fn pieces(element: &str, properties: &Map<String, Value>) -> Result<Vec<Piece>, TemplateError> {
    let written = slot::pieces(element).ok_or_else(|| TemplateError::Brace(element.to_owned()))?;
    let stands_alone = written.len() == 1;
    let mut pieces = Vec::new();
    for piece in written {
        let name = match piece {
            slot::Piece::Text(text) => {
                pieces.push(Piece::Text(text));
                continue;
            }
            slot::Piece::Slot(name) => name,
        };
        let Some(property) = properties.get(&name) else {
            return Err(TemplateError::UnknownSlot {
                element: element.to_owned(),
                slot: name,
                known: slot::known(properties),
            });
        };
        let is_list = slot::is_list_of_scalars(property) && stands_alone;
        if !is_list && !slot::is_scalar(property) {
            return Err(TemplateError::SlotType {
                slot: name,
                found: slot::type_text(property),
            });
        }
        pieces.push(Piece::Slot { name, is_list });
    }
    Ok(pieces)
}

/// The slot whose value could make an option of an argument: one that begins it, also where those before
/// are empty.
fn may_become_an_option<'a>(
    pieces: &'a [Piece],
    properties: &Map<String, Value>,
) -> Option<&'a str> {
    for piece in pieces {
        match piece {
            Piece::Slot { name, .. } if may_begin_with_a_dash(&properties[name]) => {
                return Some(name);
            }
            Piece::Slot { name, .. } if may_be_empty(&properties[name]) => {}
            Piece::Text(text) if text.is_empty() => {}
            Piece::Slot { .. } | Piece::Text(_) => return None,
        }
    }
    None
}

/// Whether a value of this property could be the empty text.
fn may_be_empty(property: &Value) -> bool {
    match property.get("enum").and_then(Value::as_array) {
        Some(values) => values.iter().any(|value| value == ""),
        None => slot::types(property).contains(&"string"),
    }
}

/// Whether a value of this property could begin with `-`: not a boolean, nor one of fixed texts.
fn may_begin_with_a_dash(property: &Value) -> bool {
    if let Some(values) = property.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .any(|value| value.as_str().is_none_or(|text| text.starts_with('-')));
    }
    let is_not_negative = property
        .get("minimum")
        .and_then(Value::as_f64)
        .is_some_and(|minimum| minimum >= 0.0);
    match slot::types(property)[..] {
        ["boolean"] => false,
        ["integer" | "number"] => !is_not_negative,
        _ => true,
    }
}
