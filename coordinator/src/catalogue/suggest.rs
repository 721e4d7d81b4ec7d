//! What a model reads that asked for a tool which isn't there.

/// Names listed at most: enough to choose from, few enough to read.
const NAMES_MAX: usize = 20;
/// Characters of a wrong name that are looked at and quoted.
const CHARACTERS_MAX: usize = 80;

/// Names the tools that exist, and the one that was probably meant.
pub(super) fn unknown_tool(name: &str, tools: &[&str]) -> String {
    let name: String = name.chars().take(CHARACTERS_MAX).collect();
    if tools.is_empty() {
        return format!("there is no tool {name:?}; this run has no tools at all");
    }
    let mut by_distance: Vec<(usize, &str)> = tools
        .iter()
        .map(|tool| (distance(&name.to_lowercase(), &tool.to_lowercase()), *tool))
        .collect();
    by_distance.sort_unstable();
    let mut text = format!("there is no tool {name:?}");
    let (nearest, tool) = by_distance[0];
    if nearest <= (name.chars().count() / 3).max(1) {
        text.push_str(&format!("; did you mean {tool:?}?"));
    } else {
        text.push(';');
    }
    let mut listed: Vec<&str> = by_distance
        .iter()
        .take(NAMES_MAX)
        .map(|(_, tool)| *tool)
        .collect();
    listed.sort_unstable();
    text.push_str(" the tools are: ");
    text.push_str(&listed.join(", "));
    if tools.len() > NAMES_MAX {
        text.push_str(&format!(", and {} more", tools.len() - NAMES_MAX));
    }
    text
}

/// Characters to insert, delete, replace or swap to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, unknown_tool};

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("order", "order", 0),
            ("order", "oredr", 1),
            ("get_order", "get_orders", 1),
            ("weather", "whether", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn texts() {
        assert_eq!(
            unknown_tool("get_ordr", &["get_order", "get_weather"]),
            "there is no tool \"get_ordr\"; did you mean \"get_order\"? the tools are: get_order, get_weather"
        );
        assert_eq!(
            unknown_tool("sing", &["get_order"]),
            "there is no tool \"sing\"; the tools are: get_order"
        );
        assert_eq!(
            unknown_tool("x", &[]),
            "there is no tool \"x\"; this run has no tools at all"
        );
        let many: Vec<String> = (0..30).map(|number| format!("tool_{number:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = unknown_tool("tool_29x", &many);
        assert!(text.contains("did you mean \"tool_29\"?"), "{text}");
        assert!(text.ends_with(", and 10 more"), "{text}");
    }
}
