//! Every request that an adapter writes is one that the provider's own types allow.

use std::num::NonZeroU32;

use callboard_coordinator::provider::{ChatDialect, Format, Parallel, Settings, ToolChoice};
use serde_json::{Map, Value, json};

use super::conversations;
use super::left_out::sdks;
use super::schemas::Schemas;

/// Every way to ask.
fn settings(format: Format) -> Vec<Settings> {
    let choices = [
        ToolChoice::Auto,
        ToolChoice::Any,
        ToolChoice::None,
        ToolChoice::Tool("now".to_owned()),
    ];
    let limits = [
        Parallel::Auto,
        Parallel::Off,
        Parallel::Limit(NonZeroU32::MIN.saturating_add(3)),
    ];
    let dialects: &[ChatDialect] = match format {
        Format::Chat => &[ChatDialect::OpenAi, ChatDialect::Compatible],
        Format::Anthropic | Format::Responses | Format::Gemini => &[ChatDialect::OpenAi],
    };
    let mut all = Vec::new();
    for tool_choice in choices {
        for parallel in limits {
            for dialect in dialects {
                for is_streamed in [false, true] {
                    for is_plain in [false, true] {
                        all.push(Settings {
                            system: (!is_plain).then(|| "Be brief.".to_owned()),
                            max_tokens: is_plain.then_some(1_000),
                            extra: if is_plain { Map::new() } else { extra(format) },
                            tool_choice: tool_choice.clone(),
                            parallel,
                            is_streamed,
                            dialect: *dialect,
                            ..Settings::new("model-1")
                        });
                    }
                }
            }
        }
    }
    all
}

/// What people add by hand.
fn extra(format: Format) -> Map<String, Value> {
    let fields = match format {
        Format::Anthropic => {
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}})
        }
        Format::Chat => json!({"reasoning_effort": "low"}),
        Format::Responses => json!({"reasoning": {"effort": "low"}, "store": false}),
        Format::Gemini => json!({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}),
    };
    fields.as_object().unwrap().clone()
}

/// What the path says of streaming, or else the body must.
fn is_streamed(format: Format, path: &str) -> Option<bool> {
    match format {
        Format::Gemini => Some(path.ends_with(":streamGenerateContent?alt=sse")),
        Format::Anthropic | Format::Chat | Format::Responses => None,
    }
}

fn proves(format: Format) {
    let Some(sdks) = sdks(&format!("the requests of {format} by its SDK's types")) else {
        return;
    };
    let schemas = Schemas::of(&sdks, format);
    let mut conversations = conversations::all(format);
    conversations.push(("no tools".to_owned(), conversations::without_tools()));
    conversations.push((
        "a tool without a schema of its own".to_owned(),
        conversations::first(),
    ));
    let mut bad = Vec::new();
    for (name, conversation) in &conversations {
        for settings in settings(format) {
            let request = format.request(&settings, conversation);
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let mut faults = schemas.request(settings.is_streamed, &body);
            if is_streamed(format, &request.path).is_some_and(|is| is != settings.is_streamed) {
                faults.push(format!("the path {}", request.path));
            }
            for fault in faults {
                let line = format!("{name}: {fault}");
                if !bad.contains(&line) {
                    bad.push(line);
                }
            }
        }
    }
    assert!(bad.is_empty(), "{format}:\n{}", bad.join("\n"));
}

#[test]
fn anthropic_requests_are_valid() {
    proves(Format::Anthropic);
}

#[test]
fn chat_requests_are_valid() {
    proves(Format::Chat);
}

#[test]
fn responses_requests_are_valid() {
    proves(Format::Responses);
}

#[test]
fn gemini_requests_are_valid() {
    proves(Format::Gemini);
}
