// The waterfall's rows: turns, and below each its calls. Pure.

/** The rows to show. `only` is "all", "open" or "failed"; `folded` holds the numbers of turns whose calls are hidden. */
export function rowsOf(run, only, folded) {
  const rows = [];
  for (const turn of run.turns) {
    const calls = [];
    for (const call of turn.calls.values()) {
      if (isWanted(call, only)) calls.push({ kind: "call", key: `${turn.number}/${call.id}`, turn, call });
    }
    if (only !== "all" && calls.length === 0) continue;
    const isFolded = folded.has(turn.number);
    rows.push({ kind: "turn", key: String(turn.number), turn, isFolded, shown: calls.length });
    if (!isFolded) rows.push(...calls);
  }
  return rows;
}

function isWanted(call, only) {
  if (only === "failed") return hasTrouble(call);
  if (only === "open") return call.settled === null;
  return true;
}

/** Whether a call failed, or needed more than one attempt. */
export function hasTrouble(call) {
  if (call.settled && call.settled.outcome !== "completed") return true;
  return call.retries > 0 || call.late.length > 0;
}

/** Which rows are near what is seen: `from` up to, not including, `to`. */
export function windowOf(total, rowHeight, scrollTop, viewHeight, beyond = 12) {
  const first = Math.floor(scrollTop / rowHeight) - beyond;
  const last = Math.ceil((scrollTop + viewHeight) / rowHeight) + beyond;
  return { from: Math.max(0, Math.min(first, total)), to: Math.max(0, Math.min(last, total)) };
}

/** The time that an axis must hold: of the whole run, or of its longest turn from its own beginning. */
export function longestOf(run, per, now) {
  const end = run.end?.at ?? now;
  if (per === "run") return Math.max(end, ...run.turns.map((turn) => nearDeadline(turn, 0, turnEnd(turn, end))));
  return Math.max(1, ...run.turns.map((turn) => nearDeadline(turn, turnStart(turn), turnEnd(turn, end))));
}

/** A deadline is worth room only where the turn comes near it; else it would press all bars together. */
function nearDeadline(turn, from, end) {
  const lasts = end - from;
  if (turn.deadlineAt === null) return lasts;
  const deadline = turn.deadlineAt - from;
  return deadline <= lasts * 1.6 ? Math.max(lasts, deadline) : lasts;
}

/** When a turn begins: when its calls do, or the model is asked where it has none. */
export function turnStart(turn) {
  return turn.openedAt ?? turn.asks[0]?.from ?? 0;
}

/** When a turn ends, as far as is known. */
export function turnEnd(turn, now) {
  if (turn.reportedAt !== null) return turn.reportedAt;
  if (turn.openedAt !== null) return now;
  return turn.asks.at(-1)?.to ?? now;
}
