// One run: what it is, the waterfall of its turns, and beside it the pane of what is chosen there.

import { ask } from "./api.js";
import { badge, statusOf } from "./badge.js";
import { choices, fill, h, write } from "./dom.js";
import { follow } from "./follow.js";
import { count, duration, growing, instant } from "./format.js";
import { pane } from "./pane.js";
import { caution, problem } from "./problem.js";
import { hashOf } from "./route.js";
import { emptyRun, nameCalls, take } from "./run.js";
import { waterfall } from "./waterfall.js";

/** How often what still grows is drawn anew, in milliseconds. */
const TICK = 100;
/** How long a page that nobody sees keeps its line, in milliseconds. */
const UNSEEN_MAX = 20_000;

/** The view of one run. */
export function runView(route, { signal, tell }) {
  let run = emptyRun();
  let view = null;
  /** Milliseconds between the start of the run and the birth of this page. */
  let born = null;
  /** When the line was lost, on the run's own clock: what still ran then isn't drawn any longer than that. */
  let heardAt = null;
  let isDue = false;
  let isLooking = false;
  /** Whether there is no run to show. */
  let isNothing = false;

  const title = h("h1", { tabindex: "-1" }, "…");
  const facts = h("p", { class: "facts" });
  const ended = h("p", { class: "caution", hidden: true });
  const missing = h("div");
  const notes = h("div", { class: "notes" }, missing, ended);
  const tally = h("p", { class: "tally muted" });

  const sheet = pane({ id: route.run, run: () => run, view: () => view, now, close, signal });
  const fall = waterfall({
    run: () => run,
    now,
    choose: (turn, call) => choose(turn, call),
  });
  const only = choices("Which calls", "only", [["all", "All calls"], ["failed", "Failed or retried"], ["open", "Open"]], "all", (value) => {
    fall.setOnly(value);
    draw();
  });
  const scale = choices("Scale of time", "scale", [["run", "Since the run began"], ["turn", "Since each turn began"]], "run", (value) => {
    fall.setPer(value);
    draw();
  });
  const split = h("div", { class: "split" }, fall.element, sheet.element);
  const place = h("div", { class: "place" },
    h("div", { class: "bar tools" }, only, scale, tally),
    split,
    fall.legend);

  /** Milliseconds since the run's start; while the line is lost, when something was heard last. */
  function now() {
    if (run.end) return run.end.at;
    if (heardAt !== null) return Math.max(run.at, heardAt);
    return Math.max(run.at, born === null ? 0 : performance.now() - born);
  }

  function choose(turn, call) {
    sheet.show(turn, call);
    split.classList.toggle("with-pane", true);
    history.replaceState(null, "", hashOf(route.run, turn, call));
    draw();
  }

  function close() {
    leave();
    history.replaceState(null, "", hashOf(route.run));
    fall.element.focus({ preventScroll: true });
  }

  function leave() {
    sheet.hide();
    split.classList.toggle("with-pane", false);
    fall.choose(null);
    draw();
  }

  /** Shows what an address names in this run. */
  function go({ turn, call }) {
    if (turn === null) return leave();
    fall.choose(turn, call);
    choose(turn, call);
  }

  async function look() {
    if (isLooking) return;
    isLooking = true;
    try {
      view = await ask(`/v1/runs/${encodeURIComponent(route.run)}`, signal);
      if (view.status === "running") born = performance.now() - view.elapsed_ms;
      if (run.end) nameCalls(run, view.report);
      draw();
    } catch {
      // The events say why: they ask for the same run.
    } finally {
      isLooking = false;
    }
  }

  /** Draws with the next frame, however often it is asked for. */
  function draw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      if (signal.aborted || isNothing) return;
      drawHead();
      fall.draw();
      sheet.draw();
    });
  }

  function drawHead() {
    const task = view?.task || (run.id ? `Run ${run.id}` : "…");
    write(title, task);
    document.title = `${task.slice(0, 80)} · Callboard`;
    const told = run.end ? { status: "ended", reason: run.end.reason } : view;
    const line = told ? statusOf({ ...view, ...told }) : null;
    const took = run.end ? duration(run.end.at) : growing(now());
    const model = run.model ?? view?.model;
    const started = run.startedAt ?? view?.started_at;
    const parts = [
      line && badge(line.tone, line.text),
      model && h("span", {}, model),
      started && h("time", { datetime: started, title: started }, instant(started)),
      h("span", { class: "lasted" }, took),
      view?.started_by && h("span", {}, `by ${view.started_by}`),
      h("code", { class: "id" }, route.run),
      view?.trace_url && h("a", { href: view.trace_url, rel: "noreferrer noopener", target: "_blank" }, "Trace in Jaeger"),
      !view?.trace_url && view?.trace_id && h("span", {}, "trace ", h("code", { class: "id" }, view.trace_id)),
    ].filter(Boolean);
    const said = parts.map((part) => part.textContent).join("|");
    if (facts.dataset.said !== said) {
      facts.dataset.said = said;
      // What can have the focus stays, unless something else than the time has changed.
      const before = facts.querySelector(".lasted");
      if (before && facts.dataset.rest === withoutTime(parts)) write(before, took);
      else fill(facts, ...parts);
      facts.dataset.rest = withoutTime(parts);
    }
    ended.hidden = !run.end?.message;
    if (run.end?.message) write(ended, `The run ended: ${run.end.message}`);
    if (run.firstKept !== null && missing.childElementCount === 0) {
      missing.append(caution(`The first ${count(run.firstKept - 1, "event")} of this run are kept no longer: what they told is missing here.`));
    }
    const { calls, settled, failed, retries, late } = run.tally;
    write(tally, [
      count(calls, "call"),
      settled < calls && `${(calls - settled).toLocaleString("en-US")} open`,
      failed > 0 && `${failed.toLocaleString("en-US")} failed`,
      retries > 0 && count(retries, "retry", "retries"),
      late > 0 && `${late.toLocaleString("en-US")} late`,
    ].filter(Boolean).join(" · "));
  }

  function withoutTime(parts) {
    return parts.filter((part) => part.className !== "lasted").map((part) => part.textContent).join("|");
  }

  function takeAll(events) {
    const wasOver = run.end !== null;
    for (const event of events) take(run, event);
    if (born === null || performance.now() - born < run.at) born = performance.now() - run.at;
    if (run.end && !wasOver) {
      if (view?.status === "ended") nameCalls(run, view.report);
      else look();
    }
    draw();
  }

  let following = null;
  function start() {
    following?.abort();
    following = new AbortController();
    const mine = AbortSignal.any([signal, following.signal]);
    follow(route.run, () => run.seq, takeAll, (state) => !mine.aborted && told(state), mine);
  }

  let isOver = false;
  function told(state) {
    isOver = state.is === "over" || state.is === "refused";
    // What was missed of the run as a whole is asked for again.
    if (state.is === "live" && (heardAt !== null || view === null)) look();
    if (state.is === "live") heardAt = null;
    else if (state.is !== "over") heardAt ??= run.seq > 0 ? now() : null;
    tell(state);
    if (state.is === "refused" && state.error.status !== 401) {
      fill(notes, problem(state.error, h("a", { href: "#/runs" }, "All runs")));
      if (run.seq === 0) {
        isNothing = true;
        write(title, "This run can't be shown");
        facts.remove();
        place.remove();
      }
    }
    draw();
  }

  // A tab that nobody sees gives its connection back: a browser has six for a service, for all tabs together.
  let unseen = 0;
  const seen = () => {
    clearTimeout(unseen);
    if (document.hidden) {
      unseen = setTimeout(() => {
        if (isOver) return;
        following.abort();
        following = null;
        told({ is: "paused" });
      }, UNSEEN_MAX);
    } else if (following === null) {
      start();
    }
  };
  document.addEventListener("visibilitychange", seen);
  const keys = (event) => {
    if (event.key === "Escape" && sheet.isOpen()) {
      event.preventDefault();
      close();
    }
  };
  document.addEventListener("keydown", keys);
  const ticking = setInterval(() => {
    if (!run.end && view?.status !== "ended") draw();
  }, TICK);
  signal.addEventListener("abort", () => {
    clearInterval(ticking);
    clearTimeout(unseen);
    document.removeEventListener("visibilitychange", seen);
    document.removeEventListener("keydown", keys);
    fall.stop();
  });

  look();
  start();
  if (route.turn !== null) go(route);
  draw();
  return {
    title: "Run",
    accepts(next) {
      const isHere = next.view === "run" && next.run === route.run;
      if (isHere) go(next);
      return isHere;
    },
    elements: [
      h("nav", { class: "crumbs", "aria-label": "Way back" }, h("a", { href: "#/runs" }, "Runs")),
      title, facts, notes, place,
    ],
  };
}
