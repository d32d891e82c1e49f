// A question that only a person can answer.

import { button } from "../../components.js";
import { freshId, h } from "../../dom.js";

/** `answers`: `[{label, icon, on}]`. */
export function question(text, answers) {
  const head = h("p", { class: "sc-question", id: freshId("question"), tabindex: "-1" }, text);
  const element = h(
    "div",
    { class: "sc-asked", role: "group", "aria-labelledby": head.id },
    head,
    h("div", { class: "row" }, answers.map((one) => button(one.label, { icon: one.icon, on: one.on }))),
  );
  element.ask = () => head.focus();
  return element;
}
