// Nobody loses what they changed by a click on a link, the browser's back button, or closing the window.

import { dialog, run } from "../../components.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";

/**
 * Watch over a draft until the returned function is called. `save()` resolves to whether it is saved.
 *
 * The address changes before anybody is asked, so it is put back first and changed again when people want to leave.
 */
export function guard(draft, save) {
  const here = location.href;
  let asking = false;
  const moved = async (event) => {
    if (!draft.dirty || location.href === here) return;
    event.stopImmediatePropagation();
    const wanted = location.hash;
    history.pushState(null, "", here);
    if (asking) return;
    asking = true;
    const answer = await ask(save);
    asking = false;
    if (answer === "discard") draft.discard();
    if (answer) location.hash = wanted;
  };
  const closing = (event) => {
    if (draft.dirty) event.preventDefault();
  };
  // At the window itself, listeners that capture come before the router's.
  addEventListener("hashchange", moved, { capture: true });
  addEventListener("beforeunload", closing);
  return () => {
    removeEventListener("hashchange", moved, { capture: true });
    removeEventListener("beforeunload", closing);
  };
}

/** "saved", "discard", or null to stay. */
async function ask(save) {
  const choice = (label, kind, result, focus = false) => (close) =>
    h("button", { type: "button", class: `button ${kind}`, autofocus: focus, on: { click: () => close(result) } }, h("span", { class: "label" }, label));
  const store = (close) => {
    const element = h("button", { type: "button", class: "button primary", autofocus: true }, h("span", { class: "label" }, t("personalities.leave.save")));
    element.addEventListener("click", () => run(element, async () => close((await save()) ? "saved" : null)));
    return element;
  };
  const asked = dialog(t("personalities.leave"), h("p", {}, t("personalities.leave.about")), [
    choice(t("personalities.leave.stay"), "plain", null),
    choice(t("personalities.leave.discard"), "danger", "discard"),
    store,
  ]);
  return asked.closed;
}
