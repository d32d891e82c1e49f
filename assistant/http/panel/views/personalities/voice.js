// With which voice a personality is to speak: kind, engine, voice, and what stands in where that cannot be.

import { badge, card, notice } from "../../components.js";
import { freshId, h, replace } from "../../dom.js";
import { formatNumber, language, languageName, t } from "../../i18n.js";
import { options } from "./about.js";
import { engineName, languageInText, voiceName } from "./engines.js";

const VOICE = "voice_config";

const STATES = {
  works: "good",
  failing: "poor",
  unavailable: "poor",
  forbidden: "fair",
  starting: "neutral",
  not_in_use: "fair",
};

/** The card that chooses kind, engine and voice; `form` is {draft, fields, engines, voices}. */
export function voiceCard(form) {
  const { draft } = form;
  const engine = engineFields(form, `${VOICE}.provider`, `${VOICE}.voice_id`, {
    able: (one) => draft.value(`${VOICE}.mode`) !== "custom" || one.clones,
    voiceToo: () => draft.value(`${VOICE}.mode`) !== "custom",
  });
  const mode = modeField(form, engine.update, () => {
    // A recording needs an engine that can take one: choose the best one rather than have people find out.
    const provider = draft.value(`${VOICE}.provider`);
    const able = form.engines.filter((one) => one.clones);
    if (draft.value(`${VOICE}.mode`) === "custom" && !able.some((one) => one.name === provider)) {
      const best = able.find((one) => one.inUse && one.state === "works") ?? able.find((one) => one.inUse) ?? able[0];
      if (best) draft.set(`${VOICE}.provider`, best.name);
    }
  });
  return card(t("personalities.voice"), mode, engine.element);
}

/** The card that chooses the stand-in. */
export function fallbackCard(form) {
  const engine = engineFields(form, `${VOICE}.fallback.provider`, `${VOICE}.fallback.voice_id`, {
    able: () => true,
    voiceToo: () => true,
  });
  return card(
    t("personalities.fallback"),
    h("p", { class: "lead" }, t("personalities.fallback.about")),
    engine.element,
  );
}

/** `shown` is called when another kind is shown, `chosen` before that where somebody chose it. */
function modeField({ draft, fields }, shown, chosen) {
  const path = `${VOICE}.mode`;
  const name = freshId("mode");
  const radio = (mode) => {
    const input = h("input", {
      type: "radio",
      name,
      value: mode,
      id: `${name}-${mode}`,
      "aria-describedby": `${name}-${mode}-hint`,
    });
    input.addEventListener("change", () => {
      draft.set(path, mode);
      chosen();
      shown();
    });
    const words = h(
      "span",
      {},
      h("strong", {}, t(`personalities.mode.${mode}`)),
      h("span", { class: "hint", id: `${name}-${mode}-hint` }, t(`personalities.mode.${mode}.about`)),
    );
    return { input, label: h("label", { class: "option", for: input.id }, input, words) };
  };
  const [own, custom] = [radio("default"), radio("custom")];
  const missing = h("div");
  const element = h(
    "fieldset",
    { class: "options" },
    h("legend", {}, t("personalities.field.voice_config.mode")),
    own.label,
    custom.label,
    missing,
  );
  const show = () => {
    const lost = draft.value(path) === "custom" && !draft.stored.voice_config.voice_sample_url;
    replace(missing, lost ? notice(t("personalities.mode.no_sample"), "fair") : null);
  };
  draft.on(show);
  fields.bind(path, {
    element,
    input: own.input,
    write: (mode) => {
      own.input.checked = mode !== "custom";
      custom.input.checked = mode === "custom";
      shown();
      show();
    },
  });
  return element;
}

