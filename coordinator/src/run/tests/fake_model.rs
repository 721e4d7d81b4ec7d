//! A model whose responses stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callboard_coordinator_core::run::Stop;
use callboard_proto::ToolUseId;

use crate::model::{Conversation, Model, ModelAnswer, ModelError, Question, ToolUse};

/// A response as it comes: calls at their times, then its end.
pub(super) struct Response {
    streamed: Vec<(u64, ToolUse)>,
    ends_ms: u64,
    end: Result<ModelAnswer, ModelError>,
}

/// A call of a tool without arguments.
pub(super) fn call(id: &str, tool: &str) -> ToolUse {
    ToolUse::new(ToolUseId::new(id).unwrap(), tool, Bytes::from_static(b"{}"))
}

impl Response {
    /// Calls that are sealed so many milliseconds after the question.
    pub(super) fn streaming<const N: usize>(streamed: [(u64, ToolUse); N]) -> Self {
        Self {
            streamed: streamed.to_vec(),
            ends_ms: 0,
            end: Err(ModelError::Other {
                source: "it has no end".into(),
                is_retryable: false,
                retry_after: None,
            }),
        }
    }

    /// The whole answer: what streamed, then these calls.
    pub(super) fn answers<const N: usize>(
        self,
        at_ms: u64,
        stop: Stop,
        rest: [ToolUse; N],
    ) -> Self {
        let streamed = self.streamed.iter().map(|(_, call)| call.clone());
        let calls = streamed.chain(rest).collect();
        self.answers_with(at_ms, stop, calls)
    }

    /// The whole answer, with these calls and no others.
    pub(super) fn answers_with(self, at_ms: u64, stop: Stop, calls: Vec<ToolUse>) -> Self {
        Self {
            ends_ms: at_ms,
            end: Ok(ModelAnswer {
                echo: Vec::new(),
                text: format!("{stop:?}"),
                calls,
                stop_reason: format!("{stop:?}").to_lowercase(),
                stop,
                usage: None,
                resume: None,
                account: None,
            }),
            ..self
        }
    }

    pub(super) fn fails(self, at_ms: u64, retry_after: Option<Duration>) -> Self {
        Self {
            ends_ms: at_ms,
            end: Err(ModelError::Other {
                source: "overloaded (request req_7)".into(),
                is_retryable: retry_after.is_some(),
                retry_after,
            }),
            ..self
        }
    }
}

/// A final answer, 100 ms after the question.
pub(super) fn done() -> Response {
    Response::streaming([]).answers(100, Stop::Done, [])
}

/// Gives its responses one after the other, and keeps what it was asked with.
pub(super) struct FakeModel {
    responses: VecDeque<Response>,
    asked_with: Arc<Mutex<Vec<String>>>,
}

impl FakeModel {
    pub(super) fn new<const N: usize>(responses: [Response; N]) -> Self {
        Self {
            responses: responses.into(),
            asked_with: Arc::default(),
        }
    }

    /// For each question, the turns of the conversation; those with results have a star.
    pub(super) fn asked_with(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.asked_with)
    }
}

impl Model for FakeModel {
    fn name(&self) -> &str {
        "fake"
    }

    async fn answer(
        &mut self,
        conversation: &Conversation,
        question: &mut Question,
    ) -> Result<ModelAnswer, ModelError> {
        let exchanges: Vec<_> = conversation
            .exchanges
            .iter()
            .map(|exchange| {
                let star = if exchange.report.is_some() { "*" } else { "" };
                format!("{}{star}", exchange.turn.0)
            })
            .collect();
        self.asked_with.lock().unwrap().push(exchanges.join(" "));
        let Response {
            streamed,
            ends_ms,
            end,
        } = self.responses.pop_front().unwrap();
        let asked = tokio::time::Instant::now();
        let at = |ms| tokio::time::sleep_until(asked + Duration::from_millis(ms));
        for (ms, call) in streamed {
            at(ms).await;
            question.offer(call);
        }
        at(ends_ms).await;
        end
    }
}
