//! Bodies: the arguments as they came, JSON with typed slots, or a form.

use serde_json::{Map, Value};

use super::text::{Slots, TemplateError, Text};
use super::url::QueryTemplate;
use crate::http::values::{FillError, Values};
use crate::slot::{self, Piece};

/// Depth of a JSON body's template, at most. Chosen, not measured.
const DEPTH_MAX: usize = 64;

/// A body with slots that was checked against its tool's schema.
#[derive(Clone, Debug)]
pub enum BodyTemplate {
    /// The arguments as the model wrote them.
    Arguments,
    /// JSON.
    Json(Node),
    /// A form.
    Form(QueryTemplate),
}

/// A value of a JSON body.
#[derive(Clone, Debug)]
pub struct Node(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// JSON as it stands.
    Fixed(String),
    /// The value of a slot, as the model wrote it.
    Slot(String),
    /// A text with slots in it.
    Text(Text),
    List(Vec<Kind>),
    /// Members by their names, which are JSON texts.
    Object(Vec<(String, Kind)>),
}

impl BodyTemplate {
    /// Checks a JSON body with slots against the input schema of its tool.
    ///
    /// # Errors
    /// When a slot doesn't fit the schema, or it is nested too deeply.
    pub fn new(body: &Value, schema: &Map<String, Value>) -> Result<Self, TemplateError> {
        Self::json(body, &mut Slots::of(schema))
    }

    pub(in crate::http) fn json(body: &Value, slots: &mut Slots) -> Result<Self, TemplateError> {
        Kind::new(body, slots, 0).map(|kind| Self::Json(Node(kind)))
    }

    /// What it is, for `Content-Type`.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Arguments | Self::Json(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }

    /// The body for these values, which are `arguments` parsed. Members and items whose slots have no value
    /// (or `null`) are left out.
    ///
    /// # Errors
    /// When a value can't stand where its slot does.
    pub fn fill(&self, arguments: &[u8], values: &Values) -> Result<Vec<u8>, FillError> {
        match self {
            Self::Arguments => Ok(arguments.to_vec()),
            Self::Json(Node(kind)) => {
                let mut json = String::new();
                if !kind.write(values, &mut json)? {
                    json.push_str("null");
                }
                Ok(json.into_bytes())
            }
            Self::Form(pairs) => pairs.form(values).map(String::into_bytes),
        }
    }
}

impl Kind {
    fn new(body: &Value, slots: &mut Slots, depth: usize) -> Result<Self, TemplateError> {
        if depth > DEPTH_MAX {
            return Err(TemplateError::Body("it is nested too deeply"));
        }
        Ok(match body {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(body.to_string()),
            Value::String(text) => Self::text(text, slots)?,
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::new(item, slots, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((json_text(name), Self::new(value, slots, depth + 1)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
        })
    }

    fn text(text: &str, slots: &mut Slots) -> Result<Self, TemplateError> {
        let pieces = slot::pieces(text).ok_or_else(|| TemplateError::Brace(text.to_owned()))?;
        Ok(match &pieces[..] {
            [Piece::Text(text)] => Self::Fixed(json_text(text)),
            // A lone slot keeps its type, whatever that is.
            [Piece::Slot(name)] => {
                slots.property(text, name)?;
                Self::Slot(name.clone())
            }
            _ => Self::Text(Text::new(text, slots, false)?),
        })
    }

    /// Writes it; says whether there was something to write.
    fn write(&self, values: &Values, json: &mut String) -> Result<bool, FillError> {
        match self {
            Self::Fixed(fixed) => json.push_str(fixed),
            Self::Slot(name) => match values.raw(name) {
                Some(raw) => json.push_str(raw),
                None => return Ok(false),
            },
            Self::Text(text) => {
                let filled = text.fill(values, str::to_owned, |_, value| Ok(value.to_owned()))?;
                match filled.first() {
                    Some(text) => json.push_str(&json_text(text)),
                    None => return Ok(false),
                }
            }
            Self::List(items) => {
                json.push('[');
                for item in items {
                    write_after_comma(json, '[', |json| item.write(values, json))?;
                }
                json.push(']');
            }
            Self::Object(members) => {
                json.push('{');
                for (name, value) in members {
                    write_after_comma(json, '{', |json| {
                        json.push_str(name);
                        json.push(':');
                        value.write(values, json)
                    })?;
                }
                json.push('}');
            }
        }
        Ok(true)
    }
}

/// Writes one more into a list that begins with `open`; what turns out to be nothing leaves nothing behind.
fn write_after_comma(
    json: &mut String,
    open: char,
    write: impl FnOnce(&mut String) -> Result<bool, FillError>,
) -> Result<(), FillError> {
    let before = json.len();
    if !json.ends_with(open) {
        json.push(',');
    }
    if !write(json)? {
        json.truncate(before);
    }
    Ok(())
}

fn json_text(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn slots() -> Slots {
        let schema = r#"{"properties": {"a": {"type": "string"}, "n": {"type": "number"}, "o": {"type": "object"}, "l": {"type": "array"}}}"#;
        Slots::of(&serde_json::from_str(schema).unwrap())
    }

    fn filled(body: &Value, arguments: &str) -> String {
        let template = BodyTemplate::json(body, &mut slots()).unwrap();
        let values = Values::parse(arguments.as_bytes()).unwrap();
        String::from_utf8(template.fill(arguments.as_bytes(), &values).unwrap()).unwrap()
    }

    #[test]
    fn slots_keep_their_types_and_the_models_digits() {
        let body = json!({
            "text": "{a}", "in": "<{a}|{n}>", "n": "{n}", "o": "{o}", "list": ["{l}", "{a}", 1, "{{a}}"],
            "fixed": {"x": null, "{a}": true},
        });
        assert_eq!(
            filled(
                &body,
                r#"{"a": "q\"\n", "n": 1.50, "o": { "k" : 12345678901234567890123 }, "l": [ ]}"#
            ),
            r#"{"text":"q\"\n","in":"<q\"\n|1.50>","n":1.50,"o":{ "k" : 12345678901234567890123 },"list":[[ ],"q\"\n",1,"{a}"],"fixed":{"x":null,"{a}":true}}"#
        );
        assert_eq!(
            filled(&body, r#"{"a": null}"#),
            r#"{"list":[1,"{a}"],"fixed":{"x":null,"{a}":true}}"#
        );
        assert_eq!(filled(&json!("{a}"), "{}"), "null");
        assert_eq!(
            filled(&json!(["{a}", ["{a}"], {"b": "{a}"}]), "{}"),
            "[[],{}]"
        );
    }

    #[test]
    fn what_does_not_fit_the_schema_is_refused() {
        for body in [
            json!("{x}"),
            json!("<{o}>"),
            json!(["{"]),
            json!({"a": "{l} "}),
        ] {
            BodyTemplate::json(&body, &mut slots()).unwrap_err();
        }
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        BodyTemplate::json(&deep, &mut slots()).unwrap_err();
    }
}
