// What a run is, made from its events one by one. Pure: no clock, no page, no network.

import { toneOfReturn } from "./outcomes.js";

/** A run of which nothing is known yet. */
export function emptyRun() {
  return {
    id: null,
    model: null,
    startedAt: null,
    turns: [],
    end: null,
    /** The number of the latest event. */
    seq: 0,
    /** When it was, in milliseconds since the run's start. */
    at: 0,
    /** The first event that is still kept, where earlier ones are missing. */
    firstKept: null,
    tally: { calls: 0, settled: 0, failed: 0, retries: 0, late: 0 },
  };
}

/** Takes an event, which changes the run. Returns whether it was news: what came before isn't. */
export function take(run, event) {
  if (event.type === "gap") {
    run.firstKept = event.first_kept;
    run.seq = Math.max(run.seq, event.first_kept - 1);
    return true;
  }
  if (event.seq <= run.seq) return false;
  run.seq = event.seq;
  run.at = Math.max(run.at, event.at_ms);
  // An event of a later version than this page is passed over.
  if (Object.hasOwn(TAKES, event.type)) TAKES[event.type](run, event);
  return true;
}

const TAKES = {
  run_started(run, { run: id, model, started_at }) {
    Object.assign(run, { id, model, startedAt: started_at });
  },
  model_asked(run, { turn, at_ms }) {
    const told = turnOf(run, turn);
    told.asks.push({ from: at_ms, to: null, error: null });
  },
  model_answered(run, { turn, at_ms, text, calls, input_tokens, output_tokens }) {
    const told = turnOf(run, turn);
    closeAsk(told, at_ms, null);
    Object.assign(told, { text, asked: calls, tokens: { input: input_tokens, output: output_tokens } });
  },
  model_failed(run, { turn, at_ms, message }) {
    closeAsk(turnOf(run, turn), at_ms, message);
  },
  turn_opened(run, { turn, at_ms, deadline_ms }) {
    const told = turnOf(run, turn);
    told.openedAt = Math.min(told.openedAt ?? at_ms, at_ms);
    told.deadlineAt = at_ms + deadline_ms;
    told.deadlineMs = deadline_ms;
  },
  call_opened(run, event) {
    const call = callOf(run, event);
    call.tool = event.tool ?? null;
    call.openedAt = event.at_ms;
  },
  call_posted(run, event) {
    const { attempt, worker, instance, at_ms } = event;
    const told = attemptOf(run, event);
    Object.assign(told, { attempt, worker, instance, postedAt: at_ms });
  },
  call_running(run, event) {
    attemptOf(run, event).runningAt = event.at_ms;
  },
  call_granted(run, event) {
    attemptOf(run, event).grantedAt = event.at_ms;
  },
  call_progress(run, event) {
    const { attempt, percent, message, at_ms } = event;
    callOf(run, event).progress = { attempt, percent: percent ?? null, message: message ?? null, at: at_ms };
    attemptOf(run, event).runningAt ??= at_ms;
  },
  call_returned(run, event) {
    const told = attemptOf(run, event);
    Object.assign(told, { endedAt: event.at_ms, why: event.why, delayMs: event.delay_ms });
  },
  call_settled(run, event) {
    const call = callOf(run, event);
    if (call.settled) return;
    call.settled = {
      at: event.at_ms,
      outcome: event.outcome,
      executed: event.executed,
      message: event.message ?? null,
      attempts: event.attempts,
      worker: event.worker ?? null,
      elapsedMs: event.elapsed_ms,
      queuedMs: event.queued_ms,
      executedMs: event.executed_ms,
    };
    run.tally.settled += 1;
    const turn = turnOf(run, event.turn);
    turn.settled += 1;
    if (event.outcome !== "completed") {
      run.tally.failed += 1;
      turn.failed += 1;
    }
  },
  call_late(run, event) {
    callOf(run, event).late.push({ at: event.at_ms, attempt: event.attempt, outcome: event.outcome });
    run.tally.late += 1;
  },
  turn_reported(run, { turn, at_ms, stopped, gathered_ms, discarded }) {
    const told = turnOf(run, turn);
    Object.assign(told, { reportedAt: at_ms, stopped, gatheredMs: gathered_ms, isDiscarded: discarded === true });
  },
  run_ended(run, { reason, message, at_ms }) {
    run.end = { reason, message: message ?? null, at: at_ms };
    for (const turn of run.turns) closeAsk(turn, at_ms, null);
  },
};

/** Takes the names of tools from a run's report: a call that was never sent is told without one. */
export function nameCalls(run, report) {
  for (const { turn: number, calls } of report?.turns ?? []) {
    for (const { id, tool } of calls) {
      const call = findCall(run, number, id);
      if (call) call.tool ??= tool;
    }
  }
}

/** How often a call was attempted: more often it may have been sent. */
export function triesOf(call) {
  return call.settled?.attempts ?? Math.min(call.attempts.length, 1 + call.retries);
}

/** The turn of this number, where the run has it. */
export function findTurn(run, number) {
  return run.turns.find((turn) => turn.number === number);
}

/** The call of this turn and id, where the run has it. */
export function findCall(run, number, id) {
  return findTurn(run, number)?.calls.get(id);
}

function turnOf(run, number) {
  // Nearly always the last one.
  for (let at = run.turns.length - 1; at >= 0; at -= 1) {
    if (run.turns[at].number === number) return run.turns[at];
    if (run.turns[at].number < number) return insert(run, at + 1, number);
  }
  return insert(run, 0, number);
}

function insert(run, at, number) {
  const turn = {
    number,
    asks: [],
    text: "",
    asked: null,
    tokens: null,
    openedAt: null,
    deadlineAt: null,
    deadlineMs: null,
    reportedAt: null,
    stopped: null,
    gatheredMs: null,
    isDiscarded: false,
    /** By id, in call order. */
    calls: new Map(),
    settled: 0,
    failed: 0,
  };
  run.turns.splice(at, 0, turn);
  return turn;
}

function closeAsk(turn, at, error) {
  const ask = turn.asks.at(-1);
  if (ask && ask.to === null) Object.assign(ask, { to: at, error });
}

function callOf(run, { turn: number, id, at_ms }) {
  const turn = turnOf(run, number);
  let call = turn.calls.get(id);
  if (!call) {
    call = { turn: number, id, tool: null, openedAt: at_ms, attempts: [], retries: 0, progress: null, settled: null, late: [] };
    turn.calls.set(id, call);
    turn.openedAt = Math.min(turn.openedAt ?? at_ms, at_ms);
    run.tally.calls += 1;
  }
  return call;
}

function attemptOf(run, event) {
  const call = callOf(run, event);
  // A message that the way lost is posted again under the same number.
  let attempt = call.attempts.findLast((known) => known.attempt === event.attempt);
  const isAnew = event.type === "call_posted" && attempt?.endedAt != null;
  if (!attempt || isAnew) {
    const before = call.attempts.at(-1);
    attempt = {
      attempt: event.attempt,
      worker: null,
      instance: null,
      postedAt: event.at_ms,
      runningAt: null,
      grantedAt: null,
      endedAt: null,
      why: null,
      delayMs: null,
    };
    call.attempts.push(attempt);
    // Who was busy or gone took no attempt: it is only sent to another one.
    if (before?.why != null && toneOfReturn(before.why) !== "wait") {
      call.retries += 1;
      run.tally.retries += 1;
    }
  }
  return attempt;
}
