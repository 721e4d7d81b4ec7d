// How times, sizes and instants are written. Pure.

const NARROW = "\u202f";

/** A duration in milliseconds, with three digits that matter. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0.0005) return `0${NARROW}ms`;
  if (ms < 999.5) return `${digits(ms)}${NARROW}ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${digits(seconds)}${NARROW}s`;
  return long(seconds);
}

/** A duration that still grows: whole tenths, so that it doesn't flicker. */
export function growing(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)}${NARROW}s`;
  return long(seconds);
}

function long(seconds) {
  const whole = Math.round(seconds);
  const pair = (n, rest) => `${n}${NARROW}${rest}`;
  const two = (n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${pair(Math.floor(whole / 60), "m")} ${pair(two(whole % 60), "s")}`;
  return `${pair(Math.floor(whole / 3600), "h")} ${pair(two(Math.floor((whole % 3600) / 60)), "m")}`;
}

function digits(value) {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** A number of bytes. */
export function bytes(count) {
  if (count < 1024) return `${count}${NARROW}B`;
  if (count < 1024 * 1024) return `${digits(count / 1024)}${NARROW}KiB`;
  return `${digits(count / (1024 * 1024))}${NARROW}MiB`;
}

/** A count with its word: "1 call", "1,000 calls". */
export function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;
}

/** An instant of today as a time, another one with its date; in the reader's own zone. */
export function instant(rfc3339, today = new Date()) {
  const at = new Date(rfc3339);
  if (Number.isNaN(at.getTime())) return rfc3339;
  const two = (n) => String(n).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (at.toDateString() === today.toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** JSON with indents, where it is JSON; else the text as it is. */
export function readable(text) {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return text;
  try {
    const value = JSON.parse(trimmed);
    // A number that JavaScript can't hold would be shown as another one.
    return holdsAll(trimmed) ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

function holdsAll(json) {
  const numbers = json.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d[\d.eE+-]*/g) ?? [];
  return numbers.every((number) => String(Number(number)) === number);
}
