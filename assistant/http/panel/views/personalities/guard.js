// Nobody loses what they changed by a click on a link or by closing the window. Browsers tell of their back button only
// when it has happened: whoever shows the page keeps the changes then.

import { dialog, run } from "../../components.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";

/**
 * Watch over a draft until the returned function is called. `save()` resolves to what is not null or false where it is
 * saved.
 */
export function guard(draft, save) {
  let asking = false;
  const clicked = async (event) => {
    const link = event.target.closest?.("a[href^='#']");
    const elsewhere = event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey;
    if (!link || elsewhere || !draft.dirty || link.hash === location.hash) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // a menu that holds the link would close, and the dialog's focus go nowhere
    if (asking) return;
    asking = true;
    const answer = await ask(save);
    asking = false;
    if (answer === null) return;
    if (answer === "discard") draft.discard();
    document.querySelectorAll("dialog").forEach((one) => one.close());
    location.hash = link.hash;
  };
  const closing = (event) => {
    if (draft.dirty) event.preventDefault();
  };
  document.addEventListener("click", clicked, { capture: true });
  addEventListener("beforeunload", closing);
  return () => {
    document.removeEventListener("click", clicked, { capture: true });
    removeEventListener("beforeunload", closing);
  };
}

/** "saved", "discard", or null to stay. */
async function ask(save) {
  const choice =
    (label, kind, result, focus = false) =>
    (close) =>
      h(
        "button",
        { type: "button", class: `button ${kind}`, autofocus: focus, on: { click: () => close(result) } },
        h("span", { class: "label" }, label),
      );
  const store = (close) => {
    const element = h(
      "button",
      { type: "button", class: "button primary", autofocus: true },
      h("span", { class: "label" }, t("personalities.leave.save")),
    );
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
