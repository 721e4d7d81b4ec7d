//! Two tools for trying out and measuring: `echo` and `wait`.

use std::sync::Arc;
use std::time::Duration;

use callboard_proto::{Effect, Manifest, Part};
use futures_util::future::{BoxFuture, FutureExt as _};
use serde::Deserialize;

use crate::builtin::spec;
use crate::tool::{Answer, Tool, ToolCall, ToolError, ToolResult, ToolSpec, tool_fn};

/// Longest wait, in milliseconds: one hour (chosen, not measured).
const WAIT_MS_MAX: u64 = 3_600_000;

/// `echo` and `wait`.
#[must_use]
pub fn tools() -> Vec<Arc<dyn Tool>> {
    vec![Arc::new(Echo::new()), wait()]
}

/// Gives its arguments back as they came: the no-op of the benchmarks.
pub struct Echo {
    spec: ToolSpec,
}

impl Echo {
    /// The tool `echo`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            spec: spec(
                "echo",
                "Gives its arguments back unchanged.",
                r#"{"type":"object","additionalProperties":true}"#,
                Manifest::new(Effect::Read),
            ),
        }
    }
}

impl Default for Echo {
    fn default() -> Self {
        Self::new()
    }
}

impl Tool for Echo {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        let result = match std::str::from_utf8(call.arguments()) {
            Ok(arguments) => Ok(Answer::parts(vec![Part::Json(arguments.to_owned())])),
            Err(error) => Err(ToolError::invalid_arguments(format!(
                "the arguments are not UTF-8: {error}"
            ))),
        };
        std::future::ready(result).boxed()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    ms: u64,
}

fn wait() -> Arc<dyn Tool> {
    tool_fn(
        spec(
            "wait",
            "Waits for some milliseconds, then says so. For trying out deadlines and cancelling.",
            r#"{"type":"object","properties":{"ms":{"type":"integer","minimum":0,"maximum":3600000,"description":"How long to wait, in milliseconds."}},"required":["ms"],"additionalProperties":false}"#,
            Manifest::new(Effect::Read),
        ),
        |Wait { ms }, _call| async move {
            if ms > WAIT_MS_MAX {
                return Err(ToolError::invalid_arguments(format!(
                    "ms is {ms}, more than the {WAIT_MS_MAX} that are allowed"
                )));
            }
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(Answer::text(format!("waited {ms} ms")))
        },
    )
    .into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::tool::Tools;

    #[tokio::test]
    async fn echo_gives_back_the_very_bytes() {
        let (call, _control) = ToolCall::detached(&br#"{ "a" : 1.50 }"#[..]);
        let answer = Echo::new().call(call).await.unwrap();
        assert_eq!(
            answer.content(),
            [Part::Json(r#"{ "a" : 1.50 }"#.to_owned())]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn wait_takes_as_long_as_it_says() {
        let began = tokio::time::Instant::now();
        let (call, _control) = ToolCall::detached(&br#"{"ms":1500}"#[..]);
        let answer = wait().call(call).await.unwrap();
        assert_eq!(answer, Answer::text("waited 1500 ms"));
        assert_eq!(began.elapsed(), Duration::from_millis(1500));
    }

    #[tokio::test]
    async fn wait_refuses_what_it_cannot_wait_for() {
        for arguments in [
            r#"{"ms":-1}"#,
            r#"{"ms":3600001}"#,
            r"{}",
            r#"{"ms":1,"s":1}"#,
        ] {
            let (call, _control) = ToolCall::detached(arguments.as_bytes().to_vec());
            let error = wait().call(call).await.unwrap_err();
            assert!(
                matches!(&error, ToolError::Failed(failure) if failure.executed == callboard_proto::Executed::No),
                "{arguments}: {error:?}"
            );
        }
    }

    #[test]
    fn can_be_offered() {
        assert_eq!(Tools::new(tools()).unwrap().len(), 2);
    }
}
