//! Typed tools: a function over arguments whose schema is derived.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use callboard_proto::{Affinity, Effect, Label, Manifest, Retry, ToolName, ToolSpec};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::tool::schema::schema_of;
use crate::tool::{Tool, ToolCall, ToolResult, Tools, ToolsError, blocking, tool_fn, with_slots};

/// Declares a tool, and makes it of a function whose arguments derive `Deserialize` and `JsonSchema`.
///
/// The schema that the model sees is derived from the arguments' type; put
/// `#[serde(deny_unknown_fields)]` on it to refuse what it doesn't name. Everything that is declared
/// here is enforced, and what can't be is refused when the tool is made.
///
/// ```
/// use callboard_worker::tool::{Answer, ToolBuilder};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Add {
///     /// The first number.
///     a: i64,
///     /// What is added to it.
///     b: i64,
/// }
///
/// let add = ToolBuilder::read("add", "Adds two whole numbers.").run(|Add { a, b }, _call| async move {
///     a.checked_add(b)
///         .map(|sum| Answer::text(sum.to_string()))
///         .ok_or_else(|| Answer::error("the sum is beyond 64 bits").into())
/// })?;
/// assert_eq!(add.spec().name.as_str(), "add");
/// # Ok::<(), callboard_worker::tool::ToolsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ToolBuilder {
    name: String,
    description: String,
    manifest: Manifest,
    require: Vec<String>,
    prefer: Vec<String>,
    slots: Option<u32>,
}

impl ToolBuilder {
    fn new(name: impl Into<String>, description: impl Into<String>, effect: Effect) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            manifest: Manifest::new(effect),
            require: Vec::new(),
            prefer: Vec::new(),
            slots: None,
        }
    }

    /// A tool that changes nothing. It runs at least once, and again where that helps.
    #[must_use]
    pub fn read(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(name, description, Effect::Read)
    }

    /// A tool that changes nothing more when it is repeated. It runs at least once.
    #[must_use]
    pub fn idempotent(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(name, description, Effect::Idempotent)
    }

    /// A tool that changes something each time. It runs at most once, under a grant.
    #[must_use]
    pub fn write(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(name, description, Effect::Write)
    }

    /// Longest time for a call with all its attempts; from 1 ms.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.manifest.deadline_ms = Some(in_ms(deadline));
        self
    }

    /// Longest time for one attempt, after which the tool is stopped; from 1 ms.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.manifest.attempt_timeout_ms = Some(in_ms(timeout));
        self
    }

    /// Attempts in all, from 1; 3 where nothing is said. A `write` that ran isn't tried again.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.manifest.retry = Retry { attempts };
        self
    }

    /// Sends all calls of a run to the instance that got the first: the tool keeps a session.
    #[must_use]
    pub fn keeps_session(mut self) -> Self {
        self.manifest.affinity = Affinity::Run;
        self
    }

    /// A label, as `key=value`, that a worker must carry; several may be required.
    #[must_use]
    pub fn require(mut self, label: impl Into<String>) -> Self {
        self.require.push(label.into());
        self
    }

    /// A label, as `key=value`, of the workers that are taken first.
    #[must_use]
    pub fn prefer(mut self, label: impl Into<String>) -> Self {
        self.prefer.push(label.into());
        self
    }

    /// Largest result, in bytes, before it is cut to head and tail; 256 KiB at most.
    #[must_use]
    pub fn output_bytes_max(mut self, bytes: u64) -> Self {
        self.manifest.output_bytes_max = Some(bytes);
        self
    }

    /// Calls that one worker executes at once, from 1; as many as it has slots where nothing is said.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = Some(slots);
        self
    }

    /// Makes the tool of an asynchronous function, which must not block its thread.
    ///
    /// # Errors
    /// When the name, a label or a limit can't be kept, or the arguments are no object.
    pub fn run<T, F, B>(self, body: F) -> Result<Arc<dyn Tool>, ToolsError>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(T, ToolCall) -> B + Send + Sync + 'static,
        B: Future<Output = ToolResult> + Send + 'static,
    {
        let slots = self.slots;
        let tool: Arc<dyn Tool> = tool_fn(self.spec::<T>()?, body).into();
        // What a worker would refuse is refused where the tool is made.
        Tools::new([Arc::clone(&tool)])?;
        match slots.map(NonZeroU32::new) {
            None => Ok(tool),
            Some(Some(slots)) => Ok(with_slots(tool, slots)),
            Some(None) => Err(ToolsError::Manifest {
                name: tool.spec().name.clone(),
                cause: "0 slots let no call run; leave them out for no limit".to_owned(),
            }),
        }
    }

    /// Makes the tool of a function that blocks: it runs on a thread of its own, by [`blocking`]'s rules.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_blocking<T, F>(self, body: F) -> Result<Arc<dyn Tool>, ToolsError>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(T, ToolCall) -> ToolResult + Send + Sync + 'static,
    {
        let body = Arc::new(body);
        self.run(move |arguments: T, call| {
            let body = Arc::clone(&body);
            blocking(call, move |call| body(arguments, call))
        })
    }

    fn spec<T: JsonSchema>(self) -> Result<ToolSpec, ToolsError> {
        let name = ToolName::new(self.name.as_str()).map_err(|source| ToolsError::Name {
            name: self.name,
            source,
        })?;
        let labels = |written: Vec<String>| -> Result<Vec<Label>, ToolsError> {
            let read = |text: String| {
                Label::new(text.as_str()).map_err(|error| ToolsError::Manifest {
                    name: name.clone(),
                    cause: format!("{text:?} is no label: {error}"),
                })
            };
            written.into_iter().map(read).collect()
        };
        let manifest = Manifest {
            require: labels(self.require)?,
            prefer: labels(self.prefer)?,
            ..self.manifest
        };
        Ok(ToolSpec {
            name,
            description: self.description,
            input_schema: schema_of::<T>(),
            manifest,
        })
    }
}

