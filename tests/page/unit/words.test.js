import assert from "node:assert/strict";
import test from "node:test";

import { bytes, count, duration, growing, instant, readable } from "../../../coordinator/src/service/page/format.js";
import { isFailure, toneOf, toneOfEnd, toneOfReturn, TONES } from "../../../coordinator/src/service/page/outcomes.js";
import { hashOf, readRoute } from "../../../coordinator/src/service/page/route.js";
import { describeCall, describeTurn } from "../../../coordinator/src/service/page/told.js";
import { findCall } from "../../../coordinator/src/service/page/run.js";
import { opened, posted, returned, runOf, settled, started } from "./told.js";

const plain = (text) => text.replaceAll("\u202f", " ");

test("times have three digits that matter", () => {
  const cases = [[0, "0 ms"], [0.0004, "0 ms"], [0.06, "0.06 ms"], [1.351, "1.35 ms"], [97.66, "97.7 ms"], [999.4, "999 ms"], [999.6, "1.00 s"], [16_640, "16.6 s"], [59_960, "1 m 00 s"], [125_000, "2 m 05 s"], [3_725_000, "1 h 02 m"], [Number.NaN, "–"]];
  for (const [ms, text] of cases) assert.equal(plain(duration(ms)), text);
  assert.equal(plain(growing(8_749)), "8.7 s");
  assert.equal(plain(growing(-5)), "0.0 s");
});

test("sizes, counts, instants", () => {
  assert.deepEqual([5, 1536, 40 * 1024 * 1024].map(bytes).map(plain), ["5 B", "1.50 KiB", "40.0 MiB"]);
  assert.deepEqual([count(1, "call"), count(1000, "call"), count(2, "retry", "retries")], ["1 call", "1,000 calls", "2 retries"]);
  const now = new Date(2026, 10, 23, 12, 0, 0);
  assert.equal(instant(new Date(2026, 10, 23, 3, 4, 5).toISOString(), now), "03:04:05");
  assert.equal(instant(new Date(2026, 10, 22, 3, 4, 5).toISOString(), now), "2026-11-22 03:04:05");
  assert.equal(instant("never", now), "never");
});

test("JSON is indented, unless that would change a number", () => {
  assert.equal(readable('{"a":[1,2.5,"1.0"]}'), '{\n  "a": [\n    1,\n    2.5,\n    "1.0"\n  ]\n}');
  for (const text of ['{"id":12345678901234567890}', '{"price":1.50}', "[not json", "plain <b>text</b>", "7"]) assert.equal(readable(text), text);
});

test("every kind of failure has a tone, and every tone a mark of its own", () => {
  const kinds = ["invalid_arguments", "unknown_tool", "refused", "no_worker", "overloaded", "timed_out", "worker_lost", "poison", "crashed", "cancelled", "interrupted", "output_too_large", "protocol_error", "internal", "tool_error"];
  for (const kind of kinds) {
    assert.ok(toneOf(kind) in TONES && toneOf(kind) !== "done", kind);
    assert.equal(toneOf(kind), toneOfReturn(kind));
    assert.ok(isFailure(kind));
  }
  assert.equal(toneOf("completed"), "done");
  assert.equal(toneOf("toString"), "lost");
  assert.equal(toneOfReturn("busy"), "wait");
  const marks = Object.values(TONES).map((tone) => tone.mark);
  assert.equal(new Set(marks).size, marks.length);
  assert.deepEqual(["answered", "cancelled", "turns_exhausted", "declined", "model_failed"].map(toneOfEnd), ["done", "ended", "late", "refused", "lost"]);
});

test("addresses name runs, turns and calls, whatever their ids hold", () => {
  for (const id of ["toolu_1", "a/b", "100% #1", "é", "<b>"]) {
    assert.deepEqual(readRoute(hashOf("r1", 2, id)), { view: "run", run: "r1", turn: 2, call: id });
  }
  assert.deepEqual(readRoute(hashOf("r1", 2)), { view: "run", run: "r1", turn: 2, call: null });
  assert.deepEqual(readRoute("#/runs/r1/x/y"), { view: "run", run: "r1", turn: null, call: null });
  assert.deepEqual(readRoute("#/runs/%E0%A4%A"), { view: "run", run: "%E0%A4%A", turn: null, call: null });
  for (const hash of ["", "#", "#/", "#/runs", "#/elsewhere"]) assert.deepEqual(readRoute(hash), { view: "runs" });
  assert.deepEqual(readRoute("#/workers"), { view: "workers" });
});

test("a bar is told in words", () => {
  const run = runOf(
    started, { at_ms: 0, type: "model_asked", turn: 1 }, { at_ms: 5, type: "model_answered", turn: 1, text: "", calls: 1 },
    { at_ms: 5, type: "turn_opened", turn: 1, deadline_ms: 900 },
    opened(5, "a"), posted(10, "a"), returned(40, "a", 1, "worker_lost"), posted(60, "a", 2, "v"), settled(100, "a", "timed_out", { executed: "unknown" }));
  assert.equal(plain(describeCall(findCall(run, 1, "a"), 500)), "timed out; whether the tool ran can't be known; waited for a slot 25.0 ms; waited at the worker 40.0 ms; executed 30.0 ms; attempt 1 on w, worker lost; attempt 2 on v");
  assert.equal(plain(describeTurn(run.turns[0], 500)), "the model answered in 5.00 ms; 1 call; 1 settled; 1 failed; deadline 900 ms");
});
