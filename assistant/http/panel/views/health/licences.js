// What the licences of models and programs say to the use here.

import { badge, card, emptyState, notice } from "../../components.js";
import { h } from "../../dom.js";
import { hasText, t } from "../../i18n.js";
import { copyButton } from "./copying.js";
import { FINDING_KINDS, inShopText, kindName, VERDICT_KINDS, verdictText } from "./words.js";

/** `finding`: the one of the licences, or undefined. */
export function licenceCard(finding, context) {
  const rows = finding?.rows ?? [];
  const copy = copyButton(t("health.copy"), () => rows.map(licenceText).join("\n"), "health", context, { kind: "quiet" });
  return card(
    null,
    h("div", { class: "hl-head" }, h("h2", {}, t("health.licences")), rows.length > 0 && copy),
    rows.length > 0 && h("p", { class: "muted" }, t("health.licences_about", { use: useText(rows[0].use) })),
    finding && finding.state !== "works" && notice([h("p", { lang: "en" }, finding.reason), finding.remedy && h("p", { lang: "en" }, finding.remedy)], FINDING_KINDS[finding.state]),
    rows.length ? table(rows) : emptyState(t("health.licences_none"), null, "scale"),
  );
}

const useText = (use) => (hasText(`health.use_${use}`) ? t(`health.use_${use}`) : use);

function licenceText({ name, kind, state, licence, commercial, verdict, terms, url }) {
  return `${name} (${kind}, ${state}): ${licence}; commercial: ${commercial}; ${verdict}; ${terms} ${url}`.trim();
}

function table(rows) {
  const heads = ["name", "state", "licence", "in_shop", "verdict", "terms"];
  return h(
    "div",
    { class: "scroll-x hl-licences", role: "region", tabindex: "0", "aria-label": t("health.licences") },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, t(`health.licence_${name}`))))), h("tbody", {}, rows.map(line))),
  );
}

function line(row) {
  const { name, kind, state, licence, commercial, verdict, terms, url, reason, remedy } = row;
  const told = [reason, remedy].filter(Boolean).join(" ");
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("span", { class: "hl-model-name" }, name), h("span", { class: "hint" }, kindName(kind))),
    h("td", {}, t(state === "in use" ? "health.licence_in_use" : "health.licence_present")),
    h("td", { lang: "en" }, /^https?:\/\//.test(url ?? "") ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, licence, h("span", { class: "sr-only" }, ` ${t("common.opens_new")}`)) : licence),
    h("td", {}, inShopText(commercial)),
    h("td", {}, badge(verdictText(verdict), VERDICT_KINDS[verdict])),
    h("td", { lang: "en" }, terms, told && h("p", { class: "hint" }, told)),
  );
}
