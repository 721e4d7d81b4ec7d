import assert from "node:assert/strict";
import test from "node:test";

import { emptyRun, findCall, nameCalls, take, triesOf } from "../../../coordinator/src/service/page/run.js";
import { opened, posted, returned, runOf, running, settled, started } from "./told.js";

test("a run is what its events told", () => {
  const run = runOf(
    started,
    { at_ms: 1, type: "model_asked", turn: 1 },
    { at_ms: 301, type: "model_answered", turn: 1, text: "I look.", calls: 2, input_tokens: 7 },
    { at_ms: 302, type: "turn_opened", turn: 1, deadline_ms: 1000 },
    opened(302, "a"), opened(302, "b", undefined),
    posted(303, "a"), running(310, "a"),
    settled(400, "a"), settled(401, "b", "unknown_tool", { executed: "no" }),
    { at_ms: 402, type: "turn_reported", turn: 1, stopped: "settled", gathered_ms: 100 },
    { at_ms: 403, type: "run_ended", reason: "answered" },
  );
  assert.deepEqual(run.tally, { calls: 2, settled: 2, failed: 1, retries: 0, late: 0 });
  const [turn] = run.turns;
  assert.deepEqual([turn.deadlineAt, turn.openedAt, turn.asked, turn.tokens.input, turn.stopped], [1302, 302, 2, 7, "settled"]);
  assert.deepEqual(turn.asks, [{ from: 1, to: 301, error: null }]);
  assert.deepEqual([...turn.calls.keys()], ["a", "b"]);
  assert.deepEqual(run.end, { reason: "answered", message: null, at: 403 });
});

test("an event that comes twice changes nothing, and a gap is remembered", () => {
  const run = runOf(started, opened(1, "a"));
  assert.equal(take(run, { seq: 2, ...opened(1, "a") }), false);
  assert.equal(run.tally.calls, 1);
  assert.equal(take(run, { type: "gap", after: 2, first_kept: 9 }), true);
  assert.deepEqual([run.firstKept, run.seq], [9, 8]);
  assert.equal(take(run, { seq: 9, ...settled(5, "late-comer") }), true);
  assert.equal(run.tally.calls, 1 + 1, "a call whose beginning is missing is there all the same");
});

test("an attempt that is posted again after it came back is another bar", () => {
  const run = runOf(started, opened(1, "a"), posted(2, "a", 1, "w1"), returned(3, "a", 1, "busy"), posted(4, "a", 1, "w2"), returned(9, "a", 1, "worker_lost", 50), posted(60, "a", 2, "w3"), settled(80, "a", "completed", { attempts: 2 }));
  assert.deepEqual(findCall(run, 1, "a").attempts.map((told) => [told.attempt, told.worker, told.why]), [[1, "w1", "busy"], [1, "w2", "worker_lost"], [2, "w3", null]]);
  assert.equal(run.tally.retries, 1, "a busy worker took no attempt");
  assert.equal(triesOf(findCall(run, 1, "a")), 2);
  assert.equal(triesOf(findCall(runOf(started, opened(1, "a"), posted(2, "a")), 1, "a")), 1);
  assert.equal(triesOf(findCall(runOf(started, opened(1, "a")), 1, "a")), 0);
});

test("turns stand in their order, whoever is told of first", () => {
  const run = runOf(started, opened(5, "b", "echo", 2), opened(6, "a", "echo", 1), opened(7, "c", "echo", 3));
  assert.deepEqual(run.turns.map((turn) => turn.number), [1, 2, 3]);
});

test("a later version's event and a hostile name are only data", () => {
  const run = runOf(started, { at_ms: 2, type: "toString" }, { at_ms: 3, type: "call_dreamt", turn: 1, id: "a" }, opened(4, "__proto__"), opened(5, "constructor"));
  assert.deepEqual([...run.turns[0].calls.keys()], ["__proto__", "constructor"]);
  assert.equal({}.tool, undefined);
  assert.equal(run.seq, 5);
});

test("a report names calls that were never sent", () => {
  const run = runOf(started, { ...opened(1, "a"), tool: undefined });
  nameCalls(run, { turns: [{ turn: 1, calls: [{ id: "a", tool: "nope" }, { id: "x", tool: "gone" }] }, { turn: 7, calls: [] }] });
  nameCalls(run, null);
  assert.equal(findCall(run, 1, "a").tool, "nope");
});

test("a thousand calls with five attempts each are taken in a moment", () => {
  const run = emptyRun();
  let seq = 0;
  const tell = (event) => take(run, { seq: (seq += 1), ...event });
  tell(started);
  const began = performance.now();
  for (let n = 0; n < 1000; n += 1) tell(opened(n, `c${n}`));
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    for (let n = 0; n < 1000; n += 1) {
      tell(posted(n, `c${n}`, attempt));
      tell(returned(n, `c${n}`, attempt, "busy"));
    }
  }
  for (let n = 0; n < 1000; n += 1) tell(settled(2000, `c${n}`));
  assert.ok(performance.now() - began < 1000);
  assert.equal(run.tally.settled, 1000);
});
