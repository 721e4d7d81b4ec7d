//! The tools that ship with the worker.

pub mod basic;
pub mod fetch;
pub mod fs;
pub mod shop;
pub mod sql;

use callboard_proto::{Manifest, ToolName, ToolSpec};

/// A spec of our own, whose name is known to be one.
fn spec(name: &str, description: &str, input_schema: &str, manifest: Manifest) -> ToolSpec {
    ToolSpec {
        name: ToolName::new(name).expect("the names of our own tools are valid"),
        description: description.to_owned(),
        input_schema: input_schema.to_owned(),
        manifest,
    }
}
