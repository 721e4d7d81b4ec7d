//! What a scene cost, how its calls ended, and what differed from what its script expects.

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_coordinator::core::CallReport;
use callboard_coordinator::provider::text;
use callboard_coordinator::run::{CallSummary, RunReport};
use callboard_proto::Outcome;
use callboard_worker::builtin::shop::ShopOptions;
use serde::Serialize;

use super::scene::{Act, Scene, SceneName};

/// What became of one act.
pub(super) struct ActMeasurement {
    pub(super) report: RunReport,
    /// Every call of every turn, in order.
    pub(super) calls: Vec<CallReport>,
    /// Refunds that are in the shop's books.
    pub(super) refunds: usize,
}

/// What became of a scene.
#[derive(Debug, Serialize)]
pub(crate) struct Measurement {
    pub(super) scene: SceneName,
    pub(super) calls: usize,
    /// The tools' own times, as the workers measured them, added up; absent where one after the other
    /// would be no comparison.
    pub(super) sequential_ms: Option<f64>,
    /// From the first question to the model until its last answer.
    pub(super) measured_ms: f64,
    pub(super) saved_percent: Option<f64>,
    /// Calls by how they ended.
    pub(super) outcomes: BTreeMap<&'static str, usize>,
    /// Refunds in the books, act by act, of a scene that makes any.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunds: Option<Vec<usize>>,
    as_expected: bool,
    /// What differed from what the script expects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
    results: Vec<CallSummary>,
    #[serde(skip)]
    pub(super) said: Vec<Said>,
}

/// What an act has to say.
#[derive(Debug)]
pub(super) struct Said {
    /// What the model read, call by call, where that is of interest.
    pub(super) texts: Vec<(String, String)>,
    /// Refunds in the books, where any were asked for.
    pub(super) refunds: Option<usize>,
    /// The model's last word, if it came to it.
    pub(super) answer: Option<String>,
}

/// All scenes.
#[derive(Debug, Serialize)]
pub(crate) struct Measurements {
    /// The stated artificial latency of each tool.
    tool_latency_ms: f64,
    pub(super) scenes: Vec<Measurement>,
    pub(super) totals: Totals,
}

/// The scenes that can be compared, added up.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Totals {
    pub(super) calls: usize,
    pub(super) sequential_ms: f64,
    pub(super) measured_ms: f64,
    /// Absent where there was nothing to compare.
    pub(super) saved_percent: Option<f64>,
}

impl Measurement {
    pub(super) fn new(scene: &Scene, acts: Vec<ActMeasurement>, is_interrupted: bool) -> Self {
        let results: Vec<CallSummary> = acts
            .iter()
            .flat_map(|act| act.report.turns.iter().flat_map(|turn| turn.calls.clone()))
            .collect();
        let mut outcomes = BTreeMap::new();
        for result in &results {
            *outcomes.entry(result.outcome).or_default() += 1;
        }
        // The acts are played at the same time.
        let measured_ms = acts
            .iter()
            .map(|act| act.report.elapsed_ms)
            .fold(0.0, f64::max);
        let sequential_ms = (scene.is_compared && !is_interrupted)
            .then(|| results.iter().map(|call| call.executed_ms).sum());
        let differences = if is_interrupted {
            Vec::new()
        } else {
            std::iter::zip(scene.acts, &acts)
                .flat_map(|(expected, act)| differences(expected, act))
                .collect()
        };
        let makes_refunds = scene.acts.iter().any(makes_refunds);
        Self {
            scene: scene.name,
            calls: results.len(),
            sequential_ms,
            measured_ms,
            saved_percent: sequential_ms.and_then(|sequential| saved(sequential, measured_ms)),
            outcomes,
            refunds: makes_refunds.then(|| acts.iter().map(|act| act.refunds).collect()),
            as_expected: differences.is_empty() && !is_interrupted,
            differences,
            results,
            said: std::iter::zip(scene.acts, acts)
                .map(|(expected, act)| Said::new(expected, act))
                .collect(),
        }
    }

