// What the assistant does, as it happens: one connection for whoever listens, made anew for as long as somebody does.

import { api } from "./api.js";
import { readEvents } from "./sse.js";

const listeners = { event: new Set(), state: new Set(), level: new Set(), connection: new Set() };

/** The server says something at least every 15 s; a connection that is silent for longer is dead. */
const SILENT_MS = 35_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 10_000];

let running = null;
let lastId = null;
let lastState = null;
let connected = null;
let failures = 0;
let timer = null;
let refused = false;

export const events = {
  /**
   * Call `listener` with each `event` (an event line), `state` (`{state, personality, turn}`), `level`
   * (`{microphone_db, speaker_db}`) or `connection` (true or false). The last state and connection are told at once.
   * Returns a function that ends it.
   */
  on(name, listener) {
    listeners[name].add(listener);
    if (name === "state" && lastState !== null && connected) queueMicrotask(() => listener(lastState));
    if (name === "connection" && connected !== null) queueMicrotask(() => listener(connected));
    plan();
    return () => {
      listeners[name].delete(listener);
      plan();
    };
  },

  /** Forget the connection: somebody else signs in. */
  reset() {
    running?.abort.abort();
    running = lastId = lastState = connected = null;
    refused = false;
    failures = 0;
    plan();
  },
};

function tell(name, data) {
  for (const listener of [...listeners[name]]) listener(data);
}

function online(is) {
  if (connected === is) return;
  connected = is;
  tell("connection", is);
}

/** Look a moment later whether there is the right connection: views come and go in one stroke. */
function plan(after = 60) {
  clearTimeout(timer);
  timer = setTimeout(settle, after);
}

function settle() {
  const wanted = Object.values(listeners).some((some) => some.size) && !refused;
  const levels = listeners.level.size > 0;
  if (running && (!wanted || running.levels !== levels)) {
    running.abort.abort();
    running = null;
  }
  if (wanted && !running) connect(levels);
}

async function connect(levels) {
  const mine = { levels, abort: new AbortController() };
  running = mine;
  let watchdog = null;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => mine.abort.abort(), SILENT_MS);
    failures = 0;
    if (running === mine) online(true);
  };
  try {
    const headers = lastId === null ? {} : { "Last-Event-ID": lastId };
    const signal = mine.abort.signal;
    const response = await api.open(`/api/events${levels ? "?levels=1" : ""}`, { headers, signal });
    alive();
    await readEvents(response, (name, data, id) => running === mine && take(name, data, id), alive);
  } catch (error) {
    // Not allowed to watch: asking again would change nothing. Signed out: whoever signs in begins anew.
    if (error.status === 401 || error.status === 403) refused = true;
  } finally {
    clearTimeout(watchdog);
    if (running === mine) {
      running = null;
      online(false);
      plan(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      failures += 1;
    }
  }
}

function take(name, data, id) {
  if (id !== null) lastId = id;
  if (name === "state") {
    lastState = data;
    tell("state", data);
  } else if (name === "level") tell("level", data);
  else if (name === "message") tell("event", data);
}

// A machine that wakes up or comes back to the network need not wait for the next try.
addEventListener("online", () => plan());
document.addEventListener("visibilitychange", () => !document.hidden && !running && plan());
