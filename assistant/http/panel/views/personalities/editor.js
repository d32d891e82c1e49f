// One personality: everything about it, saved together; what is about its recording and who speaks happens at once.

import { badge, button, heading, loading, notice, problemNotice, toast } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDuration, formatNumber, languageName, problemText, t } from "../../i18n.js";
import { aboutCard } from "./about.js";
import { resolve } from "./conflict.js";
import { back } from "./create.js";
import { Draft } from "./draft.js";
import { engines, naturalLanguages } from "./engines.js";
import { Fields, wrongs } from "./fields.js";
import { guard } from "./guard.js";
import { PATH, problemsNotice, removePersonality } from "./list.js";
import { previewCard } from "./preview.js";
import { renderCard } from "./render.js";
import { sampleCard } from "./sample.js";
import { settingsCard } from "./settings.js";
import { speakingCard } from "./speaking.js";
import { fallbackCard, voiceCard } from "./voice.js";

/** Changes that were not saved when a page went unasked: by the back button, another language, the session's end. */
const rescued = new Map();

/** As in personalities.css. */
const WIDE = "(min-width: 1100px)";

/** Show a personality in `root`; returns what ends it. */
export async function editorPage(root, context, id) {
  const editor = new Editor(root, context, id);
  await editor.open();
  return () => editor.close();
}

class Editor {
  constructor(root, context, id) {
    Object.assign(this, { root, context, id });
    this.path = `${PATH}/${encodeURIComponent(id)}`;
    this.key = `${context.session.tenant}/${id}`;
    this.parts = [];
    this.closed = false;
  }

  async open() {
    replace(this.root, back(), loading());
    try {
      const [stored, choices, voices] = await Promise.all([
        this.#fetch(),
        this.context.api.get("/api/admin/choices"),
        this.context.api.get("/api/voice/voices"),
      ]);
      if (!this.closed) this.#show(stored, choices, voices);
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      replace(
        this.root,
        back(),
        heading(t("personalities.title")),
        problemNotice(problem, () => this.open()),
      );
    }
  }

  close() {
    this.closed = true;
    if (this.draft?.dirty) {
      rescued.set(this.key, this.draft.changes);
      if (!location.hash.includes(this.id)) toast(t("personalities.kept", { name: this.draft.stored.name }), "fair");
    }
    this.unguard?.();
    for (const part of this.parts) part.close();
  }

