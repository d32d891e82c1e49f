// What the server says of a recording that was sent: how good it is, and who will speak with it.

import { badge, notice } from "../../components.js";
import { h } from "../../dom.js";
import { formatNumber, hasText, language, t } from "../../i18n.js";
import { engineName } from "./engines.js";

/** The report on an upload: `{duration_s, quality, replaced, outlook}`. */
export function report(found) {
  const { quality, outlook } = found;
  const seconds = formatNumber(found.duration_s);
  return h(
    "div",
    { class: "report" },
    h(
      "div",
      { class: "report-head" },
      h("h3", { tabindex: "-1" }, t("personalities.report")),
      badge(t(`personalities.verdict.${quality.verdict}`), quality.verdict),
    ),
    h("p", {}, t(`personalities.report.${quality.verdict}`, { seconds })),
    h("ul", { class: "findings" }, [...quality.findings].sort(worstFirst).map(finding)),
    outlookNotice(outlook),
    replacedLine(found.replaced),
  );
}

/** "1 recording, 2 files that engines had made of it and 37 sentences" of what was deleted. */
export function traces(deleted) {
  return t("personalities.traces", {
    samples: deleted.samples,
    latents: deleted.latents,
    sentences: deleted.sentences,
  });
}

function worstFirst(one, other) {
  const order = ["poor", "fair", "good"];
  return order.indexOf(one.verdict) - order.indexOf(other.verdict);
}

function finding(one) {
  const key = `personalities.advice.${one.name}.${one.verdict}`;
  // The server's advice is English; the panel has its own words for the other languages.
  const advice = language() !== "en" && hasText(key) ? t(key) : one.advice;
  const name = hasText(`personalities.measure.${one.name}`) ? t(`personalities.measure.${one.name}`) : one.name;
  return h(
    "li",
    { class: `finding ${one.verdict}` },
    h(
      "div",
      { class: "finding-head" },
      h("strong", {}, name),
      h("span", { class: "finding-value" }, value(one)),
      badge(t(`personalities.verdict.${one.verdict}`), one.verdict),
    ),
    h("p", {}, advice),
  );
}

function value(one) {
  if (one.name === "file") return "";
  const number = formatNumber(one.value, { maximumFractionDigits: 2 });
  return one.unit ? `${number} ${one.unit}` : number;
}

function outlookNotice(outlook) {
  if (!outlook) return null;
  if (outlook.ready) return notice(t("personalities.outlook.ready", { engine: engineName(outlook.provider) }), "good");
  return notice(
    [
      t("personalities.outlook.not_ready"),
      " ",
      h("span", { lang: "en" }, [outlook.reason, outlook.remedy].filter(Boolean).join(" ")),
    ],
    "fair",
  );
}

function replacedLine(replaced) {
  if (!replaced?.samples && !replaced?.sentences) return null;
  return h("p", { class: "hint" }, t("personalities.replaced", { what: traces(replaced) }));
}