    /// What differed from what the script expects, line by line.
    pub(crate) fn differences(&self) -> impl Iterator<Item = String> {
        self.differences
            .iter()
            .map(|difference| format!("{}: {difference}", self.scene.as_str()))
    }
}

fn makes_refunds(act: &Act) -> bool {
    act.cut.is_some()
}

fn differences(expected: &Act, act: &ActMeasurement) -> Vec<String> {
    let mut differences = Vec::new();
    let results: Vec<&CallSummary> = act
        .report
        .turns
        .iter()
        .flat_map(|turn| &turn.calls)
        .collect();
    for (position, expected) in expected.expected.iter().enumerate() {
        match results.get(position) {
            None => differences.push(format!("the call {} was never made", expected.call)),
            Some(found) => {
                let wanted = (expected.call, expected.outcome, expected.executed);
                let found = (found.id.as_str(), found.outcome, found.executed);
                if wanted != found {
                    differences.push(format!(
                        "expected {} {} (executed: {}), found {} {} (executed: {})",
                        wanted.0, wanted.1, wanted.2, found.0, found.1, found.2
                    ));
                }
            }
        }
    }
    if results.len() > expected.expected.len() {
        differences.push(format!("{} calls were made", results.len()));
    }
    if act.report.end.reason != "answered" {
        let why = act
            .report
            .end
            .message
            .as_deref()
            .unwrap_or("no more is known");
        differences.push(format!("the run ended as {}: {why}", act.report.end.reason));
    }
    if act.refunds != expected.refunds {
        differences.push(format!(
            "expected {} refunds in the books, found {}",
            expected.refunds, act.refunds
        ));
    }
    differences
}

impl Said {
    fn new(expected: &Act, act: ActMeasurement) -> Self {
        let is_answered = act.report.end.reason == "answered";
        Self {
            texts: act
                .calls
                .iter()
                .filter(|call| makes_refunds(expected) || !is_good(&call.outcome))
                .map(|call| (call.id.to_string(), read_by_model(&call.outcome)))
                .collect(),
            refunds: makes_refunds(expected).then_some(act.refunds),
            answer: is_answered.then_some(act.report.text),
        }
    }
}

fn is_good(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Completed(completed) => !completed.is_error,
        Outcome::Failed(_) => false,
    }
}

fn read_by_model(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed(completed) => {
            let parts: Vec<String> = completed.content.iter().map(text::part).collect();
            parts.join("\n")
        }
        Outcome::Failed(failure) => text::failure(failure),
    }
}

impl Measurements {
    pub(crate) fn new(scenes: Vec<Measurement>) -> Self {
        let mut totals = Totals::default();
        for scene in &scenes {
            if let Some(sequential) = scene.sequential_ms {
                totals.calls += scene.calls;
                totals.sequential_ms += sequential;
                totals.measured_ms += scene.measured_ms;
            }
        }
        totals.sequential_ms = rounded(totals.sequential_ms, 1000.0);
        totals.measured_ms = rounded(totals.measured_ms, 1000.0);
        totals.saved_percent = saved(totals.sequential_ms, totals.measured_ms);
        Self {
            tool_latency_ms: in_ms(latency()),
            scenes,
            totals,
        }
    }

    /// What differed from what the scripts expect, line by line.
    pub(crate) fn differences(&self) -> impl Iterator<Item = String> {
        self.scenes.iter().flat_map(Measurement::differences)
    }
}

/// The stated artificial latency of each tool.
pub(super) fn latency() -> Duration {
    ShopOptions::default().latency
}

fn in_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What was saved, in percent to a tenth; less than nothing where the way cost more than it saved.
fn saved(sequential_ms: f64, measured_ms: f64) -> Option<f64> {
    (sequential_ms > 0.0).then(|| rounded(100.0 * (1.0 - measured_ms / sequential_ms), 10.0))
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
