// What a bar shows, in words: for ears, and for who looks closer. Pure.

import { shares } from "./bars.js";
import { count, duration } from "./format.js";
import { executedWords, words } from "./outcomes.js";

/** A call in one line. */
export function describeCall(call, now) {
  const parts = [call.settled ? words(call.settled.outcome) : `open for ${duration(Math.max(0, now - call.openedAt))}`];
  if (call.settled && call.settled.outcome !== "completed") parts.push(executedWords(call.settled.executed));
  const where = shares(call);
  if (where) parts.push(...SHARES.filter(([kind]) => where[kind] >= 0.5).map(([kind, text]) => `${text} ${duration(where[kind])}`));
  for (const attempt of call.attempts) {
    if (call.attempts.length > 1 || attempt.why) parts.push(describeAttempt(attempt));
  }
  if (call.progress && !call.settled) {
    parts.push([call.progress.percent === null ? null : `${call.progress.percent} percent`, call.progress.message].filter(Boolean).join(" "));
  }
  if (call.late.length > 0) parts.push("a result came after the report");
  return parts.filter(Boolean).join("; ");
}

/** The kinds of pieces, and what is said of each. */
export const SHARES = [
  ["wait", "waited for a slot"],
  ["way", "on the way"],
  ["queue", "waited at the worker"],
  ["work", "executed"],
];

function describeAttempt({ attempt, worker, why }) {
  return `attempt ${attempt}${worker ? ` on ${worker}` : ""}${why ? `, ${words(why)}` : ""}`;
}

/** A turn in one line. */
export function describeTurn(turn, now) {
  const parts = [];
  const ask = turn.asks.at(-1);
  if (ask?.to === null) parts.push(`the model has been asked for ${duration(now - ask.from)}`);
  else if (ask?.error) parts.push(`the model gave no answer: ${ask.error}`);
  else if (ask) parts.push(`the model answered in ${duration(ask.to - ask.from)}`);
  if (turn.calls.size > 0) parts.push(count(turn.calls.size, "call"), `${turn.settled} settled`, `${turn.failed} failed`);
  if (turn.deadlineMs !== null) parts.push(`deadline ${duration(turn.deadlineMs)}`);
  if (turn.stopped) parts.push(`gathered in ${duration(turn.gatheredMs)}, stopped: ${words(turn.stopped)}`);
  return parts.join("; ");
}
