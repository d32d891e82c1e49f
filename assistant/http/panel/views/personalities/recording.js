// Recording a sample in the browser: a text to read, a countdown, the level, and when it is long enough.

import { button, field, meter, notice, progress } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatNumber, languageName, problemText, t } from "../../i18n.js";
import { startRecorder } from "../../recorder.js";
import { languageInText } from "./engines.js";
import { TEXTS } from "./reading.js";

/** What the assistant takes lasts 6 to 30 s after silence at both ends was cut; 10 to 20 s serve best. */
const SHORTEST_S = 8;
const ENOUGH_S = 12;
const LONGEST_S = 28;
const COUNT_DOWN = 3;

/** Levels in dBFS that are worth a word. */
const LOUD_DB = -3;
const QUIET_DB = -45;

/** `{element, close()}`; `on(blob, name)` gets what was recorded. */
export function recordingPane({ draft, on }) {
  return new Recording(draft, on);
}

class Recording {
  constructor(draft, on) {
    this.on = on;
    this.recorder = null;
    this.timers = new Set();
    this.text = h("blockquote", { class: "reading" });
    this.level = meter({ label: t("personalities.record.level") });
    this.bar = progress(0, t("personalities.record.length"));
    this.clock = h("span", { class: "record-clock", "aria-hidden": "true" });
    this.words = h("p", { class: "record-words", role: "status" });
    this.live = h(
      "div",
      { class: "record-live", hidden: true },
      h("div", { class: "record-time" }, this.bar, this.clock),
      this.level,
    );
    this.problem = h("div", { role: "alert" });
    this.start = button(t("personalities.record.start"), { icon: "record", on: () => this.#begin() });
    this.end = button(t("personalities.record.stop"), { kind: "primary", icon: "stop", on: () => this.#finish() });
    this.cancel = button(t("common.cancel"), { kind: "quiet", on: () => this.#stop() });
    this.element = h(
      "div",
      { class: "stack" },
      h(
        "ol",
        { class: "steps" },
        [1, 2, 3].map((step) => h("li", {}, t(`personalities.record.step.${step}`))),
      ),
      this.#reading(draft.value("language")),
      this.problem,
      this.live,
      this.words,
      h("div", { class: "actions" }, this.start, this.end, this.cancel),
    );
    this.#show(false);
  }

  close() {
    this.#release();
  }

  #reading(language) {
    const choose = h(
      "select",
      {},
      Object.keys(TEXTS).map((code) => h("option", { value: code }, languageName(code))),
    );
    choose.value = language in TEXTS ? language : "en";
    const show = () => {
      this.text.lang = choose.value;
      replace(this.text, TEXTS[choose.value]);
    };
    choose.addEventListener("change", show);
    show();
    const own =
      language in TEXTS
        ? null
        : h("p", { class: "hint" }, t("personalities.record.own", { language: languageInText(language) }));
    return h("div", { class: "stack" }, field(t("personalities.record.text"), choose), this.text, own);
  }

  #show(running) {
    this.live.hidden = !running;
    this.start.hidden = running;
    this.end.hidden = this.cancel.hidden = !running;
  }

  async #begin() {
    replace(this.problem);
    this.words.textContent = "";
    let recorder;
    const asked = (this.asked = Symbol("asked"));
    this.loudest_db = -100;
    try {
      // The microphone is open during the countdown, so that the first word is not lost and people see their level.
      recorder = await startRecorder({
        longest_s: LONGEST_S + COUNT_DOWN,
        onLevel: (db) => this.#heard(db),
        onFull: () => this.#finish(),
      });
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      replace(this.problem, notice(problemText(problem), "poor"));
      return;
    }
    if (this.asked !== asked) {
      recorder.cancel(); // the page was left while the browser asked for permission
      return;
    }
    this.recorder = recorder;
    this.#show(true);
    this.end.disabled = true;
    this.cancel.focus();
    this.#countDown(COUNT_DOWN);
  }

  #countDown(left) {
    if (left > 0) {
      this.clock.textContent = String(left);
      this.words.textContent = t("personalities.record.count", { left });
      this.bar.set(0);
      this.#later(() => this.#countDown(left - 1), 1000);
      return;
    }
    this.since = this.recorder.seconds();
    this.end.disabled = false;
    this.end.focus();
    this.words.textContent = t("personalities.record.speak");
    this.#tick();
  }

  #tick() {
    const seconds = this.recorder.seconds() - this.since;
    this.clock.textContent = t("personalities.record.clock", {
      seconds: formatNumber(seconds, { maximumFractionDigits: 0 }),
      most: LONGEST_S,
    });
    this.bar.set(Math.min(1, seconds / LONGEST_S));
    this.#say(
      seconds < SHORTEST_S ? "speak" : seconds < ENOUGH_S ? "more" : seconds < LONGEST_S - 5 ? "enough" : "ending",
    );
    this.#later(() => this.#tick(), 200);
  }

  /** Say it once, not five times a second. */
  #say(key) {
    const loudness =
      this.loudest_db > LOUD_DB
        ? ` ${t("personalities.record.loud")}`
        : this.loudest_db < QUIET_DB
          ? ` ${t("personalities.record.quiet")}`
          : "";
    const words = t(`personalities.record.${key}`) + loudness;
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  /** The loudest of late: pauses between words are no reason to complain. */
  #heard(db) {
    this.level.set(db);
    this.loudest_db = Math.max(db, this.loudest_db - 0.5);
  }

  async #finish() {
    const recorder = this.recorder;
    if (recorder === null) return;
    this.recorder = null;
    this.#forget();
    const { blob } = await recorder.stop();
    const seconds = recorder.seconds() - this.since;
    this.#show(false);
    this.start.setLabel(t("personalities.record.again"));
    this.start.focus();
    if (seconds < SHORTEST_S) {
      this.words.textContent = t("personalities.record.too_short", {
        seconds: formatNumber(seconds),
        least: SHORTEST_S,
      });
      return;
    }
    this.words.textContent = t("personalities.record.taken", { seconds: formatNumber(seconds) });
    this.on(await after(blob, this.since), t("personalities.record.name"));
  }

  #stop() {
    this.#release();
    this.#show(false);
    this.words.textContent = "";
    this.start.focus();
  }

  #release() {
    this.asked = null;
    this.recorder?.cancel();
    this.recorder = null;
    this.#forget();
  }

  #later(action, ms) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (this.recorder !== null) action();
    }, ms);
    this.timers.add(timer);
  }

  #forget() {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }
}

const HEAD = 44;

/** A 16 bit mono WAV without its first seconds: the countdown is not part of the sample. */
async function after(blob, seconds) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const rate = new DataView(bytes.buffer).getUint32(24, true);
  const cut = Math.min(2 * Math.floor(seconds * rate), bytes.length - HEAD);
  const kept = new Uint8Array(bytes.length - cut);
  kept.set(bytes.subarray(0, HEAD));
  kept.set(bytes.subarray(HEAD + cut), HEAD);
  const view = new DataView(kept.buffer);
  view.setUint32(4, kept.length - 8, true);
  view.setUint32(40, kept.length - HEAD, true);
  return new Blob([kept], { type: "audio/wav" });
}
