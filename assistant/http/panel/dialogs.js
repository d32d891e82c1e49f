// What interrupts people: toasts and dialogs.

import { freshId, h, icon } from "./dom.js";
import { t } from "./i18n.js";

const TOAST_MS = { good: 5_000, neutral: 6_000, fair: 10_000, poor: 14_000 };
const MARKS = { good: "check", fair: "warn", poor: "error", neutral: "info" };
const MOST_TOASTS = 4;

let shelf = null;

/** A short message at the edge of the page. `kind`: good, fair, poor, neutral. */
export function toast(text, kind = "neutral") {
  if (!shelf?.isConnected) {
    // In the page before the first message, so that screen readers watch it.
    shelf = h("div", { class: "toasts", role: "region", "aria-label": t("common.messages") }, h("div", { "aria-live": "polite" }), h("div", { role: "alert" }));
    document.body.append(shelf);
  }
  const close = h("button", { type: "button", class: "button quiet icon-only", "aria-label": t("common.dismiss"), on: { click: () => one.remove() } }, icon("x"));
  const one = h("div", { class: `toast ${kind}` }, icon(MARKS[kind] ?? "info"), h("p", {}, text), close);
  const place = shelf.children[kind === "poor" ? 1 : 0];
  for (const same of shelf.querySelectorAll(".toast")) {
    if (same.querySelector("p").textContent === text) same.remove();
  }
  place.append(one);
  const all = shelf.querySelectorAll(".toast");
  if (all.length > MOST_TOASTS) all[0].remove();
  let timer = setTimeout(() => one.remove(), TOAST_MS[kind] ?? TOAST_MS.neutral);
  one.addEventListener("pointerenter", () => clearTimeout(timer));
  one.addEventListener("focusin", () => clearTimeout(timer));
  one.addEventListener("pointerleave", () => (timer = setTimeout(() => one.remove(), 2_000)));
}

/**
 * A modal dialog, open at once: `{element, close(result), closed}`, `closed` a promise of the result (null where it was
 * dismissed). `actions`: nodes, or functions that get `close` and return a node.
 */
export function dialog(title, content, actions = []) {
  const head = h("h2", { id: freshId("dialog") }, title);
  let result = null;
  const element = h("dialog", { class: "dialog", "aria-labelledby": head.id });
  const close = (with_ = null) => {
    result = with_;
    element.close();
  };
  const cross = h("button", { type: "button", class: "button quiet icon-only", "aria-label": t("common.close"), on: { click: () => close() } }, icon("x"));
  element.append(
    h("header", {}, head, cross),
    h("div", { class: "dialog-content" }, content),
    ...(actions.length ? [h("footer", {}, actions.map((one) => (typeof one === "function" ? one(close) : one)))] : []),
  );
  element.addEventListener("click", (event) => event.target === element && close());
  document.body.append(element);
  const before = document.activeElement;
  const closed = new Promise((resolve) =>
    element.addEventListener("close", () => {
      element.remove();
      if (before?.isConnected) before.focus();
      resolve(result);
    }),
  );
  element.showModal();
  return { element, close, closed };
}

/** Ask; resolves to whether it was affirmed. `yes` is the label of the button that does it. */
export async function confirm(text, { danger = false, title = t("common.sure"), yes = danger ? t("common.delete") : t("common.ok") } = {}) {
  const act = (label, kind, result, focus) => (close) =>
    h("button", { type: "button", class: `button ${kind}`, autofocus: focus, on: { click: () => close(result) } }, h("span", { class: "label" }, label));
  const asked = dialog(title, h("p", {}, text), [
    act(t("common.cancel"), "plain", false, danger),
    act(yes, danger ? "danger" : "primary", true, !danger),
  ]);
  return (await asked.closed) === true;
}
