// What this browser remembers of its user: language, theme. A browser that forbids it forgets it with the page.

const forgotten = new Map();

/** The value kept under `key`, or null. */
export function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return forgotten.get(key) ?? null;
  }
}

/** Keep `value` under `key`; null forgets it. */
export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    forgotten.set(key, value);
  }
}
