// What is shown: the view that the address names after its `#`, and how the line to the service is.

import { hasToken, setToken } from "./api.js";
import { fill, write } from "./dom.js";
import { readRoute } from "./route.js";
import { runView } from "./run-view.js";
import { runsView } from "./runs-view.js";
import { tokenForm } from "./token-form.js";
import { workersView } from "./workers-view.js";

const main = document.getElementById("main");
const line = document.getElementById("line");
const forget = document.getElementById("forget");

let shown = null;
let lost = null;

/** Shows a view, and ends the one before it. */
function show(route) {
  if (shown?.accepts?.(route)) return;
  shown?.stop.abort();
  const stop = new AbortController();
  const context = { signal: stop.signal, tell: (state) => !stop.signal.aborted && tell(state) };
  const view = VIEWS[route.view](route, context);
  shown = { stop, accepts: view.accepts };
  fill(main, ...view.elements);
  document.title = `${view.title} · Callboard`;
  forget.hidden = !hasToken();
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.dataset.view === (route.view === "run" ? "runs" : route.view);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const VIEWS = {
  runs: (_route, context) => runsView(context),
  run: (route, context) => runView(route, context),
  workers: (_route, context) => workersView(context),
};

/** Shows how the line to the service is. */
function tell(state) {
  lost = state.is === "lost" ? state : null;
  line.dataset.is = state.is;
  if (state.is === "refused" && state.error.status === 401) return askForToken(state.error);
  if (state.is === "lost") return tellLost();
  write(line, { connecting: "Connecting…", live: "Live", over: "Complete", refused: "Refused", paused: "Paused" }[state.is]);
}

function tellLost() {
  write(line, "Line lost – trying again");
  line.title = lost.why;
}

function askForToken(error) {
  shown.stop.abort();
  shown = null;
  write(line, "A token is wanted");
  forget.hidden = true;
  const form = tokenForm(hasToken() ? error : null, (token) => {
    setToken(token);
    show(readRoute(location.hash));
  });
  setToken(null);
  fill(main, form);
  form.querySelector("input").focus();
}

forget.addEventListener("click", () => {
  setToken(null);
  shown?.stop.abort();
  shown = null;
  show(readRoute(location.hash));
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

addEventListener("hashchange", () => {
  const before = shown;
  show(readRoute(location.hash));
  // Who came by a link is told where they are.
  if (shown !== before) main.focus({ preventScroll: true });
});
show(readRoute(location.hash));
