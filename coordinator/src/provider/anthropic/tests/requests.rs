use std::num::NonZeroU32;
use std::sync::Arc;

use callboard_proto::{Digest, Manifest, Outcome, ToolName, ToolSpec, Turn};
use serde_json::{Map, Value, json};

use super::{RESPONSE, parse, report};
use crate::catalogue::{Catalogue, Offer};
use crate::model::{Conversation, Exchange};
use crate::provider::{Format, Parallel, Settings, ToolChoice};

fn offer(name: &str, schema: &str) -> Offer {
    Offer {
        digest: Digest::new([1; 32]),
        spec: Arc::new(ToolSpec {
            name: ToolName::new(name).unwrap(),
            description: format!("Does {name}."),
            input_schema: schema.to_owned(),
            manifest: Manifest::new(callboard_proto::Effect::Read),
        }),
        instances: 1,
    }
}

fn conversation(schemas: &[(&str, &str)]) -> Conversation {
    let offers = schemas.iter().map(|(name, schema)| offer(name, schema));
    Conversation {
        task: "What's \"new\"?".into(),
        catalogue: Arc::new(Catalogue::freeze(offers)),
        exchanges: Vec::new(),
    }
}

fn body(settings: &Settings, conversation: &Conversation) -> String {
    let request = Format::Anthropic.request(settings, conversation);
    assert_eq!(request.path, "/v1/messages");
    String::from_utf8(request.body.to_vec()).unwrap()
}

const TOOLS: [(&str, &str); 3] = [
    (
        "get_weather",
        r#"{"type":"object", "properties":{"city":{"type":"string","maximum":1.0}}}"#,
    ),
    ("shop.order", r#" {"properties":{}}"#),
    ("nothing", "{}"),
];

#[test]
fn each_request_begins_with_the_bytes_of_the_one_before() {
    let settings = Settings {
        system: Some("Be brief.".to_owned()),
        ..Settings::new("claude-sonnet-5-5")
    };
    let mut conversation = conversation(&TOOLS);
    let mut bodies = vec![body(&settings, &conversation)];
    let paused = RESPONSE.replace("\"tool_use\",\"stop_sequence\"", "\"pause_turn\",\"x\"");
    for (turn, (response, outcomes)) in [
        (RESPONSE, Some(3)),
        (paused.as_str(), None),
        (RESPONSE, Some(3)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut answer = parse(response.as_bytes()).unwrap();
        answer.calls.truncate(outcomes.unwrap_or_default());
        conversation.exchanges.push(Exchange {
            turn: Turn(u32::try_from(turn).unwrap() + 1),
            answer,
            report: outcomes.map(|calls| report(vec![Outcome::text("ok"); calls])),
        });
        bodies.push(body(&settings, &conversation));
    }
    for pair in bodies.windows(2) {
        let before = pair[0].strip_suffix("]}").unwrap();
        assert!(pair[1].starts_with(before), "{}\n{}", pair[0], pair[1]);
    }
    let pretty: Value = serde_json::from_str(&bodies[1]).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&pretty).unwrap());
}

#[test]
fn what_is_set_is_sent() {
    let tools = conversation(&TOOLS);
    let field = |settings: &Settings, name: &str| -> Value {
        let body: Value = serde_json::from_str(&body(settings, &tools)).unwrap();
        body.get(name).cloned().unwrap_or_default()
    };
    let two = NonZeroU32::new(2).unwrap();
    let tool = |name: &str| ToolChoice::Tool(name.to_owned());
    let cases = [
        (ToolChoice::Auto, Parallel::Auto, Value::Null),
        (ToolChoice::Auto, Parallel::Limit(two), Value::Null),
        (
            ToolChoice::Auto,
            Parallel::Off,
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (ToolChoice::Any, Parallel::Auto, json!({"type": "any"})),
        (
            ToolChoice::Any,
            Parallel::Off,
            json!({"type": "any", "disable_parallel_tool_use": true}),
        ),
        (ToolChoice::None, Parallel::Off, json!({"type": "none"})),
        (
            tool("get_weather"),
            Parallel::Auto,
            json!({"type": "tool", "name": "get_weather"}),
        ),
        // By the name that its worker gave it, too.
        (
            tool("shop.order"),
            Parallel::Off,
            json!({"type": "tool", "name": "shop_order", "disable_parallel_tool_use": true}),
        ),
    ];
    for (tool_choice, parallel, expected) in cases {
        let settings = Settings {
            tool_choice,
            parallel,
            ..Settings::new("m")
        };
        assert_eq!(field(&settings, "tool_choice"), expected, "{settings:?}");
    }
    let plain = Settings {
        max_tokens: None,
        is_streamed: false,
        system: Some(String::new()),
        extra: Map::from_iter([("thinking".to_owned(), json!({"type": "adaptive"}))]),
        ..Settings::new("m")
    };
    assert_eq!(field(&plain, "max_tokens"), json!(8_192));
    assert_eq!(field(&plain, "thinking"), json!({"type": "adaptive"}));
    assert_eq!(field(&plain, "stream"), Value::Null);
    assert_eq!(field(&plain, "system"), Value::Null);
}

#[test]
fn without_tools_nothing_is_said_of_them() {
    let settings = Settings {
        tool_choice: ToolChoice::Any,
        ..Settings::new("m")
    };
    assert_eq!(
        body(&settings, &conversation(&[])),
        "{\"model\":\"m\",\"max_tokens\":8192,\"stream\":true,\
         \"messages\":[{\"role\":\"user\",\"content\":\"What's \\\"new\\\"?\"}]}"
    );
}
