import assert from "node:assert/strict";
import test from "node:test";

import { barsOf, place, shares } from "../../../coordinator/src/service/page/bars.js";
import { findCall } from "../../../coordinator/src/service/page/run.js";
import { opened, posted, returned, runOf, running, settled, started } from "./told.js";

const pieces = (bars) => bars.map((bar) => [bar.attempt, bar.tone, ...bar.pieces.map(({ kind, from, to }) => `${kind} ${from}-${to}`)]);
const barsOfA = (now, ...events) => pieces(barsOf(findCall(runOf(started, ...events), 1, "a"), now));

test("a settled attempt: waited, on the way, queued, worked, back", () => {
  const bars = barsOfA(999, opened(0, "a"), posted(10, "a"), settled(110, "a", "completed", { queued_ms: 20, executed_ms: 60 }));
  assert.deepEqual(bars, [[1, "done", "wait 0-10", "way 10-20", "queue 20-40", "work 40-100", "way 100-110"]]);
});

test("each attempt has a bar of its own, in the colour of its end", () => {
  const bars = barsOfA(999, opened(0, "a"), posted(10, "a", 1), running(15, "a", 1), returned(40, "a", 1, "worker_lost", 20), posted(60, "a", 2), settled(100, "a", "timed_out", { queued_ms: 0, executed_ms: 40 }));
  assert.deepEqual(bars, [
    [1, "lost", "wait 0-10", "queue 10-15", "work 15-40"],
    [2, "late", "wait 40-60", "work 60-100"],
  ]);
});

test("who was busy only made it wait", () => {
  const bars = barsOfA(50, opened(0, "a"), posted(10, "a", 1), returned(20, "a", 1, "busy"));
  assert.deepEqual(bars, [[1, "wait", "wait 0-10", "queue 10-20", "wait 20-50"]]);
});

test("what isn't over ends now", () => {
  assert.deepEqual(barsOfA(50, opened(0, "a")), [[0, "wait", "wait 0-50"]]);
  assert.deepEqual(barsOfA(50, opened(0, "a"), posted(10, "a")), [[1, "wait", "wait 0-10", "queue 10-50"]]);
  assert.deepEqual(barsOfA(50, opened(0, "a"), posted(10, "a"), running(20, "a")), [[1, "live", "wait 0-10", "queue 10-20", "work 20-50"]]);
});

test("a call that was never sent has one bar", () => {
  assert.deepEqual(barsOfA(99, opened(5, "a"), settled(30, "a", "no_worker", { executed: "no", attempts: 0 })), [[0, "full", "wait 5-30"]]);
  assert.deepEqual(barsOfA(99, opened(5, "a"), settled(5, "a", "refused", { attempts: 0 })), [[0, "refused"]]);
});

test("a lost attempt that ended the call, and one that ended in a wait, are drawn to their end", () => {
  assert.deepEqual(barsOfA(99, opened(0, "a"), posted(0, "a"), settled(30, "a", "timed_out", { executed: "unknown" })), [[1, "late", "queue 0-30"]]);
  assert.deepEqual(barsOfA(99, opened(0, "a"), posted(0, "a"), returned(10, "a", 1, "crashed"), settled(30, "a", "crashed")), [[1, "lost", "work 0-10", "wait 10-30"]]);
});

test("what a worker claims never leaves the bar", () => {
  const [bar] = barsOfA(99, opened(0, "a"), posted(0, "a"), settled(30, "a", "completed", { queued_ms: 20, executed_ms: 5000 }));
  assert.deepEqual(bar, [1, "done", "queue 0-20", "work 20-30"]);
});

test("the shares of a call are all of its time", () => {
  const call = findCall(runOf(started, opened(0, "a"), posted(10, "a"), settled(110, "a", "completed", { queued_ms: 20, executed_ms: 60 })), 1, "a");
  assert.deepEqual(shares(call), { wait: 10, way: 20, queue: 20, work: 60 });
  assert.equal(shares({ settled: null }), null);
});

test("pieces are cut at the ends of the axis", () => {
  assert.deepEqual(place({ from: 25, to: 75 }, { from: 0, to: 100 }), { left: 25, width: 50 });
  assert.deepEqual(place({ from: -50, to: 150 }, { from: 0, to: 100 }), { left: 0, width: 100 });
  assert.deepEqual(place({ from: 150, to: 250 }, { from: 0, to: 100 }), { left: 100, width: 0 });
});
