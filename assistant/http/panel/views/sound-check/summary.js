// The whole check on one page, to print or to send.

import { badge, button, field } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDate, t } from "../../i18n.js";
import { copyButton } from "../health/copying.js";
import { stateBadge, stateOf, stateText } from "./verdict.js";

const NOTES = [
  { name: "place", rows: 0 },
  { name: "person", rows: 0 },
  { name: "remarks", rows: 3 },
];

/** `steps`: all that count. `status`: promise of what `/api/status` says, or of null. */
export function summary(root, { steps, results, context, status, show }) {
  const found = () => steps.map((step) => [step, results.get(step.name)]);
  const machine = h("p", { class: "hint" });
  let version = "";
  status.then((now) => {
    version = now?.version ?? "";
    machine.textContent = where(version, results);
  });
  machine.textContent = where(version, results);
  const copy = copyButton(t("sound-check.copy"), () => asText(found(), results, where(version, results)), "sound-check", context, { kind: "primary" });
  replace(
    root,
    overall(found()),
    machine,
    h(
      "ol",
      { class: "sc-summary" },
      found().map(([step, result]) => row(step, result, show)),
    ),
    h("div", { class: "sc-notes" }, NOTES.map((note) => notes(note, results))),
    h(
      "div",
      { class: "row no-print" },
      copy,
      button(t("sound-check.print"), { icon: "file", on: () => window.print() }),
    ),
  );
}

/** How many steps passed, in a sentence. */
export function standing(steps, results) {
  const states = steps.map((step) => stateOf(results.get(step.name)));
  const count = (state) => states.filter((one) => one === state).length;
  return { passed: count("good"), better: count("fair"), failed: count("poor"), open: count("open"), count: states.length };
}

function overall(found) {
  const states = found.map(([, result]) => stateOf(result));
  const kind = states.includes("poor") ? "poor" : states.includes("open") ? "open" : states.includes("fair") ? "fair" : "good";
  return h("div", { class: `sc-overall ${kind === "open" ? "neutral" : kind}` }, badge(t(`sound-check.overall_${kind}`), kind === "open" ? "neutral" : kind), h("p", {}, t(`sound-check.overall_${kind}_about`)));
}

function row(step, result, show) {
  const title = t(`sound-check.step_${step.name}`);
  return h(
    "li",
    {},
    h(
      "div",
      { class: "sc-summary-head" },
      h("h3", {}, title),
      stateBadge(result),
      button(t(result ? "sound-check.repeat" : "sound-check.do_now"), { kind: "quiet", class: "button quiet no-print", "aria-label": `${t(result ? "sound-check.repeat" : "sound-check.do_now")}: ${title}`, on: () => show(step.name) }),
    ),
    result && h("dl", { class: "sc-facts" }, step.facts(result.facts).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    result && step.details?.(result.facts),
    result && result.state !== "good" && h("ul", { class: "sc-advice" }, step.advice(result.facts).map((text) => h("li", {}, text))),
  );
}

function notes({ name, rows }, results) {
  const input = rows ? h("textarea", { rows, maxlength: 2000 }) : h("input", { type: "text", maxlength: 200, autocomplete: "off" });
  input.value = results.notes[name] ?? "";
  input.addEventListener("input", () => results.note(name, input.value));
  const element = field(t(`sound-check.note_${name}`), input);
  element.classList.add(`sc-note-${name}`);
  return element;
}

function where(version, results) {
  return [location.host, version && t("sound-check.version", { version }), formatDate(results.since ?? new Date())].filter(Boolean).join(" · ");
}

/** Plain text, for an e-mail or a ticket. */
function asText(found, results, place) {
  const lines = [t("common.nav.sound-check"), place];
  for (const { name } of NOTES) if (results.notes[name]) lines.push(`${t(`sound-check.note_${name}`)}: ${results.notes[name]}`);
  for (const [step, result] of found) {
    lines.push("", `${t(`sound-check.step_${step.name}`)}: ${stateText(result)}`);
    if (!result) continue;
    for (const [name, value] of step.facts(result.facts)) lines.push(`  ${name}: ${value}`);
    if (result.state !== "good") for (const text of step.advice(result.facts)) lines.push(`  → ${text}`);
  }
  return lines.join("\n");
}
