// Follows a run: each of its events once and in order, whatever becomes of the connection. By `fetch`, since an
// `EventSource` can't send a token.

import { open, Refused } from "./api.js";
import { reader } from "./sse.js";

const DELAY_MIN = 500;
const DELAY_MAX = 10_000;
/** The service gives a sign of life every 15 s, unless it is told otherwise. */
const SILENCE_MAX = 60_000;

/**
 * Follows until the run is over, is refused, or `signal` says so. `after()` is the number of the latest event that was
 * taken, `take(events)` takes more, `tell(state)` is told how the line is: `{is: "connecting" | "live" | "over"}`,
 * `{is: "lost", retryAt, why}` or `{is: "refused", error}`.
 */
export async function follow(run, after, take, tell, signal) {
  let delay = DELAY_MIN;
  tell({ is: "connecting" });
  while (!signal.aborted) {
    try {
      const isOver = await readOnce(run, after, (events) => {
        delay = DELAY_MIN;
        take(events);
      }, tell, signal);
      if (isOver) return tell({ is: "over" });
      // The stream ended: at once for what is left, or because its replica went.
      await wait(DELAY_MIN / 2, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && !isPassing(error.status)) return tell({ is: "refused", error });
      const rest = error.retryAfter ?? delay;
      tell({ is: "lost", retryAt: performance.now() + rest, why: error.message });
      delay = Math.min(delay * 2, DELAY_MAX);
      await wait(rest, signal);
    }
  }
}

function isPassing(status) {
  return status === 429 || status >= 500;
}

/** Reads one stream to its end; whether the run is over and everything was told. */
async function readOnce(run, after, take, tell, signal) {
  const silence = new AbortController();
  const both = AbortSignal.any([signal, silence.signal]);
  let timer = 0;
  const isAlive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MAX);
  };
  try {
    isAlive();
    const headers = { accept: "text/event-stream" };
    if (after() > 0) headers["last-event-id"] = String(after());
    const response = await open(`/v1/runs/${encodeURIComponent(run)}/events`, headers, both);
    if (response.status === 204) return true;
    tell({ is: "live" });
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = reader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return false;
      isAlive();
      const told = events.take(value).map((event) => JSON.parse(event.data));
      if (told.length > 0) take(told);
    }
  } finally {
    clearTimeout(timer);
  }
}

function wait(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
