// What came out of a step, in a word.

import { badge } from "../../components.js";
import { h } from "../../dom.js";
import { formatDate, t } from "../../i18n.js";

/** `good`, `fair`, `poor`, or `open` where the step is not done. */
export const stateOf = (result) => result?.state ?? "open";

export const stateText = (result) => t(`sound-check.state_${stateOf(result)}`);

export const stateBadge = (result) => badge(stateText(result), result?.state ?? "neutral");

/** The box below a step that is done. */
export function verdict(step, result) {
  const { facts } = result;
  return h(
    "section",
    { class: `sc-verdict ${result.state}`, "aria-label": t("sound-check.result") },
    h("div", { class: "sc-verdict-head" }, stateBadge(result), h("time", { class: "hint", datetime: result.at }, formatDate(result.at))),
    h("dl", { class: "sc-facts" }, step.facts(facts).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    step.details?.(facts),
    h("ul", { class: "sc-advice" }, step.advice(facts).map((text) => h("li", {}, text))),
  );
}
