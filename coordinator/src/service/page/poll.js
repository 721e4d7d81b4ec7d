// Asks again and again, as long as somebody looks.

import { Refused } from "./api.js";

const DELAY_MAX = 10_000;

/**
 * Calls `ask(signal)` every `every` milliseconds while the page is seen, and less often while it fails. `tell` is told
 * how the line is, as by `follow`. Returns what asks at once; `signal` ends it.
 */
export function poll(ask, every, tell, signal) {
  let timer = 0;
  let delay = every;
  let asked = null;

  async function round() {
    clearTimeout(timer);
    asked?.abort();
    asked = new AbortController();
    const mine = AbortSignal.any([signal, asked.signal]);
    try {
      await ask(mine);
      if (mine.aborted) return;
      delay = every;
      tell({ is: "live" });
    } catch (error) {
      if (mine.aborted) return;
      delay = error.retryAfter ?? Math.min(delay * 2, DELAY_MAX);
      if (error instanceof Refused && error.status === 401) return tell({ is: "refused", error });
      tell({ is: "lost", retryAt: performance.now() + delay, why: error.message });
    }
    if (!document.hidden) timer = setTimeout(round, delay);
  }

  const look = () => {
    if (document.hidden) clearTimeout(timer);
    else round();
  };
  document.addEventListener("visibilitychange", look);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  });
  round();
  return round;
}
