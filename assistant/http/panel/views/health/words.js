// What the assistant calls its parts, in the panel's language.

import { hasText, t } from "../../i18n.js";
import { engineName } from "../personalities/engines.js";

const known = (key, otherwise) => (hasText(key) ? t(key) : otherwise);

/** `voice piper` → "Voice Piper"; a part without a name here keeps its own. */
export function partName(part) {
  const whole = `health.part_${part.replaceAll(" ", "_")}`;
  if (hasText(whole)) return t(whole);
  for (const first of ["voice", "speech to text", "personality"]) {
    if (part.startsWith(`${first} `)) return `${t(`health.part_${first.replaceAll(" ", "_")}`)}: ${engineName(part.slice(first.length + 1))}`;
  }
  return part.charAt(0).toUpperCase() + part.slice(1);
}

export const kindName = (kind) => known(`health.kind_${kind}`, kind);

/** Whether a shop may use it, in a word. */
export const inShopText = (commercial) => ({ yes: t("common.yes"), no: t("common.no") })[commercial] ?? t("health.unclear");

export const commercialText = (commercial) => known(`health.commercial_${commercial}`, commercial);

export const verdictText = (verdict) => known(`health.verdict_${verdict}`, verdict);

export const VERDICT_KINDS = { allowed: "good", held: "good", unclear: "fair", refused: "poor" };

export const FINDING_KINDS = { works: "good", warns: "fair", fails: "poor" };
