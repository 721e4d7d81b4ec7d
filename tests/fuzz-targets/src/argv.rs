//! The argv builder: no value of a model becomes an option, a second argument or a broken one.

use callboard_worker::process::{Dashes, Entry, Template};
use serde_json::{Map, Value};

/// The first line is the argv as a JSON list (an inner list is a group), the second the schema, the third
/// the values; a fourth line asks for `checked` dashes. Whether a command was built.
///
/// # Panics
/// When a value became an option in front of `--`, or an argument can't be passed on.
#[must_use]
pub fn argv(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (Ok(entries), Ok(schema), Ok(values)) = (
        serde_json::from_str::<Vec<Entry>>(line()),
        serde_json::from_str::<Map<String, Value>>(line()),
        serde_json::from_str::<Map<String, Value>>(line()),
    ) else {
        return false;
    };
    let dashes = if line().is_empty() {
        Dashes::Required
    } else {
        Dashes::Checked
    };
    let Ok(template) = Template::new(&entries, dashes, false, &schema) else {
        return false;
    };
    let Ok(arguments) = template.fill(&values) else {
        return false;
    };
    let written: Vec<&str> = entries
        .iter()
        .flat_map(|entry| match entry {
            Entry::One(one) => std::slice::from_ref(one),
            Entry::Group(group) => group,
        })
        .map(String::as_str)
        .collect();
    let program = template.program();
    assert!(!program.is_empty() && !program.contains('\0'));
    let mut is_after_dashes = false;
    for argument in &arguments {
        assert!(!argument.contains('\0'), "{argument:?} can't be passed on");
        if is_after_dashes {
            continue;
        }
        assert!(
            !argument.contains(['\n', '\r']) || is_literal(argument, &written),
            "{argument:?} has lines"
        );
        if argument.starts_with('-') {
            // What begins with a dash was begun by whoever wrote the template: it is an entry as it stands, or
            // has the text before the first slot of one.
            let begins = |element: &&str| match literal_start(element) {
                (start, true) => *argument == start,
                (start, false) => start.starts_with('-') && argument.starts_with(&start),
            };
            assert!(
                written.iter().any(begins),
                "{argument:?} is a value that became an option of {written:?}"
            );
        }
        if argument == "--" {
            assert!(
                written.contains(&"--"),
                "a value became the dashes of {written:?}"
            );
            is_after_dashes = true;
        }
    }
    true
}

/// The text in front of an element's first slot, and whether it is all of the element.
fn literal_start(element: &str) -> (String, bool) {
    let mut start = String::new();
    let mut characters = element.chars().peekable();
    while let Some(character) = characters.next() {
        if matches!(character, '{' | '}') && characters.next_if_eq(&character).is_none() {
            return (start, false);
        }
        start.push(character);
    }
    (start, true)
}

fn is_literal(argument: &str, written: &[&str]) -> bool {
    written
        .iter()
        .any(|element| element.contains(['\n', '\r']) && !argument.is_empty())
}
