// The panel's shared pieces. What talks to people stands in `dialogs.js`, what plays sound in `player.js`.

import { toast } from "./dialogs.js";
import { freshId, h, icon, replace } from "./dom.js";
import { formatNumber, problemText, t } from "./i18n.js";

export { confirm, dialog, toast } from "./dialogs.js";
export { player } from "./player.js";

/** A view's head: its h1, a line below, and what can be done at its right. */
export function heading(title, lead = null, ...actions) {
  return h(
    "header",
    { class: "heading" },
    h("div", {}, h("h1", { tabindex: "-1" }, title), lead && h("p", { class: "lead" }, lead)),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

/** A labelled input with a hint. `element.setProblem(text | null)` marks it as wrong. */
export function field(label, input, hint = null) {
  input.id ||= freshId("field");
  const below = hint && h("p", { class: "hint", id: `${input.id}-hint` }, hint);
  const wrong = h("p", { class: "wrong", id: `${input.id}-wrong`, hidden: true });
  const element = h("div", { class: "field" }, h("label", { for: input.id }, label), input, below, wrong);
  const describe = (failed) => {
    const ids = [below?.id, failed && wrong.id].filter(Boolean);
    if (ids.length) input.setAttribute("aria-describedby", ids.join(" "));
    else input.removeAttribute("aria-describedby");
  };
  element.setProblem = (text) => {
    wrong.hidden = !text;
    wrong.textContent = text ?? "";
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    describe(Boolean(text));
  };
  describe(false);
  return element;
}

/**
 * A slider with its number beside it and a button back to `reset`. `on(value)` is called when it changes.
 * `element.value` reads and sets it, `element.disabled` too.
 */
export function slider({ label, hint = null, min, max, step, value, reset, format = null, on = () => {} }) {
  const range = h("input", { type: "range", min, max, step, id: freshId("slider") });
  const number = h("input", { type: "number", class: "number", min, max, step, "aria-label": label });
  const back = button(t("common.reset"), { kind: "quiet", icon: "reset", iconOnly: true });
  back.setAttribute("aria-label", t("common.reset_of", { label }));
  back.title = t("common.reset_to", { value: format ? format(reset) : formatNumber(reset, { maximumFractionDigits: 3 }) });
  const show = (to) => {
    range.value = number.value = to;
    if (format) range.setAttribute("aria-valuetext", format(to));
    const share = max > min ? (Number(range.value) - min) / (max - min) : 0;
    range.style.setProperty("--share", `${Math.min(100, Math.max(0, share * 100))}%`);
    back.disabled = range.disabled || reset === undefined || Number(to) === Number(reset);
  };
  const choose = (to) => {
    show(to);
    on(Number(to));
  };
  range.addEventListener("input", () => choose(range.value));
  number.addEventListener("change", () => {
    const wished = Number.isFinite(number.valueAsNumber) ? number.valueAsNumber : Number(range.value);
    choose(Math.min(max, Math.max(min, wished)));
  });
  back.addEventListener("click", () => {
    range.focus(); // the button is about to be disabled, and a disabled button loses the focus to nowhere
    choose(reset);
  });
  const below = hint && h("p", { class: "hint", id: `${range.id}-hint` }, hint);
  if (below) range.setAttribute("aria-describedby", below.id);
  const element = h("div", { class: "slider" }, h("label", { for: range.id }, label), h("div", { class: "slider-row" }, range, number, back), below);
  Object.defineProperties(element, {
    value: { get: () => Number(range.value), set: show },
    disabled: {
      get: () => range.disabled,
      set: (off) => {
        range.disabled = number.disabled = off;
        show(range.value);
      },
    },
  });
  show(value);
  return element;
}

/**
 * A button. `kind`: plain, primary, danger, quiet. `on(event)` may be async: a spinner turns meanwhile, and a Problem it
 * raises becomes a toast. `busy` is the label meanwhile; `iconOnly` keeps the label for screen readers.
 */
export function button(label, { kind = "plain", icon: drawing = null, on = null, busy = null, iconOnly = false, ...rest } = {}) {
  const text = h("span", { class: iconOnly ? "sr-only" : "label" }, label);
  const spinner = h("span", { class: "spinner", "aria-hidden": "true" });
  const props = { type: "button", class: `button ${kind}${iconOnly ? " icon-only" : ""}`, title: iconOnly ? label : null, ...rest };
  const element = h("button", props, drawing && icon(drawing), spinner, text);
  element.setLabel = (to, shape = null) => {
    text.textContent = to;
    if (iconOnly) element.title = to;
    if (shape) element.querySelector(".icon")?.replaceWith(icon(shape));
  };
  element.setBusy = (is) => {
    element.classList.toggle("busy", is);
    element.setAttribute("aria-busy", String(is));
    if (busy) text.textContent = is ? busy : label;
  };
  if (on) element.addEventListener("click", (event) => run(element, () => on(event)));
  return element;
}

/** Do something that a button began: once at a time, with its spinner, and its Problem told. */
export async function run(element, action) {
  if (element.classList.contains("busy")) return;
  let result;
  try {
    result = action();
    if (!(result instanceof Promise)) return;
    element.setBusy?.(true);
    await result;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.name !== "Problem") console.error(error);
    if (error.status !== 401) toast(problemText(error), "poor");
  } finally {
    if (result instanceof Promise) element.setBusy?.(false);
  }
}

/** A titled box; without a title it is a plain one. */
export function card(title, ...children) {
  const head = title && h("h2", { id: freshId("card") }, title);
  return h("section", { class: "card", "aria-labelledby": head?.id }, head, children);
}

const MARKS = { good: "check", fair: "warn", poor: "error", neutral: null };

/** A short verdict; its kind (good, fair, poor, neutral) shows as a mark too, not by colour alone. */
export function badge(text, kind = "neutral") {
  return h("span", { class: `badge ${kind}` }, MARKS[kind] && icon(MARKS[kind]), h("span", {}, text));
}

/** A bar from 0 to 1; null for an unknown end. `element.set(value)`; `label` names it for screen readers. */
export function progress(value = null, label = t("common.progress")) {
  const element = h("progress", { class: "progress", max: "1", "aria-label": label });
  element.set = (to) => {
    if (to === null) element.removeAttribute("value");
    else element.value = to;
  };
  element.set(value);
  return element;
}

export const SILENT_DB = -60;

/** A sound level in dBFS. `element.set(db)`; it holds the peak for a while. */
export function meter({ label, hint = null }) {
  const bar = h("div", { class: "meter-bar" });
  const peak = h("div", { class: "meter-peak" });
  const number = h("span", { class: "meter-number", "aria-hidden": "true" }, "–");
  const track = h(
    "div",
    { class: "meter-track", role: "meter", "aria-label": label, "aria-valuemin": SILENT_DB, "aria-valuemax": 0, "aria-valuenow": SILENT_DB },
    bar,
    peak,
  );
  const element = h("div", { class: "meter" }, h("div", { class: "meter-head" }, h("span", { "aria-hidden": "true" }, label), number), track, hint && h("p", { class: "hint" }, hint));
  let highest = 0;
  let until = 0;
  element.set = (db) => {
    const level = Math.min(0, Math.max(SILENT_DB, db ?? SILENT_DB));
    const share = 1 - level / SILENT_DB;
    if (share >= highest || performance.now() > until) {
      highest = share;
      until = performance.now() + 1200;
    }
    bar.style.transform = `scaleX(${share})`;
    peak.style.transform = `translateX(${highest * 100}%)`;
    track.dataset.zone = level > -3 ? "hot" : level > -45 ? "good" : "quiet";
    number.textContent = level <= SILENT_DB ? t("common.silent") : `${formatNumber(level, { maximumFractionDigits: 0 })} dB`;
    track.setAttribute("aria-valuenow", Math.round(level));
    track.setAttribute("aria-valuetext", number.textContent);
  };
  element.set(SILENT_DB);
  return element;
}

/** Tabs: `items` = `[{id, label, panel}]`, `panel` a node. `on(id)` when another one is shown; `element.select(id)`. */
export function tabs(label, items, { selected = items[0]?.id, on = () => {} } = {}) {
  const prefix = freshId("tab");
  const heads = items.map((item) =>
    h("button", { type: "button", class: "tab", role: "tab", id: `${prefix}-${item.id}`, "aria-controls": `${prefix}-${item.id}-panel` }, item.label),
  );
  const panels = items.map((item) =>
    h("div", { role: "tabpanel", id: `${prefix}-${item.id}-panel`, "aria-labelledby": `${prefix}-${item.id}`, tabindex: "0" }, item.panel),
  );
  const select = (id, told = true) => {
    items.forEach((item, index) => {
      const is = item.id === id;
      heads[index].setAttribute("aria-selected", String(is));
      heads[index].tabIndex = is ? 0 : -1;
      panels[index].hidden = !is;
    });
    if (told) on(id);
  };
  heads.forEach((head, index) => {
    head.addEventListener("click", () => select(items[index].id));
    head.addEventListener("keydown", (event) => {
      const last = heads.length - 1;
      const to = { ArrowRight: index === last ? 0 : index + 1, ArrowLeft: index === 0 ? last : index - 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      select(items[to].id);
      heads[to].focus();
    });
  });
  select(selected, false);
  const element = h("div", { class: "tabs" }, h("div", { class: "tablist", role: "tablist", "aria-label": label }, heads), panels);
  element.select = select;
  return element;
}

const NOTICES = { good: "check", fair: "warn", poor: "error", neutral: "info" };

/** A remark in the page. `text`: string or nodes. */
export function notice(text, kind = "neutral") {
  return h("div", { class: `notice ${kind}` }, icon(NOTICES[kind]), h("div", {}, text));
}

/** A Problem in the page, with a button that tries again where `again` is given. */
export function problemNotice(problem, again = null) {
  const retry = again && button(t("common.try_again"), { icon: "refresh", on: again });
  return h("div", { role: "alert" }, notice([h("p", {}, problemText(problem)), retry], "poor"));
}

/** What stands where there is nothing yet. */
export function emptyState(text, action = null, drawing = "dot") {
  return h("div", { class: "empty" }, icon(drawing), h("p", {}, text), action);
}

/** Stands in while something is fetched. */
export function loading(text = t("common.loading")) {
  return h("div", { class: "loading", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), h("span", {}, text));
}

/** Fetch and show: `loading()`, then what `show(result)` makes of it, or the problem with a way to try again. */
export async function fetched(root, fetch, show) {
  replace(root, loading());
  try {
    const found = await fetch();
    replace(root, show(found));
  } catch (error) {
    if (error.name !== "Problem") throw error;
    replace(root, problemNotice(error, () => fetched(root, fetch, show)));
  }
}
