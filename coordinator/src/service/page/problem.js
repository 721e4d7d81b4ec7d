// Says what went wrong, and what helps.

import { h } from "./dom.js";

/** What the service refused, or why nothing was heard. */
export function problem(error, ...more) {
  return h("section", { class: "problem", role: "alert", "data-code": error.code ?? "lost" },
    h("h2", {}, sentence(error.message)),
    error.cure && h("p", {}, sentence(error.cure)),
    h("p", { class: "muted" }, error.code ? `Code ${error.code}. ` : "", ...more));
}

/** A word of caution above what is shown. */
export function caution(text) {
  return h("p", { class: "caution" }, text);
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
