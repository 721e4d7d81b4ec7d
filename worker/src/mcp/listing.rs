//! The worker's tools, made of what a server lists.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use callboard_proto::limit::TOOL_NAME_BYTES_MAX;
use callboard_proto::{Effect, ToolName, ToolSpec};
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value};

use super::paging::{Broken, List};
use super::spec::{Declared, Server};
use crate::tool::{check_spec, schema_cause};

/// Names that one sentence tells. Chosen, not measured.
const NAMES_TOLD_MAX: usize = 20;

/// A tool of a server, as the worker offers it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    /// The name by which the server knows it.
    pub(super) remote: String,
    /// What the worker declares of it.
    pub(super) spec: ToolSpec,
    /// Calls of it that this worker executes at once.
    pub(super) slots: Option<NonZeroU32>,
}

/// What becomes of a server's list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Listing {
    /// What is offered, in the server's order.
    pub(super) tools: Vec<Listed>,
    /// What isn't, and why, for the operator.
    pub(super) problems: Vec<String>,
}

/// Makes tools of a list, as the server's operator declared them.
pub(super) fn listing(server: &Server, list: &List) -> Listing {
    let mut made = Listing::default();
    let mut taken: BTreeMap<ToolName, String> = BTreeMap::new();
    let is_wanted = |name: &str| {
        let mut only = server.only.as_ref().map(|only| only.iter());
        only.as_mut()
            .is_none_or(|only| only.any(|wanted| wanted == name))
    };
    for tool in &list.tools {
        if !is_wanted(&tool.name) {
            continue;
        }
        match listed(server, tool) {
            Ok(listed) => match taken.get(&listed.spec.name) {
                Some(first) => made.problems.push(format!(
                    "its tools {first:?} and {:?} would both be named {}; the second is left out",
                    tool.name, listed.spec.name
                )),
                None => {
                    taken.insert(listed.spec.name.clone(), listed.remote.clone());
                    made.tools.push(listed);
                }
            },
            Err(why) => made
                .problems
                .push(format!("its tool {:?} is left out: {why}", tool.name)),
        }
    }
    for Broken { name, place, why } in &list.broken {
        let which = match name {
            Some(name) if !is_wanted(name) => continue,
            Some(name) => format!("its tool {name:?}"),
            None => format!("number {place} of its list of tools"),
        };
        made.problems
            .push(format!("{which} is left out: it can't be read: {why}"));
    }
    let known: Vec<&str> = (list.tools.iter().map(|tool| &*tool.name))
        .chain(list.broken.iter().filter_map(|tool| tool.name.as_deref()))
        .collect();
    let named = (server.only.iter().flatten()).chain(server.tools.keys());
    let mut missing: Vec<&String> = named.filter(|name| !known.contains(&&***name)).collect();
    missing.sort();
    missing.dedup();
    for name in missing {
        made.problems.push(format!(
            "it has no tool {name:?}, which its declaration names; it has {}",
            told(&known)
        ));
    }
    made
}

/// Names as they are told: escaped, and not all of thousands.
fn told(names: &[&str]) -> String {
    let (shown, others) = names.split_at(names.len().min(NAMES_TOLD_MAX));
    let mut told: Vec<String> = shown.iter().map(|name| format!("{name:?}")).collect();
    if !others.is_empty() {
        told.push(format!("and {} more", others.len()));
    }
    told.join(", ")
}

fn listed(server: &Server, tool: &Tool) -> Result<Listed, String> {
    let nothing = Declared::default();
    let declared = server.tools.get(&*tool.name).unwrap_or(&nothing);
    let hinted = (tool.annotations.as_ref())
        .filter(|_| server.trusts_annotations)
        .and_then(hint);
    let spec = ToolSpec {
        name: name(&server.prefix, &tool.name)?,
        description: description(tool),
        input_schema: schema(&tool.input_schema)?,
        manifest: declared.manifest(&server.defaults, hinted),
    };
    check_spec(&spec).map_err(|error| error.to_string())?;
    Ok(Listed {
        remote: tool.name.to_string(),
        slots: declared.slots.or(server.defaults.slots),
        spec,
    })
}

/// What a server hints that a tool does. It may be wrong, or lie: only an operator's word makes it count.
fn hint(annotations: &ToolAnnotations) -> Option<Effect> {
    if annotations.read_only_hint == Some(true) {
        Some(Effect::Read)
    } else if annotations.is_idempotent() {
        Some(Effect::Idempotent)
    } else {
        None
    }
}

/// The worker's name for a tool. What can't stand in one becomes `_`.
fn name(prefix: &str, remote: &str) -> Result<ToolName, String> {
    let name: String = format!("{prefix}{remote}")
        .chars()
        .map(|character| {
            if character.is_control() {
                '_'
            } else {
                character
            }
        })
        .collect();
    ToolName::new(name.as_str()).map_err(|error| {
        format!(
            "{error}; a shorter prefix may help (names have at most {TOOL_NAME_BYTES_MAX} bytes)"
        )
    })
}

