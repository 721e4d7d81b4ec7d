//! One call's request, within its times: whoever ends it says how far the request was.

use std::time::Duration;

use callboard_proto::{Executed, FailureKind};

use super::answer;
use super::client::HttpClient;
use super::exchange::{Journey, Order, Reply, exchange};
use super::redact::Redactor;
use crate::tool::{ToolCall, ToolError};

/// Asks; ends when the call is stopped, or after `time`.
pub(crate) async fn ask(
    client: &HttpClient,
    order: Order,
    redactor: &Redactor,
    time: Duration,
    call: &ToolCall,
) -> Result<Reply, ToolError> {
    let journey = Journey::default();
    let cancellation = call.cancellation();
    let asked = tokio::time::timeout(time, exchange(client, order, redactor, &journey));
    let asked = tokio::select! {
        biased;
        () = cancellation.cancelled() => {
            return Err(ToolError::new(
                FailureKind::Cancelled,
                stopped(&journey),
                journey.executed(),
            ));
        }
        asked = asked => asked,
    };
    match asked {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(trouble)) => Err(answer::of_trouble(&trouble, journey.executed())),
        Err(_) => Err(ToolError::new(
            FailureKind::TimedOut,
            format!(
                "the server gave no whole answer within {time:?}; {}",
                stopped(&journey)
            ),
            journey.executed(),
        )),
    }
}

/// What a call that ended early says of its request.
fn stopped(journey: &Journey) -> &'static str {
    match journey.executed() {
        Executed::No => "the request was not sent",
        Executed::Unknown => {
            "the request was sent, and no answer came; the server may have acted on it"
        }
        Executed::Yes => "the server had begun to answer",
    }
}
