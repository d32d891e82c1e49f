// The voices' engines, and how each does.

import { badge, card, emptyState } from "../../components.js";
import { h, icon } from "../../dom.js";
import { formatNumber, languageName, t } from "../../i18n.js";
import { engineName } from "../personalities/engines.js";

const KINDS = { works: "good", starting: "neutral", failing: "fair", unavailable: "poor", forbidden: "neutral" };
/** More languages than these are counted only. */
const MOST_LANGUAGES = 4;

export function engineCard(engines) {
  return card(t("health.engines"), engines.length ? h("ul", { class: "hl-engines" }, engines.map(row)) : emptyState(t("health.no_engines")));
}

function row(engine) {
  const { name, state, reason, remedy, needs_network, clones, streams, licence, real_time_factor } = engine;
  const facts = [
    [t("health.engine_languages"), languages(engine.languages)],
    [t("health.engine_pace"), real_time_factor === null ? null : t("health.engine_factor", { factor: formatNumber(real_time_factor, { maximumFractionDigits: 2 }) })],
    [t("health.licence"), licence],
  ];
  return h(
    "li",
    {},
    h("div", { class: "hl-engine-head" }, h("h3", {}, engineName(name)), badge(t(`health.engine_${state}`), KINDS[state])),
    h(
      "p",
      { class: "hl-traits" },
      trait(needs_network ? "cloud" : "cpu", t(needs_network ? "health.engine_cloud" : "health.engine_local")),
      clones && trait("user", t("health.engine_clones")),
      streams && trait("bolt", t("health.engine_streams")),
    ),
    reason && h("p", { lang: "en" }, reason),
    remedy && state !== "works" && h("p", { class: "hl-remedy" }, h("strong", {}, t("health.remedy")), " ", h("span", { lang: "en" }, remedy)),
    h("dl", { class: "hl-facts" }, facts.filter(([, value]) => value).map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
  );
}

const trait = (drawing, text) => h("span", {}, icon(drawing), text);

function languages(codes) {
  if (!codes.length) return t("health.engine_any");
  if (codes.length > MOST_LANGUAGES) return t("health.engine_many", { count: codes.length });
  return codes.map(languageName).join(", ");
}
