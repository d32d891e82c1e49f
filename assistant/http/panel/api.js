// Calls of the HTTP API. Signed in by a cookie that scripts cannot read; what changes something carries the token
// against cross-site requests.

import { readEvents } from "./sse.js";

/** Why a call failed: `status` (0: the assistant was not reached), `code`, `message` = what happened, `remedy`, `errors`. */
export class Problem extends Error {
  constructor({ status = 0, code = "unreachable", detail = "", remedy = "", errors = [] } = {}) {
    super(detail || code);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.remedy = remedy ?? "";
    this.errors = errors ?? [];
    /** Whether it arose in the browser, so that no server has words for it. */
    this.local = status === 0;
  }
}

let csrf = "";
let onSignedOut = () => {};

/** Call `listener` when the server says that nobody is signed in. */
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

async function session(method, json) {
  const found = await parsed(await request(method, "/api/session", { json, quiet: true }));
  csrf = found?.csrf ?? "";
  return found;
}

export const api = {
  get: async (path) => parsed(await request("GET", path)),
  post: async (path, json = {}) => parsed(await request("POST", path, { json })),
  put: async (path, json, headers = {}) => parsed(await request("PUT", path, { json, headers })),
  del: async (path) => parsed(await request("DELETE", path)),

  /** Send a form with files; `onProgress` gets the sent share, 0 to 1. */
  upload: (path, form, onProgress = () => {}, signal = null) => sent(path, form, onProgress, signal),

  /** Anything that is not JSON: `{blob, headers}`. */
  async blob(path, { method = "GET", json, signal } = {}) {
    const response = await request(method, path, { json, signal });
    return { blob: await reached(response.blob()), headers: response.headers };
  },

  /** Post JSON or a form and read the Server-Sent Events of the answer until it ends. */
  async stream(path, body, onEvent, signal = null) {
    const content = body instanceof FormData ? { form: body } : { json: body };
    await reached(readEvents(await request("POST", path, { ...content, signal }), onEvent));
  },

  /** The bare answer, for whoever reads it piece by piece. Raises a Problem where it is not a success. */
  open: (path, { headers, signal } = {}) => request("GET", path, { headers, signal }),

  /** Who is signed in. Raises a Problem with status 401 where nobody is; the server tells that by an empty answer. */
  async session() {
    const found = await session("GET");
    if (found === null) throw new Problem({ status: 401, code: "unauthenticated" });
    return found;
  },
  signIn: (token) => session("POST", { token }),
  async signOut() {
    await request("DELETE", "/api/session", { quiet: true });
    csrf = "";
  },
};

async function request(method, path, { json, form, headers = {}, signal = null, quiet = false } = {}) {
  const all = { Accept: "application/json, text/event-stream, */*", ...headers };
  if (json !== undefined) all["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) all["X-CSRF-Token"] = csrf;
  const response = await reached(
    fetch(path, {
      method,
      headers: all,
      body: json !== undefined ? JSON.stringify(json) : (form ?? null),
      signal,
      credentials: "same-origin",
      cache: "no-store",
    }),
  );
  if (response.ok) return response;
  throw refused(response.status, await response.text().catch(() => ""), quiet);
}

async function parsed(response) {
  const text = await reached(response.text());
  return text ? JSON.parse(text) : null;
}

/** A network's failure as a Problem; a cancelled call stays an AbortError. */
async function reached(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof TypeError) throw new Problem();
    throw error;
  }
}

function refused(status, text, quiet) {
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // Something between us and the assistant answered in its own words.
  }
  const problem = new Problem({ code: "defect", detail: `HTTP ${status}`, ...told, status });
  if (status === 401 && !quiet) onSignedOut();
  return problem;
}

/** By XMLHttpRequest: fetch does not tell how much was sent. */
function sent(path, form, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", path);
    call.setRequestHeader("Accept", "application/json");
    if (csrf) call.setRequestHeader("X-CSRF-Token", csrf);
    call.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    call.addEventListener("load", () => {
      if (call.status < 200 || call.status > 299) reject(refused(call.status, call.responseText, false));
      else resolve(call.responseText ? JSON.parse(call.responseText) : null);
    });
    call.addEventListener("error", () => reject(new Problem()));
    call.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal?.addEventListener("abort", () => call.abort());
    call.send(form);
  });
}
