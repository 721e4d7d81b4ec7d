import assert from "node:assert/strict";
import test from "node:test";

import { longestOf, rowsOf, turnEnd, windowOf } from "../../../coordinator/src/service/page/rows.js";
import { opened, posted, returned, runOf, settled, started } from "./told.js";

const run = () => runOf(
  started,
  { at_ms: 10, type: "turn_opened", turn: 1, deadline_ms: 1000 },
  opened(10, "a"), opened(10, "b"), opened(10, "c"),
  posted(11, "a"), settled(50, "a"), settled(60, "b", "timed_out"),
  opened(70, "d", "echo", 2), posted(71, "d", 1, "w", 2),
);
const keys = (rows) => rows.map((row) => row.key);

test("rows are turns and below each its calls", () => {
  assert.deepEqual(keys(rowsOf(run(), "all", new Set())), ["1", "1/a", "1/b", "1/c", "2", "2/d"]);
  assert.deepEqual(keys(rowsOf(run(), "all", new Set([1]))), ["1", "2", "2/d"]);
  assert.deepEqual(keys(rowsOf(run(), "failed", new Set())), ["1", "1/b"]);
  assert.deepEqual(keys(rowsOf(run(), "open", new Set())), ["1", "1/c", "2", "2/d"]);
});

test("what was tried again counts as trouble, even if it went well", () => {
  const retried = runOf(started, opened(1, "a"), posted(2, "a"), returned(3, "a", 1, "worker_lost"), posted(4, "a", 2), settled(9, "a"), opened(1, "b"), posted(2, "b"), settled(3, "b"));
  assert.deepEqual(keys(rowsOf(retried, "failed", new Set())), ["1", "1/a"]);
});

test("only rows near what is seen are made", () => {
  assert.deepEqual(windowOf(1000, 20, 0, 600, 10), { from: 0, to: 40 });
  assert.deepEqual(windowOf(1000, 20, 10_000, 600, 10), { from: 490, to: 540 });
  assert.deepEqual(windowOf(1000, 20, 19_400, 600, 10), { from: 960, to: 1000 });
  assert.deepEqual(windowOf(3, 20, 0, 600, 10), { from: 0, to: 3 });
  assert.deepEqual(windowOf(0, 20, 500, 600, 10), { from: 0, to: 0 });
});

test("an axis holds the run, or its longest turn; a far deadline doesn't press it together", () => {
  assert.equal(longestOf(run(), "run", 100), 100);
  assert.equal(longestOf(run(), "turn", 100), 90);
  assert.equal(longestOf(run(), "run", 800), 1010, "the deadline is near");
  assert.equal(longestOf(run(), "turn", 800), 1000);
});

test("a turn ends with its report, else now", () => {
  const [turn] = run().turns;
  assert.equal(turnEnd(turn, 500), 500);
  assert.equal(turnEnd({ ...turn, reportedAt: 90 }, 500), 90);
});
