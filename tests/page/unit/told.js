// Runs for the tests, told as the service tells them.

import { emptyRun, take } from "../../../coordinator/src/service/page/run.js";

/** Events without their numbers, made into a run. */
export function runOf(...events) {
  const run = emptyRun();
  events.forEach((event, at) => take(run, { seq: at + 1, ...event }));
  return run;
}

export const started = { at_ms: 0, type: "run_started", run: "r", model: "script", started_at: "2026-11-23T00:00:00Z" };
export const opened = (at_ms, id, tool = "echo", turn = 1) => ({ at_ms, type: "call_opened", turn, id, tool });
export const posted = (at_ms, id, attempt = 1, worker = "w", turn = 1) => ({ at_ms, type: "call_posted", turn, id, attempt, worker, instance: "i" });
export const running = (at_ms, id, attempt = 1) => ({ at_ms, type: "call_running", turn: 1, id, attempt });
export const returned = (at_ms, id, attempt, why, delay_ms = 0) => ({ at_ms, type: "call_returned", turn: 1, id, attempt, why, delay_ms });
export const settled = (at_ms, id, outcome = "completed", more = {}) => ({
  at_ms, type: "call_settled", turn: 1, id, outcome, executed: "yes", attempts: 1, elapsed_ms: at_ms, queued_ms: 0, executed_ms: 0, ...more,
});
