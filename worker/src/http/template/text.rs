//! One text with slots.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::http::values::{FillError, Values};
use crate::slot::{self, Piece};

/// Why a template can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("{0:?} has a brace without a partner; write {{{{ and }}}} for braces themselves")]
    Brace(String),
    /// A slot that the schema doesn't have.
    #[error(
        "{text:?} has the slot {{{slot}}}, which the input schema doesn't have; it has: {known}"
    )]
    UnknownSlot {
        /// The text.
        text: String,
        /// The slot.
        slot: String,
        /// The schema's properties.
        known: String,
    },
    /// A slot whose type can't stand there.
    #[error(
        "the slot {{{slot}}} in {text:?} has the type {found} in the input schema; it must be a string, integer, number or \
         boolean, or where it stands alone in a path or a query, a list of those"
    )]
    SlotType {
        /// The text.
        text: String,
        /// The slot.
        slot: String,
        /// What the schema says.
        found: String,
    },
    /// A slot of the path that may be left out.
    #[error(
        "the slot {{{0}}} is a part of the path, and the input schema doesn't require it; add it to `required`, or use it in the query"
    )]
    Optional(String),
    /// The URL can't be one.
    #[error("the URL {url:?} can't be used: {cause}")]
    Url {
        /// The URL as it is written.
        url: String,
        /// Why.
        cause: String,
    },
    /// A header can't be sent.
    #[error("the header {name:?} can't be used: {cause}")]
    Header {
        /// Its name.
        name: String,
        /// Why.
        cause: &'static str,
    },
    /// The body can't be one.
    #[error("the body can't be used: {0}")]
    Body(&'static str),
    /// A required property that goes nowhere.
    #[error(
        "the input schema requires {0:?}, which is used nowhere; add {{{0}}} to the url, the query, a header or the body, or \
         write body = \"arguments\""
    )]
    Unused(String),
}

/// What templates are checked against: the properties of the input schema, and which of them are used.
#[derive(Debug)]
pub(in crate::http) struct Slots {
    properties: Map<String, Value>,
    required: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Slots {
    pub(in crate::http) fn of(schema: &Map<String, Value>) -> Self {
        Self {
            properties: slot::properties(schema),
            required: slot::required(schema).map(str::to_owned).collect(),
            used: BTreeSet::new(),
        }
    }

    /// Notes that a slot is used, and gives what the schema says of it.
    pub(super) fn property(&mut self, text: &str, name: &str) -> Result<&Value, TemplateError> {
        let Some(property) = self.properties.get(name) else {
            return Err(TemplateError::UnknownSlot {
                text: text.to_owned(),
                slot: name.to_owned(),
                known: slot::known(&self.properties),
            });
        };
        self.used.insert(name.to_owned());
        Ok(property)
    }

    pub(super) fn is_required(&self, name: &str) -> bool {
        self.required.contains(name)
    }

    /// Checks that every required property is used.
    pub(in crate::http) fn check_used(&self) -> Result<(), TemplateError> {
        match self.required.difference(&self.used).next() {
            Some(unused) => Err(TemplateError::Unused(unused.clone())),
            None => Ok(()),
        }
    }
}

/// A text whose slots are scalars, or a lone slot that is a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Pieces, one after the other.
    Pieces(Vec<Piece>),
    /// The items of this slot.
    List(String),
}

impl Text {
    /// Reads a text and checks its slots.
    pub(super) fn new(
        text: &str,
        slots: &mut Slots,
        may_be_list: bool,
    ) -> Result<Self, TemplateError> {
        let pieces = slot::pieces(text).ok_or_else(|| TemplateError::Brace(text.to_owned()))?;
        let stands_alone = pieces.len() == 1;
        for piece in &pieces {
            let Piece::Slot(name) = piece else { continue };
            let property = slots.property(text, name)?;
            if may_be_list && stands_alone && slot::is_list_of_scalars(property) {
                return Ok(Self::List(name.clone()));
            }
            if !slot::is_scalar(property) {
                return Err(TemplateError::SlotType {
                    text: text.to_owned(),
                    slot: name.clone(),
                    found: slot::type_text(property),
                });
            }
        }
        Ok(Self::Pieces(pieces))
    }

    /// The names of its slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = &str> {
        let (pieces, list) = match self {
            Self::Pieces(pieces) => (&pieces[..], None),
            Self::List(name) => (&[][..], Some(name.as_str())),
        };
        let names = pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        });
        names.chain(list)
    }

    /// The texts that it becomes: one, or one for each item of a list; none when a slot has no value.
    /// `literal` and `value` encode for the place where it goes, and may refuse.
    pub(super) fn fill(
        &self,
        values: &Values,
        literal: impl Fn(&str) -> String,
        value: impl Fn(&str, &str) -> Result<String, FillError>,
    ) -> Result<Vec<String>, FillError> {
        let pieces = match self {
            Self::Pieces(pieces) => pieces,
            Self::List(name) => {
                let items = values.list(name)?.unwrap_or_default();
                return items.iter().map(|item| value(name, item)).collect();
            }
        };
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => text.push_str(&literal(piece)),
                Piece::Slot(name) => match values.scalar(name)? {
                    Some(scalar) => text.push_str(&value(name, &scalar)?),
                    None => return Ok(Vec::new()),
                },
            }
        }
        Ok(vec![text])
    }
}
