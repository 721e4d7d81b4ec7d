//! Every name that traces and metrics carry, in one place.
//!
//! Pinned to the semantic conventions 1.44.0, and for `gen_ai.*` to the repository
//! `semantic-conventions-genai` as of October 2026; all of `gen_ai.*` is in development there. Names that
//! no convention has begin with `callboard.`.

/// The schema that the names follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// All of them.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

names! {
    /// The service.
    SERVICE_NAME = "service.name";
    /// The version of its software.
    SERVICE_VERSION = "service.version";
    /// The life of its process.
    SERVICE_INSTANCE_ID = "service.instance.id";
    /// The kind of failure; only on failures.
    ERROR_TYPE = "error.type";

    /// What is done: `invoke_agent`, `chat` or `execute_tool`. Only on the coordinator's spans, so that a
    /// viewer counts each call once.
    OPERATION_NAME = "gen_ai.operation.name";
    /// Who answers.
    PROVIDER_NAME = "gen_ai.provider.name";
    /// The agent.
    AGENT_NAME = "gen_ai.agent.name";
    /// The conversation: our run.
    CONVERSATION_ID = "gen_ai.conversation.id";
    /// The model that is asked.
    REQUEST_MODEL = "gen_ai.request.model";
    /// Why the model stopped.
    FINISH_REASONS = "gen_ai.response.finish_reasons";
    /// Tokens that it read.
    INPUT_TOKENS = "gen_ai.usage.input_tokens";
    /// Tokens that it wrote.
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
    /// The tool.
    TOOL_NAME = "gen_ai.tool.name";
    /// What kind of tool it is: `function`.
    TOOL_TYPE = "gen_ai.tool.type";
    /// The call: its `tool_use_id`.
    TOOL_CALL_ID = "gen_ai.tool.call.id";
    /// What the tool was given; only where content is captured.
    TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments";
    /// What it answered; only where content is captured.
    TOOL_CALL_RESULT = "gen_ai.tool.call.result";

    /// The system that carries messages.
    MESSAGING_SYSTEM = "messaging.system";
    /// What is done with a message.
    MESSAGING_OPERATION_NAME = "messaging.operation.name";
    /// The kind of that: `send` or `process`.
    MESSAGING_OPERATION_TYPE = "messaging.operation.type";
    /// Where it goes, without what is different each time.
    MESSAGING_DESTINATION_TEMPLATE = "messaging.destination.template";
    /// The conversation that it belongs to: our run.
    MESSAGING_CONVERSATION_ID = "messaging.message.conversation_id";
    /// Those who share the work: our pool.
    MESSAGING_CONSUMER_GROUP = "messaging.consumer.group.name";

    /// The run.
    RUN = "callboard.run";
    /// The turn, from 1.
    TURN = "callboard.turn";
    /// The attempt, from 1.
    ATTEMPT = "callboard.attempt";
    /// Attempts made.
    ATTEMPTS = "callboard.attempts";
    /// How a call ended: `completed`, `tool_error`, or the kind of failure.
    OUTCOME = "callboard.outcome";
    /// Whether the tool may have run: `no`, `yes` or `unknown`.
    EXECUTED = "callboard.executed";
    /// What became of an attempt that didn't settle its call.
    RETURNED = "callboard.returned";
    /// The worker.
    WORKER = "callboard.worker";
    /// The life of its process.
    WORKER_INSTANCE = "callboard.worker.instance";
    /// Its pool.
    POOL = "callboard.pool";
    /// The time that a turn has, in milliseconds.
    DEADLINE_MS = "callboard.deadline_ms";
    /// From a call's opening to its first attempt: waiting for a slot, a permit or a key.
    WAIT_MS = "callboard.wait_ms";
    /// At the worker before the tool was entered: waiting for a thread or a grant.
    QUEUE_MS = "callboard.queue_ms";
    /// On the way there and back.
    TRANSFER_MS = "callboard.transfer_ms";
    /// Inside of the tool.
    EXEC_MS = "callboard.exec_ms";
    /// How long a call waits before its next attempt.
    DELAY_MS = "callboard.delay_ms";
    /// From a turn's opening to its report.
    GATHER_MS = "callboard.gather_ms";
    /// Why gathering stopped.
    STOPPED = "callboard.stopped";
    /// Why a run ended.
    END = "callboard.end";
    /// Turns that a run took.
    TURNS = "callboard.turns";
    /// Calls of a turn or a run.
    CALLS = "callboard.calls";
    /// What a link has to do with its span.
    LINK_RELATION = "callboard.link";
}

/// The value of [`OPERATION_NAME`] for a run.
pub const INVOKE_AGENT: &str = "invoke_agent";
/// The value of [`OPERATION_NAME`] for a question to the model.
pub const CHAT: &str = "chat";
/// The value of [`OPERATION_NAME`] for a call, with all its attempts.
pub const EXECUTE_TOOL: &str = "execute_tool";
/// The value of [`TOOL_TYPE`]: tools are run by us, and not by the provider.
pub const FUNCTION: &str = "function";
/// The name of the span of a turn that belongs to somebody else's agent.
pub const EXECUTE: &str = "execute";

/// The name and the [`MESSAGING_DESTINATION_TEMPLATE`] of messages about a tool, such as
/// `tools.default.orders`: without the instance, the inbox and the batch, which are different each time.
#[must_use]
pub fn destination(tenant: &str, tool: &str) -> String {
    format!("tools.{tenant}.{tool}")
}
