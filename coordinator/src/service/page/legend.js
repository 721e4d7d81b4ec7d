// What the bars mean: those of their kinds that the run has.

import { arrange, h, mark } from "./dom.js";
import { toneOf, toneOfReturn, TONES } from "./outcomes.js";

const FAILURES = ["wrong", "late", "lost", "refused", "full", "ended"];

/** The legend; `draw` brings it up to date. */
export function legend() {
  const item = (kind, tone, text) => h("li", {},
    h("span", { class: `sample piece ${kind} tone-${tone}`, "aria-hidden": "true" }),
    kind === "work" && tone !== "live" && mark(TONES[tone].mark, tone), text);
  const always = [
    item("ask", "wait", "model asked"),
    item("wait", "wait", "waiting for a slot"),
    item("queue", "done", "sent, or at the worker"),
    item("work", "live", "running"),
    item("work", "done", "completed"),
  ];
  const deadline = h("li", {}, h("span", { class: "sample deadline", "aria-hidden": "true" }), "deadline");
  const made = Object.fromEntries(FAILURES.map((tone) => [tone, item("work", tone, TONES[tone].label)]));
  const element = h("ul", { class: "legend", "aria-label": "What the bars mean" }, always, deadline);
  let said = "";
  return {
    element,
    draw(run) {
      const now = `${run.tally.failed} ${run.tally.retries}`;
      if (now === said) return;
      said = now;
      const tones = tonesOf(run);
      arrange(element, [...always, deadline, ...FAILURES.filter((tone) => tones.has(tone)).map((tone) => made[tone])]);
    },
  };
}

function tonesOf(run) {
  const tones = new Set();
  for (const turn of run.turns) {
    for (const call of turn.calls.values()) {
      if (call.settled) tones.add(toneOf(call.settled.outcome));
      for (const attempt of call.attempts) if (attempt.why) tones.add(toneOfReturn(attempt.why));
    }
  }
  return tones;
}
