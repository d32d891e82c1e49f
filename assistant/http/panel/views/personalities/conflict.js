// Two people changed the same personality: what the other one changed, and whose changes are to stay.

import { dialog } from "../../components.js";
import { h } from "../../dom.js";
import { formatNumber, t } from "../../i18n.js";
import { differences, valueAt } from "./draft.js";
import { pathName } from "./fields.js";

const LONGEST = 80;

/**
 * Explain and ask: "mine" (save what is wanted here, on top of theirs), "theirs" (give it up), or null (look at it
 * first). `theirs` is the document as it is stored now.
 */
export async function resolve(draft, theirs) {
  const changed = differences(draft.stored, theirs);
  const both = changed.filter(
    (path) => draft.changes.has(path) && !equal(draft.changes.get(path), valueAt(theirs, path)),
  );
  const rest = changed.filter((path) => !both.includes(path));
  const content = [
    h("p", {}, t("personalities.conflict.about", { name: theirs.name })),
    both.length
      ? section(t("personalities.conflict.both"), table(both, draft, theirs))
      : h("p", {}, t("personalities.conflict.apart")),
    rest.length
      ? section(
          t("personalities.conflict.theirs"),
          h(
            "ul",
            {},
            rest.map((path) => h("li", {}, `${pathName(path)}: ${shown(valueAt(theirs, path))}`)),
          ),
        )
      : null,
  ];
  const choice =
    (label, kind, result, focus = false) =>
    (close) =>
      h(
        "button",
        { type: "button", class: `button ${kind}`, autofocus: focus, on: { click: () => close(result) } },
        h("span", { class: "label" }, label),
      );
  const asked = dialog(t("personalities.conflict"), h("div", { class: "stack" }, content), [
    choice(t("personalities.conflict.look"), "plain", null),
    choice(t("personalities.conflict.take_theirs"), "danger", "theirs"),
    choice(t("personalities.conflict.keep_mine"), "primary", "mine", true),
  ]);
  return asked.closed;
}

function section(title, content) {
  return h("div", { class: "stack" }, h("h3", {}, title), content);
}

function table(paths, draft, theirs) {
  const heads = ["field", "mine", "other"].map((one) =>
    h("th", { scope: "col" }, t(`personalities.conflict.column.${one}`)),
  );
  const rows = paths.map((path) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, pathName(path)),
      h("td", {}, shown(draft.value(path))),
      h("td", {}, shown(valueAt(theirs, path))),
    ),
  );
  return h("div", { class: "scroll-x" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
}

function shown(value) {
  if (value === "" || value === null || value === undefined) return t("personalities.conflict.empty");
  if (Array.isArray(value)) return value.length ? value.join(", ") : t("personalities.conflict.empty");
  const text = typeof value === "number" ? formatNumber(value, { maximumFractionDigits: 3 }) : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function equal(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