  /** The document and its ETag, which the API's plain `get` does not tell. */
  async #fetch() {
    const { blob, headers } = await this.context.api.blob(this.path);
    this.etag = headers.get("ETag");
    return JSON.parse(await blob.text());
  }

  #show(stored, choices, voices) {
    const changes = rescued.get(this.key) ?? new Map();
    rescued.delete(this.key);
    this.draft = new Draft(stored, changes);
    this.draft.rebase(stored); // some of it may be as it is stored by now
    this.fields = new Fields(this.draft);
    const form = {
      ...this,
      choices,
      voices,
      engines: engines(choices, voices),
      natural: naturalLanguages(voices),
      stored: (document) => this.#stored(document),
    };
    this.head = h("div");
    this.complaint = h("div", { role: "alert" });
    this.speaking = speakingCard(form);
    const preview = previewCard(form);
    const sample = sampleCard(form);
    const render = renderCard(form);
    this.parts = [this.speaking, preview, sample, render];
    const main = h(
      "div",
      { class: "stack" },
      aboutCard(form),
      voiceCard(form),
      sample,
      settingsCard(form),
      fallbackCard(form),
      render,
      this.#bar(),
    );
    const side = h("div", { class: "stack editor-side" }, this.speaking, preview, this.#figures());
    const editor = h("div", { class: "editor" }, main);
    replace(
      this.root,
      back(),
      this.head,
      this.draft.dirty ? notice(t("personalities.rescued")) : null,
      this.complaint,
      editor,
    );
    this.#heading();
    this.#beside(side, editor, sample);
    this.unguard = guard(this.draft, () => this.save());
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (this.draft.dirty) this.saveButton.click();
    });
  }

  /** What is beside the form on wide screens follows the recording on narrow ones, there also for the keyboard. */
  #beside(side, editor, sample) {
    const wide = matchMedia(WIDE);
    const place = () => (wide.matches ? editor.append(side) : sample.after(side));
    wide.addEventListener("change", place);
    this.parts.push({ close: () => wide.removeEventListener("change", place) });
    place();
  }

  #heading() {
    const { stored } = this.draft;
    const activate = button(t("personalities.activate"), { icon: "speaker", on: () => this.#activate() });
    const remove = button(t("common.delete"), { kind: "danger", icon: "trash", on: () => this.#remove() });
    const marks = h(
      "p",
      { class: "marks" },
      stored.active ? badge(t("personalities.active"), "good") : null,
      badge(languageName(stored.language)),
    );
    replace(
      this.head,
      heading(stored.name, marks, ...(stored.active ? [] : [activate, remove])),
      problemsNotice(stored.problems),
    );
  }

  #figures() {
    const { stats } = this.draft.stored.voice_config;
    if (!stats?.total_generations) return null;
    const row = (name, value) => h("div", {}, h("dt", {}, t(`personalities.stats.${name}`)), h("dd", {}, value));
    return h(
      "section",
      { class: "card" },
      h("h2", {}, t("personalities.stats")),
      h(
        "dl",
        { class: "facts" },
        row("generations", formatNumber(stats.total_generations)),
        row("seconds", formatDuration(stats.total_seconds)),
        row("latency", `${formatNumber(stats.average_latency_ms, { maximumFractionDigits: 0 })} ms`),
        row("cache", formatNumber(stats.cache_hit_rate, { style: "percent", maximumFractionDigits: 0 })),
      ),
      h("a", { href: "#/usage" }, t("personalities.stats.more")),
    );
  }

  /** What is not saved, always in sight. */
  #bar() {
    const words = h("p", { role: "status" });
    const discard = button(t("personalities.discard"), {
      kind: "quiet",
      on: () => {
        this.#rebased(() => this.draft.discard());
        this.root.querySelector("h1").focus();
      },
    });
    this.saveButton = button(t("common.save"), {
      kind: "primary",
      icon: "save",
      busy: t("common.saving"),
      on: () => this.save(),
    });
    const bar = h(
      "div",
      { class: "save-bar", role: "region", "aria-label": t("personalities.unsaved.region") },
      words,
      discard,
      this.saveButton,
    );
    const show = () => {
      bar.hidden = !this.draft.dirty;
      words.textContent = this.draft.dirty
        ? t(this.draft.changes.size === 1 ? "personalities.unsaved.one" : "personalities.unsaved", {
            count: this.draft.changes.size,
          })
        : "";
    };
    this.draft.on(show);
    show();
    return bar;
  }

  /** Save; resolves to whether it is saved. */
  async save() {
    replace(this.complaint);
    this.fields.clear();
    if (!this.draft.value("name").trim()) {
      this.fields.show([{ where: "name", problem: t("personalities.name.missing") }]);
      return false;
    }
    try {
      await this.context.api.put(this.path, this.draft.patch(), { "If-Match": this.etag });
    } catch (problem) {
      if (problem.name !== "Problem" || problem.status === 401) throw problem;
      return problem.status === 412 ? this.#conflict() : this.#refused(problem);
    }
    await this.#reload();
    toast(t("common.saved"), "good");
    return true;
  }

  #refused(problem) {
    const found = wrongs(problem);
    const homeless = this.fields.show(found);
    const rest = homeless.map((one) => h("li", { lang: "en" }, `${one.where}: ${one.problem}`));
    const marked = found.length - homeless.length;
    const lead = marked ? t("personalities.refused", { count: marked }) : problemText(problem);
    replace(this.complaint, notice([h("p", {}, lead), rest.length ? h("ul", {}, rest) : null], "poor"));
    if (!marked) this.complaint.scrollIntoView({ block: "center" });
    return false;
  }

  async #conflict() {
    const theirs = await this.#fetch();
    const answer = await resolve(this.draft, theirs);
    this.#rebased(() => {
      this.draft.rebase(theirs);
      if (answer === "theirs") this.draft.discard();
    });
    if (answer === "mine" && this.draft.dirty) return this.save();
    if (answer === null) replace(this.complaint, notice(t("personalities.conflict.looked"), "fair"));
    return !this.draft.dirty;
  }

  /** Something about the recording changed on the server; what is not saved here stays. */
  async #stored(document) {
    this.#rebased(() => this.draft.rebase(document));
    await this.#reload();
  }

  async #reload() {
    const stored = await this.#fetch();
    if (this.closed) return;
    this.#rebased(() => this.draft.rebase(stored));
    this.speaking.refresh();
  }

  #rebased(change) {
    change();
    replace(this.complaint);
    this.fields.update();
    this.#heading();
  }

  async #activate() {
    await this.context.api.post(`${this.path}/activate`, { at_once: true });
    await this.#reload();
    toast(t("personalities.activated", { name: this.draft.stored.name }), "good");
    this.root.querySelector("h1").focus();
  }

  async #remove() {
    if (!(await removePersonality(this.draft.stored, this.context))) return;
    this.draft.discard();
    this.context.navigate("personalities");
  }
}
