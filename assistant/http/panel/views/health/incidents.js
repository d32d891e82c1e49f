// What went wrong lately, and what was done about it.

import { badge, card, emptyState } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDate, hasText, t } from "../../i18n.js";
import { copyButton } from "./copying.js";
import { filter } from "./filter.js";

const KINDS = { info: "neutral", warning: "fair", error: "poor", critical: "poor" };
const SHOWN = {
  all: () => true,
  errors: (one) => KINDS[one.level] === "poor",
};

/** `{element, show(incidents)}`. */
export function incidentList(context) {
  const list = h("ol", { class: "hl-incidents" });
  let incidents = [];
  let shown = "all";
  const choices = () => Object.entries(SHOWN).map(([id, fits]) => ({ id, text: t(`health.incidents_${id}`), count: incidents.filter(fits).length }));
  const pick = filter(t("health.filter"), choices(), shown, (id) => {
    shown = id;
    draw();
  });
  const copy = copyButton(t("health.copy"), () => incidents.map(incidentText).join("\n"), "health", context, { kind: "quiet" });
  const element = card(null, h("div", { class: "hl-head" }, h("h2", { id: "incidents-head" }, t("health.incidents")), copy), h("p", { class: "muted" }, t("health.incidents_about")), pick, list);
  element.setAttribute("aria-labelledby", "incidents-head");

  function draw() {
    const some = incidents.filter(SHOWN[shown]);
    replace(list, some.length ? some.map(row) : h("li", {}, emptyState(t("health.incidents_none"), null, "check")));
  }

  return {
    element,
    show(found) {
      incidents = found;
      copy.hidden = !found.length;
      pick.show(choices());
      draw();
    },
  };
}

export function incidentText({ at, level, part, message, times }) {
  return `${at} ${level} ${part}: ${message}${times > 1 ? ` (${times}×)` : ""}`;
}

function row({ at, level, part, message, times }) {
  const kind = KINDS[level] ?? "neutral";
  return h(
    "li",
    {},
    h(
      "div",
      { class: "hl-incident-head" },
      badge(hasText(`health.level_${level}`) ? t(`health.level_${level}`) : level, kind),
      h("time", { class: "hint", datetime: at }, formatDate(at, { dateStyle: "medium", timeStyle: "medium" })),
      h("span", { class: "hint" }, part),
      times > 1 && h("span", { class: "badge" }, t("health.times", { count: times })),
    ),
    h("p", { lang: "en" }, message),
  );
}
