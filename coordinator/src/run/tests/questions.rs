//! What a run makes of a question that fails, costs and takes its time.

use std::collections::VecDeque;
use std::time::Duration;

use callboard_coordinator_core::run::{Budgets, Stop, Usage};

use super::fake_gather::FakeGather;
use super::options;
use crate::model::{
    Account, Conversation, FailureDetails, Model, ModelAnswer, ModelError, Question,
};
use crate::run::{RunHandle, RunOptions, RunReport};

/// How a question goes.
enum Asked {
    /// It fails, and is asked again for so long that nobody waits for it.
    Stuck,
    /// It is answered so after a response that came to nothing.
    Answered(Stop),
    /// It is cut off while it is read.
    Cut,
}

struct Troubled(VecDeque<Asked>);

const TOKENS: Usage = Usage {
    input_tokens: 7,
    output_tokens: 3,
};

fn overloaded() -> ModelError {
    ModelError::Other {
        source: "overloaded (request req_7)".into(),
        is_retryable: false,
        retry_after: None,
    }
}

impl Model for Troubled {
    fn name(&self) -> &str {
        "troubled"
    }

    async fn answer(
        &mut self,
        _conversation: &Conversation,
        question: &mut Question,
    ) -> Result<ModelAnswer, ModelError> {
        question.uses(TOKENS);
        match self.0.pop_front().unwrap() {
            Asked::Stuck => {
                question.is_asked_again(&overloaded());
                question.uses(TOKENS);
                std::future::pending().await
            }
            Asked::Cut => {
                question.came_to_nothing();
                Err(overloaded())
            }
            Asked::Answered(stop) => {
                question.is_asked_again(&overloaded());
                question.uses(TOKENS);
                question.is_answered();
                Ok(ModelAnswer {
                    echo: Vec::new(),
                    text: String::new(),
                    calls: Vec::new(),
                    stop,
                    stop_reason: String::new(),
                    usage: Some(TOKENS),
                    resume: None,
                    account: Some(Account {
                        message: "who and what".to_owned(),
                        details: FailureDetails {
                            code: "model_stop",
                            status: None,
                            request_id: Some("req_8".to_owned()),
                            attempts: 3,
                        },
                    }),
                })
            }
        }
    }
}

async fn play<const N: usize>(options: RunOptions, asked: [Asked; N]) -> RunReport {
    let model = Troubled(asked.into());
    RunHandle::start(options, model, FakeGather::new(), ())
        .finished()
        .await
}

fn told(report: &RunReport) -> (&'static str, Option<&str>, u64) {
    let usage = report.usage;
    (
        report.end.reason,
        report.end.message.as_deref(),
        usage.input_tokens + usage.output_tokens,
    )
}

#[tokio::test(start_paused = true)]
async fn time_that_runs_out_while_the_model_is_asked_again_names_its_last_failure() {
    let report = play(options(), [Asked::Stuck]).await;
    let message = "the model was being asked again: the model failed: overloaded (request req_7)";
    assert_eq!(told(&report), ("time_exhausted", Some(message), 20));
}

#[tokio::test(start_paused = true)]
async fn tokens_of_responses_that_came_to_nothing_are_counted() {
    let report = play(options(), [Asked::Answered(Stop::Done)]).await;
    assert_eq!(told(&report), ("answered", None, 20));
    let report = play(options(), [Asked::Cut]).await;
    assert_eq!(told(&report).2, 10);
    let narrow = RunOptions {
        budgets: Budgets {
            tokens: Some(15),
            time: Duration::from_secs(10),
            ..Budgets::default()
        },
        ..options()
    };
    let report = play(narrow, [Asked::Answered(Stop::Paused)]).await;
    assert_eq!(told(&report), ("tokens_exhausted", None, 20));
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_not_known_is_told_as_its_model_tells_it() {
    let report = play(options(), [Asked::Answered(Stop::Unknown("x".to_owned()))]).await;
    assert_eq!(told(&report).1, Some("who and what"));
    let end = serde_json::to_value(&report.end).unwrap();
    assert_eq!(
        end,
        serde_json::json!({"reason": "model_failed", "message": "who and what", "code": "model_stop",
                           "request_id": "req_8", "attempts": 3})
    );
}
