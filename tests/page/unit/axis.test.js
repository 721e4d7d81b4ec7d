import assert from "node:assert/strict";
import test from "node:test";

import { axisOf, ticksOf } from "../../../coordinator/src/service/page/axis.js";

const labels = (longest, wanted) => ticksOf(axisOf(longest), wanted).map((tick) => tick.label);

test("an axis holds everything, is round, and wastes little", () => {
  for (let longest = 0.3; longest < 1e7; longest *= 1.13) {
    const { from, to } = axisOf(longest);
    assert.equal(from, 0);
    assert.ok(to >= longest, `${to} holds ${longest}`);
    assert.ok(to <= Math.max(longest, 1) * 1.16, `${to} for ${longest}`);
  }
});

test("ticks are round, in one unit, and about as many as wanted", () => {
  assert.deepEqual(labels(100, 5), ["0", "25 ms", "50 ms", "75 ms", "100 ms"]);
  assert.deepEqual(labels(9_900, 5), ["0", "2 s", "4 s", "6 s", "8 s", "10 s"]);
  assert.deepEqual(labels(2_600, 6), ["0", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s"]);
  assert.deepEqual(labels(0.5, 4), ["0", "0.5 ms", "1 ms"]);
  assert.deepEqual(labels(600_000, 4).slice(0, 3), ["0", "3:20 min", "6:40 min"]);
  for (let longest = 1; longest < 1e7; longest *= 1.3) {
    const ticks = ticksOf(axisOf(longest), 8);
    assert.ok(ticks.length >= 4 && ticks.length <= 10, `${ticks.length} for ${longest}`);
    assert.ok(ticks.every(({ part }) => part >= 0 && part <= 1.001));
    assert.equal(new Set(ticks.map(({ label }) => label)).size, ticks.length, "no label twice");
  }
});
