//! Values of SQLite as JSON, and back.

use data_encoding::BASE64;
use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Map, Value};

use crate::tool::ToolError;

/// Bytes of one text that are shown, at most (chosen, not measured).
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one blob that is shown in base64; of a larger one only its size is (chosen, not measured).
const BLOB_BYTES_MAX: usize = 4 * 1024;

/// Writes a value as JSON; integers keep all their digits. Says whether something was left out.
pub(super) fn write(value: ValueRef<'_>, json: &mut String) -> bool {
    let mut is_cut = false;
    let value = match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        // JSON has no infinities.
        ValueRef::Real(real) if !real.is_finite() => real.to_string().into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let shown = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
            if shown.len() < text.len() {
                is_cut = true;
                let left_out = text.len() - shown.len();
                format!("{shown}[… {left_out} bytes left out; read a part with substr()]").into()
            } else {
                shown.into()
            }
        }
        ValueRef::Blob(blob) => {
            let mut fields = Map::new();
            if blob.len() > BLOB_BYTES_MAX {
                is_cut = true;
                fields.insert("blob_bytes".to_owned(), blob.len().into());
            } else {
                fields.insert("base64".to_owned(), BASE64.encode(blob).into());
            }
            Value::Object(fields)
        }
    };
    json.push_str(&value.to_string());
    is_cut
}

/// A value of the model's for a parameter.
pub(super) fn parameter(name: &str, value: &Value) -> Result<Sql, ToolError> {
    let refuse = |what: &str| {
        Err(ToolError::invalid_arguments(format!(
            "the parameter {name} is {what}; give null, a boolean, a number, a text or {{\"base64\": \"…\"}}"
        )))
    };
    Ok(match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer(i64::from(*flag)),
        Value::Number(number) => match (number.as_i64(), number.is_f64(), number.as_f64()) {
            (Some(integer), _, _) => Sql::Integer(integer),
            (None, true, Some(real)) => Sql::Real(real),
            (None, _, _) => return refuse("an integer of more than 64 bits"),
        },
        Value::String(text) => Sql::Text(text.clone()),
        Value::Array(_) => return refuse("a list"),
        Value::Object(fields) => {
            let blob = fields
                .get("base64")
                .and_then(Value::as_str)
                .filter(|_| fields.len() == 1);
            match blob.map(|blob| BASE64.decode(blob.as_bytes())) {
                Some(Ok(blob)) => Sql::Blob(blob),
                Some(Err(_)) => return refuse("no base64"),
                None => return refuse("an object"),
            }
        }
    })
}
