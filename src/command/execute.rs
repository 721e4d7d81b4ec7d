//! `callboard execute`: one turn for somebody else's agent loop.

use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use callboard_coordinator::core::{CancelReason, Report, TurnOptions};
use callboard_coordinator::provider::anthropic;
use callboard_coordinator::run::Gather as _;
use callboard_coordinator::run::{CallSummary, Tally};
use callboard_proto::{Epoch, RunId, Turn, TurnKey, limit};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::cli::{Execute, Provider};
use crate::config::Config;
use crate::exit::{BadInput, Exit, bad_input};
use crate::output;
use crate::session::{Session, wanted};
use crate::signals;

/// Runs are named in this space by the idempotency key that their caller gave.
const KEYED_RUNS: Uuid = Uuid::from_u128(0x6361_6c6c_626f_6172_645f_6b65_7965_6421);

pub(crate) async fn run(flags: Execute, config: &Config) -> anyhow::Result<Exit> {
    let key = flags.idempotency_key.as_deref();
    check_key(key)?;
    let input = read(flags.message.as_deref())?;
    let Provider::Anthropic = flags.provider;
    let message = anthropic::parse(&input).map_err(|error| {
        let code = error.code();
        BadInput(format!("{} [{code}]", bad_input(error)))
    })?;
    let session = Session::open(config).await?;
    let names = message.calls.iter().map(|call| call.name.as_str());
    let catalogue = session.catalogue(wanted(names)).await?;
    let mut calls = catalogue.check_all(&message.calls);
    for call in &mut calls {
        if let Ok(posting) = &mut call.body {
            posting.key = key.map(|key| format!("{key}/{}", call.id));
            posting.traceparent = std::env::var("TRACEPARENT").ok();
        }
    }
    let turn = TurnKey {
        run: RunId::new(key.map_or_else(Uuid::new_v4, |key| {
            Uuid::new_v5(&KEYED_RUNS, key.as_bytes())
        })),
        turn: Turn(1),
    };
    let options = TurnOptions {
        deadline: Instant::now() + config.coordinator.deadline,
        call_deadline: config.coordinator.call_deadline,
        parallel_max: config.coordinator.parallel,
        epoch: Epoch(0),
    };
    let dispatch = session.dispatch.clone();
    let mut gathering = std::pin::pin!(dispatch.gather(turn, options, calls));
    let mut interrupted = false;
    let report = tokio::select! {
        report = &mut gathering => report,
        asked = signals::asked_to_end() => {
            asked?;
            interrupted = true;
            dispatch.cancel(turn, CancelReason::Asked);
            gathering.await
        }
    }?;
    let rendered = anthropic::render(&report);
    if flags.json {
        let names = message.calls.iter().map(|call| call.name.as_str());
        output::json(&View::new(&report, names, &rendered)?)?;
    } else {
        output::line(&rendered)?;
    }
    session.close().await;
    let mut tally = Tally::default();
    tally.add(&report);
    Ok(if interrupted {
        Exit::Interrupted
    } else {
        Exit::of_calls(&tally)
    })
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

fn read(path: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match path {
        Some(path) if path != Path::new("-") => std::fs::read(path)
            .map_err(|error| BadInput(format!("{} can't be read: {error}", path.display())).into()),
        Some(_) | None => {
            let mut input = Vec::new();
            std::io::stdin().lock().read_to_end(&mut input)?;
            if input.is_empty() {
                return Err(BadInput(
                    "standard input is empty; give an assistant message, or name its file"
                        .to_owned(),
                )
                .into());
            }
            Ok(input)
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct View {
    stopped: &'static str,
    elapsed_ms: f64,
    calls: Vec<CallSummary>,
    message: Box<RawValue>,
}

impl View {
    fn new<'a>(
        report: &Report,
        names: impl Iterator<Item = &'a str>,
        rendered: &str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            stopped: report.stopped.as_str(),
            elapsed_ms: report.elapsed.as_secs_f64() * 1000.0,
            calls: std::iter::zip(&report.calls, names)
                .map(|(call, name)| CallSummary::new(call, name))
                .collect(),
            message: RawValue::from_string(rendered.to_owned())?,
        })
    }
}
