//! Answers for the runs of this replica.

use std::time::Duration;

use super::message::{Answer, Ask, Question, Target};
use crate::service::runs::Runs;

/// Runs that one answer lists, at most.
const LIST_MAX: usize = 1_000;
/// Events that one answer holds, at most.
const EVENTS_MAX: usize = 1_024;

/// Answers what only needs the runs of this replica.
///
/// # Panics
/// For keys, of which the runs alone don't know enough.
pub(super) async fn answer(runs: &Runs, question: Question) -> Answer {
    let Question { caller, ask } = question;
    match ask {
        Ask::View(Target { kind, run }, wait_ms) => {
            let wait = Duration::from_millis(wait_ms);
            let view = runs.view(&caller, kind, run, wait).await;
            Answer::of(view.map(Box::new), Answer::View)
        }
        Ask::Events(Target { kind, run }, mut wanted) => {
            wanted.limit = wanted.limit.min(EVENTS_MAX);
            Answer::of(
                runs.events(&caller, kind, run, wanted).await,
                Answer::Events,
            )
        }
        Ask::Content(Target { run, .. }, turn, call) => {
            Answer::of(runs.content(&caller, run, turn, &call), Answer::Content)
        }
        Ask::Cancel(Target { kind, run }) => {
            let view = runs.cancel(&caller, kind, run);
            Answer::of(view.map(Box::new), Answer::View)
        }
        Ask::List {
            before,
            status,
            limit,
        } => Answer::List(runs.list(&caller, before, status, limit.min(LIST_MAX))),
        Ask::Claim(_) | Ask::Release(_) | Ask::Held(_) => {
            unreachable!("keys are answered by the cluster")
        }
    }
}
