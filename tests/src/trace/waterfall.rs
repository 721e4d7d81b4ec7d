//! A trace as a person looks at it: who is below whom, and when each was busy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::span::Span;

/// Characters of the names, and of the bars.
const NAMES: usize = 44;
const BARS: usize = 60;

/// The spans of one trace, a line each: parents before their children, in the order of their beginnings.
#[must_use]
pub fn waterfall(spans: &[Span]) -> String {
    let mut below: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    let is_there = |id: &str| spans.iter().any(|span| span.id == id);
    for span in spans {
        let parent = if is_there(&span.parent) {
            &span.parent
        } else {
            ""
        };
        below.entry(parent).or_default().push(span);
    }
    for children in below.values_mut() {
        children.sort_by_key(|span| (span.start, span.end, &span.id));
    }
    let begin = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let mut text = String::new();
    let mut left: Vec<(usize, &Span)> = Vec::new();
    let push = |left: &mut Vec<_>, depth, id: &str| {
        let children = below.get(id).into_iter().flatten().rev();
        left.extend(children.map(|span| (depth, *span)));
    };
    push(&mut left, 0, "");
    while let Some((depth, span)) = left.pop() {
        line(&mut text, depth, span, begin, (end - begin).max(1));
        push(&mut left, depth + 1, &span.id);
    }
    text
}

fn line(text: &mut String, depth: usize, span: &Span, begin: u64, whole: u64) {
    let column = |at: u64| {
        let share = u128::from(at - begin) * BARS as u128 / u128::from(whole);
        usize::try_from(share).unwrap_or(BARS).min(BARS - 1)
    };
    let (from, to) = (column(span.start), column(span.end));
    let mark = if span.is_error { "!" } else { "=" };
    let name: String = format!("{}{}", "  ".repeat(depth), span.name)
        .chars()
        .take(NAMES)
        .collect();
    let bar = format!("{}{}", " ".repeat(from), mark.repeat(to - from + 1));
    let took = (span.end - span.start) / 1_000;
    let (ms, us) = (took / 1_000, took % 1_000);
    let error = span.attribute("error.type");
    let line = format!("{name:NAMES$} |{bar:BARS$}| {ms:>5}.{us:03} ms {error}");
    let _ = writeln!(text, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stand_below_their_parents_at_their_time() {
        let span = |id: &str, parent: &str, start_ms: u64, end_ms: u64| Span {
            id: id.to_owned(),
            parent: parent.to_owned(),
            name: format!("name {id}"),
            start: start_ms * 1_000_000,
            end: end_ms * 1_000_000,
            ..Span::default()
        };
        let mut failed = span("c", "a", 15, 30);
        failed.is_error = true;
        failed.attributes.insert("error.type".into(), "lost".into());
        let spans = [failed, span("b", "a", 0, 15), span("a", "", 0, 60)];
        let told = waterfall(&spans);
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].starts_with("name a "), "{told}");
        assert!(lines[1].starts_with("  name b "), "{told}");
        assert!(
            lines[2].contains(&format!("|{}!!!!", " ".repeat(15))),
            "{told}"
        );
        assert!(lines[2].ends_with("15.000 ms lost"), "{told}");
    }
}
