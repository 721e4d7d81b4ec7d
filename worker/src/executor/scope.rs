//! What surrounds a tool's own code: the fields that its log lines carry, and its place in the trace.

use callboard_proto::{AttemptKey, TraceContext};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::Span;

/// Surrounds one attempt's code wherever it is polled.
pub(super) struct Scope {
    span: Span,
    context: Option<Context>,
}

impl Scope {
    /// The surroundings of an attempt. Without a trace that is recorded, and below the log level `info`,
    /// they are nothing.
    pub(super) fn new(of: &AttemptKey, trace: Option<TraceContext>) -> Self {
        let span = tracing::info_span!(
            "call",
            run = %of.run,
            turn = of.turn.0,
            tool_use_id = of.id.as_str(),
            attempt = of.attempt.0,
            trace_id = tracing::field::Empty,
        );
        if let Some(trace) = &trace
            && !span.is_disabled()
        {
            span.record("trace_id", trace.trace_text());
        }
        let context = trace.map(|trace| {
            let context = callboard_telemetry::context_of(&trace, false);
            Context::new().with_remote_span_context(context)
        });
        Self { span, context }
    }

    /// Runs the tool's own code.
    pub(super) fn within<T>(&self, body: impl FnOnce() -> T) -> T {
        let _place = self.context.clone().map(Context::attach);
        let _fields = self.span.enter();
        body()
    }
}
