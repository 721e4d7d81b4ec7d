//! Says what is wrong with the trace of a fan-out.

use std::collections::{BTreeMap, BTreeSet};

use super::span::Span;

/// What the trace of a fan-out must be.
#[derive(Clone, Copy, Debug)]
pub struct FanOut<'a> {
    /// Calls that ran at the same time.
    pub calls: usize,
    /// Workers that must have told something.
    pub workers_min: usize,
    /// Whether some call must have needed a second attempt.
    pub is_retried: bool,
    /// Texts that stand in arguments or results, and must stand nowhere in the trace.
    pub canaries: &'a [&'a str],
}

/// Every rule that the spans of one trace break, in words.
#[must_use]
pub fn broken(spans: &[Span], wanted: &FanOut<'_>) -> Vec<String> {
    let mut broken = tree(spans);
    let of = |prefix: &'static str| {
        spans
            .iter()
            .filter(move |span| span.name.split(' ').next() == Some(prefix))
    };
    let calls: Vec<&Span> = of("execute_tool").collect();
    if calls.len() != wanted.calls {
        broken.push(format!("{} calls, not {}", calls.len(), wanted.calls));
    }
    let last_start = calls.iter().map(|call| call.start).max();
    let first_end = calls.iter().map(|call| call.end).min();
    if last_start > first_end {
        broken.push("the calls don't all overlap".to_owned());
    }
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    if services != BTreeSet::from(["callboard-coordinator", "callboard-worker"]) {
        broken.push(format!("the services are {services:?}"));
    }
    let workers: BTreeSet<&str> = of("process").map(|span| span.instance.as_str()).collect();
    if workers.len() < wanted.workers_min {
        broken.push(format!("only {} workers told something", workers.len()));
    }
    let retried: Vec<&Span> = of("publish")
        .filter(|span| span.attribute("callboard.attempt") == "2")
        .collect();
    if wanted.is_retried && retried.is_empty() {
        broken.push("no call has a second attempt".to_owned());
    }
    broken.extend(
        retried
            .iter()
            .filter(|span| span.links.is_empty())
            .map(|span| format!("{} is not linked to the attempt before it", span.id)),
    );
    let parent = |span: &Span| spans.iter().find(|other| other.id == span.parent);
    for call in of("execute_tool") {
        let is_done = call.attribute("callboard.outcome") == "completed";
        let of_call = |process: &Span| {
            let publish = parent(process);
            publish.is_some_and(|publish| publish.parent == call.id)
        };
        if is_done && !of("process").any(of_call) {
            broken.push(format!("{} completed, and no worker tells of it", call.id));
        }
        let icons = spans
            .iter()
            .filter(|span| {
                span.attribute("gen_ai.tool.call.id") == call.attribute("gen_ai.tool.call.id")
                    && span.attributes.contains_key("gen_ai.operation.name")
            })
            .count();
        if icons != 1 {
            broken.push(format!("{} is counted {icons} times", call.id));
        }
    }
    for span in spans {
        let outcome = span.attribute("callboard.outcome");
        let has_failed = span.is_error || span.attributes.contains_key("error.type");
        if has_failed && outcome == "completed" {
            broken.push(format!("{} is an error, and completed", span.name));
        }
        if span.is_error != span.attributes.contains_key("error.type") {
            broken.push(format!("{} has half an error", span.name));
        }
        for canary in wanted.canaries {
            if span.text.contains(canary) {
                broken.push(format!("{} holds content: {canary}", span.name));
            }
        }
    }
    broken
}

