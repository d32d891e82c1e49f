// What was found out so far. The browser keeps it, so that the check can be left and gone on with; what was said in
// the trial question it does not keep.

import { keep, kept } from "../../kept.js";

/** Words of the trial question by shop, gone with the page. */
const spoken = new Map();

export class Results {
  /** `shop` keeps the checks of different shops apart. */
  constructor(shop) {
    this.shop = shop;
    this.key = `sound-check.${shop}`;
    const found = read(this.key);
    /** By step: `{state: "good"|"fair"|"poor", at, facts}`; a step that is not done has none. */
    this.steps = found.steps ?? {};
    /** The step that was looked at last. */
    this.last = found.last ?? null;
    /** What the technician writes on the summary. */
    this.notes = found.notes ?? {};
  }

  get(step) {
    const result = this.steps[step];
    if (!result) return null;
    return step === "trial" ? { ...result, facts: { ...result.facts, words: spoken.get(this.shop) ?? null } } : result;
  }

  set(step, state, { words = null, ...facts } = {}) {
    if (step === "trial") spoken.set(this.shop, words);
    this.steps[step] = { state, at: new Date().toISOString(), facts };
    this.#keep();
  }

  /** Forget steps; says whether there was anything to forget. */
  forget(steps) {
    const done = steps.filter((step) => this.steps[step]);
    for (const step of done) delete this.steps[step];
    this.#keep();
    return done.length > 0;
  }

  look(step) {
    this.last = step;
    this.#keep();
  }

  note(name, text) {
    this.notes[name] = text;
    this.#keep();
  }

  clear() {
    this.steps = {};
    this.notes = {};
    this.last = null;
    spoken.delete(this.shop);
    keep(this.key, null);
  }

  /** ISO time of the first result that still counts, or null. */
  get since() {
    return Object.values(this.steps).map((one) => one.at).sort()[0] ?? null;
  }

  #keep() {
    keep(this.key, JSON.stringify({ steps: this.steps, last: this.last, notes: this.notes }));
  }
}

function read(key) {
  try {
    return JSON.parse(kept(key)) ?? {};
  } catch {
    return {}; // written by another version, or by somebody else
  }
}
