//! A conversation in any format, as a good client holds it.

use callboard_mock_provider::{Format, Mock, Options, Script};
use serde_json::{Value, json};

use crate::client::{Reply, post};

/// Starts a mock with a script in TOML.
pub(crate) async fn mock(script: &str) -> Mock {
    let script = Script::from_toml("test", script).unwrap();
    Mock::start(Options::default(), script).await.unwrap()
}

/// A call that an answer made.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) id: String,
    pub(crate) tool: String,
}

/// A client and what it has said and heard.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) format: Format,
    pub(crate) stream: bool,
    /// Messages, items or contents.
    pub(crate) history: Vec<Value>,
    /// Everything else of the body.
    pub(crate) rest: Value,
    pub(crate) key: &'static str,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

fn tools(format: Format) -> Value {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let names = ["look", "wait"];
    let tool = |name: &str| match format {
        Format::Anthropic => json!({"name": name, "input_schema": schema}),
        Format::Chat => {
            json!({"type": "function", "function": {"name": name, "parameters": schema}})
        }
        Format::Responses => {
            json!({"type": "function", "name": name, "parameters": schema, "strict": false})
        }
        Format::Gemini => json!({"name": name, "parametersJsonSchema": schema}),
    };
    let tools: Vec<Value> = names.map(tool).to_vec();
    match format {
        Format::Gemini => json!([{"functionDeclarations": tools}]),
        Format::Anthropic | Format::Chat | Format::Responses => json!(tools),
    }
}

impl Talk {
    pub(crate) fn new(format: Format) -> Self {
        let tools = tools(format);
        let (first, rest) = match format {
            Format::Anthropic => (
                json!({"role": "user", "content": "Look around."}),
                json!({"model": "mock", "max_tokens": 100, "system": "Be brief.", "tools": tools}),
            ),
            Format::Chat => (
                json!({"role": "user", "content": "Look around."}),
                json!({"model": "mock", "tools": tools}),
            ),
            Format::Responses => (
                json!({"role": "user", "content": "Look around."}),
                json!({
                    "model": "mock", "instructions": "Be brief.", "tools": tools, "store": false,
                    "include": ["reasoning.encrypted_content"],
                }),
            ),
            Format::Gemini => (
                json!({"role": "user", "parts": [{"text": "Look around."}]}),
                json!({
                    "systemInstruction": {"parts": [{"text": "Be brief."}]}, "tools": tools,
                    "generationConfig": {"thinkingConfig": {"includeThoughts": true}},
                }),
            ),
        };
        Self {
            format,
            stream: false,
            history: vec![first],
            rest,
            key: "key",
            headers: match format {
                Format::Anthropic => vec![("anthropic-version", "2026-10-21")],
                Format::Chat | Format::Responses | Format::Gemini => Vec::new(),
            },
        }
    }

    pub(crate) fn streamed(format: Format) -> Self {
        Self {
            stream: true,
            ..Self::new(format)
        }
    }

    fn list(&self) -> &'static str {
        match self.format {
            Format::Anthropic | Format::Chat => "messages",
            Format::Responses => "input",
            Format::Gemini => "contents",
        }
    }

    pub(crate) fn path(&self) -> &'static str {
        match (self.format, self.stream) {
            (Format::Anthropic, _) => "/v1/messages",
            (Format::Chat, _) => "/v1/chat/completions",
            (Format::Responses, _) => "/v1/responses",
            (Format::Gemini, false) => "/v1/models/mock:generateContent",
            (Format::Gemini, true) => "/v1beta/models/mock:streamGenerateContent?alt=sse",
        }
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = self.rest.clone();
        body[self.list()] = json!(self.history);
        if self.stream && self.format != Format::Gemini {
            body["stream"] = json!(true);
        }
        body
    }

    pub(crate) fn header_list(&self) -> Vec<(&'static str, String)> {
        let mut headers: Vec<(&'static str, String)> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        headers.push(match self.format {
            Format::Anthropic => ("x-api-key", self.key.to_owned()),
            Format::Chat | Format::Responses => ("authorization", format!("Bearer {}", self.key)),
            Format::Gemini => ("x-goog-api-key", self.key.to_owned()),
        });
        headers
    }

    pub(crate) async fn try_ask(&self, mock: &Mock) -> std::io::Result<Reply> {
        let headers = self.header_list();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body = self.body().to_string();
        post(mock.address(), self.path(), &headers, body.as_bytes()).await
    }

    pub(crate) async fn ask(&self, mock: &Mock) -> Reply {
        self.try_ask(mock).await.unwrap()
    }

    /// Asks, expects an answer in one body, and takes it into the history.
    pub(crate) async fn turn(&mut self, mock: &Mock) -> Vec<Called> {
        let reply = self.ask(mock).await;
        assert_eq!(reply.status, 200, "{}: {}", self.format, reply.text());
        let body = reply.json();
        let said: Vec<Value> = match self.format {
            Format::Anthropic => vec![json!({"role": "assistant", "content": body["content"]})],
            Format::Chat => vec![body["choices"][0]["message"].clone()],
            Format::Responses => body["output"].as_array().unwrap().clone(),
            Format::Gemini => vec![body["candidates"][0]["content"].clone()],
        };
        let calls = self.calls(&said);
        self.history.extend(said);
        calls
    }

    fn calls(&self, said: &[Value]) -> Vec<Called> {
        let called = |id: &Value, tool: &Value| Called {
            id: id.as_str().unwrap_or_default().to_owned(),
            tool: tool.as_str().unwrap().to_owned(),
        };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        match self.format {
            Format::Anthropic => list(&said[0]["content"])
                .iter()
                .filter(|block| block["type"] == "tool_use")
                .map(|block| called(&block["id"], &block["name"]))
                .collect(),
            Format::Chat => list(&said[0]["tool_calls"])
                .iter()
                .map(|call| called(&call["id"], &call["function"]["name"]))
                .collect(),
            Format::Responses => said
                .iter()
                .filter(|item| item["type"] == "function_call")
                .map(|item| called(&item["call_id"], &item["name"]))
                .collect(),
            Format::Gemini => list(&said[0]["parts"])
                .iter()
                .filter_map(|part| part.get("functionCall"))
                .map(|call| called(&call["id"], &call["name"]))
                .collect(),
        }
    }

    /// One result, as the format says it.
    pub(crate) fn result(&self, call: &Called, text: &str) -> Value {
        match self.format {
            Format::Anthropic => {
                json!({"type": "tool_result", "tool_use_id": call.id, "content": text})
            }
            Format::Chat => json!({"role": "tool", "tool_call_id": call.id, "content": text}),
            Format::Responses => {
                json!({"type": "function_call_output", "call_id": call.id, "output": text})
            }
            Format::Gemini => json!({"functionResponse": {
                "id": call.id, "name": call.tool, "response": {"output": text},
            }}),
        }
    }

    /// Puts results into the history: in one message where the format has such.
    pub(crate) fn push(&mut self, results: Vec<Value>) {
        match self.format {
            Format::Anthropic => self
                .history
                .push(json!({"role": "user", "content": results})),
            Format::Gemini => self.history.push(json!({"role": "user", "parts": results})),
            Format::Chat | Format::Responses => self.history.extend(results),
        }
    }

    /// Answers all calls, as it should be done.
    pub(crate) fn answer(&mut self, calls: &[Called]) {
        let results = calls.iter().map(|call| self.result(call, "fine")).collect();
        self.push(results);
    }
}
