// Step 4: whether people can hear what the assistant says.

import { button, field, meter, problemNotice } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDuration, t } from "../../i18n.js";
import { engineName, voiceName } from "../personalities/engines.js";
import { question } from "./question.js";
import { volume } from "./volume.js";
import { occurs } from "./waiting.js";

/** A voice that is started on demand takes its time; nobody waits for longer than this. */
const SPOKEN_LIMIT_MS = 30_000;
const OVER_LIMIT_MS = 60_000;

const SENTENCES = {
  en: "Good morning! We are open from nine until eight. How can I help you?",
  es: "¡Buenos días! Abrimos de nueve a ocho. ¿En qué puedo ayudarle?",
};

/** Answers to "could you hear it well?", and what they make of the step. */
const HEARD = { clear: "good", quiet: "fair", distorted: "fair", nothing: "poor" };
const MARKS = { clear: "check", quiet: "speaker", distorted: "warn", nothing: "speaker-off" };

export default {
  name: "sentence",

  facts: ({ provider, voice, first_audio_ms, code }) => [
    [t("sound-check.sentence_heard"), t(`sound-check.sentence_${code}`)],
    ...(provider ? [[t("common.voice"), [engineName(provider), voice && voiceName(voice)].filter(Boolean).join(", ")]] : []),
    ...(Number.isFinite(first_audio_ms) ? [[t("sound-check.sentence_first"), formatDuration(first_audio_ms / 1000)]] : []),
  ],

  advice: ({ code }) => [t(`sound-check.sentence_advice_${code}`)],

  mount(root, page) {
    const { api, events } = page.context;
    const abort = new AbortController();
    const { signal } = abort;
    const text = h("textarea", { rows: 2, maxlength: 500, lang: page.now?.personality?.language });
    text.value = SENTENCES[page.now?.personality?.language] ?? SENTENCES.en;
    const input = field(t("sound-check.sentence_text"), text);
    const level = meter({ label: t("common.speaker") });
    const off = events.on("level", ({ speaker_db }) => level.set(speaker_db));
    const said = h("p", { class: "sc-say", role: "status" }, t("sound-check.sentence_ready"));
    const trouble = h("div", {});
    const asked = h("div", { class: "sc-ask" });
    const say = button(t("sound-check.sentence_say"), { kind: "primary", icon: "speaker", on: speak });

    async function speak() {
      page.begin();
      replace(trouble);
      replace(asked);
      if (!text.value.trim()) text.value = SENTENCES.en;
      said.textContent = t("sound-check.sentence_coming");
      const spoken = occurs(events, "event", (line) => line.event === "speaking", { limit_ms: SPOKEN_LIMIT_MS, signal });
      spoken.catch(() => {}); // looked at below, unless the call before fails
      try {
        await api.post("/api/say", { text: text.value.trim() });
        const line = await spoken;
        if (line === null) {
          said.textContent = t("sound-check.sentence_ready");
          return page.finish("poor", { code: "unspoken" });
        }
        said.textContent = t("sound-check.sentence_speaking", { voice: engineName(line.provider) });
        const over = (next) => next.event === "listening" || (next.event === "turn_end" && next.turn === line.turn);
        await occurs(events, "event", over, { limit_ms: OVER_LIMIT_MS, signal });
        ask(line);
      } catch (error) {
        if (signal.aborted) return;
        said.textContent = t("sound-check.sentence_ready");
        if (error.name !== "Problem") throw error;
        replace(trouble, problemNotice(error));
      }
    }

    function ask({ provider, voice, first_audio_ms }) {
      said.textContent = t("sound-check.sentence_over");
      const answer = (code) => ({
        label: t(`sound-check.sentence_${code}`),
        icon: MARKS[code],
        on() {
          replace(asked);
          said.textContent = t("sound-check.sentence_ready");
          page.finish(HEARD[code], { code, provider, voice, first_audio_ms });
          say.setLabel(t("sound-check.sentence_again"));
        },
      });
      const asking = question(t("sound-check.sentence_ask"), Object.keys(HEARD).map(answer));
      replace(asked, asking);
      asking.ask();
    }

    if (page.result()) say.setLabel(t("sound-check.sentence_again"));
    replace(root, input, volume(api), h("div", { class: "sc-task" }, said, level, h("div", { class: "row" }, say), asked, trouble));
    return () => {
      abort.abort();
      off();
    };
  },
};
