//! What is said of the costs, and that a scene that ended otherwise is told.

use callboard_coordinator::run::{
    CallSummary, EndSummary, RunReport, Tally, TurnSummary, UsageSummary,
};

use crate::demo::Measurements;
use crate::demo::measure::{ActMeasurement, Measurement};
use crate::demo::scene::{SCENES, Scene, SceneName};
use crate::demo::table;

fn scene(name: SceneName) -> &'static Scene {
    SCENES.iter().find(|scene| scene.name == name).unwrap()
}

/// Acts that ended just as is expected of them, each call in 300 ms.
fn as_expected(scene: &Scene, elapsed_ms: f64) -> Vec<ActMeasurement> {
    let acts = scene.acts.iter().map(|act| {
        let calls = act.expected.iter().map(|expected| CallSummary {
            id: expected.call.to_owned(),
            tool: expected.tool.to_owned(),
            outcome: expected.outcome,
            executed: expected.executed,
            message: None,
            attempts: 1,
            worker: Some("stage-left".to_owned()),
            elapsed_ms: 301.0,
            queued_ms: 0.0,
            executed_ms: 300.0,
        });
        ActMeasurement {
            report: RunReport {
                run: "run".to_owned(),
                model: "script".to_owned(),
                end: EndSummary {
                    reason: "answered",
                    message: None,
                    code: None,
                    status: None,
                    request_id: None,
                    attempts: None,
                },
                text: "That is all.".to_owned(),
                turns: vec![TurnSummary {
                    turn: 1,
                    text: String::new(),
                    stop_reason: None,
                    error: None,
                    is_discarded: false,
                    stopped: Some("settled"),
                    gathered_ms: Some(elapsed_ms),
                    early_calls: 0,
                    hidden_ms: None,
                    calls: calls.collect(),
                }],
                tally: Tally::default(),
                usage: UsageSummary {
                    input_tokens: 0,
                    output_tokens: 0,
                },
                early_calls: 0,
                hidden_ms: None,
                elapsed_ms,
                trace_id: None,
            },
            calls: Vec::new(),
            refunds: act.refunds,
        }
    });
    acts.collect()
}

fn differences(scene: &Scene, acts: Vec<ActMeasurement>) -> Vec<String> {
    let measurements = Measurements::new(vec![Measurement::new(scene, acts, false)]);
    measurements.differences().collect()
}

#[test]
fn tables_fit_their_width() {
    let elapsed = [905.0, 304.0, 612.0, 782.0, 303.0, 2950.0];
    let played = std::iter::zip(SCENES, elapsed)
        .map(|(scene, elapsed)| Measurement::new(scene, as_expected(scene, elapsed), false));
    let measurements = Measurements::new(played.collect());
    let mut text = String::new();
    for width in [110, 80, 40] {
        let table = table(&measurements, width);
        assert!(table.lines().all(|line| line.chars().count() <= width));
        text.push_str(&format!("{width}:\n{table}\n\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_as_expected_is_not_told() {
    for scene in SCENES {
        assert_eq!(
            differences(scene, as_expected(scene, 300.0)),
            Vec::<String>::new()
        );
    }
}

#[test]
fn what_differs_is_told() {
    let fan_out = scene(SceneName::FanOut);
    let lost_write = scene(SceneName::LostWrite);
    let mut told = Vec::new();

    let mut acts = as_expected(fan_out, 300.0);
    let call = &mut acts[0].report.turns[0].calls[1];
    (call.outcome, call.executed) = ("timed_out", "yes");
    told.extend(differences(fan_out, acts));

    let mut acts = as_expected(fan_out, 300.0);
    acts[0].report.turns[0].calls.pop();
    acts[0].report.end.reason = "time_exhausted";
    told.extend(differences(fan_out, acts));

    let mut acts = as_expected(fan_out, 300.0);
    let again = acts[0].report.turns[0].calls[0].clone();
    acts[0].report.turns[0].calls.push(again);
    told.extend(differences(fan_out, acts));

    // The write that ran once and is run again elsewhere.
    let mut acts = as_expected(lost_write, 300.0);
    acts[0].refunds = 2;
    told.extend(differences(lost_write, acts));

    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_interrupted_scene_compares_nothing() {
    let slow = scene(SceneName::Slow);
    let mut acts = as_expected(slow, 100.0);
    acts[0].report.turns.clear();
    let measurement = Measurement::new(slow, acts, true);
    let measurements = Measurements::new(vec![measurement]);
    assert_eq!(measurements.differences().count(), 0);
    assert_eq!(measurements.totals.saved_percent, None);
}
