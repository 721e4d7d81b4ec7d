//! Reads a request.

use super::history::{camel, camel_keys, steps, unknown_name};
use crate::answer::{Asked, Offered};
use crate::conversation::History;
use crate::format::read::{body, twice};
use crate::json::Node;
use crate::refusal::{Refusal, RefusalKind};
use crate::request::Incoming;

const FIELDS: [&str; 10] = [
    "contents",
    "continuationToken",
    "tools",
    "toolConfig",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "model",
    "labels",
];
const DECLARATION_FIELDS: [&str; 7] = [
    "name",
    "description",
    "parameters",
    "parametersJsonSchema",
    "response",
    "responseJsonSchema",
    "behavior",
];
/// Letters of a function's name, at most.
const NAME_MAX: usize = 128;

pub(crate) fn read(incoming: &Incoming<'_>) -> Result<(Asked, History), Refusal> {
    let body = camel_keys(&body(incoming.body, "Invalid JSON payload received. ")?);
    if let Some(key) = crate::format::read::unknown(&body, &FIELDS) {
        return Err(Refusal::invalid(format!(
            "Invalid JSON payload received. Unknown name \"{key}\": Cannot find field."
        )));
    }
    let contents = body
        .get("contents")
        .and_then(Node::list)
        .unwrap_or_default();
    if contents.is_empty() {
        return Err(Refusal::invalid(
            "* GenerateContentRequest.contents: contents is not specified\n",
        ));
    }
    let offered = tools(&body)?;
    tool_config(&body, &offered)?;
    let thinking = body
        .given("generationConfig")
        .map(camel_keys)
        .and_then(|config| config.given("thinkingConfig").map(camel_keys));
    let show_thinking =
        thinking.and_then(|thinking| thinking.bool_at("includeThoughts")) == Some(true);
    let part = |key| body.given(key).map(Node::canonical).unwrap_or_default();
    let fixed = format!("{}\n{}", part("systemInstruction"), part("tools"));
    let asked = Asked {
        model: incoming.path.model.to_owned(),
        stream: incoming.path.stream,
        // There is no switch.
        parallel: true,
        show_thinking,
        offered,
        continuation: body.text_at("continuationToken").map(str::to_owned),
        as_list: incoming.path.stream && !incoming.path.sse,
        bytes: incoming.body.len(),
        ..Asked::default()
    };
    Ok((
        asked,
        History {
            fixed,
            steps: steps(contents)?,
        },
    ))
}

/// Checks the tools; gives the functions.
fn tools(body: &Node) -> Result<Vec<Offered>, Refusal> {
    let tools = body.given("tools").and_then(Node::list).unwrap_or_default();
    let mut offered = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let tool = camel_keys(tool);
        let declared = tool.given("functionDeclarations").and_then(Node::list);
        for (index, declaration) in declared.unwrap_or_default().iter().enumerate() {
            let path = format!("tools[{at}].function_declarations[{index}]");
            for (key, _) in declaration.entries().unwrap_or_default() {
                if !DECLARATION_FIELDS.contains(&camel(key).as_str()) {
                    return Err(unknown_name(key, &path));
                }
            }
            let name = declaration.text_at("name").unwrap_or_default();
            if !is_name(name) {
                return Err(Refusal::invalid(format!(
                    "* GenerateContentRequest.{path}.name: Invalid function name. Must start with a letter or an \
                     underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes \
                     (-), with a maximum length of {NAME_MAX}.\n"
                )));
            }
            let declaration = camel_keys(declaration);
            if declaration.given("parameters").is_some()
                && declaration.given("parametersJsonSchema").is_some()
            {
                return Err(Refusal::invalid(format!(
                    "* GenerateContentRequest.{path}: parameters and parameters_json_schema are mutually exclusive.\n"
                )));
            }
            let schema = declaration.given("parametersJsonSchema");
            let schema = schema.or_else(|| declaration.given("parameters"));
            offered.push(Offered::function(name, schema));
        }
    }
    if let Some(name) = twice(offered.iter().map(|tool| tool.name.as_str())) {
        return Err(Refusal::invalid(format!(
            "Duplicate function declaration found: {name}"
        )));
    }
    Ok(offered)
}

fn is_name(name: &str) -> bool {
    let is_start = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    is_start
        && name.len() <= NAME_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'))
}

fn tool_config(body: &Node, offered: &[Offered]) -> Result<(), Refusal> {
    let Some(config) = body
        .given("toolConfig")
        .map(camel_keys)
        .and_then(|config| config.given("functionCallingConfig").map(camel_keys))
    else {
        return Ok(());
    };
    let mode = config.text_at("mode").unwrap_or("AUTO");
    if !matches!(
        mode,
        "AUTO" | "ANY" | "NONE" | "VALIDATED" | "MODE_UNSPECIFIED"
    ) {
        return Err(Refusal::invalid(format!(
            "Invalid value at 'tool_config.function_calling_config.mode' \
             (type.googleapis.com/google.ai.generativelanguage.v1.FunctionCallingConfig.Mode), \"{mode}\""
        )));
    }
    let allowed = config.given("allowedFunctionNames").and_then(Node::list);
    for name in allowed.unwrap_or_default().iter().filter_map(Node::text) {
        if !matches!(mode, "ANY" | "VALIDATED") {
            return Err(Refusal::invalid(
                "allowed_function_names should only be set when function calling mode is ANY or VALIDATED.",
            ));
        }
        if !offered.iter().any(|tool| tool.name == name) {
            return Err(Refusal::invalid(format!(
                "Function '{name}' in allowed_function_names isn't declared."
            )));
        }
    }
    Ok(())
}

pub(crate) fn unknown_model(model: &str, version: &str) -> Refusal {
    Refusal::new(
        RefusalKind::NotFound,
        format!(
            "models/{model} is not found for API version {version}, or is not supported for generateContent. Call \
             ListModels to see the list of available models and their supported methods."
        ),
    )
}
