//! What both of OpenAI's APIs share.

use hyper::StatusCode;

use super::read::{is_word, unknown};
use super::status;
use crate::json::{Json, Node, object};
use crate::refusal::{Refusal, RefusalKind};

/// Letters of a function's name, at most.
pub(super) const NAME_MAX: usize = 64;

pub(super) fn body(refusal: &Refusal) -> (StatusCode, Json) {
    let (code, kind, error_code) = match refusal.kind {
        RefusalKind::Invalid => (400, "invalid_request_error", refusal.code),
        RefusalKind::NoKey => (401, "invalid_request_error", None),
        RefusalKind::WrongKey => (401, "invalid_request_error", Some("invalid_api_key")),
        RefusalKind::Billing => (402, "billing_error", Some("credit_balance_exhausted")),
        RefusalKind::NotFound => (404, "invalid_request_error", refusal.code),
        RefusalKind::TooLarge => (413, "invalid_request_error", Some("request_too_large")),
        RefusalKind::RateLimit => (429, "requests", Some("rate_limit_exceeded")),
        RefusalKind::SpendLimit => (429, "insufficient_quota", Some("insufficient_quota")),
        RefusalKind::Server => (500, "server_error", None),
        RefusalKind::Overloaded => (503, "server_error", Some("server_is_overloaded")),
        RefusalKind::Unavailable => (503, "server_error", None),
        RefusalKind::Timeout => (504, "server_error", None),
        RefusalKind::Status(code @ 400..=499) => (code, "invalid_request_error", refusal.code),
        RefusalKind::Status(code) => (code, "server_error", refusal.code),
    };
    let error = object! {
        "message": refusal.message, "type": kind, "param": refusal.param, "code": error_code,
    };
    (status(code), object! {"error": error})
}

pub(super) fn invalid(message: impl Into<String>, param: impl Into<String>) -> Refusal {
    Refusal::invalid(message).param(param).code("invalid_value")
}

pub(super) fn missing(param: impl Into<String>) -> Refusal {
    let param = param.into();
    Refusal::invalid(format!("Missing required parameter: '{param}'."))
        .param(param)
        .code("missing_required_parameter")
}

pub(super) fn unexpected(param: impl Into<String>) -> Refusal {
    let param = param.into();
    Refusal::invalid(format!("Unknown parameter: '{param}'."))
        .param(param)
        .code("unknown_parameter")
}

pub(crate) fn unknown_model(model: &str) -> Refusal {
    Refusal::new(
        RefusalKind::NotFound,
        format!("The model `{model}` does not exist or you do not have access to it."),
    )
    .code("model_not_found")
}

/// What is said of a body that is no JSON.
pub(super) const NOT_JSON: &str = "We could not parse the JSON body of your request: ";

/// Checks a function's name.
pub(super) fn name<'a>(tool: &'a Node, path: &str) -> Result<&'a str, Refusal> {
    let name = tool.text_at("name").ok_or_else(|| missing(path))?;
    if name.len() > NAME_MAX {
        return Err(Refusal::invalid(format!(
            "Invalid '{path}': string too long. Expected a string with maximum length {NAME_MAX}, but got a string \
             with length {} instead.",
            name.len()
        ))
        .param(path)
        .code("string_above_max_length"));
    }
    if !is_word(name) {
        return Err(invalid(
            format!(
                "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern \
                 '^[a-zA-Z0-9_-]+$'."
            ),
            path,
        ));
    }
    Ok(name)
}

/// Checks that a schema is one for an object, where it is given at all.
pub(super) fn schema(tool: &Node, name: &str, path: &str) -> Result<(), Refusal> {
    let Some(schema) = tool.given("parameters") else {
        return Ok(());
    };
    if schema.text_at("type") == Some("object") {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', got 'type: {}'.",
        schema.get("type").map_or_else(|| "\"None\"".to_owned(), Node::canonical)
    ))
    .param(path)
    .code("invalid_function_parameters"))
}

/// Checks that a table has known keys alone.
pub(super) fn known(node: &Node, keys: &[&str], path: &str) -> Result<(), Refusal> {
    match unknown(node, keys) {
        None => Ok(()),
        Some(key) if path.is_empty() => Err(unexpected(key)),
        Some(key) => Err(unexpected(format!("{path}.{key}"))),
    }
}

/// A flag at the top of a request.
pub(super) fn flag(body: &Node, key: &str, default: bool) -> Result<bool, Refusal> {
    match body.given(key) {
        None => Ok(default),
        Some(Node::Bool(flag)) => Ok(*flag),
        Some(_) => Err(invalid(
            format!("Invalid type for '{key}': expected a boolean."),
            key,
        )),
    }
}
