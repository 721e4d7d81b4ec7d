//! `sql_query` and `sql_schema`: looking into one SQLite database.
//!
//! **Invariant:** nothing here writes, and nothing but the one file is opened: the file is opened read-only,
//! the connection refuses writes, and of what a statement does only what `allowed` lists is done at all.

mod allowed;
mod database;
mod query;
mod schema;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

pub use database::{Database, SqlError, SqlLimits};

use crate::tool::Tool;

/// `sql_query` and `sql_schema` over a database.
#[must_use]
pub fn tools(database: &Database) -> Vec<Arc<dyn Tool>> {
    vec![query::tool(database), schema::tool(database)]
}
