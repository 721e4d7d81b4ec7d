//! The rules between messages: every call has its one result, right behind it, in order.

use std::collections::HashSet;

use super::{Call, History, Place, Results, Spoken, StepKind, Violation, calls};

/// Where the formats differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Whether an id can be echoed.
    pub(crate) is_id: fn(&str) -> bool,
    /// Whether an id may come once in a conversation, and not only once in a turn.
    pub(crate) ids_are_global: bool,
    /// Whether results are counted, and matched by place and name where they have no id.
    pub(crate) by_place: bool,
}

/// Checks the whole history.
pub(crate) fn check(
    history: &History,
    dialect: Dialect,
    call_order: bool,
) -> Result<(), Violation> {
    let mut seen = HashSet::new();
    let mut before: Option<&[Spoken]> = None;
    for (index, step) in history.steps.iter().enumerate() {
        match &step.kind {
            StepKind::Assistant(spoken) => {
                if !dialect.ids_are_global {
                    seen.clear();
                }
                check_ids(spoken, dialect, &mut seen)?;
                let next = history.steps.get(index + 1).map(|step| &step.kind);
                if !matches!(next, Some(StepKind::Results(_))) {
                    let open: Vec<(Place, &Call)> = calls(spoken).collect();
                    if !open.is_empty() {
                        return Err(unanswered(&open));
                    }
                }
                before = Some(spoken);
            }
            StepKind::Results(results) => {
                let asked: Vec<(Place, &Call)> =
                    before.take().into_iter().flat_map(calls).collect();
                check_results(&asked, results, dialect, call_order)?;
            }
            StepKind::Input => before = None,
        }
    }
    Ok(())
}

fn check_ids<'a>(
    spoken: &'a [Spoken],
    dialect: Dialect,
    seen: &mut HashSet<&'a str>,
) -> Result<(), Violation> {
    for (at, call) in calls(spoken) {
        let Some(id) = &call.id else {
            continue;
        };
        if !(dialect.is_id)(id) {
            return Err(Violation::BadId { at, id: id.clone() });
        }
        if !seen.insert(id) {
            return Err(Violation::RepeatedCall { at, id: id.clone() });
        }
    }
    Ok(())
}

fn name(call: &Call) -> String {
    call.id.clone().unwrap_or_else(|| call.tool.clone())
}

fn unanswered(open: &[(Place, &Call)]) -> Violation {
    Violation::Unanswered {
        at: open[0].0,
        ids: open.iter().map(|(_, call)| name(call)).collect(),
    }
}

fn check_results(
    asked: &[(Place, &Call)],
    results: &Results,
    dialect: Dialect,
    call_order: bool,
) -> Result<(), Violation> {
    let Some(first) = results.results.first() else {
        return Ok(());
    };
    if asked.is_empty() {
        return Err(Violation::UnaskedResult {
            at: first.at,
            id: first
                .id
                .clone()
                .or_else(|| first.tool.clone())
                .unwrap_or_default(),
        });
    }
    if results.preceded {
        return Err(unanswered(asked));
    }
    if dialect.by_place && asked.len() != results.results.len() {
        return Err(Violation::Count {
            at: first.at,
            calls: asked.len(),
            results: results.results.len(),
        });
    }
    let mut answered = HashSet::new();
    for result in &results.results {
        let Some(id) = &result.id else {
            continue;
        };
        if !asked.iter().any(|(_, call)| call.id.as_ref() == Some(id)) {
            return Err(Violation::UnaskedResult {
                at: result.at,
                id: id.clone(),
            });
        }
        if !answered.insert(id) {
            return Err(Violation::RepeatedResult {
                at: result.at,
                id: id.clone(),
            });
        }
    }
    if !dialect.by_place {
        let open: Vec<(Place, &Call)> = asked
            .iter()
            .filter(|(_, call)| call.id.as_ref().is_none_or(|id| !answered.contains(id)))
            .copied()
            .collect();
        if !open.is_empty() {
            return Err(unanswered(&open));
        }
    }
    check_places(asked, results, call_order)
}

/// Checks order and names, where there are as many results as calls.
fn check_places(
    asked: &[(Place, &Call)],
    results: &Results,
    call_order: bool,
) -> Result<(), Violation> {
    for ((_, at_place), result) in asked.iter().zip(&results.results) {
        let own = match &result.id {
            Some(id) => asked
                .iter()
                .find(|(_, call)| call.id.as_ref() == Some(id))
                .map_or(*at_place, |(_, call)| *call),
            None => *at_place,
        };
        if call_order && own.id != at_place.id {
            return Err(Violation::OutOfOrder {
                at: result.at,
                expected: name(at_place),
                found: name(own),
            });
        }
        if let Some(tool) = &result.tool
            && *tool != own.tool
        {
            return Err(Violation::WrongTool {
                at: result.at,
                expected: own.tool.clone(),
                found: tool.clone(),
            });
        }
    }
    Ok(())
}
