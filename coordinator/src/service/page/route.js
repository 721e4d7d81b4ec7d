// What the part of the address after `#` names. Pure. It never leaves the browser.

/** The route of a hash: `{view: "runs" | "workers"}` or `{view: "run", run, turn, call}`. */
export function readRoute(hash) {
  const parts = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (parts[0] === "workers") return { view: "workers" };
  if (parts[0] === "runs" && parts[1]) {
    const turn = /^[1-9]\d*$/.test(parts[2] ?? "") ? Number(parts[2]) : null;
    return { view: "run", run: parts[1], turn, call: turn === null ? null : (parts[3] || null) };
  }
  return { view: "runs" };
}

/** The hash of a run, of one of its turns, or of one of their calls. */
export function hashOf(run, turn = null, call = null) {
  const parts = ["#", "runs", run];
  if (turn !== null) parts.push(String(turn));
  if (turn !== null && call !== null) parts.push(call);
  return parts.map((part, at) => (at === 0 ? part : encodeURIComponent(part))).join("/");
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
