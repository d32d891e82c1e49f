// Step 2: how loud the room is, and a customer in it.

import { button, notice, progress } from "../../components.js";
import { h, replace } from "../../dom.js";
import { t } from "../../i18n.js";
import { formatDb, gauge } from "./gauge.js";
import { isSpeech, judgeLevel, loudness, quantile } from "./judging.js";
import { levels } from "./waiting.js";

const NOISE_MS = 4_000;
const SPEECH_S = 3;
const SPEECH_LIMIT_MS = 25_000;
/** The advice while somebody speaks changes no more often than people can read. */
const ADVICE_EVERY_MS = 1_200;

export default {
  name: "level",

  facts: ({ noise_db, speech_db }) => [
    [t("sound-check.level_room"), formatDb(noise_db)],
    [t("sound-check.level_speech"), speech_db === null ? "–" : formatDb(speech_db)],
    [t("sound-check.level_above"), speech_db === null ? "–" : `${Math.round(speech_db - noise_db)} dB`],
  ],

  advice: ({ codes }) => codes.map((code) => t(`sound-check.level_advice_${code}`)),

  mount(root, page) {
    const { events } = page.context;
    const abort = new AbortController();
    const { signal } = abort;
    const meter = gauge(t("common.microphone"));
    const said = h("p", { class: "sc-say", role: "status" });
    const bar = progress(0);
    bar.hidden = true;
    const actions = h("div", { class: "row" });
    const off = events.on("level", ({ microphone_db }) => meter.set(microphone_db));

    function offer(text, label, action, drawing) {
      said.textContent = text;
      bar.hidden = true;
      replace(actions, button(label, { kind: "primary", icon: drawing, on: () => action() }));
    }

    async function measure(text, label, options) {
      said.textContent = text;
      bar.setAttribute("aria-label", label);
      bar.set(0);
      bar.hidden = false;
      replace(actions, button(t("common.cancel"), { on: () => restart() }));
      const run = new AbortController();
      const stop = () => run.abort();
      signal.addEventListener("abort", stop, { once: true });
      actions.firstChild.addEventListener("click", stop, { once: true });
      return levels(events, { ...options, signal: run.signal });
    }

    async function noise() {
      page.begin();
      meter.mark(null);
      const found = await measure(t("sound-check.level_quiet_now"), t("sound-check.level_room"), {
        limit_ms: NOISE_MS,
        onLevel: (_, { share }) => bar.set(share),
      });
      if (!found.length) return offer(t("sound-check.no_levels"), t("common.try_again"), safely(noise), "refresh");
      const noise_db = quantile(found.map((one) => one.db), 0.5);
      meter.mark(noise_db);
      offer(t("sound-check.level_go"), t("sound-check.level_speak"), safely(() => speech(noise_db)), "mic");
      actions.firstChild.focus();
    }

    async function speech(noise_db) {
      let advised = 0;
      const spoken = (found) => found.filter((one) => isSpeech(one.db, noise_db));
      const seconds = (found) => spoken(found).reduce((sum, one) => sum + one.s, 0);
      const found = await measure(t("sound-check.level_speak_now"), t("sound-check.level_speech"), {
        limit_ms: SPEECH_LIMIT_MS,
        enough: (some) => seconds(some) >= SPEECH_S,
        onLevel(_, { found: some }) {
          bar.set(Math.min(1, seconds(some) / SPEECH_S));
          const last = spoken(some).slice(-8);
          if (last.length < 4 || performance.now() - advised < ADVICE_EVERY_MS) return;
          advised = performance.now();
          said.textContent = t(`sound-check.level_now_${loudness(quantile(last.map((one) => one.db), 0.5))}`);
        },
      });
      const voices = spoken(found).map((one) => one.db);
      const measured = {
        noise_db,
        speech_db: seconds(found) < 0.75 ? null : quantile(voices, 0.5),
        peak_db: found.reduce((most, one) => Math.max(most, one.db), -100),
      };
      const { state, codes } = judgeLevel(measured);
      page.finish(state, { ...measured, codes });
      restart();
    }

    function restart() {
      const again = page.result() !== null;
      offer(t("sound-check.level_first"), t(again ? "sound-check.measure_again" : "sound-check.level_start"), safely(noise), again ? "refresh" : "mic");
    }

    /** A measurement that was called off is none. */
    const safely = (action) => async () => {
      try {
        await action();
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    };

    restart();
    replace(root, meter.element, h("div", { class: "sc-task" }, said, bar, actions), notice(t("sound-check.level_example"), "neutral"));
    return () => {
      abort.abort();
      off();
    };
  },
};
