//! One turn for somebody else's agent loop: what a model sent in, the messages with all results out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use callboard_coordinator_core::{CancelReason, Report, TurnOptions};
use callboard_proto::{RunId, Turn, TurnKey};
use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::act::{About, Act, Kind};
use super::desk::{Begun, Order, Permit, Runs, broken};
use crate::dispatch::OpenTurn;
use crate::model::ModelAnswer;
use crate::provider::{Format, ReadError};
use crate::run::{CallSummary, Gather as _, in_ms};
use crate::run_log::Happening;
use crate::service::refusal::Refusal;
use crate::traces::{Origin, TurnRecorder};

/// Executions with a key are named in this space, so that a worker that remembers a call knows it again
/// whichever replica posts it.
const KEYED: Uuid = Uuid::from_u128(0x6361_6c6c_626f_6172_645f_7365_7276_6521);

/// How a message is executed.
#[derive(Clone, Copy, Debug)]
pub struct ExecuteOptions {
    /// The format of what comes in and goes out.
    pub format: Format,
    /// Time for all calls; the configured one where there is none.
    pub deadline: Option<Duration>,
    /// Time for each call.
    pub call_deadline: Option<Duration>,
    /// Calls in flight at once.
    pub parallel_max: Option<u32>,
}

/// What became of a message's calls, and what its conversation goes on with.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExecutionReport {
    /// Why gathering stopped: `settled`, `deadline` or `cancelled`.
    pub stopped: &'static str,
    /// Time from opening the turn to its report, in milliseconds.
    pub elapsed_ms: f64,
    /// The calls, in call order.
    pub calls: Vec<CallSummary>,
    /// There in the formats whose results are always one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub message: Option<Box<RawValue>>,
    /// What the conversation goes on with.
    #[schema(value_type = Vec<Object>)]
    pub messages: Vec<Box<RawValue>>,
    /// What the model said, as a conversation has to repeat it in front of the messages: it differs from
    /// what came in where a call had no id of its own, and where it came as a stream.
    #[schema(value_type = Vec<Object>)]
    pub echo: Vec<Box<RawValue>>,
}

impl ExecutionReport {
    /// The report of a turn whose calls this answer asked for.
    #[must_use]
    pub fn new(format: Format, answer: &ModelAnswer, report: &Report) -> Self {
        let messages = format.render(&answer.calls, report);
        let first = messages.first().filter(|_| format.is_one_message());
        Self {
            stopped: report.stopped.as_str(),
            elapsed_ms: in_ms(report.elapsed),
            calls: std::iter::zip(&report.calls, &answer.calls)
                .map(|(call, asked)| CallSummary::new(call, &asked.name))
                .collect(),
            message: first.cloned(),
            messages,
            echo: answer.echo.clone(),
        }
    }
}

/// What a conversation goes on with, as one JSON text: the one message, or the list of them in a format
/// whose results may be several.
#[must_use]
pub fn body(format: Format, messages: &[Box<RawValue>]) -> String {
    match messages {
        [message] if format.is_one_message() => message.get().to_owned(),
        all => {
            let all: Vec<&str> = all.iter().map(|message| message.get()).collect();
            format!("[{}]", all.join(","))
        }
    }
}

impl Runs {
    /// Begins to execute what a model sent, or finds the execution that the key stands for. What is
    /// begun goes on until it is cancelled, whoever waits for it.
    ///
    /// # Errors
    /// Why it isn't begun. Nothing of it was.
    pub async fn execute(
        self: &Arc<Self>,
        order: Order,
        options: ExecuteOptions,
        input: &Bytes,
    ) -> Result<Begun, Refusal> {
        let answer = read(options.format, input)?;
        if let Some(begun) = self.repeated(Kind::Execution, &order)? {
            return Ok(begun);
        }
        let permit = self.admit(&order.caller)?;
        let crew = self.crews.of(&order.caller.tenant).await?;
        let names = answer.calls.iter().map(|call| call.name.as_str());
        let catalogue = crew.catalogue_for(&order.caller, names).await?;
        let mut calls = catalogue.check_all(&answer.calls);
        for call in &mut calls {
            if let (Ok(posting), Some(key)) = (&mut call.body, &order.key) {
                posting.key = Some(format!("{key}/{}", call.id));
            }
        }
        let turn = TurnKey {
            run: order.posted_as(),
            turn: Turn(1),
        };
        let spans = crew.traces.as_ref().and_then(|traces| {
            let origin = Origin {
                parent: order.trace,
                ..Origin::default()
            };
            traces.begin_turn(turn.run, origin)
        });
        let about = About {
            run: order.run,
            kind: Kind::Execution,
            caller: order.caller.name.clone(),
            tenant: order.caller.tenant.clone(),
            model: format!("{} message", options.format),
            task: format!("({} calls)", answer.calls.len()),
            trace: spans
                .as_ref()
                .map_or(order.trace, |spans| Some(spans.context())),
            // Of an execution only the asker reads, who has both.
            keeps_content: false,
            traces_url: self.setup.defaults().traces_url.clone(),
            fingerprint: order.fingerprint.clone(),
            started_at: SystemTime::now(),
        };
        let act = match self.enter(&order, about, &crew.logs)? {
            Ok((act, _follower)) => act,
            Err(begun) => return Ok(begun),
        };
        let defaults = self.setup.defaults();
        let time = options.deadline.unwrap_or(defaults.budgets.turn_time);
        let least = |one: Option<u32>, other: Option<u32>| one.into_iter().chain(other).min();
        let mut turn_options = TurnOptions {
            call_deadline: options.call_deadline.or(defaults.call_deadline),
            parallel_max: least(options.parallel_max, defaults.parallel_max),
            trace: order.trace,
            is_watched: true,
            ..TurnOptions::until(tokio::time::Instant::now().into_std() + time)
        };
        if let Some(spans) = &spans {
            spans.opened(turn.turn, &answer.calls, &mut turn_options);
        }
        crew.logs.alias(turn.run, &act.log);
        act.log.write(Happening::TurnOpened {
            turn: 1,
            deadline_ms: in_ms(time),
        });
        let mut gathering = crew.dispatch.open(turn, turn_options);
        gathering.add(calls);
        gathering.seal();
        let begun = Begun {
            run: order.run,
            is_repeated: false,
        };
        let logs = Arc::clone(&crew.logs);
        let dispatch = crew.dispatch.clone();
        let runs = Arc::clone(self);
        tokio::spawn(async move {
            let gathered = Gathered {
                gathering,
                spans,
                format: options.format,
                answer,
            };
            gather(&runs, permit, &act, gathered).await;
            dispatch.end_run(turn.run);
            logs.end(turn.run);
        });
        Ok(begun)
    }

