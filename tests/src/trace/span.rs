//! One span, whoever told it.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span as Told, status::StatusCode};

/// One span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of who told it.
    pub service: String,
    /// `service.instance.id` of who told it.
    pub instance: String,
    /// The trace, as hex digits.
    pub trace: String,
    /// Its own id, as hex digits.
    pub id: String,
    /// Its parent's; empty for a root.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// Ids of the spans that it is linked to.
    pub links: Vec<String>,
    /// Whether its status is an error.
    pub is_error: bool,
    /// All that it says, for whoever looks for what it must not say.
    pub text: String,
}

impl Span {
    /// The spans of one resource.
    pub fn all_of(told: ResourceSpans) -> impl Iterator<Item = Self> {
        let resource = told.resource.unwrap_or_default();
        let named = |name| attribute(&resource, name);
        let (service, instance) = (named("service.name"), named("service.instance.id"));
        let spans = told.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.map(move |span| Self::of(span, service.clone(), instance.clone()))
    }

    fn of(told: Told, service: String, instance: String) -> Self {
        let text = format!("{told:?}");
        let is_error = told
            .status
            .is_some_and(|status| status.code() == StatusCode::Error);
        Self {
            service,
            instance,
            trace: hex(&told.trace_id),
            id: hex(&told.span_id),
            parent: hex(&told.parent_span_id),
            name: told.name,
            start: told.start_time_unix_nano,
            end: told.end_time_unix_nano,
            attributes: told.attributes.into_iter().map(pair).collect(),
            links: told.links.iter().map(|link| hex(&link.span_id)).collect(),
            is_error,
            text,
        }
    }

    /// An attribute, or nothing.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn attribute(resource: &Resource, name: &str) -> String {
    let found = resource.attributes.iter().find(|pair| pair.key == name);
    found.map_or_else(String::new, |found| text(found.value.as_ref()))
}

fn pair(told: KeyValue) -> (String, String) {
    let value = text(told.value.as_ref());
    (told.key, value)
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
