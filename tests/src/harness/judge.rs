//! Compares what a report says with what was counted outside.

use std::collections::BTreeMap;

use super::ledger::Entry;
use super::report::Call;

/// Returns one line for each call whose report contradicts its effects, or that had more effects than its tool may have.
///
/// `is_write` says by its name whether a tool may be executed at most once.
pub fn contradictions(
    calls: &[Call],
    entries: &[Entry],
    is_write: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut effects: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for entry in entries {
        let (count, write) = effects.entry(&entry.id).or_default();
        *count += 1;
        *write |= is_write(&entry.tool);
    }
    let mut found = Vec::new();
    for Call {
        id,
        executed,
        outcome,
        ..
    } in calls
    {
        let (count, write) = effects.remove(id.as_str()).unwrap_or_default();
        let agrees = match executed.as_str() {
            "no" => count == 0,
            "yes" => count > 0,
            "unknown" => true,
            _ => false,
        };
        if !agrees {
            found.push(format!(
                "{id} ({outcome}): executed {executed}, and had {count} effects"
            ));
        }
        if write && count > 1 {
            found.push(format!(
                "{id} ({outcome}): a write that had {count} effects"
            ));
        }
    }
    found.extend(
        effects
            .keys()
            .map(|id| format!("{id}: effects, and no report")),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, executed: &str) -> Call {
        Call {
            id: id.to_owned(),
            outcome: "completed".to_owned(),
            executed: executed.to_owned(),
            attempts: 1,
            worker: None,
        }
    }

    fn entry(tool: &str, id: &str) -> Entry {
        Entry {
            tool: tool.to_owned(),
            id: id.to_owned(),
            worker: "one".to_owned(),
        }
    }

    #[test]
    fn a_broken_history_is_found_and_a_good_one_is_not() {
        let judge = |calls: &[Call], entries: &[Entry]| {
            contradictions(calls, entries, |tool| tool == "note").len()
        };
        let (note, look) = (entry("note", "a"), entry("look", "a"));
        for executed in ["yes", "unknown"] {
            let one = [call("a", executed)];
            assert_eq!(judge(&one, std::slice::from_ref(&note)), 0);
            assert_eq!(judge(&one, &[look.clone(), look.clone()]), 0);
            assert_eq!(judge(&one, &[note.clone(), note.clone()]), 1);
        }
        assert_eq!(judge(&[call("a", "no")], &[]), 0);
        assert_eq!(judge(&[call("a", "unknown")], &[]), 0);
        assert_eq!(judge(&[call("a", "no")], std::slice::from_ref(&note)), 1);
        assert_eq!(judge(&[call("a", "yes")], &[]), 1);
        assert_eq!(judge(&[call("a", "perhaps")], &[]), 1);
        assert_eq!(judge(&[], &[look]), 1);
    }
}
