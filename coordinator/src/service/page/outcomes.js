// How calls and attempts end: what is said of each word, and how it looks. Pure.

/**
 * The tones: each has a colour, a pattern and a mark of its own in both themes, so that colour is never the
 * only sign. `page.css` knows them by the same names.
 */
export const TONES = {
  done: { label: "completed", mark: "✓" },
  wrong: { label: "the tool's own error", mark: "!" },
  late: { label: "out of time", mark: "◷" },
  lost: { label: "worker lost or crashed", mark: "×" },
  refused: { label: "refused before it ran", mark: "⊘" },
  full: { label: "no room, or too much", mark: "≡" },
  ended: { label: "cancelled or interrupted", mark: "■" },
  live: { label: "running", mark: "▸" },
  wait: { label: "waiting", mark: "…" },
};

const TONE_OF = {
  completed: "done",
  tool_error: "wrong",
  timed_out: "late",
  worker_lost: "lost",
  crashed: "lost",
  poison: "lost",
  internal: "lost",
  protocol_error: "lost",
  invalid_arguments: "refused",
  unknown_tool: "refused",
  refused: "refused",
  no_worker: "full",
  overloaded: "full",
  output_too_large: "full",
  cancelled: "ended",
  interrupted: "ended",
};

/** The tone of an outcome; one that this page doesn't know is a failure. */
export function toneOf(outcome) {
  return Object.hasOwn(TONE_OF, outcome) ? TONE_OF[outcome] : "lost";
}

/** The tone of an attempt that came back: kinds of failure have theirs, `busy` and its like only wait. */
export function toneOfReturn(why) {
  return Object.hasOwn(TONE_OF, why) ? TONE_OF[why] : "wait";
}

/** A word of the wire as people read it. */
export function words(word) {
  return String(word).replaceAll("_", " ");
}

/** Whether an outcome is no answer of the tool. */
export function isFailure(outcome) {
  return outcome !== "completed";
}

/** Why a run ended, as a tone. */
export function toneOfEnd(reason) {
  if (reason === "answered") return "done";
  if (reason === "cancelled" || reason === "interrupted") return "ended";
  if (/exhausted|truncated/.test(reason)) return "late";
  if (reason === "declined") return "refused";
  return "lost";
}

const EXECUTED = {
  no: "the tool didn't run",
  yes: "the tool ran",
  unknown: "whether the tool ran can't be known",
};

/** What `executed` says. */
export function executedWords(executed) {
  return EXECUTED[executed] ?? words(executed);
}
