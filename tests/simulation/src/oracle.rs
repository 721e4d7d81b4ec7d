//! The reference model: what must become of each call of a schedule in which nothing goes wrong.
//!
//! A sequential reading of the plan: the call is entered, ends as its tool ends, is tried again
//! where that is allowed. Nothing of placement, messages or timers is known here.

use callboard_proto::{Effect, Executed, FailureKind};
use rustc_hash::FxHashMap;

use crate::check::{Invariant, Violation};
use crate::clock::{MS, Nanos, S};
use crate::history::{Ending, Fact, History};
use crate::ident::CallRef;
use crate::plan::{CallPlan, End, FaultClass, Plan, ToolPlan, TurnPlan, act};

/// How far clocks and messages may bend a time limit, in percent.
const BEND_PERCENT: u64 = 12;
/// Retries of a coordinator that its budget grants in any case.
const RETRIES_SURE: u64 = 10;

/// Less time than this leaves too little for the way (P12): then nothing is certain.
const GIVEN_MIN: Nanos = 45 * MS;

/// What the model says of a call that has time.
enum Verdict {
    /// It ends like this.
    Ends(Told),
    /// Only a deadline ends it.
    Never,
    /// A limit is so close that either side of it is right.
    Either,
}

/// An ending without the content, which the checker looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Completed {
        is_error: bool,
    },
    Failed {
        kind: FailureKind,
        executed: Executed,
    },
}

/// What a history says of the time that a call had and took.
struct Span {
    opened: Nanos,
    due: Nanos,
    settled: Option<Nanos>,
}

/// Compares a history with the model.
///
/// # Errors
/// The first call that ended otherwise.
pub(crate) fn agrees(plan: &Plan, history: &History) -> Result<(), Violation> {
    if plan.class != FaultClass::Calm {
        return Ok(());
    }
    let spans = spans(history);
    let retries = retries(plan);
    for entry in &history.entries {
        let Fact::Reported { turn, calls } = &entry.fact else {
            continue;
        };
        let coordinator = usize::from(turn.coordinator);
        let planned = &plan.coordinators[coordinator].runs[usize::from(turn.run)].turns
            [usize::from(turn.turn) - 1];
        for (call, ending) in calls {
            let span = &spans[call];
            let is_sure_of_retries = retries[coordinator] <= RETRIES_SURE;
            if !is_right(plan, planned, *call, *ending, span, is_sure_of_retries) {
                return Err(Violation::new(
                    Invariant::AsModelled,
                    format!("{call:?} ended as {ending:?}"),
                ));
            }
        }
    }
    Ok(())
}

fn spans(history: &History) -> FxHashMap<CallRef, Span> {
    let mut spans: FxHashMap<CallRef, Span> = FxHashMap::default();
    for entry in &history.entries {
        match &entry.fact {
            Fact::CallOpened { call, due, .. } => {
                let span = Span {
                    opened: entry.at,
                    due: *due,
                    settled: None,
                };
                spans.insert(*call, span);
            }
            Fact::Settled { call, .. } => {
                if let Some(span) = spans.get_mut(call) {
                    span.settled = Some(entry.at);
                }
            }
            Fact::TurnOpened { .. }
            | Fact::Sealed { .. }
            | Fact::CancelAsked { .. }
            | Fact::Posted { .. }
            | Fact::Refused { .. }
            | Fact::Answered { .. }
            | Fact::Entered { .. }
            | Fact::Effected { .. }
            | Fact::Left { .. }
            | Fact::Started { .. }
            | Fact::InstanceEnded { .. }
            | Fact::Reported { .. }
            | Fact::Stalled { .. }
            | Fact::Woke { .. }
            | Fact::Died { .. }
            | Fact::Spun { .. }
            | Fact::Endless
            | Fact::Remains { .. } => {}
        }
    }
    spans
}

fn planned(plan: &Plan, call: CallRef) -> (&TurnPlan, CallPlan, &ToolPlan) {
    let turn = call.turn;
    let turn = &plan.coordinators[usize::from(turn.coordinator)].runs[usize::from(turn.run)].turns
        [usize::from(turn.turn) - 1];
    let call = turn.calls[usize::from(call.index)];
    (turn, call, &plan.tools[call.tool])
}

/// Retries that each coordinator could want at most.
fn retries(plan: &Plan) -> Vec<u64> {
    plan.coordinators
        .iter()
        .enumerate()
        .map(|(coordinator, planned)| {
            let mut count = 0;
            for (run, planned) in planned.runs.iter().enumerate() {
                for (turn, planned) in planned.turns.iter().enumerate() {
                    let turn = crate::TurnRef {
                        coordinator: small(coordinator),
                        run: small(run),
                        turn: small(turn + 1),
                    };
                    for index in 0..planned.calls.len() {
                        count += wanted(plan, turn.call(index));
                    }
                }
            }
            count
        })
        .collect()
}

fn small(number: usize) -> u8 {
    u8::try_from(number).expect("plans are small")
}