    /// Ends an execution that nobody waits for and that no key stands for.
    pub fn abandon(&self, run: RunId) {
        let mut state = self.state();
        let act = state.book_mut(Kind::Execution).find(run).cloned();
        drop(state);
        if let Some(act) = act {
            act.cancel(CancelReason::Asked);
        }
    }

    /// Keeps an execution no longer: it was told, and nobody can ask for it again.
    pub fn forget(&self, run: RunId) {
        let gone = self.state().book_mut(Kind::Execution).remove(run);
        drop(gone);
    }
}

impl Order {
    /// The run that its calls are posted under: the same for the same key of the same token.
    fn posted_as(&self) -> RunId {
        match &self.key {
            None => self.run,
            Some(key) => {
                let name = format!("{}\n{}\n{key}", self.caller.tenant, self.caller.name);
                RunId::new(Uuid::new_v5(&KEYED, name.as_bytes()))
            }
        }
    }
}

fn read(format: Format, input: &[u8]) -> Result<ModelAnswer, Refusal> {
    let read = format.read(input).and_then(|answer| {
        format.must_run(&answer)?;
        Ok(answer)
    });
    read.map_err(|error| refusal(format, input, &error))
}

fn refusal(format: Format, input: &[u8], error: &ReadError) -> Refusal {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        why.push_str(": ");
        why.push_str(&error.to_string());
        cause = error.source();
    }
    if let Some(other) = Format::guess(input).filter(|other| *other != format) {
        let api = other.api();
        why.push_str(&format!(
            "; this looks like what {api} returns: try provider={other}"
        ));
    }
    Refusal::Message {
        code: error.code().to_owned(),
        why,
    }
}

/// A turn that is gathered.
struct Gathered {
    gathering: OpenTurn,
    spans: Option<TurnRecorder>,
    format: Format,
    answer: ModelAnswer,
}

/// Waits for the report; a cancel is handed on.
async fn gather(runs: &Runs, permit: Permit, act: &Act, turn: Gathered) {
    let Gathered {
        mut gathering,
        spans,
        format,
        answer,
    } = turn;
    let mut is_cancelled = false;
    let report = loop {
        tokio::select! {
            biased;
            report = AssertUnwindSafe(gathering.report()).catch_unwind() => break report,
            reason = act.cancelled(), if !is_cancelled => {
                is_cancelled = true;
                gathering.cancel(reason);
            }
        }
    };
    let (reason, output) = match report {
        Ok(Ok(report)) => {
            if let Some(spans) = spans {
                spans.reported(&report);
            }
            act.log.write(Happening::TurnReported {
                turn: 1,
                stopped: report.stopped.as_str().into(),
                gathered_ms: in_ms(report.elapsed),
                discarded: false,
            });
            act.log.write(Happening::RunEnded {
                reason: report.stopped.as_str().into(),
                message: None,
            });
            let report = ExecutionReport::new(format, &answer, &report);
            let output = to_raw_value(&report).expect("all keys are strings");
            (report.stopped.to_owned(), output)
        }
        Ok(Err(gone)) => broken(act, &gone.to_string()),
        Err(panic) => broken(act, panic.as_ref()),
    };
    runs.end(act, reason, output);
    drop(permit);
}
