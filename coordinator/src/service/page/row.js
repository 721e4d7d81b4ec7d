// One row of the waterfall: a turn, or a call with a bar for each of its attempts.

import { barsOf, place } from "./bars.js";
import { fill, h, mark, unseen } from "./dom.js";
import { count, duration, growing } from "./format.js";
import { toneOf, TONES, words } from "./outcomes.js";
import { turnEnd } from "./rows.js";
import { triesOf } from "./run.js";
import { describeCall, describeTurn } from "./told.js";

let rows = 0;

/** An element for a row; `update` brings it up to date, and does nothing where nothing has changed. */
export function rowElement(row) {
  rows += 1;
  const name = h("div", { class: "name", role: "gridcell" });
  const track = h("div", { class: "track", role: "gridcell" });
  const took = h("div", { class: "took", role: "gridcell" });
  const element = h("div", {
    class: `row ${row.kind}`, role: "row", id: `row-${rows}`, "data-key": row.key, "aria-level": row.kind === "turn" ? "1" : "2",
  }, name, track, took);
  let said = "";
  return {
    element,
    update(now, { at, axis, index, y, isActive, isChosen }) {
      element.style.transform = `translateY(${y}px)`;
      element.setAttribute("aria-rowindex", index + 2);
      element.classList.toggle("active", isActive);
      element.setAttribute("aria-selected", String(isChosen));
      const parts = { name, track, took, element };
      const isStill = now.kind === "call" ? now.call.settled !== null : now.turn.reportedAt !== null;
      const sign = `${axis.from} ${axis.to} ${signOf(now)} ${isStill ? "" : at}`;
      if (sign === said) return;
      said = sign;
      if (now.kind === "turn") drawTurn(now, at, axis, parts);
      else drawCall(now, at, axis, parts);
    },
  };
}

/** What changes how a row that is over looks. */
function signOf(row) {
  if (row.kind === "turn") {
    const { settled, calls, failed, text, reportedAt, deadlineAt, asks } = row.turn;
    return [row.isFolded, row.shown, settled, calls.size, failed, text.length, reportedAt, deadlineAt, asks.length].join();
  }
  return [row.call.tool, row.call.late.length, row.call.attempts.length, row.turn.deadlineAt].join();
}

function drawTurn({ turn, isFolded, shown }, at, axis, { name, track, took, element }) {
  if (turn.calls.size > 0) element.setAttribute("aria-expanded", String(!isFolded));
  fill(name,
    h("span", { class: turn.calls.size === 0 ? "fold none" : isFolded ? "fold folded" : "fold", "aria-hidden": "true" }),
    h("span", { class: "title" }, `Turn ${turn.number}`),
    h("span", { class: "more" }, sumOf(turn, shown)));
  const pieces = turn.asks.map((ask) => piece("ask", ask.error === null ? "wait" : "lost", { from: ask.from, to: ask.to ?? at }, axis));
  if (turn.openedAt !== null) {
    pieces.push(piece("gather", turn.isDiscarded ? "ended" : "wait", { from: turn.openedAt, to: turnEnd(turn, at) }, axis));
  }
  fill(track, ...pieces, ...deadline(turn, axis, true), unseen(describeTurn(turn, at)));
  const lasts = turn.openedAt === null ? null : turnEnd(turn, at) - turn.openedAt;
  fill(took, lasts === null ? "" : turn.reportedAt === null ? growing(lasts) : duration(turn.gatheredMs));
}

function sumOf(turn, shown) {
  if (turn.calls.size === 0) return turn.asks.at(-1)?.to === null ? "the model is asked" : "no calls";
  const open = turn.calls.size - turn.settled;
  return [
    shown === turn.calls.size ? count(shown, "call") : `${shown.toLocaleString("en-US")} of ${count(turn.calls.size, "call")}`,
    open > 0 && `${open.toLocaleString("en-US")} open`,
    turn.failed > 0 && `${turn.failed.toLocaleString("en-US")} failed`,
    turn.isDiscarded && "discarded",
  ].filter(Boolean).join(", ");
}

function drawCall({ turn, call }, at, axis, { name, track, took, element }) {
  const bars = barsOf(call, at);
  const tries = triesOf(call);
  const tone = call.settled ? toneOf(call.settled.outcome) : bars.at(-1).tone;
  element.dataset.tone = tone;
  element.dataset.outcome = call.settled?.outcome ?? "";
  fill(name,
    mark(TONES[tone].mark, tone),
    h("span", { class: "title" }, call.tool ?? "(never sent)"),
    h("span", { class: "more id" }, call.id),
    tries > 1 && h("span", { class: "tries", title: count(tries, "attempt") }, `×${tries}`));
  fill(track,
    ...bars.map((bar) => barElement(bar, axis)),
    ...deadline(turn, axis, false),
    ...lates(call, axis),
    label(call, bars, tone, axis),
    unseen(describeCall(call, at)));
  fill(took, call.settled ? duration(call.settled.elapsedMs) : growing(at - call.openedAt));
}

function barElement(bar, axis) {
  return h("span", { class: `attempt tone-${bar.tone}`, "data-attempt": bar.attempt, "data-tone": bar.tone, "aria-hidden": "true" },
    bar.pieces.map((one) => piece(one.kind, bar.tone, one, axis)));
}

function piece(kind, tone, times, axis) {
  const { left, width } = place(times, axis);
  return h("span", { class: `piece ${kind} tone-${tone}`, "aria-hidden": "true", "--left": `${left}%`, "--width": `${width}%` });
}

/** The kind of failure, or how far the tool is, beside the end of the bar. */
function label(call, bars, tone, axis) {
  const text = call.settled ? failureOf(call) : progressOf(call);
  if (!text) return "";
  const { left: from } = place({ from: bars[0].from, to: bars[0].from }, axis);
  const { left: end } = place({ from: bars.at(-1).to, to: bars.at(-1).to }, axis);
  // Where there is no room behind the bar, it stands before it, or on it.
  if (end <= 72) return h("span", { class: `label tone-${tone}`, "aria-hidden": "true", "--left": `${end}%` }, text);
  const side = from >= 28 ? "before" : "inside";
  const right = side === "before" ? 100 - from : 100 - end;
  return h("span", { class: `label ${side} tone-${tone}`, "aria-hidden": "true", "--right": `${right}%` }, text);
}

function failureOf({ settled }) {
  return settled.outcome === "completed" ? null : words(settled.outcome);
}

function progressOf({ progress }) {
  if (!progress) return null;
  return [progress.percent === null ? null : `${progress.percent} %`, progress.message].filter(Boolean).join(" ");
}

/** Results that came after the report. */
function lates(call, axis) {
  return call.late.map((late) => h("span", { class: "late-mark", "aria-hidden": "true", "--left": `${place({ from: late.at, to: late.at }, axis).left}%` }));
}

function deadline(turn, axis, isNamed) {
  if (turn.deadlineAt === null) return [];
  if (turn.deadlineAt > axis.to) {
    return isNamed ? [h("span", { class: "beyond", "aria-hidden": "true" }, `deadline ${duration(turn.deadlineMs)} ▸`)] : [];
  }
  const { left } = place({ from: turn.deadlineAt, to: turn.deadlineAt }, axis);
  const line = h("span", { class: "deadline", "aria-hidden": "true", "--left": `${left}%` });
  return isNamed ? [line, h("span", { class: left > 60 ? "deadline-name before" : "deadline-name", "aria-hidden": "true", "--left": `${left}%`, "--right": `${100 - left}%` }, `deadline ${duration(turn.deadlineMs)}`)] : [line];
}
