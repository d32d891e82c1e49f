// Putting text on the clipboard, also where the browser gives its clipboard to secure pages only: a panel in a shop's
// network is seldom one.

import { button } from "../../components.js";
import { h } from "../../dom.js";
import { t } from "../../i18n.js";

async function copied(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Not permitted: the old way may be.
    }
  }
  const before = document.activeElement;
  const area = h("textarea", { class: "sr-only", readonly: true, "aria-hidden": "true", tabindex: "-1" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus({ preventScroll: true });
  return done;
}

/** A button that copies what `text()` gives and says so; `view` has the texts `copied` and `not_copied`. */
export function copyButton(label, text, view, context, options = {}) {
  return button(label, {
    icon: "copy",
    ...options,
    on: async () => {
      const done = await copied(text());
      context.toast(t(`${view}.${done ? "copied" : "not_copied"}`), done ? "good" : "poor");
    },
  });
}
