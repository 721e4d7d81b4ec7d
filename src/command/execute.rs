//! `callboard execute`: one turn for somebody else's agent loop.

use std::time::{Duration, Instant};

use callboard_coordinator::call_log::CallLog;
use callboard_coordinator::core::{CallReport, CancelReason, Report, StopReason, TurnOptions};
use callboard_coordinator::model::{ModelAnswer, ToolUse};
use callboard_coordinator::run::Tally;
use callboard_proto::{Executed, FailureKind, Outcome, RunId, Turn, TurnKey, limit};
use uuid::Uuid;

use self::view::View;
use crate::cli::Execute;
use crate::config::Config;
use crate::exit::{BadInput, Exit};
use crate::output;
use crate::session::{Session, wanted};
use crate::signals::Ending;
use crate::telemetry::{self, Traced};

mod input;
mod view;

/// Runs are named in this space by the idempotency key that their caller gave.
const KEYED_RUNS: Uuid = Uuid::from_u128(0x6361_6c6c_626f_6172_645f_6b65_7965_6421);

pub(crate) async fn run(flags: Execute, config: &Config) -> anyhow::Result<Exit> {
    let key = flags.idempotency_key.as_deref();
    check_key(key)?;
    let mut ending = Ending::listen();
    let format = flags.provider.format();
    let read = input::answer(format, flags.message.as_deref());
    let Some(answer) = ending.unless_asked(read).await? else {
        output::note("callboard: interrupted before a message was read; nothing was run");
        return Ok(Exit::Interrupted);
    };
    let answer = answer?;
    let turn = TurnKey {
        run: RunId::new(key.map_or_else(Uuid::new_v4, |key| {
            Uuid::new_v5(&KEYED_RUNS, key.as_bytes())
        })),
        turn: Turn(1),
    };
    let print = |report: &Report, trace_id: Option<&str>| {
        let messages = format.render(&answer.calls, report);
        if flags.json {
            let view = View::new(format, &answer, report, &messages);
            output::json(&Traced::new(config, trace_id, view))
        } else {
            output::line(&view::line(format, &messages)).map_err(Into::into)
        }
    };
    let began = Instant::now();
    let prepared = async {
        let session = Session::open(config).await?;
        if key.is_some() {
            // Not only one that offers a tool: whoever repeats a call must find the worker that had it.
            session.listen().await?;
        }
        let names = answer.calls.iter().map(|call| call.name.as_str());
        let catalogue = session.catalogue(wanted(names)).await?;
        anyhow::Ok((session, catalogue))
    };
    let Some(prepared) = ending.unless_asked(Box::pin(prepared)).await? else {
        output::note("callboard: interrupted before a call was posted; nothing was run");
        let report = unposted(&answer, turn, began.elapsed());
        output::unless_unread(print(&report, None), "no call has run, and that")?;
        return Ok(Exit::Interrupted);
    };
    let (session, catalogue) = prepared?;
    let mut calls = catalogue.check_all(&answer.calls);
    for call in &mut calls {
        if let Ok(posting) = &mut call.body {
            posting.key = key.map(|key| format!("{key}/{}", call.id));
        }
    }
    let mut options = TurnOptions {
        call_deadline: config.coordinator.call_deadline,
        parallel_max: config.coordinator.parallel,
        trace: telemetry::inherited(),
        is_watched: CallLog::is_heard(),
        ..TurnOptions::until(Instant::now() + config.coordinator.deadline)
    };
    let traces = session.watch.traces.as_ref();
    let recorder = traces.and_then(|traces| {
        let origin = telemetry::origin("", None);
        traces.begin_turn(turn.run, origin)
    });
    if let Some(recorder) = &recorder {
        recorder.opened(turn.turn, &answer.calls, &mut options);
    }
    let trace_id = recorder
        .as_ref()
        .map(|recorder| recorder.context().trace_text());
    let mut gathering = session.dispatch.open(turn, options);
    gathering.add(calls);
    gathering.seal();
    let mut interrupted = false;
    let report = tokio::select! {
        report = gathering.report() => report,
        asked = ending.asked() => {
            asked?;
            interrupted = true;
            gathering.cancel(CancelReason::Asked);
            gathering.report().await
        }
    }?;
    if let Some(recorder) = recorder {
        recorder.reported(&report);
    }
    if key.is_some()
        && report
            .calls
            .iter()
            .any(|call| may_be_another(&call.outcome))
    {
        output::note(
            "callboard: a worker refused a call as a protocol error; if --idempotency-key stood for another message before, give this one a key of its own",
        );
    }
    // From here on nobody waits for the word to end: it ends the process, also one whose output nobody reads.
    if !interrupted {
        ending.stop().await;
    }
    let printed = print(&report, trace_id.as_deref());
    if let Some(trace_id) = trace_id.as_ref().filter(|_| !flags.json) {
        output::note(&format!(
            "callboard: {}",
            telemetry::shown(config, trace_id)
        ));
    }
    session.close().await;
    output::unless_unread(printed, "the calls have run, and their results")?;
    let mut tally = Tally::default();
    tally.add(&report);
    Ok(if interrupted {
        Exit::Interrupted
    } else {
        Exit::of_calls(&tally)
    })
}

/// The end of calls that were never posted.
fn unposted(answer: &ModelAnswer, turn: TurnKey, elapsed: Duration) -> Report {
    let cancelled = |call: &ToolUse| CallReport {
        id: call.id.clone(),
        tool: None,
        outcome: Outcome::failed(
            FailureKind::Cancelled,
            "the call was cancelled before it was posted",
            Executed::No,
        ),
        attempts: 0,
        worker: None,
        elapsed,
        queued: Duration::ZERO,
        executed: Duration::ZERO,
    };
    Report {
        turn,
        calls: answer.calls.iter().map(cancelled).collect(),
        stopped: StopReason::Cancelled,
        elapsed,
    }
}

/// Whether a worker may remember another call under the same identity.
fn may_be_another(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Completed(_) => false,
        Outcome::Failed(failure) => failure.kind == FailureKind::ProtocolError,
    }
}

fn check_key(key: Option<&str>) -> anyhow::Result<()> {
    // `{key}/{tool_use_id}` travels with each call.
    let room = limit::KEY_BYTES_MAX / 2;
    match key {
        Some("") => Err(BadInput(
            "--idempotency-key is empty; give a key that names this message and no other"
                .to_owned(),
        )
        .into()),
        Some(key) if key.len() > room => Err(BadInput(format!(
            "--idempotency-key has {} bytes, and at most {room} can be sent; give a hash of it",
            key.len()
        ))
        .into()),
        Some(_) | None => Ok(()),
    }
}
