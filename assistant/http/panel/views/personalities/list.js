// All personalities as cards: who they are, who speaks for them, what is wrong with them.

import { badge, button, emptyState, fetched, heading, notice, toast } from "../../components.js";
import { freshId, h, icon } from "../../dom.js";
import { languageName, t } from "../../i18n.js";
import { wakeWordName } from "./about.js";
import { showSpeaker } from "./speaking.js";

export const PATH = "/api/admin/ai-personalities";

/** Show the list in `root`; returns what ends it. */
export function listPage(root, context) {
  const body = h("div");
  root.append(
    heading(
      t("personalities.title"),
      t("personalities.lead"),
      button(t("personalities.new"), {
        kind: "primary",
        icon: "plus",
        on: () => context.navigate("personalities/new"),
      }),
    ),
    body,
  );
  let active = null;
  const load = () =>
    fetched(
      body,
      () => context.api.get(PATH),
      ({ personalities }) => {
        active = personalities.find((one) => one.active)?.id ?? null;
        return cards(personalities, context, load);
      },
    );
  load();
  if (!context.session.here) return () => {};
  // Somebody else may have switched: by wake word, on the command line, in another window.
  return context.events.on("state", ({ personality }) => {
    if (active !== null && personality?.id && personality.id !== active) load();
  });
}

function cards(personalities, context, load) {
  if (!personalities.length) {
    const create = button(t("personalities.new"), {
      kind: "primary",
      icon: "plus",
      on: () => context.navigate("personalities/new"),
    });
    return emptyState(t("personalities.none"), create, "personalities");
  }
  return h(
    "ul",
    { class: "people" },
    personalities.map((one) => h("li", {}, person(one, context, load))),
  );
}

function person(one, context, load) {
  const path = `${PATH}/${encodeURIComponent(one.id)}`;
  const id = freshId("person");
  const speaker = h("dd", {}, h("span", { class: "muted" }, t("common.loading")));
  const edit = `#/personalities/${encodeURIComponent(one.id)}`;
  const activate = button(t("personalities.activate"), {
    icon: "speaker",
    on: async () => {
      await context.api.post(`${path}/activate`, { at_once: true });
      toast(t("personalities.activated", { name: one.name }), "good");
      await load();
    },
  });
  const remove = button(t("personalities.delete.named", { name: one.name }), {
    kind: "quiet",
    icon: "trash",
    iconOnly: true,
    on: async () => (await removePersonality(one, context)) && load(),
  });
  const row = (label, value) =>
    h("div", {}, h("dt", {}, label), value instanceof Element && value.tagName === "DD" ? value : h("dd", {}, value));
  const languages = [one.language, ...one.languages].map(languageName).join(", ");
  const card = h(
    "article",
    { class: `card person${one.active ? " active" : ""}`, "aria-labelledby": id },
    h(
      "header",
      { class: "person-head" },
      h("span", { class: "portrait", "aria-hidden": "true" }, initials(one.name)),
      h(
        "div",
        {},
        h("h2", { id }, h("a", { href: edit }, one.name)),
        one.active ? badge(t("personalities.active"), "good") : null,
      ),
    ),
    h(
      "dl",
      { class: "facts" },
      row(t("personalities.speaks"), speaker),
      row(t("common.language"), languages),
      row(
        t("personalities.field.wake_word"),
        one.wake_word ? wakeWordName(one.wake_word) : t("personalities.wake_word.shared"),
      ),
    ),
    problemsNotice(one.problems),
    h(
      "div",
      { class: "actions" },
      h(
        "a",
        { class: "button", href: edit },
        icon("edit"),
        h("span", { class: "label" }, t("common.edit"), h("span", { class: "sr-only" }, ` ${one.name}`)),
      ),
      one.active ? null : activate,
      one.active ? null : remove,
    ),
  );
  queueMicrotask(() => showSpeaker(speaker, context, path, one));
  return card;
}

/** What is wrong with what is stored. */
export function problemsNotice(problems) {
  if (!problems.length) return null;
  const list = h(
    "ul",
    { lang: "en" },
    problems.map((one) => h("li", {}, one)),
  );
  return notice([h("strong", {}, t("personalities.problems")), list], "fair");
}

/** Ask, then delete. Returns whether it is gone. */
export async function removePersonality(one, context) {
  const recorded = Boolean(one.voice_config.voice_sample_url);
  const text = t(recorded ? "personalities.delete.sure.recorded" : "personalities.delete.sure", { name: one.name });
  if (!(await context.confirm(text, { danger: true, title: t("personalities.delete.named", { name: one.name }) })))
    return false;
  await context.api.del(`${PATH}/${encodeURIComponent(one.id)}`);
  toast(t("personalities.deleted", { name: one.name }), "good");
  return true;
}

function initials(name) {
  const words = name.split(/\s+/).filter((word) => /\p{L}/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return (
    letters.map((word) => [...word].find((sign) => /\p{L}/u.test(sign))?.toLocaleUpperCase() ?? "").join("") || "·"
  );
}
