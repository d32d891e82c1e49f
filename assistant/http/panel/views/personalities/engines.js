// Engines and voices by the names that people know them by.

import { language, languageName } from "../../i18n.js";

const NAMES = {
  xtts_v2: "XTTS v2",
  pocket_tts: "Pocket TTS",
  piper: "Piper",
  google_tts: "Google Cloud",
  espeak_ng: "eSpeak NG",
  faster_whisper: "Whisper",
};

/** Engines that can speak with the voice of a recording, where the server does not say it. */
const CLONING = new Set(["xtts_v2", "pocket_tts"]);

/** Settings that an engine makes use of; all others it ignores. */
const USED = {
  xtts_v2: ["speed", "temperature", "top_p", "top_k", "repetition_penalty", "length_penalty"],
  pocket_tts: ["speed", "temperature"],
  piper: ["speed"],
  espeak_ng: ["speed"],
  google_tts: ["speed"],
};

/** An engine's name for people. */
export function engineName(provider) {
  return NAMES[provider] ?? provider;
}

/** A voice's name for people: "Ryan, medium (en-US)" for "en_US-ryan-medium", "Spanish" for "es". */
export function voiceName(voice) {
  if (/^[a-z]{2}$/.test(voice)) return languageName(voice);
  const parts = /^([a-z]{2,3})_([A-Z]{2})-([^-]+)-(.+)$/.exec(voice);
  if (!parts) return voice;
  const [, tongue, country, name, grade] = parts;
  const shown = name.replaceAll("_", " ");
  return `${shown.charAt(0).toUpperCase()}${shown.slice(1)}, ${grade.replaceAll("_", " ")} (${tongue}-${country})`;
}

/** Whether an engine makes use of a setting. */
export function uses(provider, setting) {
  return (USED[provider] ?? []).includes(setting);
}

/** A language's name within a sentence, where Spanish writes it small. */
export function languageInText(code) {
  const name = languageName(code);
  return language() === "es" ? name.toLocaleLowerCase("es") : name;
}

/** Languages for which there is more than the plain voice of last resort. */
export function naturalLanguages(voices) {
  const better = voices.engines.filter((one) => one.name !== "espeak_ng");
  return new Set(better.flatMap((one) => one.languages));
}

/**
 * The engines to choose from: {name, inUse, clones, state, reason, remedy, languages, factor}, from what the server
 * says of those that can be named and of those that are in use.
 */
export function engines(choices, voices) {
  const facts = new Map((voices?.engines ?? []).map((one) => [one.name, one]));
  return (choices.providers ?? []).map((one) => {
    const name = typeof one === "string" ? one : one.name;
    const known = facts.get(name);
    return {
      name,
      inUse: known !== undefined && (one.in_use ?? true),
      clones: one.clones ?? known?.clones ?? CLONING.has(name),
      state: known?.state ?? "not_in_use",
      reason: known?.reason ?? "",
      remedy: known?.remedy ?? "",
      languages: known?.languages ?? [],
      factor: known?.real_time_factor ?? null,
    };
  });
}
