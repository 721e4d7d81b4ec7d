//! Takes an assistant message apart.

use bytes::Bytes;
use callboard_coordinator_core::run::{Stop, Usage};
use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::model::{ModelAnswer, Reply, ToolUse};
use crate::provider::address::Addresses;
use crate::provider::edit::{Edit, edited};
use crate::provider::fields::{Fields, list, literal, string};
use crate::provider::{Format, ParseError, openai};

const FORMAT: Format = Format::Chat;

/// Takes a bare assistant message or a whole response (`choices`) apart. The echo is the message as it
/// came, but for ids that it lacks or gives twice, and for arguments that are no text.
///
/// # Errors
/// When the input is no assistant message, or a call of it names no tool.
pub fn parse(input: &[u8]) -> Result<ModelAnswer, ParseError> {
    let text = openai::text(input)?;
    let fields = Fields::read(text)
        .and_then(Fields::unique)
        .map_err(openai::not_json(FORMAT))?;
    let Some(choices) = fields.get("choices") else {
        return answer(text, None, None);
    };
    let not_a_message = openai::not_json(FORMAT);
    let choices = list(choices).map_err(not_a_message)?;
    let Some(choice) = choices.first() else {
        return Err(openai::not_a_message(FORMAT, "`choices` is empty"));
    };
    let choice = Fields::read(choice.get()).map_err(not_a_message)?;
    let Some(message) = choice.get("message") else {
        return Err(openai::not_a_message(
            FORMAT,
            "the choice holds no `message`",
        ));
    };
    let reason = choice.string("finish_reason").map_err(not_a_message)?;
    let usage = openai::usage(fields.get("usage"));
    answer(message.get(), reason.as_deref(), usage)
}

/// Takes a message apart that stopped for a reason, if one was given.
pub(super) fn answer(
    message: &str,
    reason: Option<&str>,
    usage: Option<Usage>,
) -> Result<ModelAnswer, ParseError> {
    let not_a_message = openai::not_json(FORMAT);
    let fields = Fields::read(message)
        .and_then(Fields::unique)
        .map_err(not_a_message)?;
    let Some(role) = fields.string("role").map_err(not_a_message)? else {
        return Err(openai::not_a_message(FORMAT, "missing field `role`"));
    };
    if role != "assistant" {
        return Err(ParseError::NotAssistant { role });
    }
    let mut text = content(fields.get("content")).map_err(not_a_message)?;
    let refusal = fields.some_text("refusal");
    text.push_str(refusal.as_deref().unwrap_or_default());
    let entries = fields.get("tool_calls").map(list).transpose();
    let mut addresses = Addresses::default();
    let mut calls = Vec::new();
    let mut edits = Vec::new();
    for (index, entry) in entries
        .map_err(not_a_message)?
        .unwrap_or_default()
        .into_iter()
        .enumerate()
    {
        let (call, new_id) = call(entry, index, &mut addresses)?;
        calls.push(call);
        let id = new_id.map(|id| literal(&id));
        edits.extend(id.and_then(|id| Edit::member(message, entry, "id", id)));
        edits.extend(arguments_as_text(message, entry));
    }
    let reason = reason.unwrap_or_default();
    let stop = stop(reason, !calls.is_empty(), refusal.is_some());
    let stop_reason = match stop {
        Stop::Declined if refusal.is_some() => "refusal",
        Stop::Calls
        | Stop::Done
        | Stop::Paused
        | Stop::Truncated
        | Stop::Declined
        | Stop::Unknown(_) => reason,
    };
    Ok(ModelAnswer {
        echo: vec![edited(message, edits)],
        text,
        calls,
        stop_reason: stop_reason.to_owned(),
        stop,
        usage,
        resume: None,
        account: None,
    })
}

/// What the loop does for a reason. `stop` comes with calls where a tool was forced, `tool_calls` without
/// any from vLLM, and a server that gives no reason at all wants its calls run.
fn stop(reason: &str, has_calls: bool, is_refused: bool) -> Stop {
    match reason {
        "length" => Stop::Truncated,
        "content_filter" => Stop::Declined,
        "" | "stop" | "tool_calls" if is_refused => Stop::Declined,
        "" | "stop" | "tool_calls" if has_calls => Stop::Calls,
        "" | "stop" | "tool_calls" => Stop::Done,
        other => Stop::Unknown(other.to_owned()),
    }
}

