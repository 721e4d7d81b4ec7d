//! Spans, written down when they are over.

use std::borrow::Cow;
use std::time::{Instant, SystemTime};

use callboard_proto::TraceContext;
use opentelemetry::trace::{
    Event, Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status,
    TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};

use crate::ids::with_ids;
use crate::semconv;

/// Writes spans. Clones write to the same collector.
#[derive(Clone, Debug)]
pub struct Spans {
    tracer: SdkTracer,
}

/// A span that is over.
#[derive(Debug)]
pub struct SpanDraft {
    /// Its place in the trace, as the wire carried it.
    pub context: TraceContext,
    /// The span that it belongs below.
    pub parent: TraceContext,
    /// Whether that one is another process's.
    pub is_remote: bool,
    /// Its name; of few different ones.
    pub name: Cow<'static, str>,
    /// What it stands for.
    pub kind: SpanKind,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What is known of it.
    pub attributes: Vec<KeyValue>,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// Spans that it has to do with, beside its parent.
    pub links: Vec<SpanLink>,
    /// The kind of failure, if it failed: `error.type`.
    pub error: Option<&'static str>,
}

/// A span that another has to do with.
#[derive(Clone, Debug)]
pub struct SpanLink {
    /// That span.
    pub to: TraceContext,
    /// What it has to do with it.
    pub relation: &'static str,
}

/// A span that goes on: the root of what one run or turn does.
#[derive(Debug)]
pub struct OpenSpan {
    span: Span,
    context: TraceContext,
}

impl Spans {
    pub(crate) fn new(provider: &SdkTracerProvider) -> Self {
        Self {
            tracer: provider.tracer_with_scope(scope()),
        }
    }

    /// Begins a span, below that of another process or as the root of a new trace; `None` where the
    /// sampler says that nobody wants to see it.
    #[must_use]
    pub fn begin(
        &self,
        name: impl Into<Cow<'static, str>>,
        parent: Option<TraceContext>,
        start: SystemTime,
        attributes: Vec<KeyValue>,
    ) -> Option<OpenSpan> {
        let parent = parent.map_or_else(Context::new, |parent| below(&parent, true));
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Internal)
            .with_start_time(start)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        let own = span.span_context();
        if !own.is_sampled() {
            return None;
        }
        let context = TraceContext::new(own.trace_id().to_bytes(), own.span_id().to_bytes(), true)?;
        Some(OpenSpan { span, context })
    }

    /// Writes a span down. Never waits: what there is no room for is dropped and counted.
    pub fn write(&self, draft: SpanDraft) {
        let links = draft.links.into_iter().map(|link| {
            let relation = KeyValue::new(semconv::LINK_RELATION, link.relation);
            Link::new(context_of(&link.to, true), vec![relation], 0)
        });
        let mut attributes = draft.attributes;
        attributes.extend(
            draft
                .error
                .map(|kind| KeyValue::new(semconv::ERROR_TYPE, kind)),
        );
        let builder = SpanBuilder {
            span_kind: Some(draft.kind),
            name: draft.name,
            start_time: Some(draft.start),
            attributes: Some(attributes),
            events: Some(draft.events),
            links: Some(links.collect()),
        };
        let parent = below(&draft.parent, draft.is_remote);
        let mut span = with_ids(draft.context, || {
            self.tracer.build_with_context(builder, &parent)
        });
        if let Some(kind) = draft.error {
            span.set_status(Status::error(kind));
        }
        span.end_with_timestamp(draft.end.max(draft.start));
    }
}

impl OpenSpan {
    /// Its place in the trace.
    #[must_use]
    pub const fn context(&self) -> TraceContext {
        self.context
    }

    /// Notes that something happened.
    pub fn event(&mut self, name: &'static str, at: SystemTime, attributes: Vec<KeyValue>) {
        self.span.add_event_with_timestamp(name, at, attributes);
    }

    /// Ends it; with the kind of failure, if it failed.
    pub fn end(mut self, at: SystemTime, attributes: Vec<KeyValue>, error: Option<&'static str>) {
        self.span.set_attributes(attributes);
        if let Some(kind) = error {
            self.span
                .set_attribute(KeyValue::new(semconv::ERROR_TYPE, kind));
            self.span.set_status(Status::error(kind));
        }
        self.span.end_with_timestamp(at);
    }
}

/// Who makes spans and metrics.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("callboard")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(semconv::SCHEMA_URL)
        .build()
}

/// A place in a trace, as OpenTelemetry writes it.
#[must_use]
pub fn context_of(context: &TraceContext, is_remote: bool) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(context.trace_id()),
        SpanId::from_bytes(context.span_id()),
        TraceFlags::default().with_sampled(context.is_sampled()),
        is_remote,
        TraceState::NONE,
    )
}

fn below(parent: &TraceContext, is_remote: bool) -> Context {
    Context::new().with_remote_span_context(context_of(parent, is_remote))
}

/// Tells when on the world's clock something happened that was seen on the process's: spans of one trace
/// keep their distances even where the world's clock is set meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    world: SystemTime,
    process: Instant,
}

impl Clock {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self {
            world: SystemTime::now(),
            process: Instant::now(),
        }
    }

    /// When that was, on the world's clock.
    #[must_use]
    pub fn at(&self, instant: Instant) -> SystemTime {
        let after = instant.checked_duration_since(self.process);
        let at = match after {
            Some(after) => self.world.checked_add(after),
            None => self
                .world
                .checked_sub(self.process.saturating_duration_since(instant)),
        };
        at.unwrap_or(self.world)
    }
}
