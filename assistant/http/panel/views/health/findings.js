// What works, what does not, and what to do.

import { badge, card, emptyState } from "../../components.js";
import { h, replace } from "../../dom.js";
import { t } from "../../i18n.js";
import { copyButton } from "./copying.js";
import { filter } from "./filter.js";
import { FINDING_KINDS, partName } from "./words.js";

const WORST_FIRST = ["fails", "warns", "works"];

/** `{element, show(findings)}`. */
export function findingList(context) {
  const list = h("ul", { class: "hl-findings" });
  const choices = () => [
    { id: "all", text: t("health.all"), count: findings.length },
    ...WORST_FIRST.map((state) => ({ id: state, text: t(`health.state_${state}`), count: findings.filter((one) => one.state === state).length })),
  ];
  let findings = [];
  let shown = "all";
  /** Details that somebody opened stay open when the list is drawn anew. */
  const open = new Set();
  const pick = filter(t("health.filter"), choices(), shown, (id) => {
    shown = id;
    draw();
  });
  const copy = copyButton(t("health.copy"), () => findings.map(findingText).join("\n"), "health", context, { kind: "quiet" });
  const element = card(null, h("div", { class: "hl-head" }, h("h2", { id: "findings-head" }, t("health.findings")), copy), pick, list);
  element.setAttribute("aria-labelledby", "findings-head");

  function draw() {
    const some = findings.filter((one) => shown === "all" || one.state === shown);
    replace(list, some.length ? some.map((one) => row(one, open)) : h("li", {}, emptyState(t(`health.none_${shown}`), null, "check")));
  }

  return {
    element,
    show(found) {
      findings = [...found].sort((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state));
      pick.show(choices());
      draw();
    },
  };
}

export function findingText({ part, state, reason, remedy }) {
  return `[${state}] ${part}: ${reason}${remedy && state !== "works" ? `\n        → ${remedy}` : ""}`;
}

function row(finding, open) {
  const { part, state, reason, remedy, rows = [] } = finding;
  // The licences have a page of their own.
  const table = rows.length > 0 && part !== "licences" && details(finding, open);
  return h(
    "li",
    { class: `hl-finding ${FINDING_KINDS[state]}` },
    h("h3", {}, partName(part)),
    badge(t(`health.state_${state}`), FINDING_KINDS[state]),
    h("div", { class: "hl-finding-text" }, h("p", { lang: "en" }, reason), remedy && state !== "works" && h("p", { class: "hl-remedy" }, h("strong", {}, t("health.remedy")), " ", h("span", { lang: "en" }, remedy)), table),
  );
}

function details({ part, rows }, open) {
  const keys = Object.keys(rows[0]);
  const element = h(
    "details",
    { open: open.has(part) },
    h("summary", {}, t("health.details", { count: rows.length })),
    h(
      "div",
      { class: "scroll-x", role: "region", tabindex: "0", "aria-label": partName(part) },
      h(
        "table",
        { lang: "en" },
        h("thead", {}, h("tr", {}, keys.map((key) => h("th", { scope: "col" }, key.replaceAll("_", " "))))),
        h("tbody", {}, rows.map((one) => h("tr", {}, keys.map((key) => h("td", {}, cell(one[key])))))),
      ),
    ),
  );
  element.addEventListener("toggle", () => (element.open ? open.add(part) : open.delete(part)));
  return element;
}

function cell(value) {
  if (value === true || value === false) return t(value ? "common.yes" : "common.no");
  return value === null || value === "" ? "–" : String(value);
}
