// A personality while somebody changes it: what is stored, and what is to be different.

/** Keys of the document that the panel changes; all others are the program's. */
export const PATHS = [
  "name",
  "language",
  "languages",
  "wake_word",
  "greeting",
  "system_prompt",
  "voice_config.mode",
  "voice_config.provider",
  "voice_config.voice_id",
  "voice_config.fallback.provider",
  "voice_config.fallback.voice_id",
];

const SETTINGS = "voice_config.settings";

/** Texts that may be left out of a document where they are empty. */
const EMPTY = { "voice_config.voice_id": "", "voice_config.fallback.voice_id": "", wake_word: "" };

/** The value at `path`, such as `voice_config.settings.speed`; undefined where there is none. */
export function valueAt(document, path) {
  return path.split(".").reduce((inner, key) => inner?.[key], document) ?? EMPTY[path];
}

/** The paths at which two versions of a document differ, of those that the panel changes. */
export function differences(before, after) {
  const settings = Object.keys({ ...before.voice_config?.settings, ...after.voice_config?.settings });
  const paths = [...PATHS, ...settings.map((name) => `${SETTINGS}.${name}`)];
  return paths.filter((path) => !same(valueAt(before, path), valueAt(after, path)));
}

export class Draft {
  #listeners = new Set();

  /** `stored` is the document as the server has it; `changes` maps paths to values that are wanted. */
  constructor(stored, changes = new Map()) {
    this.stored = stored;
    this.changes = changes;
  }

  /** What is wanted at `path`, or what is stored there. */
  value(path) {
    return this.changes.has(path) ? this.changes.get(path) : valueAt(this.stored, path);
  }

  /** Want `value` at `path`; the stored value is no change. */
  set(path, value) {
    if (same(value, valueAt(this.stored, path))) this.changes.delete(path);
    else this.changes.set(path, value);
    this.#tell(path);
  }

  get dirty() {
    return this.changes.size > 0;
  }

  /** Whether anything at or below one of the paths is to be different. */
  touches(...paths) {
    return [...this.changes.keys()].some((key) => paths.some((path) => key === path || key.startsWith(`${path}.`)));
  }

  /** The changes as a document of only what changes. */
  patch() {
    const patch = {};
    for (const [path, value] of this.changes) {
      const keys = path.split(".");
      const holder = keys.slice(0, -1).reduce((inner, key) => (inner[key] ??= {}), patch);
      holder[keys.at(-1)] = value;
    }
    return patch;
  }

  /** The server has another version now: what is wanted stays wanted where it still differs. */
  rebase(stored) {
    this.stored = stored;
    for (const [path, value] of [...this.changes]) {
      if (same(value, valueAt(stored, path))) this.changes.delete(path);
    }
    this.#tell(null);
  }

  /** Want nothing different any more. */
  discard() {
    this.changes.clear();
    this.#tell(null);
  }

  /** Call `listener(path)` at every change; with null where everything may have changed. Returns how to end it. */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(path) {
    for (const listener of [...this.#listeners]) listener(path);
  }
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
