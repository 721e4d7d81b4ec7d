//! Every metric that leaves the process.

use super::spec::{Kind, Spec};

/// The bounds that the GenAI conventions give for durations, in seconds.
pub const GEN_AI_BOUNDS: &[f64] = &[
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Bounds for what should take no time: a call on a local network takes some 0.3 ms. Chosen from
/// `docs/benchmarks.md`.
pub const WAIT_BOUNDS: &[f64] = &[
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

macro_rules! metrics {
    ($($constant:ident = $kind:expr, $name:literal, $otel:literal, $unit:literal, $labels:expr, $help:literal;)*) => {
        $(#[doc = $help] #[doc = "."]
        pub const $constant: Spec = Spec {
            name: $name, otel: $otel, unit: $unit, help: $help, kind: $kind, labels: &$labels,
        };)*

        /// All of them.
        pub const ALL: &[Spec] = &[$($constant),*];
    };
}

metrics! {
    EXECUTE_TOOL = Kind::Histogram(GEN_AI_BOUNDS), "gen_ai_execute_tool_duration_seconds", "gen_ai.execute_tool.duration", "s",
        ["gen_ai_tool_name", "gen_ai_tool_type", "error_type"], "Time of a call from its opening to its outcome, with all its attempts";
    INVOKE_AGENT = Kind::Histogram(GEN_AI_BOUNDS), "gen_ai_invoke_agent_duration_seconds", "gen_ai.invoke_agent.duration", "s",
        ["gen_ai_agent_name", "error_type"], "Time of a run from its start to its end";
    INFERENCE = Kind::Histogram(GEN_AI_BOUNDS), "gen_ai_client_inference_duration_seconds", "gen_ai.client.inference.duration", "s",
        ["gen_ai_request_model", "error_type"], "Time of a question to the model, with its retries";
    INPUT_TOKENS = Kind::Counter, "gen_ai_client_inference_usage_input_tokens_total", "gen_ai.client.inference.usage.input_tokens", "{token}",
        ["gen_ai_request_model"], "Tokens that models said they read";
    OUTPUT_TOKENS = Kind::Counter, "gen_ai_client_inference_usage_output_tokens_total", "gen_ai.client.inference.usage.output_tokens", "{token}",
        ["gen_ai_request_model"], "Tokens that models said they wrote";
    CALLS = Kind::Counter, "callboard_calls_total", "callboard.calls", "{call}",
        ["tool", "outcome"], "Calls that have an outcome";
    SCHEDULE_TO_START = Kind::Histogram(WAIT_BOUNDS), "callboard_schedule_to_start_seconds", "callboard.schedule_to_start", "s",
        ["tool"], "Time of a call that ran outside of its tool: waiting for a slot, on the way, waiting for a thread, on the way back";
    GATHER = Kind::Histogram(WAIT_BOUNDS), "callboard_turn_gather_duration_seconds", "callboard.turn.gather.duration", "s",
        ["stopped"], "Time of a turn from its opening to its report";
    OVERSHOOT = Kind::Histogram(WAIT_BOUNDS), "callboard_deadline_overshoot_seconds", "callboard.deadline.overshoot", "s",
        [], "How much later than its deadline a turn was reported that its deadline ended";
    RUNS = Kind::Counter, "callboard_runs_total", "callboard.runs", "{run}",
        ["end"], "Runs that have ended";
    CALLS_INFLIGHT = Kind::Gauge, "callboard_calls_inflight", "callboard.calls.inflight", "{call}",
        [], "Attempts that workers hold for this coordinator";
    CALLS_WAITING = Kind::Gauge, "callboard_calls_waiting", "callboard.calls.waiting", "{call}",
        [], "Calls that wait for a slot";
    QUEUE_OLDEST = Kind::Gauge, "callboard_queue_oldest_seconds", "callboard.queue.oldest", "s",
        [], "How long the call has been open that waits longest for a slot";
    TURNS_OPEN = Kind::Gauge, "callboard_turns_open", "callboard.turns.open", "{turn}",
        [], "Turns that aren't reported";
    WORKERS = Kind::Gauge, "callboard_workers", "callboard.workers", "{worker}",
        ["state"], "Workers that this coordinator knows, ready, draining or unreachable";
    POOL_SLOTS = Kind::Gauge, "callboard_pool_slots", "callboard.pool.slots", "{slot}",
        ["pool", "state"], "Slots of the workers that this coordinator knows, used and available";
    ATTEMPTS = Kind::Counter, "callboard_attempts_total", "callboard.attempts", "{attempt}",
        [], "Attempts posted";
    ATTEMPTS_RETURNED = Kind::Counter, "callboard_attempts_returned_total", "callboard.attempts.returned", "{attempt}",
        ["reason"], "Attempts that came back without an end of their call";
    RETRIES = Kind::Counter, "callboard_retries_total", "callboard.retries", "{attempt}",
        ["allowed"], "Failed attempts that were to be tried again, by whether the retry budget allowed it";
    MOVES = Kind::Counter, "callboard_moves_total", "callboard.moves", "{attempt}",
        [], "Deliveries that the way lost, and that were made again";
    MESSAGES = Kind::Counter, "callboard_messages_total", "callboard.messages", "{message}",
        ["kind"], "Messages sent, by kind";
    REPLIES_DROPPED = Kind::Counter, "callboard_replies_dropped_total", "callboard.replies.dropped", "{reply}",
        ["reason"], "Replies that changed nothing, by why";
    LEASES_LOST = Kind::Counter, "callboard_lease_lost_total", "callboard.lease.lost", "{lease}",
        ["reason"], "Leases of workers that ended, by whether one fell silent or was replaced";
    LINK_GAPS = Kind::Counter, "callboard_link_gaps_total", "callboard.link.gaps", "{gap}",
        [], "Gaps of the coordinator's own link";
    LINK_REFUSED = Kind::Counter, "callboard_link_refused_total", "callboard.link.refused", "{refusal}",
        [], "What the server refused the coordinator's link, such as to publish somewhere";
    DEADLINES = Kind::Counter, "callboard_deadlines_total", "callboard.deadlines", "{deadline}",
        ["of"], "Deadlines that ended a call or a turn";
    STRIKES = Kind::Counter, "callboard_strikes_total", "callboard.strikes", "{strike}",
        [], "Strikes of calls that ran in an instance that ended";
    SUSPENSIONS = Kind::Counter, "callboard_suspensions_total", "callboard.suspensions", "{suspension}",
        [], "Suspensions of a tool on a worker on which it only fails";
    SPANS_EXPORTED = Kind::Counter, "callboard_spans_exported_total", "callboard.spans.exported", "{span}",
        [], "Spans that the collector took";
    SPANS_DROPPED = Kind::Counter, "callboard_spans_dropped_total", "callboard.spans.dropped", "{span}",
        ["reason"], "Spans that the collector didn't take, or that there was no room for";
    PROCESS = Kind::Histogram(GEN_AI_BOUNDS), "messaging_process_duration_seconds", "messaging.process.duration", "s",
        ["tool", "error_type"], "Time of an attempt inside of its tool";
    WORKER_QUEUE = Kind::Histogram(WAIT_BOUNDS), "callboard_worker_queue_duration_seconds", "callboard.worker.queue.duration", "s",
        ["tool"], "Time of an attempt at the worker before its tool was entered";
    WORKER_ATTEMPTS = Kind::Counter, "callboard_worker_attempts_total", "callboard.worker.attempts", "{attempt}",
        ["tool", "outcome"], "Attempts that this worker ended";
    WORKER_SLOTS = Kind::Gauge, "callboard_worker_slots", "callboard.worker.slots", "{slot}",
        ["state"], "Slots of this worker, used and available";
    WORKER_LINK_UP = Kind::Gauge, "callboard_worker_link_up", "callboard.worker.link_up", "1",
        [], "Whether this worker's link to the server is up";
    WORKER_DRAINING = Kind::Gauge, "callboard_worker_draining", "callboard.worker.draining", "1",
        [], "Whether this worker takes no more calls";
    WORKER_REFUSED = Kind::Counter, "callboard_worker_refused_total", "callboard.worker.refused", "{attempt}",
        ["reason"], "Attempts that this worker didn't take, by why";
    WORKER_STOPPED = Kind::Counter, "callboard_worker_stopped_total", "callboard.worker.stopped", "{attempt}",
        ["reason"], "Tools that this worker stopped, by why";
    WORKER_ABANDONED = Kind::Counter, "callboard_worker_abandoned_total", "callboard.worker.abandoned", "{attempt}",
        [], "Stopped tools whose thread could not be stopped";
    WORKER_DUPLICATES = Kind::Counter, "callboard_worker_duplicates_total", "callboard.worker.duplicates", "{attempt}",
        [], "Attempts that arrived again";
    SERVICE_IN_FLIGHT = Kind::Gauge, "callboard_service_in_flight", "callboard.service.in_flight", "{run}",
        [], "Runs and executions that this replica of the service drives";
    SERVICE_ANSWERS = Kind::Counter, "callboard_service_answers_total", "callboard.service.answers", "{answer}",
        ["status"], "Answers of the service but to probes, by their HTTP status";
    RESIDENT_MEMORY = Kind::Gauge, "process_resident_memory_bytes", "process.memory.usage", "By",
        [], "Memory that the process has in use";
    WORKER_RESULTS_FORGOTTEN = Kind::Counter, "callboard_worker_results_forgotten_total", "callboard.worker.results.forgotten", "{result}",
        ["reason"], "Results that this worker keeps no longer, by why";
}