/// What a message says: a string, or a list of parts of which some have text.
fn content(content: Option<&RawValue>) -> Result<String, serde_json::Error> {
    let Some(content) = content else {
        return Ok(String::new());
    };
    if content.get().starts_with('"') {
        return string(content);
    }
    let parts = list(content)?;
    Ok(parts
        .into_iter()
        .filter_map(|part| {
            let fields = Fields::read(part.get()).ok()?;
            fields
                .some_text("text")
                .or_else(|| fields.some_text("refusal"))
        })
        .collect())
}

/// What a call's arguments must be for a server to take them back, where they aren't: a text. Some servers
/// send the object itself, or leave out what is empty, and take neither.
fn arguments_as_text(message: &str, entry: &RawValue) -> Option<Edit> {
    let fields = Fields::read(entry.get()).ok()?;
    let is_function = fields
        .some_text("type")
        .is_none_or(|kind| kind == "function");
    let function = fields.get("function").filter(|_| is_function)?;
    let text = match Fields::read(function.get()).ok()?.get("arguments") {
        Some(text) if text.get().starts_with('"') => return None,
        Some(other) => other.get(),
        None => "{}",
    };
    Edit::member(message, function, "arguments", literal(text))
}

/// Reads one of a message's calls; beside it the id that must be written into the call.
pub(super) fn call(
    entry: &RawValue,
    index: usize,
    addresses: &mut Addresses,
) -> Result<(ToolUse, Option<String>), ParseError> {
    let at = |source| ParseError::Block {
        format: FORMAT,
        index,
        source,
    };
    let fields = Fields::read(entry.get())
        .and_then(Fields::unique)
        .map_err(at)?;
    let asked = asked(entry, &fields).map_err(at)?;
    let Some(name) = asked.name else {
        return Err(ParseError::NoName {
            format: FORMAT,
            index,
        });
    };
    let own = fields.some_text("id");
    let address = addresses.next(own.as_deref(), &name, &asked.arguments);
    let call = ToolUse {
        reply: Reply {
            is_custom: asked.is_custom,
            ..address.reply()
        },
        id: address.id,
        name,
        arguments: asked.arguments,
    };
    Ok((call, address.wire.filter(|_| address.is_new)))
}

/// What a call asks for.
struct Asked {
    name: Option<String>,
    arguments: Bytes,
    is_custom: bool,
}

fn asked(entry: &RawValue, fields: &Fields<'_>) -> Result<Asked, serde_json::Error> {
    let function = fields.get("function");
    let custom = fields.get("custom");
    let kind = fields
        .string("type")?
        .filter(|kind| !kind.is_empty())
        .unwrap_or_else(|| {
            if function.is_none() && custom.is_some() {
                "custom".to_owned()
            } else {
                "function".to_owned()
            }
        });
    match (kind.as_str(), function, custom) {
        ("function", Some(function), _) => {
            let function = Fields::read(function.get())?.unique()?;
            Ok(Asked {
                name: function.string("name")?,
                arguments: openai::arguments(function.get("arguments"))?,
                is_custom: false,
            })
        }
        ("custom", _, Some(custom)) => {
            let custom = Fields::read(custom.get())?.unique()?;
            let input = custom.string("input")?.unwrap_or_default();
            Ok(Asked {
                name: custom.string("name")?,
                arguments: openai::custom_arguments(&input),
                is_custom: true,
            })
        }
        ("function" | "custom", _, _) => Err(serde_json::Error::custom(format_args!(
            "missing field `{kind}`"
        ))),
        // Every call must be answered, so one of a kind that isn't known is answered as an unknown tool.
        (_, _, _) => Ok(Asked {
            arguments: Bytes::copy_from_slice(entry.get().as_bytes()),
            name: Some(kind),
            is_custom: false,
        }),
    }
}
