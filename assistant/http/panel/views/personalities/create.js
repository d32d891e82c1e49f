// A new personality: who it is. Its voice follows on its own page.

import { button, card, field, fetched, heading, notice, toast } from "../../components.js";
import { h, replace } from "../../dom.js";
import { language, problemText, t } from "../../i18n.js";
import { aboutCard } from "./about.js";
import { Draft } from "./draft.js";
import { naturalLanguages } from "./engines.js";
import { Fields, wrongs } from "./fields.js";
import { guard } from "./guard.js";
import { PATH } from "./list.js";

/** What is taken over from another personality. Its recording is not: who agreed to it agreed to it for that one. */
const COPIED = ["language", "languages", "system_prompt"];

/** Show the form in `root`; returns what ends it. */
export function createPage(root, context) {
  const body = h("div", { class: "stack" });
  root.append(back(), heading(t("personalities.create"), t("personalities.create.lead")), body);
  let unguard = null;
  let left = false;
  fetched(
    body,
    () =>
      Promise.all([context.api.get("/api/admin/choices"), context.api.get("/api/voice/voices"), context.api.get(PATH)]),
    ([choices, voices, { personalities }]) => {
      const { element, draft, create } = form(choices, naturalLanguages(voices), personalities, context);
      if (!left) unguard = guard(draft, create);
      return element;
    },
  );
  return () => {
    left = true;
    unguard?.();
  };
}

/** The way to the list. */
export function back() {
  return h(
    "nav",
    { class: "crumbs", "aria-label": t("common.back") },
    h("a", { href: "#/personalities" }, `← ${t("personalities.title")}`),
  );
}

/** `{element, draft, create()}`. */
function form(choices, natural, personalities, context) {
  const blank = {
    name: "",
    language: choices.languages.includes(language()) ? language() : "en",
    languages: [],
    wake_word: "",
    greeting: "",
    system_prompt: "",
    voice_config: {},
  };
  const draft = new Draft(blank);
  const fields = new Fields(draft);
  const complaint = h("div", { role: "alert" });
  let copied = null;

  const like = h(
    "select",
    {},
    h("option", { value: "" }, t("personalities.create.blank")),
    personalities.map((one) => h("option", { value: one.id }, one.name)),
  );
  like.addEventListener("change", () => {
    copied = personalities.find((one) => one.id === like.value) ?? null;
    for (const path of COPIED) draft.set(path, (copied ?? blank)[path]);
    fields.update();
  });

  /** Resolves to where the new one is, null where it was refused. */
  const make = async () => {
    fields.clear();
    replace(complaint);
    if (!draft.value("name").trim()) {
      fields.show([{ where: "name", problem: t("personalities.name.missing") }]);
      return null;
    }
    try {
      const made = await context.api.post(PATH, wanted(blank, draft, copied));
      draft.discard();
      toast(t("personalities.created", { name: made.name }), "good");
      return `personalities/${encodeURIComponent(made.id)}`;
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      const found = wrongs(problem);
      if (fields.show(found).length || !found.length) replace(complaint, notice(problemText(problem), "poor"));
      return null;
    }
  };
  const create = button(t("personalities.create.do"), {
    kind: "primary",
    icon: "plus",
    type: "submit",
    on: async () => {
      const made = await make();
      if (made) context.navigate(made);
    },
  });
  const cancel = h(
    "a",
    { class: "button quiet", href: "#/personalities" },
    h("span", { class: "label" }, t("common.cancel")),
  );
  const start = card(
    t("personalities.create.start"),
    field(t("personalities.create.like"), like, t("personalities.create.like.about")),
  );
  const element = h(
    "form",
    { class: "stack narrow", novalidate: true, on: { submit: (event) => event.preventDefault() } },
    personalities.length ? start : null,
    aboutCard({ draft, fields, choices, natural }),
    complaint,
    h("div", { class: "actions" }, create, cancel),
  );
  return { element, draft, create: make };
}

function wanted(blank, draft, copied) {
  const { voice_config: _, ...document } = { ...blank, ...draft.patch() };
  if (!copied) return document;
  const { settings, fallback, provider, mode, voice_id } = copied.voice_config;
  const voice = mode === "custom" ? {} : { provider, ...(voice_id ? { voice_id } : {}) };
  return { ...document, voice_config: { ...voice, settings, fallback } };
}
