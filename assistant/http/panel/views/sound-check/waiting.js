// Waiting for what the assistant does, until it comes, takes too long or is called off.

/** The first `name` event for which `wanted(data)`; null after `limit_ms`. Raises AbortError when `signal` aborts. */
export function occurs(events, name, wanted, { limit_ms, signal }) {
  return new Promise((resolve, reject) => {
    let off = () => {};
    const end = (settle, value) => {
      off();
      clearTimeout(timer);
      signal.removeEventListener("abort", gone);
      settle(value);
    };
    const gone = () => end(reject, new DOMException("", "AbortError"));
    const timer = setTimeout(() => end(resolve, null), limit_ms);
    if (signal.aborted) return gone();
    signal.addEventListener("abort", gone);
    off = events.on(name, (data) => wanted(data) && end(resolve, data));
  });
}

/**
 * Microphone levels as `[{db, s}]`, `s` the seconds each stands for, until `enough(levels)` or `limit_ms`. A connection
 * that tells nothing gives an empty list.
 */
export async function levels(events, { limit_ms, signal, enough = () => false, onLevel = () => {} }) {
  const found = [];
  let before = performance.now();
  const began = before;
  await occurs(
    events,
    "level",
    ({ microphone_db }) => {
      const now = performance.now();
      found.push({ db: microphone_db, s: Math.min(0.5, (now - before) / 1000) });
      before = now;
      onLevel(microphone_db, { found, share: Math.min(1, (now - began) / limit_ms) });
      return enough(found);
    },
    { limit_ms, signal },
  );
  return found;
}
