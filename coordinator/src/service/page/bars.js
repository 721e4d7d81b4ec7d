// Where the time of a call went, as pieces of a bar. Pure; all times are milliseconds since the run's start.

import { toneOf, toneOfReturn } from "./outcomes.js";

/**
 * The attempts of a call as bars, each with its pieces:
 *
 * - `wait`: not posted yet, or waiting to be posted again (hatched);
 * - `way`: on the way to the worker, or back (thin);
 * - `queue`: at the worker, before its tool was entered (hatched);
 * - `work`: inside of the tool (solid).
 *
 * A call that was never posted has one bar of waiting alone. `now` ends what isn't over.
 */
export function barsOf(call, now) {
  const end = call.settled?.at ?? Math.max(now, call.openedAt);
  const bars = [];
  let from = call.openedAt;
  const settling = settlingAttempt(call);
  for (const attempt of call.attempts) {
    const to = attempt.endedAt ?? end;
    const pieces = [];
    put(pieces, "wait", from, attempt.postedAt);
    if (attempt === settling) settledPieces(pieces, attempt, call.settled);
    else openPieces(pieces, attempt, to);
    bars.push({ attempt: attempt.attempt, from, to, pieces, tone: toneOfAttempt(call, attempt, settling), told: attempt });
    from = to;
  }
  if (bars.length === 0 || from < end) {
    // Between attempts, after the last one, or never posted.
    const isOver = call.settled !== null;
    const tail = [];
    put(tail, "wait", from, end);
    if (bars.length === 0) {
      const tone = isOver ? toneOf(call.settled.outcome) : "wait";
      bars.push({ attempt: 0, from, to: end, pieces: tail, tone, told: null });
    } else if (!(settling && isOver)) {
      const last = bars.at(-1);
      last.pieces.push(...tail);
      last.to = end;
    }
  }
  return bars;
}

/** The attempt whose answer settled the call. */
function settlingAttempt(call) {
  if (!call.settled) return null;
  return call.attempts.findLast((attempt) => attempt.endedAt === null) ?? null;
}

function toneOfAttempt(call, attempt, settling) {
  if (attempt.why !== null) return toneOfReturn(attempt.why);
  if (call.settled) return attempt === settling ? toneOf(call.settled.outcome) : "ended";
  return attempt.runningAt === null ? "wait" : "live";
}

/** The worker says how long it queued and ran; what remains of the time was spent on the way. */
function settledPieces(pieces, attempt, settled) {
  const { postedAt } = attempt;
  const away = Math.max(0, settled.at - postedAt);
  const queued = Math.min(settled.queuedMs, away);
  const ran = Math.min(settled.executedMs, away - queued);
  if (queued + ran === 0) {
    // It said nothing of it: it was lost, late or refused.
    openPieces(pieces, attempt, settled.at);
    return;
  }
  const way = (away - queued - ran) / 2;
  put(pieces, "way", postedAt, postedAt + way);
  put(pieces, "queue", postedAt + way, postedAt + way + queued);
  put(pieces, "work", postedAt + way + queued, postedAt + way + queued + ran);
  put(pieces, "way", postedAt + way + queued + ran, settled.at);
}

function openPieces(pieces, { postedAt, runningAt, why }, to) {
  // It was sent, and the worker hasn't said that it runs: busy ones never do.
  if (runningAt === null && why !== null && toneOfReturn(why) !== "wait") {
    put(pieces, "work", postedAt, to);
    return;
  }
  put(pieces, "queue", postedAt, Math.min(runningAt ?? to, to));
  if (runningAt !== null) put(pieces, "work", runningAt, to);
}

function put(pieces, kind, from, to) {
  if (to > from) pieces.push({ kind, from, to });
}

/** Where the time of a settled call went, in milliseconds; `null` for one that isn't. */
export function shares(call) {
  if (!call.settled) return null;
  const sum = { wait: 0, way: 0, queue: 0, work: 0 };
  for (const bar of barsOf(call, call.settled.at)) {
    for (const piece of bar.pieces) sum[piece.kind] += piece.to - piece.from;
  }
  return sum;
}

/** Pieces as parts of an axis, in percent of it; what is outside of it is cut, what is too thin stays visible. */
export function place({ from, to }, axis) {
  const span = axis.to - axis.from;
  const clamp = (at) => Math.min(Math.max((at - axis.from) / span, 0), 1) * 100;
  return { left: clamp(from), width: clamp(to) - clamp(from) };
}
