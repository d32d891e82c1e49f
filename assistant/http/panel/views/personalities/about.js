// Who a personality is: name, languages, wake word, greeting, instructions.

import { button, card } from "../../components.js";
import { h, freshId, replace } from "../../dom.js";
import { languageName, t } from "../../i18n.js";

const LONGEST = { name: 60, greeting: 500, system_prompt: 8000 };

/** The card with these fields; `form` is {draft, fields, choices, natural}. */
export function aboutCard(form) {
  const { fields } = form;
  const prompt = h("textarea", { rows: "8", maxlength: LONGEST.system_prompt, spellcheck: "true" });
  return card(
    t("personalities.about"),
    fields.add("name", h("input", { type: "text", maxlength: LONGEST.name, required: true, autocomplete: "off" }), {
      hint: t("personalities.hint.name"),
    }),
    h("div", { class: "pair" }, languageField(form), wakeWordField(form)),
    furtherLanguages(form),
    fields.add("greeting", h("input", { type: "text", maxlength: LONGEST.greeting, autocomplete: "off" }), {
      hint: t("personalities.hint.greeting"),
    }),
    counted(fields.add("system_prompt", prompt, { hint: t("personalities.hint.system_prompt") }), prompt, form.draft),
  );
}

/** A choice of what there is, and of `value` too where that is something else. */
export function options(select, choices, value) {
  const known = choices.some(([one]) => one === value);
  const all = known || value === undefined || value === null ? choices : [...choices, [value, value]];
  replace(
    select,
    all.map(([one, text, props]) => h("option", { value: one, ...props }, text)),
  );
  select.value = value ?? "";
}

function languageField({ fields, choices, natural }) {
  const select = h("select");
  return fields.add("language", select, {
    hint: t("personalities.hint.language"),
    event: "change",
    write: (value) => {
      replace(select, languageOptions([...new Set([...choices.languages, value])], natural));
      select.value = value;
    },
  });
}

/** Languages by name; where they are many, those with a natural voice come first. */
function languageOptions(codes, natural) {
  const option = (code) => h("option", { value: code }, languageName(code));
  const known = byName(codes.filter((code) => /^[a-z]{2}$/.test(code))); // the assistant takes codes of ISO 639-1 only
  const best = known.filter((code) => natural.has(code));
  if (!best.length || best.length === known.length) return known.map(option);
  return [
    h("optgroup", { label: t("personalities.languages.natural") }, best.map(option)),
    h(
      "optgroup",
      { label: t("personalities.languages.plain") },
      known.filter((code) => !natural.has(code)).map(option),
    ),
  ];
}

function wakeWordField({ fields, choices }) {
  const select = h("select");
  const all = [
    ["", t("personalities.wake_word.none")],
    ...choices.wake_words.map((word) => [word, wakeWordName(word)]),
  ];
  return fields.add("wake_word", select, {
    hint: t("personalities.hint.wake_word"),
    event: "change",
    write: (value) => options(select, all, value ?? ""),
  });
}

/** A wake word as one says it: "Hey Jarvis" for `hey_jarvis`. */
export function wakeWordName(word) {
  return word
    .replace(/_v\d[\d.]*$/, "")
    .split("_")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join(" ");
}

/** The further languages as chips that can be taken away, and a choice of one more. */
function furtherLanguages({ draft, fields, choices, natural }) {
  const path = "languages";
  const id = freshId("languages");
  const chips = h("ul", { class: "chips" });
  const more = h("select", { id, "aria-describedby": `${id}-hint` });
  const set = (codes) => {
    draft.set(path, codes);
    show(codes);
  };
  const show = (codes) => {
    const shown = codes ?? [];
    replace(
      chips,
      shown.map((code) =>
        chip(code, () => {
          set(draft.value(path).filter((one) => one !== code));
          more.focus();
        }),
      ),
    );
    chips.hidden = !shown.length;
    const left = choices.languages.filter((code) => !shown.includes(code) && code !== draft.value("language"));
    replace(more, h("option", { value: "" }, t("personalities.languages.add")), languageOptions(left, natural));
    more.disabled = !left.length || shown.length >= 10;
  };
  more.addEventListener("change", () => more.value && set([...(draft.value(path) ?? []), more.value]));
  draft.on((changed) => changed === "language" && show(draft.value(path)));
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, t("personalities.field.languages")),
    chips,
    more,
    h("p", { class: "hint", id: `${id}-hint` }, t("personalities.hint.languages")),
  );
  fields.bind(path, { element, input: more, write: show });
  return element;
}

function chip(code, remove) {
  const name = languageName(code);
  const away = button(t("personalities.languages.remove", { name }), {
    kind: "quiet",
    icon: "x",
    iconOnly: true,
    on: remove,
  });
  return h("li", { class: "chip" }, h("span", {}, name), away);
}

/** Tells below a text how long it may be, once that matters. */
function counted(element, input, draft) {
  const count = h("p", { class: "count", "aria-live": "polite" });
  const show = () => {
    const length = input.value.length;
    count.textContent =
      length > LONGEST.system_prompt * 0.8 ? t("personalities.count", { length, most: LONGEST.system_prompt }) : "";
  };
  input.addEventListener("input", show);
  draft.on((path) => path === null && show());
  show();
  element.append(count);
  return element;
}

function byName(codes) {
  return [...codes].sort((one, other) => languageName(one).localeCompare(languageName(other)));
}