/// What is wrong with the spans as a tree.
fn tree(spans: &[Span]) -> Vec<String> {
    let mut broken = Vec::new();
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    if by_id.len() != spans.len() {
        broken.push("two spans have one id".to_owned());
    }
    let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace.as_str()).collect();
    if traces.len() != 1 {
        broken.push(format!("{} traces", traces.len()));
    }
    let roots = spans.iter().filter(|span| span.parent.is_empty()).count();
    if roots != 1 {
        broken.push(format!("{roots} roots"));
    }
    for span in spans.iter().filter(|span| !span.parent.is_empty()) {
        let Some(parent) = by_id.get(span.parent.as_str()) else {
            broken.push(format!("{} has no parent", span.name));
            continue;
        };
        let wanted = match span.name.split(' ').next() {
            Some("publish") => "execute_tool",
            Some("process") => "publish",
            _ => continue,
        };
        if !parent.name.starts_with(wanted) {
            broken.push(format!("{} is below {}", span.name, parent.name));
        }
        // One machine, one clock: what is below lies within.
        if span.name.starts_with("publish") && span.start < parent.start {
            broken.push(format!("{} begins before {}", span.name, parent.name));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: FanOut<'_> = FanOut {
        calls: 2,
        workers_min: 1,
        is_retried: true,
        canaries: &["secret"],
    };

    fn span(id: &str, parent: &str, name: &str) -> Span {
        let is_worker = name.starts_with("process");
        let service = if is_worker { "worker" } else { "coordinator" };
        Span {
            service: format!("callboard-{service}"),
            instance: service.to_owned(),
            trace: "t".to_owned(),
            id: id.to_owned(),
            parent: parent.to_owned(),
            name: name.to_owned(),
            start: 1,
            end: 9,
            ..Span::default()
        }
    }

    fn with(mut span: Span, pairs: &[(&str, &str)]) -> Span {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        span.attributes.extend(pairs);
        span
    }

    fn good() -> Vec<Span> {
        let call = |id: &str| {
            let operation = ("gen_ai.operation.name", "execute_tool");
            let named = ("gen_ai.tool.call.id", id);
            with(span(id, "root", "execute_tool look"), &[operation, named])
        };
        let done = ("callboard.outcome", "completed");
        let mut second = with(
            span("a2", "a", "publish tools.x"),
            &[("callboard.attempt", "2")],
        );
        second.links.push("a1".to_owned());
        vec![
            span("root", "", "invoke_agent x"),
            with(call("a"), &[done]),
            call("b"),
            with(
                span("a1", "a", "publish tools.x"),
                &[("callboard.attempt", "1")],
            ),
            second,
            span("p", "a2", "process tools.x"),
        ]
    }

    #[test]
    fn a_good_trace_breaks_nothing() {
        assert_eq!(broken(&good(), &WANTED), [""; 0]);
    }

    #[test]
    fn each_broken_trace_is_told() {
        let broken_by = |spoil: &dyn Fn(&mut Vec<Span>)| {
            let mut spans = good();
            spoil(&mut spans);
            broken(&spans, &WANTED)
        };
        let told = |spoil: &dyn Fn(&mut Vec<Span>), word: &str| {
            let all = broken_by(spoil);
            assert!(
                all.iter().any(|line| line.contains(word)),
                "{word}: {all:?}"
            );
        };
        told(&|spans| drop(spans.remove(0)), "0 roots");
        told(&|spans| drop(spans.remove(0)), "no parent");
        told(&|spans| spans[1].parent.clear(), "2 roots");
        told(&|spans| drop(spans.remove(2)), "1 calls");
        told(&|spans| spans[1].end = 0, "overlap");
        told(&|spans| drop(spans.remove(5)), "services");
        told(&|spans| drop(spans.remove(5)), "0 workers");
        told(&|spans| spans[4].links.clear(), "not linked");
        let done = ("callboard.outcome", "completed");
        told(
            &|spans| spans[2] = with(spans[2].clone(), &[done]),
            "no worker",
        );
        told(&|spans| drop(spans.remove(4)), "second attempt");
        told(&|spans| spans[5].parent = "a".to_owned(), "is below");
        told(&|spans| spans[1].is_error = true, "half an error");
        told(&|spans| spans[3].trace = "u".to_owned(), "2 traces");
        told(&|spans| spans[3].id = "a2".to_owned(), "one id");
        told(&|spans| spans[3].start = 0, "begins before");
        told(&|spans| spans[3].text = "a secret".to_owned(), "content");
        told(
            &|spans| {
                spans[5] = with(
                    spans[5].clone(),
                    &[("gen_ai.tool.call.id", "a"), ("gen_ai.operation.name", "x")],
                );
            },
            "counted 2 times",
        );
    }
}
