//! Contents, read as a conversation.

use crate::conversation::{
    Arguments, Call, CallResult, Place, Results, Spoken, Step, StepKind, What, merged,
};
use crate::format::read::unknown;
use crate::json::Node;
use crate::refusal::Refusal;

const PART_FIELDS: [&str; 21] = [
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "videoMetadata",
    "mediaResolution",
    "toolCall",
    "toolResponse",
    "partMetadata",
    "audioTranscription",
    "mediaProcessing",
    "speechMetadata",
    "documentMetadata",
    "spreadsheetMetadata",
    "audioMetadata",
    "mediaId",
];
const CALL_FIELDS: [&str; 5] = ["id", "name", "args", "partialArgs", "willContinue"];
const RESPONSE_FIELDS: [&str; 6] = [
    "id",
    "name",
    "response",
    "parts",
    "willContinue",
    "scheduling",
];

/// The name of a field, written either way, in the form that this file reads.
pub(super) fn camel(key: &str) -> String {
    let mut parts = key.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// An object with its own keys, not those further in, in the form that this file reads.
pub(super) fn camel_keys(node: &Node) -> Node {
    match node {
        Node::Object(entries) => Node::Object(
            entries
                .iter()
                .map(|(key, value)| (camel(key), value.clone()))
                .collect(),
        ),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
            node.clone()
        }
    }
}

/// What a content says that it doesn't know.
pub(super) fn unknown_name(name: &str, path: &str) -> Refusal {
    Refusal::invalid(format!(
        "Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."
    ))
    .param(path)
}

/// Reads all contents.
pub(super) fn steps(contents: &[Node]) -> Result<Vec<Step>, Refusal> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, content) in contents.iter().enumerate() {
        let path = format!("contents[{at}]");
        if let Some(key) = unknown(content, &["role", "parts"]) {
            return Err(unknown_name(key, &path));
        }
        let parts = parts(content, &path)?;
        let canonical: Vec<String> = parts
            .iter()
            .map(|part| part.canonical_without(&[]))
            .collect();
        let canonical = canonical.join(" ");
        match content.given("role").map_or(Some("user"), Node::text) {
            Some("model") => {
                let said = spoken(&parts, at);
                // A client may keep each chunk of a stream as a content of its own.
                if let Some(Step {
                    kind: StepKind::Assistant(all),
                    canonical: text,
                    ..
                }) = steps.last_mut()
                {
                    text.push_str(&canonical);
                    all.extend(said);
                    *all = merged(std::mem::take(all));
                    continue;
                }
                if steps.is_empty() {
                    return Err(Refusal::invalid(
                        "Please ensure that function call turn comes immediately after a user turn or after a function \
                         response turn.",
                    ));
                }
                steps.push(Step {
                    at,
                    canonical,
                    kind: StepKind::Assistant(merged(said)),
                });
            }
            Some("user" | "function") => steps.push(Step {
                at,
                canonical,
                kind: user(&parts, at),
            }),
            _ => {
                return Err(Refusal::invalid("Please use a valid role: user, model."));
            }
        }
    }
    Ok(steps)
}

/// The parts of a content, each in the form that this file reads, and checked.
fn parts(content: &Node, path: &str) -> Result<Vec<Node>, Refusal> {
    let parts = content
        .get("parts")
        .and_then(Node::list)
        .unwrap_or_default();
    if parts.is_empty() {
        return Err(Refusal::invalid(format!(
            "* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n"
        )));
    }
    let mut read = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let path = format!("{path}.parts[{index}]");
        let Node::Object(entries) = camel_keys(part) else {
            return Err(Refusal::invalid(format!(
                "Invalid value at '{path}': expected an object"
            )));
        };
        let part = Node::Object(
            entries
                .into_iter()
                .map(|(key, value)| match key.as_str() {
                    "functionCall" | "functionResponse" => (key, camel_keys(&value)),
                    _ => (key, value),
                })
                .collect(),
        );
        if let Some(key) = unknown(&part, &PART_FIELDS) {
            return Err(unknown_name(key, &path));
        }
        check_part(&part, &path)?;
        read.push(part);
    }
    Ok(read)
}

