//! `sql_schema`: what tables there are.

use std::sync::Arc;

use callboard_proto::{Effect, Manifest};
use serde::Deserialize;

use super::database::Database;
use crate::builtin::spec;
use crate::plain::plain;
use crate::tool::{Answer, Cancellation, Tool, ToolResult, blocking, tool_fn};

/// The statements that made them, tables before views and indexes.
const SQL: &str = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
     AND (?1 IS NULL OR tbl_name = ?1 COLLATE NOCASE) \
     ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, tbl_name, name";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    table: Option<String>,
}

pub(super) fn tool(database: &Database) -> Arc<dyn Tool> {
    let database = database.clone();
    tool_fn(
        spec(
            "sql_schema",
            "Tells the tables, views and indexes of the SQLite database as the statements that made them.",
            r#"{"type":"object","properties":{"table":{"type":"string","description":"Only this table or view, with its indexes."}},"additionalProperties":false}"#,
            Manifest::new(Effect::Read),
        ),
        move |arguments: Arguments, call| {
            let database = database.clone();
            blocking(call, move |call| schema(&database, &arguments, &call.cancellation()))
        },
    )
    .into()
}

fn schema(database: &Database, arguments: &Arguments, cancellation: &Cancellation) -> ToolResult {
    let session = database.session(cancellation)?;
    let explain = |error: rusqlite::Error| session.explain(&error);
    let mut statement = session.connection.prepare(SQL).map_err(explain)?;
    let mut rows = statement.query([&arguments.table]).map_err(explain)?;
    let mut text = String::new();
    let mut names = Vec::new();
    while let Some(row) = rows.next().map_err(explain)? {
        let sql: String = row.get(2).map_err(explain)?;
        names.push(format!(
            "{} {}",
            row.get::<_, String>(0).map_err(explain)?,
            row.get::<_, String>(1).map_err(explain)?
        ));
        if text.len() <= database.limits().answer_bytes_max {
            text.push_str(&plain(&sql));
            text.push_str(";\n");
        }
    }
    if names.is_empty() {
        return match &arguments.table {
            Some(table) => Err(Answer::error(format!(
                "There is no table or view {table:?}; sql_schema without arguments tells all."
            ))
            .into()),
            None => Ok(Answer::text("The database has no tables.")),
        };
    }
    if text.len() > database.limits().answer_bytes_max {
        text = format!(
            "{}\n[these are names alone: ask for one with \"table\"]",
            plain(&names.join("\n"))
        );
    }
    Ok(Answer::text(text))
}
