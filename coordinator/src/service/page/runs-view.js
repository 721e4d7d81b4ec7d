// The runs: those of all replicas that the token sees, the latest first, as they come and go.

import { ask } from "./api.js";
import { badge, statusOf } from "./badge.js";
import { arrange, choices, fill, h, write } from "./dom.js";
import { count, duration, growing, instant } from "./format.js";
import { poll } from "./poll.js";
import { caution, problem } from "./problem.js";
import { hashOf } from "./route.js";

const EVERY = 1_500;
const PAGE = 50;

/** The view of all runs. */
export function runsView({ signal, tell }) {
  let status = "all";
  /** Where each page began that leads to this one; the first begins at the top. */
  let path = [null];
  let next = null;
  let again = () => {};

  const known = new Map();
  const body = h("tbody");
  const heads = ["Status", "Task", "Model", "Turns", "Calls", "Started", "Took", "By"];
  const numbers = new Set(["Turns", "Calls", "Took"]);
  const table = h("table", { class: "runs" },
    h("caption", { class: "unseen" }, "Runs, the latest first"),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: numbers.has(head) && "number" }, head)))),
    body);
  const notes = h("div", { class: "notes" });
  const frame = h("div", { class: "frame" });
  const older = h("button", { type: "button", onclick: () => go(() => path.push(next)) }, "Older");
  const newest = h("button", { type: "button", onclick: () => go(() => { path = [null]; }) }, "Newest");
  const where = h("span", { class: "muted" });
  const counts = h("p", { class: "muted counts" });
  const filter = choices("Which runs", "status", [["all", "All"], ["running", "Running"], ["ended", "Ended"]], status, (value) => {
    go(() => { status = value; path = [null]; });
  });

  function go(change) {
    change();
    again();
  }

  async function load(asking) {
    const query = new URLSearchParams({ limit: PAGE });
    if (status !== "all") query.set("status", status);
    if (path.at(-1)) query.set("before", path.at(-1));
    let list;
    try {
      list = await ask(`/v1/runs?${query}`, asking);
    } catch (error) {
      if (!asking.aborted && error.status !== 401) fail(error);
      throw error;
    }
    render(list);
  }

  function fail(error) {
    const stale = known.size > 0 && "What stands here is old; it is asked for again.";
    fill(notes, problem(error.code ? error : { message: "the service gives no answer", cure: "see whether `callboard serve` runs; it is asked again by itself" }, stale));
  }

  function render(list) {
    next = list.next ?? null;
    const rows = list.runs.map((run) => {
      const row = known.get(run.id) ?? rowOf(run);
      known.set(run.id, row);
      row.update(run);
      return row.element;
    });
    const listed = new Set(list.runs.map((run) => run.id));
    for (const id of [...known.keys()]) if (!listed.has(id)) known.delete(id);
    arrange(body, rows);
    const silent = list.silent_replicas ?? [];
    fill(notes, ...(silent.length > 0
      ? [caution(`${count(silent.length, "replica gives", "replicas give")} no answer, and their runs are missing here: ${silent.join(", ")}.`)]
      : []));
    write(counts, `${count(list.counts.running, "run")} in flight, ${list.counts.ended.toLocaleString("en-US")} ended and kept`);
    arrange(frame, [rows.length > 0 ? table : empty()]);
    older.disabled = next === null;
    newest.disabled = path.length === 1;
    write(where, path.length === 1 ? "Latest" : `Page ${path.length}`);
  }

  function empty() {
    if (path.length > 1) return h("p", { class: "empty" }, "Nothing older is kept.");
    if (status === "running") return h("p", { class: "empty" }, "Nothing runs now. What begins appears here by itself.");
    return h("div", { class: "empty" },
      h("h2", {}, "No runs yet"),
      h("p", {}, "Start one, and it appears here by itself:"),
      h("pre", { tabindex: "0" }, `curl -s ${location.origin}/v1/runs \\\n  -H 'content-type: application/json' \\\n  -d '{"prompt": "…"}'`),
      h("p", { class: "muted" }, "Ended runs are kept for a while, and go with their process."));
  }

  again = poll(load, EVERY, tell, signal);
  const pages = h("div", { class: "pages", role: "group", "aria-label": "Pages" }, newest, older, where);
  return {
    title: "Runs",
    elements: [h("div", { class: "bar" }, h("h1", {}, "Runs"), filter, counts, pages), notes, frame],
  };
}

/** A row that stays while its run does. */
function rowOf(run) {
  const status = h("td", { class: "status" });
  const link = h("a", { href: hashOf(run.id) });
  const cell = () => h("td", { class: "number" });
  const [turns, calls, took] = [cell(), cell(), cell()];
  const element = h("tr", { "data-run": run.id },
    status,
    h("td", { class: "task" }, link),
    h("td", { class: "model" }, run.model),
    turns, calls,
    h("td", { class: "when" }, h("time", { datetime: run.started_at, title: run.started_at }, instant(run.started_at))),
    took,
    h("td", { class: "by" }, run.started_by));
  let said = null;
  return {
    element,
    update(run) {
      write(link, run.task || "(no text)");
      write(turns, String(run.turns));
      write(calls, run.calls.toLocaleString("en-US"));
      write(took, run.status === "running" ? growing(run.elapsed_ms) : duration(run.elapsed_ms));
      const { tone, text } = statusOf(run);
      if (said !== text) fill(status, badge(tone, text));
      said = text;
    },
  };
}
