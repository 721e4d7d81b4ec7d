//! `sql_query`: the rows of one statement.

use std::sync::Arc;

use callboard_proto::{Effect, Manifest, Part};
use rusqlite::Statement;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::database::{Database, Session, SqlLimits};
use super::value;
use crate::builtin::spec;
use crate::tool::{Answer, Cancellation, Tool, ToolError, ToolResult, blocking, tool_fn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    sql: String,
    #[serde(default)]
    parameters: Parameters,
    rows_max: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list, or an object by name")]
enum Parameters {
    List(Vec<Value>),
    Named(Map<String, Value>),
}

impl Default for Parameters {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

pub(super) fn tool(database: &Database) -> Arc<dyn Tool> {
    let database = database.clone();
    tool_fn(
        spec(
            "sql_query",
            "Runs one SQL statement that only reads (SELECT, WITH, VALUES, EXPLAIN) on the SQLite database. Give values as parameters, not in the text. Gives columns and rows as JSON; what was left out is said in a note. sql_schema tells the tables.",
            r#"{"type":"object","properties":{"sql":{"type":"string","minLength":1,"description":"One statement in SQLite's dialect, with ? or :name for parameters."},"parameters":{"type":["array","object"],"description":"Values: a list for ?, an object for :name. null, booleans, numbers, texts, or {\"base64\": \"…\"} for a blob."},"rows_max":{"type":"integer","minimum":1,"description":"How many rows at most."}},"required":["sql"],"additionalProperties":false}"#,
            Manifest::new(Effect::Read),
        ),
        move |arguments: Arguments, call| {
            let database = database.clone();
            async move {
                // SQLite reads a statement up to it.
                if arguments.sql.contains('\0') {
                    return Err(ToolError::invalid_arguments(
                        "the statement holds a NUL character",
                    ));
                }
                if arguments.rows_max == Some(0) {
                    return Err(ToolError::invalid_arguments("rows_max is 0; give at least 1"));
                }
                blocking(call, move |call| query(&database, &arguments, &call.cancellation())).await
            }
        },
    )
    .into()
}

fn query(database: &Database, arguments: &Arguments, cancellation: &Cancellation) -> ToolResult {
    let session = database.session(cancellation)?;
    let explain = |error: rusqlite::Error| session.explain(&error);
    let mut statement = session
        .connection
        .prepare(&arguments.sql)
        .map_err(explain)?;
    if !statement.readonly() {
        return Err(ToolError::refused("the database may only be read"));
    }
    if statement.column_count() == 0 {
        return Err(ToolError::invalid_arguments(
            "the statement gives no rows; give a SELECT, WITH, VALUES or EXPLAIN statement",
        ));
    }
    bind(&mut statement, &arguments.parameters, &session)?;
    let limits = database.limits();
    let limits = SqlLimits {
        rows_max: arguments
            .rows_max
            .unwrap_or(limits.rows_max)
            .min(limits.rows_max),
        ..limits.clone()
    };
    rows(&mut statement, &limits, &session)
}

fn bind(
    statement: &mut Statement<'_>,
    parameters: &Parameters,
    session: &Session,
) -> Result<(), ToolError> {
    let wanted = statement.parameter_count();
    match parameters {
        Parameters::List(values) => {
            if values.len() != wanted {
                return Err(ToolError::invalid_arguments(format!(
                    "the statement has {wanted} parameters, and {} values were given",
                    values.len()
                )));
            }
            for (index, value) in values.iter().enumerate() {
                let value = value::parameter(&(index + 1).to_string(), value)?;
                statement
                    .raw_bind_parameter(index + 1, value)
                    .map_err(|error| session.explain(&error))?;
            }
        }
        Parameters::Named(values) => {
            let mut left: Vec<&String> = values.keys().collect();
            for index in 1..=wanted {
                let name = statement.parameter_name(index).unwrap_or("?").to_owned();
                let bare = name.trim_start_matches([':', '@', '$']);
                let found = values
                    .get_key_value(bare)
                    .or_else(|| values.get_key_value(&name));
                let Some((key, value)) = found else {
                    return Err(ToolError::invalid_arguments(format!(
                        "the parameter {name} of the statement has no value"
                    )));
                };
                left.retain(|name| *name != key);
                let value = value::parameter(&name, value)?;
                statement
                    .raw_bind_parameter(index, value)
                    .map_err(|error| session.explain(&error))?;
            }
            if let Some(unused) = left.first() {
                return Err(ToolError::invalid_arguments(format!(
                    "the statement has no parameter {unused}; write it as :{unused}"
                )));
            }
        }
    }
    Ok(())
}

fn rows(statement: &mut Statement<'_>, limits: &SqlLimits, session: &Session) -> ToolResult {
    let columns = statement.column_count();
    let names: Vec<Value> = statement.column_names().map(Value::from).collect();
    let mut json = format!("{{\"columns\":{},\"rows\":[", Value::Array(names));
    let mut notes: Vec<String> = Vec::new();
    let mut count = 0;
    let mut has_cut_values = false;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| session.explain(&error))? {
        if count == limits.rows_max {
            notes.push(format!("only the first {count} rows are here"));
            break;
        }
        let before = json.len();
        json.push_str(if count == 0 { "[" } else { ",[" });
        for column in 0..columns {
            if column > 0 {
                json.push(',');
            }
            let cell = row
                .get_ref(column)
                .map_err(|error| session.explain(&error))?;
            has_cut_values |= value::write(cell, &mut json);
        }
        json.push(']');
        if json.len() > limits.answer_bytes_max {
            json.truncate(before);
            notes.push(if count == 0 {
                "the first row is too large to be shown; select fewer columns, or parts of them with substr()".to_owned()
            } else {
                format!("only the first {count} rows are here, more bytes can't be shown")
            });
            break;
        }
        count += 1;
    }
    json.push(']');
    if has_cut_values {
        notes.push("some values are too large to be shown whole".to_owned());
    }
    if !notes.is_empty() {
        json.push_str(&format!(",\"note\":{}", Value::from(notes.join("; "))));
    }
    json.push('}');
    Ok(Answer::parts(vec![Part::Json(json)]))
}
