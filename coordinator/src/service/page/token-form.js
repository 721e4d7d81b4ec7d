// Asks for the token that the service wants.

import { h } from "./dom.js";

/** A form for the token; `refused` is why the last one wasn't taken. */
export function tokenForm(refused, take) {
  const input = h("input", {
    id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true,
    "aria-describedby": refused ? "token-wrong token-help" : "token-help",
    "aria-invalid": refused ? "true" : null,
  });
  return h("form", {
    class: "token",
    onsubmit(event) {
      event.preventDefault();
      const token = input.value.trim();
      if (token) take(token);
    },
  },
  h("h1", {}, "This service wants a token"),
  refused && h("p", { id: "token-wrong", class: "problem", role: "alert" }, `Not taken: ${refused.message}.`),
  h("label", { for: "token" }, "Token"),
  h("div", { class: "together" }, input, h("button", { type: "submit" }, "Show the runs")),
  h("p", { id: "token-help", class: "muted" },
    "It is sent in a header and kept by this tab alone, until it is closed. ",
    h("code", {}, "callboard token new NAME"), " makes one."));
}
