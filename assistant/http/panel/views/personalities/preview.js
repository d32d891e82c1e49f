// Hearing a voice with a text of one's choice, also with settings that are not saved yet.

import { badge, button, card, notice, player } from "../../components.js";
import { freshId, h, replace } from "../../dom.js";
import { formatNumber, problemText, t } from "../../i18n.js";
import { engineName, voiceName } from "./engines.js";
import { TRIALS } from "./reading.js";

const VOICE = "voice_config";
const LONGEST = 5000;

/** The card; `form` is {draft, id, context}. `close()` on the element stops what runs. */
export function previewCard(form) {
  const { draft, context, id } = form;
  const place = freshId("preview");
  const text = h("textarea", { rows: "3", maxlength: LONGEST, id: place });
  text.value = TRIALS[draft.value("language")] ?? draft.value("greeting") ?? "";
  const heard = player({ label: t("personalities.preview") });
  const facts = h("div", { class: "preview-facts", "aria-live": "polite" });
  const unsaved = h("p", { class: "hint", hidden: true }, t("personalities.preview.unsaved"));
  let abort = null;

  const speak = button(t("personalities.preview.speak"), {
    kind: "primary",
    icon: "speaker",
    busy: t("personalities.preview.making"),
    on: async () => {
      if (!text.value.trim()) {
        replace(facts, notice(t("personalities.preview.empty"), "fair"));
        text.focus();
        return;
      }
      abort = new AbortController();
      replace(facts);
      heard.stop();
      try {
        const json = { text: text.value.trim(), format: "wav", personality: id, ...wish(draft) };
        const { blob, headers } = await context.api.blob("/api/voice/synthesize", {
          method: "POST",
          json,
          signal: abort.signal,
        });
        replace(facts, spoken(headers, draft));
        heard.hidden = false;
        await heard.load(blob, { autoplay: true });
      } catch (problem) {
        if (problem.name !== "Problem") throw problem;
        replace(facts, h("div", { role: "alert" }, notice(problemText(problem), "poor")));
      }
    },
  });
  heard.hidden = true;
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) speak.click();
  });

  const greeting = button(t("personalities.preview.greeting"), {
    kind: "quiet",
    on: () => (text.value = draft.value("greeting")),
  });
  const show = () => {
    unsaved.hidden = !Object.keys(wish(draft)).length;
    greeting.disabled = !draft.value("greeting");
  };
  const off = draft.on(show);
  show();
  const element = card(
    t("personalities.preview"),
    h("div", { class: "field" }, h("label", { for: place }, t("personalities.preview.text")), text),
    unsaved,
    h("div", { class: "actions" }, speak, greeting),
    heard,
    facts,
  );
  return Object.assign(element, {
    close() {
      off();
      abort?.abort();
      heard.unload();
    },
  });
}

/** What the draft wants of the voice that is not stored yet. */
export function wish(draft) {
  const wanted = {};
  if (draft.touches(`${VOICE}.settings`)) {
    const changed = [...draft.changes].filter(([path]) => path.startsWith(`${VOICE}.settings.`));
    wanted.settings = Object.fromEntries(changed.map(([path, value]) => [path.split(".").at(-1), value]));
  }
  if (draft.touches(`${VOICE}.provider`, `${VOICE}.mode`, `${VOICE}.voice_id`)) {
    wanted.provider = draft.value(`${VOICE}.provider`);
    const voice = draft.value(`${VOICE}.voice_id`);
    if (draft.value(`${VOICE}.mode`) !== "custom") wanted.voice = voice ?? ""; // empty: its own best one, not the recording
  }
  if (draft.touches("language")) wanted.language = draft.value("language");
  return wanted;
}

/** Who spoke, from where, and how quickly. */
function spoken(headers, draft) {
  const provider = headers.get("X-Voice-Provider") ?? "";
  const voice = headers.get("X-Voice-Id") ?? "";
  const first = headers.get("X-First-Audio-Ms");
  const cached = headers.get("X-Cache") === "hit";
  const wanted = draft.value(`${VOICE}.provider`);
  const row = (label, value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  return [
    h(
      "dl",
      { class: "facts" },
      row(t("personalities.preview.engine"), engineName(provider)),
      row(t("personalities.preview.voice"), voice ? voiceName(voice) : t("personalities.recording")),
      row(
        t("personalities.preview.cache"),
        badge(t(cached ? "personalities.preview.hit" : "personalities.preview.miss"), cached ? "good" : "neutral"),
      ),
      row(
        t("personalities.preview.first"),
        first === null ? "–" : `${formatNumber(Number(first), { maximumFractionDigits: 0 })} ms`,
      ),
    ),
    provider && provider !== wanted
      ? notice(
          t("personalities.preview.stand_in", { wanted: engineName(wanted), engine: engineName(provider) }),
          "fair",
        )
      : null,
  ];
}
