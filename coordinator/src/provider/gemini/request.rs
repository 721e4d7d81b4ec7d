//! Writes the question.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{history, schema};
use crate::catalogue::{Catalogue, Tool};
use crate::model::Conversation;
use crate::provider::body::Body;
use crate::provider::{Settings, ToolChoice, WireRequest};

/// Writes the question. The path is relative to a base URL that ends in the API's version. The
/// conversation comes last in the body, so that all that was sent before is sent again, byte for byte.
///
/// Of [`Settings::extra`], the members of objects win over ours one by one (`generationConfig` holds
/// most of the API's settings) and the `tools` join ours. There is no switch for [`Settings::parallel`]:
/// the cap of the turn keeps it.
///
/// # Panics
/// Never: what is serialised has strings for keys.
#[must_use]
pub fn request(settings: &Settings, conversation: &Conversation) -> WireRequest {
    let mut body = Body::default();
    for (name, value) in head(settings, &conversation.catalogue) {
        body.set(name, &value);
    }
    if let Some(token) = continuation(conversation) {
        body.set("continuationToken", &token);
    }
    let contents = history::contents(conversation);
    let contents = contents.iter().map(AsRef::as_ref);
    WireRequest {
        path: path(settings),
        body: body.end(&Map::new(), "contents", contents),
    }
}

/// The token with which the last response is asked for on, if it was paused.
fn continuation(conversation: &Conversation) -> Option<&str> {
    conversation.exchanges.last()?.answer.resume.as_deref()
}

fn path(settings: &Settings) -> String {
    let mut path = "/".to_owned();
    // A model may be named with its collection: `models/…`, `tunedModels/…`, `publishers/google/models/…`.
    if !settings.model.contains('/') {
        path.push_str("models/");
    }
    for byte in settings.model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").expect("writing to a string can't fail");
        }
    }
    path.push_str(if settings.is_streamed {
        ":streamGenerateContent?alt=sse"
    } else {
        ":generateContent"
    });
    path
}

/// The body without the conversation; the same for all turns of a run.
fn head(settings: &Settings, catalogue: &Catalogue) -> Map<String, Value> {
    let mut head = Map::new();
    if let Some(system) = &settings.system {
        head.insert(
            "systemInstruction".to_owned(),
            json!({"parts": [{"text": system}]}),
        );
    }
    let declarations: Vec<Value> = catalogue.tools().map(declaration).collect();
    if !declarations.is_empty() {
        head.insert(
            "tools".to_owned(),
            json!([{"functionDeclarations": declarations}]),
        );
        if let Some(config) = calling(&settings.tool_choice) {
            head.insert(
                "toolConfig".to_owned(),
                json!({"functionCallingConfig": config}),
            );
        }
    }
    if let Some(tokens) = settings.max_tokens {
        head.insert(
            "generationConfig".to_owned(),
            json!({"maxOutputTokens": tokens}),
        );
    }
    for (name, value) in &settings.extra {
        // The conversation is no setting.
        if name == "contents" {
            continue;
        }
        match (name.as_str(), head.get_mut(name), value) {
            ("tools", Some(Value::Array(ours)), Value::Array(theirs)) => {
                ours.extend(theirs.iter().cloned());
            }
            (_, Some(ours), theirs) => merge(ours, theirs),
            (_, None, theirs) => {
                head.insert(name.clone(), theirs.clone());
            }
        }
    }
    head
}

fn declaration(tool: &Tool) -> Value {
    let mut declaration = Map::new();
    declaration.insert("name".to_owned(), tool.model_name().into());
    let description = &tool.spec().description;
    if !description.is_empty() {
        declaration.insert("description".to_owned(), description.as_str().into());
    }
    if let Some(parameters) = schema::parameters(&tool.spec().input_schema) {
        declaration.insert("parametersJsonSchema".to_owned(), parameters);
    }
    Value::Object(declaration)
}

fn calling(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Any => Some(json!({"mode": "ANY"})),
        ToolChoice::None => Some(json!({"mode": "NONE"})),
        ToolChoice::Tool(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}

fn merge(ours: &mut Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                match ours.get_mut(name) {
                    Some(ours) => merge(ours, value),
                    None => {
                        ours.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (ours, theirs) => ours.clone_from(theirs),
    }
}
