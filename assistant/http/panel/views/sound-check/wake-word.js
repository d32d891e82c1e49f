// Step 3: whether the wake word is heard, three times.

import { button, problemNotice } from "../../components.js";
import { h, icon, replace } from "../../dom.js";
import { formatNumber, t } from "../../i18n.js";
import { judgeWakeWord, SURE_SCORE, TRIES } from "./judging.js";
import { occurs } from "./waiting.js";

/** What stands for a wake word where somebody pressed a button. */
const PRESSED = "push_to_talk";
const HINT_AFTER_MS = 10_000;
const TRY_LIMIT_MS = 120_000;
/** So long it may take until the assistant listens again. */
const READY_LIMIT_MS = 5_000;

export const formatScore = (score) => formatNumber(score, { style: "percent", maximumFractionDigits: 0 });

/** A wake word's name as people say it. */
export function phrase(name) {
  const words = (name ?? "").split("_").filter(Boolean);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(" ");
}

/** The word that wakes the active personality; "" where it cannot be told. */
export async function wakePhrase(api) {
  const [{ personalities }, { wake_words }] = await Promise.all([api.get("/api/admin/ai-personalities"), api.get("/api/admin/choices")]);
  return phrase(personalities.find((one) => one.active)?.wake_word || wake_words[0]);
}

export default {
  name: "wake-word",

  facts: ({ word, tries }) => [
    [t("sound-check.wake_word"), word || "–"],
    [t("sound-check.wake_scores"), tries.map((score) => (score === null ? t("sound-check.wake_missed") : formatScore(score))).join(" · ")],
  ],

  advice: ({ codes }) => codes.map((code) => t(`sound-check.wake_advice_${code}`)),

  mount(root, page) {
    const { api, events } = page.context;
    const view = new AbortController();
    const said = h("p", { class: "sc-say", role: "status" });
    const hint = h("p", { class: "hint", hidden: true }, t("sound-check.wake_hint"));
    const slots = h("ol", { class: "sc-tries" });
    const actions = h("div", { class: "row" });
    const trouble = h("div", {});
    const called = h("p", { class: "sc-word", hidden: true });
    let word = "";

    const start = (label = t("sound-check.start"), drawing = "mic") => button(label, { kind: "primary", icon: drawing, on: () => void listen() });

    function idle() {
      const again = page.result() !== null;
      said.textContent = t("sound-check.wake_ready");
      hint.hidden = true;
      replace(actions, again ? start(t("sound-check.measure_again"), "refresh") : start());
      draw(page.result()?.facts.tries ?? [], false);
    }

    function draw(tries, listening) {
      replace(slots, Array.from({ length: TRIES }, (_, number) => slot(number, tries, listening)));
    }

    async function listen() {
      const run = new AbortController();
      view.signal.addEventListener("abort", () => run.abort(), { once: true });
      replace(trouble);
      page.begin();
      const tries = [];
      try {
        await ready(run.signal);
        while (tries.length < TRIES) {
          tries.push(await attempt(tries, run));
          draw(tries, false);
        }
        const { state, codes } = judgeWakeWord(tries);
        page.finish(state, { word, tries, codes });
        idle();
      } catch (error) {
        if (view.signal.aborted) return;
        idle();
        if (error.name === "Problem") replace(trouble, problemNotice(error));
        else if (error.name !== "AbortError") throw error;
      }
    }

    /** One time: its score, or null where it was said and not heard. */
    async function attempt(tries, run) {
      draw(tries, true);
      said.textContent = t(word ? "sound-check.wake_say" : "sound-check.wake_say_it", { word, number: tries.length + 1, count: TRIES });
      const missed = new AbortController();
      const skip = button(t("sound-check.wake_not_heard"), { icon: "x", on: () => missed.abort() });
      replace(actions, skip, button(t("common.cancel"), { kind: "quiet", on: () => run.abort() }));
      skip.focus();
      const timer = setTimeout(() => (hint.hidden = false), HINT_AFTER_MS);
      const stop = () => missed.abort();
      run.signal.addEventListener("abort", stop);
      try {
        const wanted = (line) => line.event === "wake_word" && line.name !== PRESSED;
        const heard = await occurs(events, "event", wanted, { limit_ms: TRY_LIMIT_MS, signal: missed.signal });
        if (heard === null) return null;
        // Nobody wants an answer now: it shall listen for the next one.
        said.textContent = t("sound-check.wake_heard", { score: formatScore(heard.score) });
        await ready(run.signal, true);
        return heard.score;
      } catch (error) {
        if (error.name === "AbortError" && !run.signal.aborted) return null;
        throw error;
      } finally {
        clearTimeout(timer);
        hint.hidden = true;
        run.signal.removeEventListener("abort", stop);
      }
    }

    /** Have it listen for the wake word. */
    async function ready(signal, woken = false) {
      if (!woken && page.now?.state === "listening") return;
      const listening = occurs(events, "event", (line) => line.event === "listening", { limit_ms: READY_LIMIT_MS, signal });
      listening.catch(() => {}); // looked at below, unless the call before fails
      await api.post("/api/stop");
      await listening;
    }

    replace(root, called, h("div", { class: "sc-task" }, said, slots, hint, actions, trouble));
    idle();
    wakePhrase(api).then(
      (found) => {
        word = found;
        called.textContent = `“${word}”`;
        called.hidden = !word;
      },
      () => {}, // its name is a comfort only
    );
    return () => view.abort();
  },
};

function slot(number, tries, listening) {
  const done = number < tries.length;
  const score = tries[number];
  const active = listening && number === tries.length;
  const kind = !done ? (active ? "active" : "open") : score === null ? "poor" : score < SURE_SCORE ? "fair" : "good";
  const drawing = { active: "mic", open: "dot", poor: "x", fair: "warn", good: "check" }[kind];
  const text = done ? (score === null ? t("sound-check.wake_missed") : formatScore(score)) : t(active ? "sound-check.wake_listening" : "sound-check.wake_open");
  return h(
    "li",
    { class: `sc-try ${kind}` },
    h("span", { class: "sc-try-number" }, t("sound-check.wake_number", { number: number + 1 })),
    h("span", { class: "sc-try-mark" }, icon(drawing)),
    h("span", { class: "sc-try-score" }, text),
  );
}
