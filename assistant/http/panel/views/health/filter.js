// Buttons of which one is pressed: what of a list is shown.

import { h } from "../../dom.js";
import { formatNumber } from "../../i18n.js";

/** `choices`: `[{id, text, count}]`. `element.show(choices)` draws them anew. */
export function filter(label, choices, chosen, on) {
  const element = h("div", { class: "hl-filter", role: "group", "aria-label": label });
  let now = chosen;
  const draw = (some) => {
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    element.replaceChildren(
      ...some.map(({ id, text, count }) =>
        h(
          "button",
          { type: "button", "data-id": id, "aria-pressed": id === now, on: { click: () => choose(id, some) } },
          h("span", {}, text),
          count !== undefined && h("span", { class: "hl-count" }, formatNumber(count)),
        ),
      ),
    );
    element.querySelector(`[data-id="${focused}"]`)?.focus();
  };
  const choose = (id, some) => {
    now = id;
    draw(some);
    on(id);
  };
  element.show = draw;
  draw(choices);
  return element;
}
