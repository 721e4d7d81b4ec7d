//! `callboard run`: the model loop to a final answer.

use callboard_coordinator::core::CancelReason;
use callboard_coordinator::core::run::Budgets;
use callboard_coordinator::model::script::ScriptedModel;
use callboard_coordinator::run::{RunHandle, RunOptions, RunReport};
use callboard_proto::{Epoch, RunId};
use uuid::Uuid;

use crate::cli::Run;
use crate::config::Config;
use crate::exit::{Exit, bad_input};
use crate::output;
use crate::session::{Session, wanted};
use crate::signals;

pub(crate) async fn run(flags: Run, config: &Config) -> anyhow::Result<Exit> {
    let model = ScriptedModel::from_file(&flags.script).map_err(bad_input)?;
    let session = Session::open(config).await?;
    let tools: Vec<String> = model.tools().map(str::to_owned).collect();
    let catalogue = session
        .catalogue(wanted(tools.iter().map(String::as_str)))
        .await?;
    let options = RunOptions {
        run: RunId::new(Uuid::new_v4()),
        task: flags.task,
        catalogue,
        budgets: Budgets {
            turns: flags.turns,
            calls: flags.calls,
            tokens: None,
            time: flags.time,
            turn_time: config.coordinator.deadline,
        },
        call_deadline: config.coordinator.call_deadline,
        parallel_max: config.coordinator.parallel,
        epoch: Epoch(0),
    };
    let mut handle = RunHandle::start(options, model, session.dispatch.clone(), ());
    let mut interrupted = false;
    let report = tokio::select! {
        report = handle.finished() => report,
        asked = signals::asked_to_end() => {
            asked?;
            interrupted = true;
            handle.cancel(CancelReason::Asked);
            handle.finished().await
        }
    };
    if flags.json {
        output::json(&report)?;
    } else {
        output::line(&describe(&report))?;
    }
    session.close().await;
    Ok(match report.end.reason {
        _ if interrupted => Exit::Interrupted,
        "answered" => Exit::of_calls(&report.tally),
        _ => Exit::Unfinished,
    })
}

/// The run as people read it: each turn with its calls, then the answer.
fn describe(report: &RunReport) -> String {
    let mut rows = vec![
        [
            "TURN", "CALL", "TOOL", "OUTCOME", "RAN", "TRIES", "WORKER", "TIME",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for turn in &report.turns {
        for call in &turn.calls {
            rows.push(vec![
                turn.turn.to_string(),
                call.id.clone(),
                call.tool.clone(),
                call.outcome.to_owned(),
                call.executed.to_owned(),
                call.attempts.to_string(),
                call.worker.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{:.0} ms", call.elapsed_ms),
            ]);
        }
    }
    let mut text = String::new();
    if rows.len() > 1 {
        text.push_str(&output::table(&rows));
        text.push_str("\n\n");
    }
    for call in report.turns.iter().flat_map(|turn| &turn.calls) {
        if let Some(message) = &call.message {
            text.push_str(&format!("{}: {message}\n", call.id));
        }
    }
    if !report.text.is_empty() {
        text.push_str(&format!("{}\n\n", report.text));
    }
    let why = match &report.end.message {
        Some(message) => format!("{}: {message}", report.end.reason),
        None => report.end.reason.to_owned(),
    };
    text.push_str(&format!(
        "{why} after {} turns and {} calls in {:.0} ms",
        report.turns.len(),
        report.tally.calls,
        report.elapsed_ms
    ));
    text
}
