// Asks the service. The token is in a header, this tab's memory and its session storage: never in an address.

const STORED = "callboard.token";
let token = sessionStorage.getItem(STORED);

/** What the service refuses: its message, and what helps. */
export class Refused extends Error {
  constructor(status, error, retryAfter) {
    super(error.message);
    Object.assign(this, { status, code: error.code, cure: error.cure, retryAfter });
  }
}

/** The service gave no answer. */
export class Lost extends Error {}

/** Whether a token is known. */
export function hasToken() {
  return token !== null;
}

/** Takes a token, or forgets it. */
export function setToken(text) {
  token = text || null;
  if (token === null) sessionStorage.removeItem(STORED);
  else sessionStorage.setItem(STORED, token);
}

/** Asks for JSON. */
export async function ask(path, signal) {
  const response = await open(path, { accept: "application/json" }, signal);
  try {
    return await response.json();
  } catch (error) {
    throw gone(error, signal);
  }
}

/** Asks for an answer whose body is read by the caller. */
export async function open(path, headers, signal) {
  const asked = new Headers(headers);
  if (token !== null) asked.set("authorization", `Bearer ${token}`);
  let response;
  try {
    response = await fetch(path, { headers: asked, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    throw gone(error, signal);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

function gone(error, signal) {
  return signal?.aborted ? error : new Lost(error.message);
}

async function refusal(response) {
  const seconds = Number(response.headers.get("retry-after"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
  const fallback = { code: `http_${response.status}`, message: `the answer is ${response.status}`, cure: "see the service's log" };
  let body = null;
  try {
    body = await response.json();
  } catch {
    // Somebody else's answer: a proxy's, perhaps.
  }
  return new Refused(response.status, { ...fallback, ...body?.error }, retryAfter);
}
