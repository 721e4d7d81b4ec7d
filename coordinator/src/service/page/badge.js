// Words with their mark and tone.

import { h, mark } from "./dom.js";
import { toneOfEnd, TONES, words } from "./outcomes.js";

/** How a run stands: its tone, and the words for it. */
export function statusOf(run) {
  if (run.status === "running") return { tone: "live", text: run.cancelling ? "cancelling" : "running" };
  return { tone: toneOfEnd(run.reason ?? ""), text: words(run.reason ?? "ended") };
}

/** Words with their tone's mark. */
export function badge(tone, text) {
  return h("span", { class: `badge tone-${tone}` }, mark(TONES[tone].mark, tone), text);
}
