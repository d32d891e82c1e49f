// The recording whose voice a personality speaks with: hear it, replace it, remove it.

import { button, card, notice, player, progress, tabs, toast } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDate, formatNumber, problemText, t } from "../../i18n.js";
import { consentFields } from "./consent.js";
import { fileChooser } from "./file.js";
import { recordingPane } from "./recording.js";
import { report, traces } from "./report.js";

/** The card; `form` is {draft, path, context, stored(document)}. `close()` on the element stops what runs. */
export function sampleCard(form) {
  const element = new Sample(form);
  return Object.assign(element.card, { close: () => element.close() });
}

class Sample {
  constructor(form) {
    this.form = form;
    this.present = h("div", { class: "sample-present" });
    this.candidate = null;
    this.audition = player({ label: t("personalities.sample.candidate") });
    this.chosen = h("div", { class: "sample-chosen", hidden: true });
    this.sending = h("div", { class: "sample-sending", role: "status" });
    this.result = h("div", { class: "sample-result" });
    this.consent = consentFields();
    this.recording = recordingPane({ draft: form.draft, on: (blob, name) => this.#take(blob, name) });
    this.file = fileChooser((file) => this.#take(file, file.name));
    this.card = card(
      t("personalities.sample"),
      h("p", { class: "lead" }, t("personalities.sample.about")),
      this.present,
      this.result,
      this.#adding(),
    );
    this.off = form.draft.on((path) => path === null && this.#show());
    this.#show();
  }

  close() {
    this.off();
    this.abort?.abort();
    this.recording.close();
    this.audition.unload();
    this.stored?.unload();
  }

  get #voice() {
    return this.form.draft.stored.voice_config;
  }

  #adding() {
    this.summary = h("summary");
    this.send = button(t("personalities.sample.use"), {
      kind: "primary",
      icon: "upload",
      busy: t("personalities.sample.sending"),
      on: () => this.#upload(),
    });
    const ways = tabs(t("personalities.sample.ways"), [
      { id: "file", label: t("personalities.sample.file"), panel: this.file },
      { id: "record", label: t("personalities.sample.record"), panel: this.recording.element },
    ]);
    this.box = h(
      "details",
      { class: "sample-adding" },
      this.summary,
      ways,
      this.chosen,
      this.consent.element,
      this.sending,
      h("div", { class: "actions" }, this.send),
    );
    return this.box;
  }

  /** What is stored now. */
  #show() {
    const voice = this.#voice;
    const there = Boolean(voice.voice_sample_url);
    this.summary.textContent = t(there ? "personalities.sample.replace" : "personalities.sample.add");
    if (!there) {
      this.box.open = true;
      replace(this.present, notice(t("personalities.sample.none")));
      return;
    }
    if (this.shown === voice.voice_sample_url && this.present.querySelector(".player")) return;
    this.shown = voice.voice_sample_url;
    this.stored?.unload();
    this.stored = player({ label: t("personalities.sample.stored") });
    const hear = button(t("personalities.sample.hear"), {
      icon: "play",
      on: async () => {
        const { blob } = await this.form.context.api.blob(`${this.form.path}/voice/sample`);
        hear.replaceWith(this.stored);
        await this.stored.load(blob, { autoplay: true });
        this.stored.querySelector("button").focus();
      },
    });
    const remove = button(t("personalities.sample.remove"), {
      kind: "danger",
      icon: "trash",
      on: () => this.#remove(),
    });
    const seconds = formatNumber(voice.voice_sample_duration);
    const when = formatDate(voice.uploaded_at);
    replace(
      this.present,
      h("p", {}, t("personalities.sample.facts", { seconds, when })),
      h("div", { class: "actions" }, hear, remove),
    );
  }

  /** A recording was chosen or made. */
  #take(blob, name) {
    this.candidate = { blob, name };
    this.sending.replaceChildren();
    this.audition.load(blob);
    const away = button(t("personalities.sample.discard"), { kind: "quiet", icon: "x", on: () => this.#drop() });
    const size = t("personalities.sample.size", {
      name,
      size: formatNumber(blob.size / 1e6, { maximumFractionDigits: 2 }),
    });
    replace(this.chosen, h("p", {}, h("strong", {}, t("personalities.sample.chosen")), " ", size), this.audition, away);
    this.chosen.hidden = false;
  }

  #drop() {
    this.candidate = null;
    this.audition.unload();
    this.chosen.hidden = true;
    this.file.clear();
    this.file.focus();
  }

  async #upload() {
    if (!this.candidate) {
      replace(this.sending, notice(t("personalities.sample.choose_first"), "fair"));
      return;
    }
    const consent = this.consent.text();
    if (!consent) {
      this.consent.complain();
      return;
    }
    const body = new FormData();
    body.append("consent", consent);
    body.append("file", this.candidate.blob, this.candidate.name);
    const bar = progress(0, t("personalities.sample.progress"));
    const words = h("span", {}, t("personalities.sample.progress"));
    replace(this.sending, words, bar);
    this.abort = new AbortController();
    try {
      const found = await this.form.context.api.upload(
        `${this.form.path}/voice/upload`,
        body,
        (share) => {
          bar.set(share < 1 ? share : null);
          words.textContent =
            share < 1
              ? t("personalities.sample.sent", { share: formatNumber(share, { style: "percent" }) })
              : t("personalities.sample.judging");
        },
        this.abort.signal,
      );
      replace(this.sending);
      await this.#taken(found);
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      this.#refused(problem);
    }
  }

  async #taken(found) {
    this.#drop();
    this.consent.clear();
    this.box.open = false;
    await this.form.stored(found.personality);
    replace(this.result, report(found));
    this.result.querySelector("h3").focus();
    toast(t("personalities.sample.taken"), "good");
  }

  #refused(problem) {
    replace(this.sending);
    if (problem.code === "consent_missing") this.consent.complain(problemText(problem));
    else
      replace(
        this.sending,
        h(
          "div",
          { role: "alert" },
          notice([h("strong", {}, t("personalities.sample.refused")), " ", problemText(problem)], "poor"),
        ),
      );
  }

  async #remove() {
    const name = this.form.draft.stored.name;
    const sure = await this.form.context.confirm(t("personalities.sample.remove.sure", { name }), {
      danger: true,
      title: t("personalities.sample.remove.title"),
      yes: t("personalities.sample.remove"),
    });
    if (!sure) return;
    const { personality, deleted } = await this.form.context.api.del(`${this.form.path}/voice/upload`);
    replace(this.result);
    this.shown = null;
    await this.form.stored(personality);
    this.summary.focus();
    toast(t("personalities.sample.removed", { what: traces(deleted) }), "good");
  }
}
