// How the voice is to speak: a slider for every setting, with what it does and a way back.

import { button, card, slider } from "../../components.js";
import { freshId, h, replace } from "../../dom.js";
import { formatNumber, hasText, t } from "../../i18n.js";
import { options } from "./about.js";
import { engineName, uses } from "./engines.js";

const SETTINGS = "voice_config.settings";

/** How the numbers of a setting are written where that is not plain. */
const FORMATS = {
  speed: (value) => `${formatNumber(value, { maximumFractionDigits: 2 })}×`,
  top_p: (value) => formatNumber(value, { style: "percent", maximumFractionDigits: 0 }),
};

/** The order in which people look for them. */
const ORDER = ["speed", "temperature", "emotion", "top_p", "top_k", "repetition_penalty", "length_penalty"];

/** The card with all settings; `form` is {draft, fields, choices}. */
export function settingsCard(form) {
  const { draft, choices } = form;
  const known = [...choices.settings];
  if (choices.emotions?.length && !known.some((one) => one.name === "emotion"))
    known.push({ name: "emotion", default: "neutral", least: null });
  known.sort((one, other) => place(one.name) - place(other.name));
  const inputs = known.map((one) => ({ name: one.name, reset: one.default, ...settingInput(form, one) }));

  const used = h("div", { class: "sliders" });
  const ignored = h("div", { class: "sliders" });
  const summary = h("summary");
  const rest = h(
    "details",
    { class: "more-settings" },
    summary,
    h("p", { class: "hint" }, t("personalities.settings.ignored.about")),
    ignored,
  );
  const sort = () => {
    const provider = draft.value("voice_config.provider");
    const mine = inputs.filter((one) => uses(provider, one.name));
    const others = inputs.filter((one) => !mine.includes(one));
    replace(
      used,
      mine.map((one) => one.element),
    );
    replace(
      ignored,
      others.map((one) => one.element),
    );
    summary.textContent = t("personalities.settings.ignored", { engine: engineName(provider), count: others.length });
    rest.hidden = !others.length;
  };
  const resetAll = button(t("personalities.settings.reset_all"), {
    kind: "plain",
    icon: "reset",
    on: () => {
      for (const one of inputs) {
        draft.set(`${SETTINGS}.${one.name}`, one.reset);
        one.show(one.reset);
      }
      offer();
    },
  });
  const offer = () => (resetAll.disabled = inputs.every((one) => draft.value(`${SETTINGS}.${one.name}`) === one.reset));
  draft.on((path) => {
    if (path === null || path === "voice_config.provider") sort();
    offer();
  });
  sort();
  offer();
  return card(
    t("personalities.settings"),
    h("p", { class: "lead" }, t("personalities.settings.about")),
    used,
    rest,
    h("div", { class: "actions" }, resetAll),
  );
}

function place(name) {
  const found = ORDER.indexOf(name);
  return found < 0 ? ORDER.length : found;
}

/** {element, show(value)}. */
function settingInput(form, setting) {
  return setting.least === null || setting.least === undefined ? moodInput(form, setting) : sliderInput(form, setting);
}

function sliderInput({ draft, fields }, setting) {
  const path = `${SETTINGS}.${setting.name}`;
  const element = slider({
    label: t(`personalities.setting.${setting.name}`),
    hint: aboutSetting(setting),
    min: setting.least,
    max: setting.most,
    step: step(setting),
    value: draft.value(path) ?? setting.default,
    reset: setting.default,
    format: FORMATS[setting.name] ?? null,
    on: (value) => {
      element.setProblem(null);
      draft.set(path, setting.whole ? Math.round(value) : Number(value.toFixed(4)));
    },
  });
  const show = (value) => (element.value = value ?? setting.default);
  fields.bind(path, { element, input: element.querySelector("input[type=range]"), write: show });
  return { element, show };
}

/** A mood is a word: chosen where the engine names its moods, else typed. */
function moodInput({ draft, fields, choices }, setting) {
  const path = `${SETTINGS}.${setting.name}`;
  const moods = choices.emotions ?? [];
  const input = moods.length
    ? h("select", { id: freshId("mood") })
    : h("input", { type: "text", maxlength: "64", autocomplete: "off" });
  const name = (mood) => (hasText(`personalities.mood.${mood}`) ? t(`personalities.mood.${mood}`) : mood);
  const show = (value) => {
    const mood = value ?? setting.default;
    if (moods.length)
      options(
        input,
        moods.map((one) => [one, name(one)]),
        mood,
      );
    else if (input.value !== mood) input.value = mood;
  };
  const element = fields.add(path, input, {
    hint: aboutSetting(setting),
    event: "change",
    read: () => input.value.trim() || setting.default,
    write: show,
  });
  return { element, show: () => show(draft.value(path)) };
}

function aboutSetting(setting) {
  const key = `personalities.setting.${setting.name}.about`;
  return hasText(key) ? t(key) : (setting.about ?? "");
}

/** About 100 to 200 steps, each a round number. */
function step({ least, most, whole }) {
  if (whole) return 1;
  const rough = (most - least) / 200;
  return [0.01, 0.05, 0.1, 0.5, 1].find((one) => one >= rough) ?? 1;
}