fn description(tool: &Tool) -> String {
    let title = || {
        let annotated = tool.annotations.as_ref();
        (tool.title.as_deref()).or_else(|| annotated.and_then(|hints| hints.title.as_deref()))
    };
    let text = tool.description.as_deref().filter(|text| !text.is_empty());
    text.or_else(title).unwrap_or(&tool.name).to_owned()
}

/// The schema as JSON text. One that says nothing of its type is one of an object, which is all that a
/// tool's arguments can be.
fn schema(schema: &Map<String, Value>) -> Result<String, String> {
    let mut schema = schema.clone();
    schema
        .entry("type")
        .or_insert_with(|| Value::String("object".to_owned()));
    let schema = Value::Object(schema);
    jsonschema::meta::validate(&schema).map_err(|error| {
        let at = error.instance_path().to_string();
        format!(
            "its input schema is no JSON Schema at {at:?}: {}",
            schema_cause(&error)
        )
    })?;
    Ok(schema.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::num::NonZeroUsize;
    use std::time::Duration;

    use serde_json::json;

    use super::super::spec::{UrlSpec, Way};
    use super::*;

    fn server() -> Server {
        let url = UrlSpec::new("https://host/mcp", BTreeMap::new(), false).unwrap();
        Server {
            name: "s".to_owned(),
            declared_at: String::new(),
            way: Way::Http(url),
            only: None,
            prefix: "s_".to_owned(),
            trusts_annotations: false,
            defaults: Declared::default(),
            tools: BTreeMap::new(),
            instances: NonZeroUsize::MIN,
            parallel: None,
            start_timeout: Duration::from_secs(1),
        }
    }

    fn tools(list: Value) -> List {
        List {
            tools: serde_json::from_value(list).unwrap(),
            broken: Vec::new(),
        }
    }

    fn effects(server: &Server, list: &List) -> Vec<String> {
        let listing = listing(server, list);
        let effect = |tool: &Listed| tool.spec.manifest.effect.to_string();
        listing.tools.iter().map(effect).collect()
    }

    #[test]
    fn hints_count_only_where_the_operator_says_so_and_never_against_the_operator() {
        let schema = json!({ "type": "object" });
        let list = tools(json!([
            { "name": "a", "inputSchema": schema, "annotations": { "readOnlyHint": true } },
            { "name": "b", "inputSchema": schema, "annotations": { "idempotentHint": true } },
            { "name": "c", "inputSchema": schema, "annotations": { "destructiveHint": false } },
            { "name": "d", "inputSchema": schema },
        ]));
        let mut server = server();
        assert_eq!(effects(&server, &list), ["write"; 4]);
        server.trusts_annotations = true;
        assert_eq!(
            effects(&server, &list),
            ["read", "idempotent", "write", "write"]
        );
        server.defaults.effect = Some(Effect::Read);
        assert_eq!(
            effects(&server, &list),
            ["read", "idempotent", "read", "read"]
        );
        let write = Declared {
            effect: Some(Effect::Write),
            ..Declared::default()
        };
        server.tools.insert("a".to_owned(), write);
        assert_eq!(
            effects(&server, &list),
            ["write", "idempotent", "read", "read"]
        );
    }

    #[test]
    fn what_is_not_offered_is_named_with_its_reason() {
        let schema = json!({ "type": "object" });
        let mut list = tools(json!([
            { "name": "fine", "inputSchema": {}, "title": "A fine tool" },
            { "name": "fi\nne", "inputSchema": schema, "description": "Told." },
            { "name": "fi\tne", "inputSchema": schema },
            { "name": "l".repeat(200), "inputSchema": schema },
            { "name": "text", "inputSchema": { "type": "string" } },
            { "name": "odd", "inputSchema": { "type": "object", "properties": { "a": { "type": "txt" } } } },
            { "name": "pattern", "inputSchema": { "properties": { "a": { "pattern": "(" } } } },
            { "name": "far", "inputSchema": { "properties": { "a": { "$ref": "https://example.com/a" } } } },
            { "name": "unwanted", "inputSchema": schema },
        ]));
        let mut server = server();
        let names = list.tools.iter();
        let mut only: Vec<String> = names.map(|tool| tool.name.to_string()).collect();
        only.pop();
        only.push("gone".to_owned());
        only.push("broken".to_owned());
        for (place, name) in [Some("broken"), Some("unwanted too"), None]
            .into_iter()
            .enumerate()
        {
            list.broken.push(Broken {
                name: name.map(str::to_owned),
                place: place + 1,
                why: "it is a number".to_owned(),
            });
        }
        server.only = Some(only);
        insta::assert_debug_snapshot!(listing(&server, &list));
    }
}