/// A limit as the wire has it; what is above 0 and below 1 ms is none, and refused as such.
fn in_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde::Deserialize;

    use super::*;
    use crate::tool::Answer;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Echo {
        text: String,
    }

    fn echo(builder: ToolBuilder) -> Result<Arc<dyn Tool>, ToolsError> {
        builder.run_blocking(|Echo { text }, _| Ok(Answer::text(text)))
    }

    #[test]
    fn declares_all_that_a_manifest_can() {
        let tool = echo(
            ToolBuilder::idempotent("echo", "Says it again.")
                .deadline(Duration::from_secs(30))
                .attempt_timeout(Duration::from_secs(10))
                .attempts(2)
                .keeps_session()
                .require("gpu=a100")
                .prefer("zone=eu-1")
                .output_bytes_max(4096)
                .slots(2),
        )
        .unwrap();
        assert_eq!(tool.slots(), NonZeroU32::new(2));
        insta::assert_debug_snapshot!(tool.spec(), @r#"
        ToolSpec {
            name: echo,
            description: "Says it again.",
            input_schema: "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]}",
            manifest: Manifest {
                effect: Idempotent,
                deadline_ms: Some(
                    30000,
                ),
                attempt_timeout_ms: Some(
                    10000,
                ),
                retry: Retry {
                    attempts: 2,
                },
                affinity: Run,
                require: [
                    gpu=a100,
                ],
                prefer: [
                    zone=eu-1,
                ],
                output_bytes_max: Some(
                    4096,
                ),
            },
        }
        "#);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let refused = [
            echo(ToolBuilder::read("", "d")),
            echo(ToolBuilder::read("echo", "d").slots(0)),
            echo(ToolBuilder::read("echo", "d").attempts(0)),
            echo(ToolBuilder::read("echo", "d").require("no label")),
            echo(ToolBuilder::read("echo", "d").deadline(Duration::from_micros(5))),
            ToolBuilder::read("echo", "d").run(|_: String, _| async { Ok(Answer::text("")) }),
        ];
        let texts: Vec<String> = refused
            .into_iter()
            .map(|tool| tool.err().unwrap().to_string())
            .collect();
        insta::assert_snapshot!(texts.join("\n"), @r#"
        "" can't name a tool: the name is empty
        the manifest of echo can't be enforced: 0 slots let no call run; leave them out for no limit
        the manifest of echo can't be enforced: 0 attempts let no call run; 1 means that none is tried again
        the manifest of echo can't be enforced: "no label" is no label: ' ' can't stand in a label; allowed are letters, digits and '-', '_', '.', '/', '='
        the manifest of echo can't be enforced: a time of 0 ms lets no call run; leave it out for no limit
        the input schema of echo doesn't describe an object: its `type` is not "object"
        "#);
    }

    #[tokio::test]
    async fn arguments_that_do_not_fit_do_not_enter_the_tool() {
        let tool = echo(ToolBuilder::read("echo", "d")).unwrap();
        let (call, _control) = ToolCall::detached(r#"{"text":"a"}"#);
        assert_eq!(tool.call(call).await.unwrap(), Answer::text("a"));
        let (call, _control) = ToolCall::detached(r#"{"text":"a","more":1}"#);
        let error = tool.call(call).await.unwrap_err();
        insta::assert_snapshot!(format!("{error:?}"), @r#"Failed(Failure { kind: InvalidArguments, message: "the arguments don't fit the tool's schema: unknown field `more`, expected `text` at line 1 column 18", executed: No, retry_after: None })"#);
    }
}