/// Retries that one call could want at most.
fn wanted(plan: &Plan, call: CallRef) -> u64 {
    let (_, planned, tool) = planned(plan, call);
    if planned.invalid || planned.unserved {
        return 0;
    }
    let attempts = tool.manifest.retry.attempts;
    let effect = tool.manifest.effect;
    let fails = |entry: &u32| match act(plan.seed, plan.class, effect, call, *entry).end {
        End::Completes | End::IsError => tool.manifest.attempt_timeout_ms.is_some(),
        End::Crashes | End::CannotStart | End::Hangs | End::KillsWorker => true,
    };
    (0..attempts.saturating_sub(1)).take_while(fails).count() as u64
}

fn is_right(
    plan: &Plan,
    turn: &TurnPlan,
    call: CallRef,
    ending: Ending,
    span: &Span,
    is_sure_of_retries: bool,
) -> bool {
    let (_, planned, tool) = planned(plan, call);
    let ending = match ending {
        Ending::Completed { is_error, .. } => Told::Completed { is_error },
        Ending::Failed { kind, executed } => Told::Failed { kind, executed },
    };
    if planned.invalid {
        return ending == failed(FailureKind::InvalidArguments, Executed::No);
    }
    if let Told::Failed { kind, executed } = ending {
        let room = plan.coordinators[usize::from(call.turn.coordinator)].waiting_calls_max;
        let by_caller = matches!(kind, FailureKind::Cancelled | FailureKind::Interrupted);
        if by_caller && !turn.cancels.is_empty() {
            return executed != Executed::Unknown;
        }
        if kind == FailureKind::Overloaded && room < 100_000 {
            return executed == Executed::No;
        }
    }
    let limit = span.due.saturating_sub(span.opened);
    let took = span
        .settled
        .map_or(limit, |settled| settled.saturating_sub(span.opened));
    // Where the deadline had a say, or was so near that a fast clock ended the attempt before it and
    // another one began, the model knows only that nothing is unknown.
    if took + bend(limit) + 60 * MS >= limit {
        return match ending {
            Told::Failed { executed, .. } => executed != Executed::Unknown || limit < GIVEN_MIN,
            Told::Completed { .. } => true,
        };
    }
    if planned.unserved {
        return ending == failed(FailureKind::NoWorker, Executed::No);
    }
    // A call whose end was asked for is not tried again, however it ends.
    let no_more_retries =
        !is_sure_of_retries || !turn.cancels.is_empty() || took + bend(limit) + S >= limit;
    reads(plan, call, tool, ending, no_more_retries)
}

fn bend(limit: Nanos) -> Nanos {
    limit / 100 * BEND_PERCENT
}

fn failed(kind: FailureKind, executed: Executed) -> Told {
    Told::Failed { kind, executed }
}

/// Reads the plan of a call entry by entry until it ends.
fn reads(plan: &Plan, call: CallRef, tool: &ToolPlan, ending: Told, no_more_retries: bool) -> bool {
    let mut entered = false;
    let attempts = tool.manifest.retry.attempts;
    for entry in 0..attempts {
        match verdict(plan, call, tool, entry) {
            Verdict::Either => return true,
            Verdict::Never => return false,
            Verdict::Ends(Told::Completed { is_error }) => {
                return ending == Told::Completed { is_error };
            }
            Verdict::Ends(Told::Failed { kind, executed }) => {
                entered |= executed == Executed::Yes;
                let truth = if entered { Executed::Yes } else { Executed::No };
                let may_try_again = match tool.manifest.effect {
                    Effect::Read | Effect::Idempotent => true,
                    Effect::Write => !entered,
                };
                let is_last = entry + 1 == attempts || !may_try_again;
                if ending == failed(kind, truth) && (is_last || no_more_retries) {
                    return true;
                }
                if is_last {
                    return false;
                }
            }
        }
    }
    false
}

fn verdict(plan: &Plan, call: CallRef, tool: &ToolPlan, entry: u32) -> Verdict {
    let act = act(plan.seed, plan.class, tool.manifest.effect, call, entry);
    let by_itself = match act.end {
        End::Completes => Told::Completed { is_error: false },
        End::IsError => Told::Completed { is_error: true },
        End::Crashes => failed(FailureKind::Crashed, Executed::Yes),
        End::CannotStart => return Verdict::Ends(failed(FailureKind::Internal, Executed::No)),
        End::Hangs | End::KillsWorker => {
            return match tool.manifest.attempt_timeout_ms {
                None => Verdict::Never,
                Some(_) => Verdict::Ends(failed(FailureKind::TimedOut, Executed::Yes)),
            };
        }
    };
    let Some(limit) = tool.manifest.attempt_timeout_ms.map(|ms| ms * MS) else {
        return Verdict::Ends(by_itself);
    };
    let bend = bend(limit) + MS;
    if act.lasts + bend < limit {
        Verdict::Ends(by_itself)
    } else if act.lasts > limit + bend + act.stops_within {
        Verdict::Ends(failed(FailureKind::TimedOut, Executed::Yes))
    } else {
        Verdict::Either
    }
}
