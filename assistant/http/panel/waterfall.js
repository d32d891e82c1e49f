// Where the time of a turn went, as bars one after the other.

import { h } from "./dom.js";
import { formatDuration, t } from "./i18n.js";

export const STAGES = ["end_of_turn", "stt", "agent", "tts"];

/** What the bars' colours and patterns mean. */
export function legend() {
  return h("ul", { class: "stage-legend", "aria-hidden": "true" }, STAGES.map((stage) => h("li", {}, h("span", { class: `stage-swatch of-${stage}` }), t(`common.stage.${stage}`))));
}

/**
 * One turn's row. `stages_ms` as the event `turn_end` tells them, `response_ms` their whole, both null where nothing
 * was spoken; `longest_ms` is the right end of the scale. Hovering or focusing it shows the numbers.
 */
export function waterfall(stages_ms, response_ms, longest_ms) {
  if (!stages_ms || response_ms === null) return h("p", { class: "waterfall-none muted" }, t("common.stage.none"));
  const parts = STAGES.map((stage) => [stage, Math.max(0, stages_ms[stage] ?? 0)]);
  const sum = parts.reduce((all, [, ms]) => all + ms, 0);
  const scale = Math.max(longest_ms, sum, response_ms, 1);
  const total = formatDuration(response_ms / 1000);
  const said = parts.map(([stage, ms]) => `${t(`common.stage.${stage}`)} ${formatDuration(ms / 1000)}`).join(", ");
  const line = (stage, ms) => {
    const name = h("th", { scope: "row" }, h("span", { class: `stage-swatch of-${stage}` }), t(`common.stage.${stage}`));
    return h("tr", {}, name, h("td", { class: "number" }, formatDuration(ms / 1000)));
  };
  const whole = h("tr", { class: "stage-total" }, h("th", { scope: "row" }, t("common.stage.total")), h("td", { class: "number" }, total));
  const tip = h("div", { class: "stage-tip", role: "tooltip" }, h("table", {}, parts.map(([stage, ms]) => line(stage, ms)), whole));
  const bars = parts.map(([stage, ms]) =>
    h("span", { class: `stage-bar of-${stage}`, style: { width: `${(100 * ms) / scale}%` } }, h("span", {}, formatDuration(ms / 1000))),
  );
  const label = `${t("common.stage.total")} ${total}: ${said}`;
  const row = h(
    "div",
    { class: "waterfall" },
    h("div", { class: "bars", tabindex: "0", role: "img", "aria-label": label }, bars),
    h("span", { class: "waterfall-total", "aria-hidden": "true" }, total),
    tip,
  );
  // A tip that one can send away, as screen magnifiers need it.
  row.addEventListener("keydown", (event) => event.key === "Escape" && row.classList.add("quiet-tip"));
  row.addEventListener("pointerleave", () => row.classList.remove("quiet-tip"));
  row.addEventListener("focusout", () => row.classList.remove("quiet-tip"));
  return row;
}
