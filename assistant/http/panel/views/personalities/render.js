// Speaking phrases beforehand: a job whose progress is shown, and which goes on when the page is left.

import { button, card, notice, progress, toast } from "../../components.js";
import { freshId, h, replace } from "../../dom.js";
import { formatNumber, problemText, t } from "../../i18n.js";

const POLL_MS = 1000;
const MOST = 500;
const LONGEST = 500;
const STATES = { done: "good", failed: "poor", cancelled: "fair" };

/** Jobs by personality, for whoever comes back to a page. */
const started = new Map();

/** The card; `form` is {draft, id, path, context}. `close()` on the element stops watching. */
export function renderCard(form) {
  const { draft, id, path, context } = form;
  const place = freshId("phrases");
  const text = h("textarea", {
    rows: "5",
    id: place,
    "aria-describedby": `${place}-hint ${place}-wrong`,
    placeholder: t("personalities.render.example"),
  });
  const wrong = h("p", { class: "wrong", id: `${place}-wrong`, hidden: true });
  const status = h("div", { class: "render-status" });
  let timer = null;
  let closed = false;

  const complain = (words) => {
    wrong.hidden = !words;
    wrong.textContent = words;
    if (words) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
    if (words) text.focus();
  };
  const watch = async (job) => {
    if (closed) return;
    replace(status, jobLine(job, context));
    if (job.state !== "running") {
      started.delete(id);
      return;
    }
    timer = setTimeout(async () => {
      try {
        const next = await context.api.get(`/api/jobs/${job.id}`);
        if (next.state in STATES) toast(t(`personalities.render.${next.state}`), STATES[next.state]);
        await watch(next);
      } catch (problem) {
        if (problem.name !== "Problem") throw problem;
        if (problem.status === 404) started.delete(id);
        if (!closed) replace(status, notice(problemText(problem), "poor"));
      }
    }, POLL_MS);
  };
  const start = button(t("personalities.render.start"), {
    icon: "bolt",
    on: async () => {
      const found = phrases(text.value);
      if (!found.length) return complain(t("personalities.render.empty"));
      if (found.length > MOST) return complain(t("personalities.render.too_many", { count: found.length, most: MOST }));
      const long = found.findIndex((one) => one.length > LONGEST);
      if (long >= 0) return complain(t("personalities.render.too_long", { line: long + 1, most: LONGEST }));
      complain("");
      const job = await context.api.post(`${path}/voice/render`, { phrases: found });
      started.set(id, job.id);
      clearTimeout(timer);
      return watch(job);
    },
  });
  const greeting = button(t("personalities.render.greeting"), {
    kind: "quiet",
    icon: "plus",
    on: () => {
      text.value = phrases(`${text.value}\n${draft.value("greeting")}`).join("\n");
      complain("");
    },
  });
  const missing = notice(t("personalities.render.no_sample"));
  const offer = () => {
    const { mode, voice_sample_url: sample } = draft.stored.voice_config;
    missing.hidden = mode === "custom" && Boolean(sample);
    start.disabled = !missing.hidden;
    greeting.disabled = !draft.value("greeting");
  };
  const off = draft.on(offer);
  offer();
  if (started.has(id)) context.api.get(`/api/jobs/${started.get(id)}`).then(watch, () => started.delete(id));

  const element = card(
    t("personalities.render"),
    h("p", { class: "lead" }, t("personalities.render.about")),
    missing,
    h(
      "div",
      { class: "field" },
      h("label", { for: place }, t("personalities.render.phrases")),
      text,
      h("p", { class: "hint", id: `${place}-hint` }, t("personalities.render.hint", { most: MOST })),
      wrong,
    ),
    h("div", { class: "actions" }, start, greeting),
    status,
  );
  return Object.assign(element, {
    close() {
      closed = true;
      clearTimeout(timer);
      off();
    },
  });
}

/** One phrase a line, each once. */
export function phrases(text) {
  return [
    ...new Set(
      text
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    ),
  ];
}

function jobLine(job, context) {
  if (job.state !== "running") {
    const words =
      job.state === "failed" && job.problem ? problemText({ ...job.problem, message: job.problem.detail }) : "";
    const made = job.result ? t("personalities.render.result", job.result) : "";
    return notice(
      [h("strong", {}, t(`personalities.render.${job.state}`)), words || made ? ` ${words || made}` : ""],
      STATES[job.state] ?? "neutral",
    );
  }
  const bar = progress(job.progress, t("personalities.render"));
  const share = job.progress === null ? "" : formatNumber(job.progress, { style: "percent", maximumFractionDigits: 0 });
  const cancel = button(t("common.cancel"), {
    kind: "quiet",
    icon: "x",
    on: () => context.api.del(`/api/jobs/${job.id}`),
  });
  return h(
    "div",
    { class: "stack" },
    h("p", {}, [t("personalities.render.running"), share, job.said].filter(Boolean).join(" · ")),
    bar,
    h("div", { class: "actions" }, cancel),
  );
}
