// The workers: who is there, how much they carry, when they were heard last, what they offer.

import { ask } from "./api.js";
import { badge } from "./badge.js";
import { arrange, fill, h, write } from "./dom.js";
import { count, duration } from "./format.js";
import { poll } from "./poll.js";
import { problem } from "./problem.js";

const EVERY = 1_500;
const TONE = { ready: "done", silent: "wait", unreachable: "lost", draining: "ended" };
const MEANS = {
  ready: "it takes calls",
  silent: "no beat was heard yet",
  unreachable: "its beats stayed away; its calls move elsewhere",
  draining: "it finishes what it has and takes nothing new",
};

/** The view of all workers. */
export function workersView({ signal, tell }) {
  const known = new Map();
  const body = h("tbody");
  const heads = ["Worker", "Pool", "State", "Load", "Heard", "Tools", "Labels", "Version"];
  const table = h("table", { class: "workers" },
    h("caption", { class: "unseen" }, "Workers, by pool and name"),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: head === "Heard" && "number" }, head)))),
    body);
  const notes = h("div", { class: "notes" });
  const frame = h("div", { class: "frame" });
  const counts = h("p", { class: "muted counts" });

  async function load(asking) {
    let workers;
    try {
      workers = await ask("/v1/workers", asking);
    } catch (error) {
      if (!asking.aborted && error.status !== 401) {
        fill(notes, problem(error.code ? error : { message: "the service gives no answer", cure: "see whether `callboard serve` runs; it is asked again by itself" }));
      }
      throw error;
    }
    fill(notes);
    render(workers);
  }

  function render(workers) {
    const rows = workers.map((worker) => {
      const row = known.get(worker.instance) ?? rowOf(worker);
      known.set(worker.instance, row);
      row.update(worker);
      return row.element;
    });
    const listed = new Set(workers.map((worker) => worker.instance));
    for (const id of [...known.keys()]) if (!listed.has(id)) known.delete(id);
    arrange(body, rows);
    arrange(frame, [rows.length > 0 ? table : empty()]);
    const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
    const taken = workers.reduce((sum, worker) => sum + (worker.running ?? 0), 0);
    write(counts, `${count(workers.length, "worker")}, ${taken.toLocaleString("en-US")} of ${count(slots, "slot")} taken`);
  }

  poll(load, EVERY, tell, signal);
  return {
    title: "Workers",
    elements: [h("div", { class: "bar" }, h("h1", {}, "Workers"), counts), notes, frame],
  };
}

function empty() {
  return h("div", { class: "empty" },
    h("h2", {}, "No workers are heard"),
    h("p", {}, "Calls wait for one until their deadline. Start one:"),
    h("pre", { tabindex: "0" }, "callboard worker --nats nats://127.0.0.1:4222 --tools basic"));
}

/** A row that stays while its instance does. */
function rowOf(worker) {
  const state = h("td", { class: "status" });
  const level = h("span", { class: "fill" });
  const load = h("span", { class: "text" });
  const heard = h("td", { class: "number" });
  const tools = h("td", { class: "tools" });
  const element = h("tr", { "data-worker": worker.worker },
    h("th", { scope: "row" }, worker.worker, h("span", { class: "muted id", title: `instance ${worker.instance}` }, worker.instance.slice(0, 8))),
    h("td", {}, worker.pool),
    state,
    h("td", { class: "load" }, h("span", { class: "meter", "aria-hidden": "true" }, level), load),
    heard,
    tools,
    h("td", {}, worker.labels.map((label) => h("span", { class: "chip" }, label))),
    h("td", { class: "muted" }, worker.version));
  let said = "";
  return {
    element,
    update(worker) {
      const part = worker.slots > 0 ? (worker.running ?? 0) / worker.slots : 0;
      level.style.setProperty("--part", `${Math.min(part, 1) * 100}%`);
      level.classList.toggle("full", part >= 1);
      write(load, worker.running === null ? `? of ${worker.slots}` : `${worker.running} of ${worker.slots}`);
      write(heard, `${duration(worker.silent_ms)} ago`);
      const now = JSON.stringify([worker.state, worker.tools, worker.suspended]);
      if (now === said) return;
      said = now;
      const word = badge(TONE[worker.state] ?? "wait", worker.state);
      word.title = MEANS[worker.state] ?? "";
      fill(state, word);
      const suspended = new Set(worker.suspended);
      fill(tools, ...worker.tools.map((tool) => h("span", {
        class: suspended.has(tool) ? "chip suspended" : "chip",
        title: suspended.has(tool) ? "suspended: it failed here too often" : null,
      }, tool, suspended.has(tool) && " (suspended)")));
    },
  };
}
