//! Ids of spans that are written under names that were given away before.

use std::cell::Cell;

use callboard_proto::TraceContext;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    static CHOSEN: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// Gives random ids, but for the span that is built inside of [`with_ids`]: the SDK's builder takes
/// none, and its sampler and processors are worth keeping.
#[derive(Debug, Default)]
pub(crate) struct ChosenIds(RandomIdGenerator);

impl IdGenerator for ChosenIds {
    fn new_trace_id(&self) -> TraceId {
        CHOSEN.get().map_or_else(
            || self.0.new_trace_id(),
            |chosen| TraceId::from_bytes(chosen.trace_id()),
        )
    }

    fn new_span_id(&self) -> SpanId {
        CHOSEN.get().map_or_else(
            || self.0.new_span_id(),
            |chosen| SpanId::from_bytes(chosen.span_id()),
        )
    }
}

/// Builds spans that are named so.
pub(crate) fn with_ids<T>(chosen: TraceContext, build: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            CHOSEN.set(None);
        }
    }
    CHOSEN.set(Some(chosen));
    let _forget = Forget;
    build()
}
