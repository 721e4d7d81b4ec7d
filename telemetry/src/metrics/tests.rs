#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use callboard_proto::TraceContext;

use super::*;
use crate::Telemetry;

#[derive(Debug)]
struct Counted(f64);

impl Source for Counted {
    fn read(&self) -> Vec<Reading> {
        vec![
            Reading::by_label(names::WORKER_SLOTS, "state", [("used", self.0)]),
            Reading::single(names::ATTEMPTS, self.0),
        ]
    }
}

#[test]
fn all_is_told_in_the_text_format() {
    let metrics = Metrics::new(&Telemetry::off());
    metrics.add(Arc::new(Counted(3.0)));
    let labels = vec![("tool", "orders".to_owned())];
    let histogram = metrics.histogram(&names::SCHEDULE_TO_START, labels.clone());
    let trace = TraceContext::new([7; 16], [1; 8], true).unwrap();
    histogram.observe(Duration::from_micros(1_500), Some(&trace));
    let again = metrics.histogram(&names::SCHEDULE_TO_START, labels);
    again.observe(Duration::from_secs(90), None);
    let text = metrics.text();
    // Of the process itself: other bytes each time.
    let lines = text
        .lines()
        .filter(|line| !line.contains("process_resident"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    assert_eq!(metrics.told(Some(OPEN_METRICS)).0, OPEN_METRICS);
    let (kind, plain) = metrics.told(None);
    assert_eq!(kind, PLAIN);
    assert!(plain.contains("# TYPE callboard_attempts_total counter\n"));
    assert!(!plain.contains("trace_id"), "{plain}");
}

#[test]
fn parts_are_told_apart_by_their_tenant() {
    let metrics = Arc::new(Metrics::new(&Telemetry::off()));
    for (tenant, count) in [("a", 1.0), ("b", 2.0)] {
        let part = Scope::of_tenant(Arc::clone(&metrics), tenant);
        part.add(Arc::new(Counted(count)));
        let gathered = part.histogram(&names::GATHER, Vec::new());
        gathered.observe(Duration::from_millis(1), None);
    }
    let text = metrics.text();
    for line in [
        "callboard_attempts_total{tenant=\"a\"} 1.0",
        "callboard_attempts_total{tenant=\"b\"} 2.0",
        "callboard_worker_slots{state=\"used\",tenant=\"b\"} 2.0",
        "callboard_turn_gather_duration_seconds_count{tenant=\"a\"} 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
    assert_eq!(text.matches("# TYPE callboard_attempts counter").count(), 1);
}

/// The rules that `promtool check metrics` has for names and units.
fn broken_rules(spec: &Spec) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let is_lower = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    if !spec
        .name
        .chars()
        .all(|character| is_lower(character) || character == '_')
        || spec.name.contains("__")
    {
        broken.push("names are snake_case");
    }
    let is_counter = spec.kind == Kind::Counter;
    if is_counter != spec.name.ends_with("_total") {
        broken.push("counters, and only they, end in _total");
    }
    let base = spec.name.trim_end_matches("_total");
    if ["_count", "_sum", "_bucket", "_info"]
        .iter()
        .any(|end| base.ends_with(end))
    {
        broken.push("the format's own endings are reserved");
    }
    let is_seconds = base.ends_with("_seconds");
    if (spec.unit == "s") != is_seconds || matches!(spec.kind, Kind::Histogram(_)) && !is_seconds {
        broken.push("the unit is the name's end, and it is a base unit");
    }
    for word in [
        "milliseconds",
        "_ms",
        "minutes",
        "kilo",
        "percent",
        "counter",
        "gauge",
    ] {
        if spec.name.contains(word) {
            broken.push("no unit but a base unit, no type in the name");
        }
    }
    if spec.help.is_empty() || spec.help.ends_with('.') {
        broken.push("help is there, and gets its full stop from the format");
    }
    for label in spec.labels {
        if ["le", "quantile", "job", "instance"].contains(label) || label.starts_with("__") {
            broken.push("labels of the format are reserved");
        }
        if ["run", "tool_use_id", "turn", "call", "trace_id", "attempt"].contains(label) {
            broken.push("nothing that is different each time is a label");
        }
    }
    broken
}

#[test]
fn names_keep_the_rules() {
    let mut seen = BTreeSet::new();
    for spec in names::ALL {
        assert_eq!(broken_rules(spec), [""; 0], "{}", spec.name);
        assert!(
            seen.insert(spec.name) && seen.insert(spec.otel),
            "{} twice",
            spec.name
        );
        assert!(
            ["callboard_", "gen_ai_", "messaging_", "process_"]
                .iter()
                .any(|start| spec.name.starts_with(start)),
            "{}",
            spec.name
        );
    }
}

#[test]
fn broken_names_are_told() {
    let good = names::CALLS;
    let renamed = |name| Spec { name, ..good };
    for name in [
        "callboard_calls",
        "callboardCalls_total",
        "callboard_ms_total",
        "a_count_total",
    ] {
        assert_ne!(broken_rules(&renamed(name)), [""; 0], "{name}");
    }
    let labels: &[&str] = &["tool_use_id"];
    assert_ne!(broken_rules(&Spec { labels, ..good }), [""; 0]);
    assert_ne!(broken_rules(&Spec { unit: "s", ..good }), [""; 0]);
}

#[test]
fn every_metric_stands_in_the_guide() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/observability.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    for spec in names::ALL {
        let row = format!("| `{}` |", spec.name);
        assert!(guide.contains(&row), "{}", spec.name);
    }
}
