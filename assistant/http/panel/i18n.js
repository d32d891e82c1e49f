// What people read, in their language.

import { keep, kept } from "./kept.js";
import common from "./texts/common.js";
import problems from "./texts/problems.js";

const LANGUAGES = ["en", "es"];
const texts = { en: new Map(), es: new Map() };

/** Take over the texts of a view; a key `save` of `personalities` becomes `personalities.save`. */
export function addTexts(name, found) {
  for (const code of LANGUAGES) {
    for (const [key, text] of Object.entries(found[code] ?? {})) {
      texts[code].set(key.startsWith(`${name}.`) ? key : `${name}.${key}`, text);
      if (key.includes(".")) texts[code].set(key, text);
    }
  }
}

addTexts("common", common);
addTexts("problems", problems);

let chosen = null;

/** `en` or `es`: the one chosen here, else the browser's. */
export function language() {
  if (chosen === null) {
    const wished = [kept("language"), ...(navigator.languages ?? [])].map((one) => one?.slice(0, 2));
    chosen = wished.find((one) => LANGUAGES.includes(one)) ?? "en";
  }
  return chosen;
}

/** Choose a language and remember it; whoever shows texts draws itself anew. */
export function setLanguage(code) {
  chosen = LANGUAGES.includes(code) ? code : "en";
  keep("language", chosen);
  document.documentElement.lang = chosen;
}

/** Whether there is a text of that key. */
export function hasText(key) {
  return texts[language()].has(key);
}

/** The text of `key`, with `{name}` filled from `values`; in English where it is not translated; else the key. */
export function t(key, values = {}) {
  return tIn(language(), key, values);
}

/** The same in another language than the panel's: the kiosk speaks its customers'. */
export function tIn(code, key, values = {}) {
  const text = texts[code]?.get(key) ?? texts.en.get(key) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The name of a language (ISO 639-1), in the panel's. */
export function languageName(code) {
  try {
    const name = new Intl.DisplayNames([language()], { type: "language" }).of(code);
    return name.charAt(0).toLocaleUpperCase(language()) + name.slice(1);
  } catch {
    return code;
  }
}

/** What stands in place of a device's name in the assistant's answers. */
const NO_DEVICES = { "a file": "common.device_file", default: "common.device_default" };

/** A device's name, or what serves in its place. */
export function deviceName(name) {
  return name in NO_DEVICES ? t(NO_DEVICES[name]) : name;
}

/** A number; `options` as `Intl.NumberFormat` takes them. */
export function formatNumber(value, options = { maximumFractionDigits: 1 }) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return new Intl.NumberFormat(language(), options).format(value);
}

/** A date or ISO time; with the time of the day unless `options` say otherwise. */
export function formatDate(value, options = { dateStyle: "medium", timeStyle: "short" }) {
  if (!value) return "–";
  // A day without a time means that day here, not midnight in Greenwich.
  const date = typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? new Date(`${value}T12:00`) : new Date(value);
  return Number.isNaN(date.getTime()) ? String(value) : new Intl.DateTimeFormat(language(), options).format(date);
}

/** Seconds, as people say them: `380 ms`, `2.4 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.9995) return `${formatNumber(seconds * 1000, { maximumFractionDigits: 0 })} ms`;
  if (seconds < 59.95) return `${formatNumber(seconds, { maximumFractionDigits: 1 })} s`;
  const whole = Math.round(seconds);
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** A problem in the panel's language: the server's own words in English, else the text of its code where there is one. */
export function problemText(problem) {
  const told = [problem?.message, problem?.remedy].filter(Boolean).join(" ");
  const key = `problems.${problem?.code ?? "defect"}`;
  if (problem?.local || (language() !== "en" && texts[language()].has(key))) return t(key);
  return told || t("problems.defect");
}

document.documentElement.lang = language();
