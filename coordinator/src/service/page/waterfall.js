// The waterfall: a tree grid of turns and their calls over an axis of time. Only the rows that are near what is seen
// are in the document, so that a turn of 1,000 calls costs as much as one of 50.

import { axisOf, ticksOf } from "./axis.js";
import { fill, h } from "./dom.js";
import { legend } from "./legend.js";
import { longestOf, rowsOf, turnStart, windowOf } from "./rows.js";
import { rowElement } from "./row.js";

/** Room for one label of the axis, in pixels. */
const TICK_ROOM = 88;

/** The waterfall of a run; `choose(turn, call)` is called where a row is chosen. */
export function waterfall({ run, now, choose }) {
  let only = "all";
  let per = "run";
  const folded = new Set();
  let rows = [];
  /** The row that the keyboard is at, and the one whose pane is open, by key. */
  let active = null;
  let chosen = null;
  const shown = new Map();

  const scaleHead = h("div", { class: "scale", role: "columnheader", "aria-label": "Time" });
  const head = h("div", { class: "head", role: "rowgroup" },
    h("div", { class: "row", role: "row", "aria-rowindex": "1" },
      h("div", { class: "name", role: "columnheader" }, "Call"),
      scaleHead,
      h("div", { class: "took", role: "columnheader" }, "Took")));
  const lines = h("div", { class: "lines", "aria-hidden": "true" });
  const body = h("div", { class: "rows", role: "rowgroup" });
  const nothing = h("p", { class: "empty" });
  const element = h("div", {
    class: "fall", role: "treegrid", tabindex: "0", "aria-label": "Turns and their calls",
    onscroll: () => drawSoon(), onkeydown: onKey, onclick: onClick,
  }, head, lines, body, nothing);
  const key = legend();
  const resized = new ResizeObserver(() => drawSoon());
  resized.observe(element);

  let isDue = false;
  function drawSoon() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  }

  function draw() {
    if (!element.isConnected) return;
    rows = rowsOf(run(), only, folded);
    const at = now();
    const axis = axisOf(longestOf(run(), per, at));
    const rowHeight = head.offsetHeight || 28;
    drawAxis(axis);
    drawNothing();
    element.setAttribute("aria-rowcount", rows.length + 1);
    body.style.height = `${rows.length * rowHeight}px`;
    const seen = windowOf(rows.length, rowHeight, element.scrollTop, element.clientHeight);
    const wanted = new Set();
    const place = (index) => {
      const row = rows[index];
      wanted.add(row.key);
      let made = shown.get(row.key);
      if (!made) {
        made = rowElement(row);
        shown.set(row.key, made);
        body.append(made.element);
      }
      const offset = per === "turn" ? turnStart(row.turn) : 0;
      made.update(row, { at, axis: { from: offset, to: offset + axis.to }, index, y: index * rowHeight, isActive: row.key === active, isChosen: row.key === chosen });
    };
    for (let index = seen.from; index < seen.to; index += 1) place(index);
    // The active row is named by `aria-activedescendant`: it stays, even out of sight.
    const activeAt = rows.findIndex((row) => row.key === active);
    if (activeAt >= 0 && !wanted.has(active)) place(activeAt);
    for (const [rowKey, made] of shown) {
      if (!wanted.has(rowKey)) {
        made.element.remove();
        shown.delete(rowKey);
      }
    }
    if (activeAt >= 0) element.setAttribute("aria-activedescendant", shown.get(active).element.id);
    else element.removeAttribute("aria-activedescendant");
    key.draw(run());
  }

  let drawn = "";
  function drawAxis(axis) {
    const width = scaleHead.clientWidth;
    const wanted = Math.max(2, Math.floor(width / TICK_ROOM));
    const now = `${axis.to} ${wanted}`;
    if (now === drawn) return;
    drawn = now;
    const ticks = ticksOf(axis, wanted);
    // A label stands behind its tick, where there is room for it.
    const named = ticks.filter((tick) => (1 - tick.part) * width >= TICK_ROOM * 0.6);
    fill(scaleHead, ...named.map((tick) => h("span", { class: "tick", "--left": `${tick.part * 100}%` }, tick.label)));
    fill(lines, ...ticks.map((tick) => h("span", { class: "grid-line", "--part": tick.part })));
  }

  function drawNothing() {
    nothing.hidden = rows.length > 0;
    if (rows.length > 0) return;
    const told = run();
    if (told.turns.length === 0) {
      nothing.textContent = told.end ? "The run ended before the model was asked." : "Nothing has happened yet.";
    } else {
      nothing.textContent = only === "failed" ? "No call failed or was tried again." : "No call is open.";
    }
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || rows.length === 0) return;
    const at = rows.findIndex((row) => row.key === active);
    const page = Math.max(1, Math.floor(element.clientHeight / head.offsetHeight) - 2);
    const moves = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const row = rows[at];
    if (Object.hasOwn(moves, event.key)) move(moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && row) open(row);
    else if (event.key === "ArrowLeft" && row) fold(row);
    else if (event.key === "ArrowRight" && row?.kind === "turn") unfold(row, at);
    else return;
    event.preventDefault();
  }

  function move(to) {
    const index = Math.max(0, Math.min(to, rows.length - 1));
    const row = rows[index];
    active = row.key;
    const height = head.offsetHeight;
    const top = index * height;
    const view = element.clientHeight - height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height > element.scrollTop + view) element.scrollTop = top + height - view;
    // An open pane goes along.
    if (chosen !== null) open(row);
    draw();
  }

  function open(row) {
    active = chosen = row.key;
    choose(row.turn.number, row.kind === "call" ? row.call.id : null);
  }

  function fold(row) {
    if (row.kind === "turn") folded.add(row.turn.number);
    else active = String(row.turn.number);
    move(rows.findIndex((other) => other.key === active));
  }

  function unfold(row, at) {
    if (folded.delete(row.turn.number)) draw();
    else move(at + 1);
  }

  function onClick(event) {
    const clicked = event.target.closest("[data-key]");
    const row = clicked && rows.find((other) => other.key === clicked.dataset.key);
    if (!row) return;
    active = row.key;
    if (event.target.closest(".fold")) {
      if (!folded.delete(row.turn.number)) folded.add(row.turn.number);
      draw();
    } else {
      open(row);
    }
  }

  return {
    element,
    legend: key.element,
    draw,
    setOnly(value) {
      only = value;
      element.scrollTop = 0;
    },
    setPer(value) {
      per = value;
    },
    /** Marks what the pane shows; nothing for none. */
    choose(turn, call = null) {
      chosen = turn === null ? null : call === null ? String(turn) : `${turn}/${call}`;
      active = chosen ?? active;
    },
    stop: () => resized.disconnect(),
  };
}
