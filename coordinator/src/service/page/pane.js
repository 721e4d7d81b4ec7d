// The pane: one call, or one turn, from near.

import { ask } from "./api.js";
import { badge } from "./badge.js";
import { barsOf, shares } from "./bars.js";
import { fill, h, write } from "./dom.js";
import { bytes, count, duration, growing, readable } from "./format.js";
import { executedWords, toneOf, toneOfReturn, words } from "./outcomes.js";
import { findCall, findTurn, triesOf } from "./run.js";
import { turnEnd } from "./rows.js";
import { SHARES } from "./told.js";

/** The pane of a run; `view` gives what the service says of the run as a whole. */
export function pane({ id, run, view, now, close, signal }) {
  let shown = null;
  /** What the service keeps of the call, and what was known of it when it was asked for. */
  let content = null;
  let said = "";
  const title = h("h2", { tabindex: "-1", id: "pane-title" });
  const body = h("div", { class: "pane-body" });
  const element = h("aside", { class: "pane", "aria-labelledby": "pane-title", hidden: true },
    h("div", { class: "pane-head" }, title, h("button", { type: "button", class: "quiet", onclick: close, "aria-keyshortcuts": "Escape" }, "Close")),
    body);

  function draw() {
    if (!shown) return;
    const turn = findTurn(run(), shown.turn);
    const call = shown.call === null ? null : findCall(run(), shown.turn, shown.call);
    if (!turn || (shown.call !== null && !call)) {
      write(title, shown.call ?? `Turn ${shown.turn}`);
      fill(body, h("p", { class: "muted" }, run().end ? "The run has no such call." : "Nothing was told of it yet."));
      said = "";
      return;
    }
    write(title, call ? (call.tool ?? "A call that was never sent") : `Turn ${turn.number}`);
    if (call) askForContent(turn, call);
    const isOpen = call ? call.settled === null : turn.reportedAt === null && !run().end;
    const sign = [run().seq, isOpen ? Math.floor(now() / 100) : "", view()?.keeps_content, view()?.trace_url, content?.state].join();
    if (sign === said) return;
    said = sign;
    const focus = document.activeElement;
    const kept = body.contains(focus) ? focus.dataset?.keep : null;
    const scrolled = body.scrollTop;
    fill(body, ...(call ? ofCall(turn, call) : ofTurn(turn)));
    body.scrollTop = scrolled;
    if (kept) body.querySelector(`[data-keep="${kept}"]`)?.focus();
  }

  function ofCall(turn, call) {
    const { settled } = call;
    return [
      h("p", { class: "facts" },
        settled ? badge(toneOf(settled.outcome), words(settled.outcome)) : badge(call.attempts.length ? "live" : "wait", "open"),
        h("span", {}, settled ? duration(settled.elapsedMs) : growing(now() - call.openedAt)),
        h("span", {}, `turn ${turn.number}`),
        h("code", { class: "id" }, call.id)),
      settled?.message && h("p", { class: `said tone-${toneOf(settled.outcome)}` }, settled.message),
      settled && settled.outcome !== "completed" && h("p", { class: "muted" }, `${capital(executedWords(settled.executed))}.`),
      call.late.length > 0 && h("p", { class: "caution" }, "A result came after the report. The model never sees it."),
      call.progress && !settled && h("p", {}, [call.progress.percent === null ? null : `${call.progress.percent} %`, call.progress.message].filter(Boolean).join(" – ")),
      settled && call.attempts.length > 0 && whereTheTimeWent(call),
      h("h3", {}, sent(call)),
      call.attempts.length > 0 ? attempts(call) : h("p", { class: "muted" }, settled ? "It was settled without being sent." : "It waits for a slot."),
      ...contents(call),
      view()?.trace_url && h("p", {}, h("a", { href: view().trace_url, rel: "noreferrer noopener", target: "_blank", "data-keep": "trace" }, "The run's trace in Jaeger")),
    ].filter(Boolean);
  }

  function whereTheTimeWent(call) {
    const sum = shares(call);
    const all = Math.max(0.001, sum.wait + sum.way + sum.queue + sum.work);
    const tone = toneOf(call.settled.outcome);
    return h("div", {},
      h("h3", {}, "Where the time went"),
      h("dl", { class: "shares" }, SHARES.map(([kind, text]) => h("div", {},
        h("dt", {}, text),
        h("dd", {}, h("span", { class: "meter", "aria-hidden": "true" }, sum[kind] > 0 && h("span", { class: `piece ${kind} tone-${tone}`, "--left": "0%", "--width": `${(sum[kind] / all) * 100}%` })),
          h("span", { class: "number" }, duration(sum[kind])))))));
  }

  function attempts(call) {
    const bars = barsOf(call, now()).filter((bar) => bar.told !== null);
    const heads = ["", "Worker", "Sent", "Ended", "How"];
    const at = (time) => (time === null ? "–" : `+${duration(time - call.openedAt)}`);
    return h("table", { class: "attempts" },
      h("caption", { class: "unseen" }, "Attempts; times since the call was opened"),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: /Sent|Ended/.test(head) && "number" }, head || h("span", { class: "unseen" }, "Attempt"))))),
      h("tbody", {}, bars.map((bar) => {
        const { told } = bar;
        const isOver = told.endedAt !== null || call.settled !== null;
        const how = told.why !== null ? badge(toneOfReturn(told.why), words(told.why))
          : call.settled ? badge(bar.tone, bar.tone === "ended" && toneOf(call.settled.outcome) !== "ended" ? "given up" : words(call.settled.outcome))
            : told.runningAt === null ? "sent" : "runs";
        return h("tr", {},
          h("th", { scope: "row" }, String(bar.attempt)),
          h("td", { title: told.instance }, told.worker ?? "–", told.grantedAt !== null && h("span", { class: "muted" }, " granted")),
          h("td", { class: "number" }, at(told.postedAt)),
          h("td", { class: "number" }, isOver ? at(bar.to) : "–"),
          h("td", {}, how));
      })));
  }

  function contents(call) {
    if (!view()) return [];
    if (!view().keeps_content) {
      return [h("p", { class: "muted" }, "Arguments and results aren't kept. ", h("code", {}, "telemetry.content = true"), " in the service's configuration keeps them.")];
    }
    if (content?.of !== call) return [h("p", { class: "muted" }, "Arguments come when the model's answer is whole.")];
    if (content.state === "asked" && !content.value) return [h("p", { class: "muted" }, "Arguments and result are asked for…")];
    if (content.error) {
      return [h("p", { class: "caution" }, `Arguments and result can't be shown: ${content.error.message}${content.error.cure ? `; ${content.error.cure}` : ""}.`)];
    }
    const { arguments: given, result } = content.value;
    return [
      h("h3", {}, "Arguments"), text("arguments", given, "They come when the model's answer is whole."),
      h("h3", {}, "Result"), text("result", result, "It comes when the turn is reported."),
    ].flat();
  }

  function text(name, excerpt, later) {
    if (!excerpt) return [h("p", { class: "muted" }, later)];
    const kept = new TextEncoder().encode(excerpt.text).length;
    return [
      h("pre", { tabindex: "0", class: "content", "data-content": name, "data-keep": name, "aria-label": capital(name) }, readable(excerpt.text) || "(empty)"),
      kept < excerpt.bytes && h("p", { class: "muted" }, `The first ${bytes(kept)} of ${bytes(excerpt.bytes)}.`),
    ].filter(Boolean);
  }

  function ofTurn(turn) {
    const asks = turn.asks.filter((asked) => asked.to !== null);
    const last = asks.at(-1);
    const rows = [
      ["The model answered in", last && !last.error ? duration(last.to - last.from) : null],
      ["Tokens read", turn.tokens?.input?.toLocaleString("en-US")],
      ["Tokens written", turn.tokens?.output?.toLocaleString("en-US")],
      ["Calls", turn.calls.size.toLocaleString("en-US")],
      ["Settled", turn.settled.toLocaleString("en-US")],
      ["Failed", turn.failed.toLocaleString("en-US")],
      ["Deadline", turn.deadlineMs === null ? null : duration(turn.deadlineMs)],
      ["Gathered in", turn.openedAt === null ? null : turn.gatheredMs === null ? growing(turnEnd(turn, now()) - turn.openedAt) : duration(turn.gatheredMs)],
      ["Gathering stopped", turn.stopped && words(turn.stopped)],
    ].filter(([, value]) => value !== null && value !== undefined);
    return [
      ...asks.filter((asked) => asked.error).map((asked) => h("p", { class: "said tone-lost" }, `The model gave no answer: ${asked.error}`)),
      turn.isDiscarded && h("p", { class: "caution" }, "Nobody reads these results: the model's response broke off or contradicted itself."),
      h("dl", { class: "pairs" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { class: "number" }, value)))),
      h("h3", {}, "What the model said"),
      turn.text ? h("p", { class: "prose" }, turn.text) : h("p", { class: "muted" }, last ? "Nothing." : "Nothing yet."),
    ].filter(Boolean);
  }

  /** Asks once the call is there, and again when its turn was reported. */
  async function askForContent(turn, call) {
    if (!view()?.keeps_content) return;
    const known = `${turn.number}/${call.id} ${turn.asked !== null} ${turn.reportedAt !== null}`;
    if (turn.asked === null || content?.known === known) return;
    const asked = { known, state: "asked", value: content?.of === call ? content.value : null, of: call };
    content = asked;
    try {
      const path = [id, turn.number, call.id].map((part) => encodeURIComponent(part));
      asked.value = await ask(`/v1/runs/${path[0]}/calls/${path[1]}/${path[2]}`, signal);
      asked.state = `there ${known}`;
    } catch (error) {
      if (signal.aborted) return;
      asked.error = error;
      asked.state = `failed ${known}`;
    }
    if (content === asked) draw();
  }

  return {
    element,
    draw,
    isOpen: () => shown !== null,
    show(turn, call) {
      const isFirst = shown === null;
      shown = { turn, call };
      said = "";
      body.scrollTop = 0;
      element.hidden = false;
      draw();
      // Where the pane lies over the waterfall, it takes the focus with it.
      if (isFirst && getComputedStyle(element).position === "fixed") title.focus();
    },
    hide() {
      shown = null;
      element.hidden = true;
    },
  };
}

/** How often a call was attempted, and sent where that was more often: a busy worker takes no attempt. */
function sent(call) {
  const [tries, times] = [triesOf(call), call.attempts.length];
  if (times === 0) return "No attempt";
  return times > tries ? `${count(tries, "attempt")}, sent ${count(times, "time")}` : count(tries, "attempt");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