fn check_part(part: &Node, path: &str) -> Result<(), Refusal> {
    let is_named = |node: &Node| node.text_at("name").is_some_and(|name| !name.is_empty());
    if let Some(call) = part.given("functionCall") {
        if let Some(key) = unknown(call, &CALL_FIELDS) {
            return Err(unknown_name(key, &format!("{path}.function_call")));
        }
        if !is_named(call) {
            return Err(Refusal::invalid(format!(
                "* GenerateContentRequest.{path}.function_call.name: Name cannot be empty.\n"
            )));
        }
        return check_struct(call, "args", &format!("{path}.function_call.args"));
    }
    if let Some(response) = part.given("functionResponse") {
        if let Some(key) = unknown(response, &RESPONSE_FIELDS) {
            return Err(unknown_name(key, &format!("{path}.function_response")));
        }
        if !is_named(response) {
            return Err(Refusal::invalid(format!(
                "* GenerateContentRequest.{path}.function_response.name: Name cannot be empty.\n"
            )));
        }
        if response.given("response").is_none() {
            return Err(Refusal::invalid(format!(
                "* GenerateContentRequest.{path}.function_response.response: Field is required.\n"
            )));
        }
        return check_struct(
            response,
            "response",
            &format!("{path}.function_response.response"),
        );
    }
    Ok(())
}

fn check_struct(node: &Node, key: &str, path: &str) -> Result<(), Refusal> {
    match node.given(key) {
        None | Some(Node::Object(_)) => Ok(()),
        Some(other) => Err(Refusal::invalid(format!(
            "Invalid value at '{path}' (type.googleapis.com/google.protobuf.Struct), {}",
            other.canonical()
        ))
        .param(path)),
    }
}

fn user(parts: &[Node], at: usize) -> StepKind {
    let mut results = Results::default();
    for (index, part) in parts.iter().enumerate() {
        let Some(response) = part.given("functionResponse") else {
            results.preceded |= results.results.is_empty();
            continue;
        };
        results.results.push(CallResult {
            at: Place::new(at, index),
            id: response
                .text_at("id")
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            tool: response.text_at("name").map(str::to_owned),
        });
        // What is expected is looked for in the values, whatever their names are.
        results.text.push_str(&texts(response.get("response")));
    }
    if results.results.is_empty() {
        StepKind::Input
    } else {
        StepKind::Results(results)
    }
}

fn texts(node: Option<&Node>) -> String {
    match node {
        None | Some(Node::Null) => String::new(),
        Some(Node::Text(text)) => format!("{text}\n"),
        Some(node @ (Node::Bool(_) | Node::Number(_))) => format!("{}\n", node.canonical()),
        Some(Node::List(items)) => items.iter().map(|item| texts(Some(item))).collect(),
        Some(Node::Object(entries)) => entries
            .iter()
            .map(|(_, value)| texts(Some(value)))
            .collect(),
    }
}

/// Reads the parts of a model's content.
pub(super) fn spoken(parts: &[Node], at: usize) -> Vec<Spoken> {
    let mut all = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let signature = part.text_at("thoughtSignature").map(str::to_owned);
        let what = if let Some(call) = part.given("functionCall") {
            What::Call(Call {
                id: call
                    .text_at("id")
                    .filter(|id| !id.is_empty())
                    .map(str::to_owned),
                tool: call.text_at("name").unwrap_or_default().to_owned(),
                arguments: Arguments::Object(
                    call.given("args")
                        .map_or_else(|| "{}".to_owned(), Node::canonical),
                ),
                signature,
                rest: String::new(),
            })
        } else if let Some(text) = part.text_at("text") {
            if part.bool_at("thought") == Some(true) {
                What::Thinking {
                    text: text.to_owned(),
                    signature: None,
                }
            } else if text.is_empty() {
                // Where a stream ends: nothing, or a signature that may be left out.
                continue;
            } else {
                What::Text(text.to_owned())
            }
        } else {
            What::Opaque(part.canonical_without(&[]))
        };
        all.push(Spoken {
            at: Place::new(at, index),
            what,
        });
    }
    all
}
