// All models: what is here, what can be fetched, and what their licences allow.

import { badge, button, card, emptyState, progress } from "../../components.js";
import { freshId, h, icon, replace } from "../../dom.js";
import { formatNumber, t } from "../../i18n.js";
import { copyButton } from "./copying.js";
import { filter } from "./filter.js";
import { size } from "./machine.js";
import { commercialText, kindName, VERDICT_KINDS, verdictText } from "./words.js";

const HERE = new Set(["installed", "bundled"]);
const STATE_KINDS = { installed: "good", bundled: "good", missing: "neutral", damaged: "poor" };
const SHOWN = {
  all: () => true,
  here: (model) => HERE.has(model.state),
  more: (model) => !HERE.has(model.state),
};

/** `{element, show(models), update(name)}`. */
export function modelList(context, pulls) {
  const groups = h("div", { class: "stack" });
  const search = h("input", { type: "search", placeholder: t("health.model_search"), "aria-label": t("health.model_search"), autocomplete: "off" });
  const count = h("p", { class: "hint", role: "status" });
  let models = [];
  let shown = "all";
  let rows = new Map();
  const choices = () => Object.entries(SHOWN).map(([id, fits]) => ({ id, text: t(`health.models_${id}`), count: models.filter(fits).length }));
  const pick = filter(t("health.filter"), choices(), shown, (id) => {
    shown = id;
    draw();
  });
  search.addEventListener("input", draw);
  const copy = copyButton(t("health.copy"), () => models.map(modelText).join("\n"), "health", context, { kind: "quiet" });
  const element = card(null, h("div", { class: "hl-head" }, h("h2", { id: "models-head" }, t("health.models")), copy), h("div", { class: "hl-tools" }, pick, search), count, groups);
  element.setAttribute("aria-labelledby", "models-head");

  function draw() {
    const focused = groups.contains(document.activeElement) ? document.activeElement.closest("[data-model]")?.dataset.model : null;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (model) => `${model.name} ${model.about ?? ""} ${kindName(model.kind)} ${model.kind}`.toLowerCase();
    const some = models.filter((model) => SHOWN[shown](model) && words.every((word) => text(model).includes(word)));
    rows = new Map(some.map((model) => [model.name, row(model, pulls)]));
    count.textContent = t("health.models_count", { count: formatNumber(some.length) });
    const kinds = [...new Set(some.map((model) => model.kind))];
    if (!some.length) return replace(groups, emptyState(t("health.models_none"), null, "model"));
    replace(groups, kinds.map((kind) => group(kind, some.filter((model) => model.kind === kind), rows)));
    if (focused) (rows.get(focused)?.element.querySelector("button") ?? search).focus({ preventScroll: true });
  }

  return {
    element,
    show(found) {
      models = found;
      pick.show(choices());
      draw();
    },
    update: (name) => rows.get(name)?.update(),
  };
}

export function modelText({ name, kind, state, size_mb, licence, verdict }) {
  return `${name} (${kind}): ${state}, ${size_mb ?? "?"} MB, ${licence}, ${verdict}`;
}

function group(kind, some, rows) {
  const head = h("h3", { class: "hl-group", id: freshId("models") }, kindName(kind));
  return h("section", { "aria-labelledby": head.id }, head, h("ul", { class: "hl-models" }, some.map((model) => rows.get(model.name).element)));
}

function row(model, pulls) {
  const { name, state, about, size_mb, licence, commercial, verdict, note } = model;
  const work = h("div", { class: "hl-model-work" });
  const facts = [size_mb !== null && size(size_mb), licence, commercialText(commercial)].filter(Boolean);
  const element = h(
    "li",
    { class: "hl-model", "data-model": name },
    h(
      "div",
      { class: "hl-model-text" },
      h("div", { class: "hl-model-head" }, h("span", { class: "hl-model-name" }, name), badge(t(`health.model_${state}`), STATE_KINDS[state]), verdict !== "allowed" && badge(verdictText(verdict), VERDICT_KINDS[verdict])),
      about && h("p", { lang: "en" }, about),
      h("p", { class: "hint" }, facts.join(" · ")),
      note && h("p", { class: "hint hl-note", lang: "en" }, icon("info"), h("span", {}, note)),
    ),
    work,
  );
  const bar = progress(null, t("health.pulling", { model: name }));
  const said = h("p", { class: "hint" });
  const cancel = button(t("common.cancel"), { kind: "quiet", icon: "x", on: () => pulls.cancel(name), "aria-label": t("health.pull_cancel", { model: name }) });
  const label = state === "damaged" ? "health.repair" : "health.download";
  const pull = button(t(label), { icon: "download", on: () => pulls.start(name), "aria-label": `${t(label)}: ${name}` });
  const update = () => {
    const job = pulls.of(name);
    const focused = work.contains(document.activeElement);
    if (!job) replace(work, model.pullable && pull);
    else {
      bar.set(job.progress);
      said.textContent = [job.progress !== null && formatNumber(job.progress, { style: "percent", maximumFractionDigits: 0 }), job.said].filter(Boolean).join(" · ");
      if (!work.contains(bar)) replace(work, h("div", { class: "hl-pull" }, bar, said), cancel);
    }
    if (focused && !work.contains(document.activeElement)) work.querySelector("button")?.focus();
  };
  update();
  return { element, update };
}