/** An engine and, where `voiceToo()`, its voice: {element, update}. */
function engineFields({ draft, fields, engines, voices }, enginePath, voicePath, { able, voiceToo }) {
  const select = h("select");
  const state = h("div", { class: "engine-state", role: "status" });
  const place = h("div");
  const showState = () => replace(state, engineState(engines.find((one) => one.name === draft.value(enginePath))));
  const showVoices = () => {
    const wanted = voiceToo();
    place.hidden = !wanted;
    if (wanted) replace(place, voiceField({ draft, fields, voices }, draft.value(enginePath), voicePath));
  };
  const showEngines = () => {
    const offered = engines.filter((one) => able(one)).map((one) => [one.name, engineLabel(one)]);
    options(select, offered, draft.value(enginePath));
  };
  const update = () => {
    showEngines();
    showState();
    showVoices();
  };
  const element = fields.add(enginePath, select, {
    hint: t(`personalities.hint.${enginePath}`),
    event: "change",
    write: update,
  });
  select.addEventListener("change", () => {
    draft.set(voicePath, ""); // another engine has other voices
    update();
  });
  draft.on((path) => path === "language" && showVoices());
  return { element: h("div", { class: "engine-fields" }, element, place, state), update };
}

/** A choice where the voices are known, else a text. */
function voiceField({ draft, fields, voices }, provider, path) {
  const known = (voices?.voices ?? []).filter((one) => one.provider === provider);
  const best = t("personalities.voice.best", { language: languageInText(draft.value("language")) });
  if (!known.length) {
    const input = h("input", {
      type: "text",
      maxlength: "100",
      autocomplete: "off",
      placeholder: best,
      spellcheck: "false",
    });
    return fields.add(path, input, {
      hint: t("personalities.hint.voice_id.text", { engine: engineName(provider) }),
      read: () => input.value.trim(),
    });
  }
  const select = h("select");
  const about = h("p", { class: "hint" });
  const tell = () => replace(about, voiceAbout(known.find((one) => one.voice === draft.value(path))));
  const element = fields.add(path, select, {
    event: "change",
    write: (value) => {
      replace(select, h("option", { value: "" }, best), grouped(known, draft.value("language")));
      if (value && !known.some((one) => one.voice === value)) select.append(h("option", { value }, value));
      select.value = value ?? "";
      tell();
    },
  });
  select.addEventListener("change", tell);
  element.append(about);
  return element;
}

/** Voices by language, that of the personality first. */
function grouped(known, language) {
  const rank = (code) => (code === language ? "" : languageName(code));
  const codes = [...new Set(known.map((one) => one.language))].sort((one, other) =>
    rank(one).localeCompare(rank(other)),
  );
  return codes.map((code) =>
    h(
      "optgroup",
      { label: languageName(code) },
      known.filter((one) => one.language === code).map((one) => h("option", { value: one.voice }, voiceLabel(one))),
    ),
  );
}

function voiceLabel(one) {
  const remarks = [
    one.installed ? "" : t("personalities.voice.missing"),
    barred(one) ? t("personalities.voice.private") : "",
  ];
  return [voiceName(one.voice), ...remarks].filter(Boolean).join(" · ");
}

function voiceAbout(one) {
  if (!one) return t("personalities.hint.voice_id");
  const licence = one.licence ? t("personalities.voice.licence", { licence: one.licence }) : "";
  const words = [
    licence,
    barred(one) ? t("personalities.voice.private.about") : "",
    one.installed ? "" : t("personalities.voice.missing.about"),
  ];
  return [
    words.filter(Boolean).join(" "),
    one.installed ? null : [" ", h("a", { href: "#/health" }, t("personalities.voice.download"))],
  ];
}

function barred(one) {
  return one.commercial === false || one.commercial === "no";
}

function engineLabel(one) {
  const name = engineName(one.name);
  return one.inUse ? name : t("personalities.engine.not_in_use.short", { name });
}

/** In which state an engine is, where there is something to say about it. */
function engineState(one) {
  if (!one) return null;
  if (!one.inUse) return notice(t("personalities.engine.not_in_use", { name: one.name }), "fair");
  const slow =
    one.factor !== null && one.factor > 1 ? t("personalities.engine.slow", { factor: formatNumber(one.factor) }) : "";
  const words = [one.reason, one.remedy].filter(Boolean).join(" ");
  return h(
    "p",
    { class: "engine-line" },
    badge(t(`personalities.engine.${one.state}`), STATES[one.state] ?? "neutral"),
    words ? h("span", { lang: language() === "en" ? null : "en" }, words) : null,
    slow,
  );
}
