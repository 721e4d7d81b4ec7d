//! A tool's schema, compiled once, and what a model reads when its arguments don't fit.

use std::fmt::Write as _;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};

use super::json::{BorrowedJson, Value};
use super::plain::Plain;

/// Errors that a message spells out: enough to mend a call in one go.
const ERRORS_MAX: usize = 5;
/// Errors that are counted; a long list may hold one for each of its items.
const ERRORS_COUNTED_MAX: usize = 100;
/// Characters of one error, an enumeration's options included.
const CHARACTERS_MAX: usize = 300;

/// Why a schema can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It isn't JSON.
    #[error("the input schema isn't JSON")]
    Json(#[from] serde_json::Error),
    /// It is JSON and no schema, or refers to what isn't inside of it.
    #[error("the input schema isn't a JSON Schema that stands on its own: {0}")]
    Schema(String),
}

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Schema {
    validator: Validator<BorrowedJson>,
    /// Says yes faster, where it knows the schema.
    plain: Option<Plain>,
}

impl Schema {
    /// Compiles a schema: of the draft that its `$schema` names, else 2020-12. Nothing is fetched.
    pub(super) fn compile(text: &str) -> Result<Self, SchemaError> {
        let schema: serde_json::Value = serde_json::from_str(text)?;
        if !schema.is_object() {
            return Err(SchemaError::Schema("it is no JSON object".to_owned()));
        }
        jsonschema::options_for::<BorrowedJson>()
            .offline()
            .build(&schema)
            .map(|validator| Self {
                validator,
                plain: Plain::compile(&schema),
            })
            .map_err(|error| SchemaError::Schema(error.to_string()))
    }

    /// Checks arguments; the error is for the model to read and names no values.
    pub(super) fn check(&self, arguments: &[u8]) -> Result<(), String> {
        let is_plainly_valid = |plain: &Plain| plain.accepts(arguments);
        if self.plain.as_ref().is_some_and(is_plainly_valid) {
            return Ok(());
        }
        self.check_in_full(arguments)
    }

    /// Checks by the full validator, which alone says no.
    fn check_in_full(&self, arguments: &[u8]) -> Result<(), String> {
        let value: Value<'_> = serde_json::from_slice(arguments)
            .map_err(|error| format!("the arguments can't be read as JSON: {error}"))?;
        if !matches!(value, Value::Object(_)) {
            return Err(format!(
                "the arguments must be a JSON object, and are {}",
                value.type_name()
            ));
        }
        if self.validator.is_valid(&value) {
            return Ok(());
        }
        Err(self.explain(&value))
    }

    fn explain(&self, value: &Value<'_>) -> String {
        let mut text = "the arguments don't match the tool's schema:".to_owned();
        let mut count = 0;
        for error in self.validator.iter_errors(value).take(ERRORS_COUNTED_MAX) {
            count += 1;
            if count <= ERRORS_MAX {
                text.push_str("\n- ");
                text.push_str(&cut(&cause(&error)));
            }
        }
        if count > ERRORS_MAX {
            let or_more = if count == ERRORS_COUNTED_MAX {
                " or more"
            } else {
                ""
            };
            write!(text, "\n- and {}{or_more}", count - ERRORS_MAX)
                .expect("writing to a string can't fail");
        }
        text
    }
}

/// Path and cause of one error.
fn cause(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    let path = if path.is_empty() { "arguments" } else { path };
    let mut text = format!("{path}: {}", error.masked_with("the value"));
    if let ValidationErrorKind::Type { .. } = error.kind() {
        text.push_str(", it is ");
        text.push_str(type_name(error.instance()));
    }
    // Of alternatives, each one's first complaint says more than that none fits.
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
        error.kind()
    {
        let reasons: Vec<String> = context
            .iter()
            .filter_map(|alternative| alternative.first().map(cause))
            .collect();
        text.push_str(" (");
        text.push_str(&reasons.join("; or "));
        text.push(')');
    }
    text
}

fn type_name(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
impl Schema {
    /// Whether the fast way knows the schema and accepts, and whether the full one does.
    pub(super) fn both_ways(&self, arguments: &[u8]) -> (Option<bool>, bool) {
        let plain = self.plain.as_ref().map(|plain| plain.accepts(arguments));
        (plain, self.check_in_full(arguments).is_ok())
    }
}
