// Sound check: what a technician does on the first day, step by step. It can be left and gone on with at any time.

import { badge, button, heading, notice } from "../components.js";
import { h, icon, replace } from "../dom.js";
import { formatDate, t } from "../i18n.js";
import devices from "./sound-check/devices.js";
import echo from "./sound-check/echo.js";
import level from "./sound-check/level.js";
import { Results } from "./sound-check/results.js";
import sentence from "./sound-check/sentence.js";
import { standing, summary } from "./sound-check/summary.js";
import trial from "./sound-check/trial.js";
import { stateOf, stateText, verdict } from "./sound-check/verdict.js";
import wakeWord from "./sound-check/wake-word.js";

/**
 * A step: `name`, `facts(facts)` = what was found as `[name, value]`, `advice(facts)` = what to do, `details(facts)` =
 * more to show, `mount(root, page)` which returns what ends it. It tells `page.finish(state, facts)`.
 */
const STEPS = [devices, level, wakeWord, sentence, echo, trial];
const SUMMARY = "summary";
const NAMES = [...STEPS.map((step) => step.name), SUMMARY];

const MARKS = { good: "check", fair: "warn", poor: "error" };

export default {
  name: "sound-check",
  icon: "sound-check",
  mount(root, context) {
    const page = new SoundCheckPage(root, context);
    return () => page.close();
  },
};

class SoundCheckPage {
  constructor(root, context) {
    this.context = context;
    this.results = new Results(context.session.tenant);
    /** State, personality and turn, as last told. */
    this.now = null;
    this.end = null;
    this.status = context.api.get("/api/status").catch(() => null);
    this.steps = h("ol", { class: "sc-steps" });
    this.standing = h("p", { role: "status" });
    this.again = button(t("sound-check.restart"), { kind: "quiet", icon: "reset", on: () => this.restart() });
    this.lost = h("div", { role: "status" });
    this.box = h("section", { class: "card sc-step", "aria-labelledby": "sound-check-step" });
    this.offs = [
      context.events.on("state", (now) => (this.now = now)),
      // One connection for all steps: with levels from the start it need not be made anew between them.
      context.events.on("level", () => {}),
      context.events.on("connection", (is) => replace(this.lost, !is && notice(t("common.offline"), "fair"))),
    ];
    replace(
      root,
      heading(t("common.nav.sound-check"), t("sound-check.lead")),
      this.lost,
      h("div", { class: "sc-page" }, h("nav", { class: "sc-nav", "aria-label": t("sound-check.steps") }, this.steps, h("div", { class: "sc-standing" }, this.standing, this.again)), this.box),
    );
    const wished = [context.path[0], this.results.last].find((name) => NAMES.includes(name));
    this.show(wished ?? NAMES[0], false);
  }

  close() {
    this.end?.();
    this.end = null;
    this.offs.forEach((off) => off());
  }

  /** Show a step; `moved`: somebody went there, so the focus goes with them. */
  show(name, moved = true) {
    this.end?.();
    this.end = null;
    this.step = STEPS.find((step) => step.name === name) ?? null;
    this.shown = name;
    this.results.look(name);
    // The address names the step, so that it can be reloaded and passed on; the view stays as it is.
    history.replaceState(null, "", `#/sound-check/${name}`);
    const number = NAMES.indexOf(name) + 1;
    const title = h("h2", { id: "sound-check-step", tabindex: "-1" }, t(`sound-check.step_${name}`));
    const body = h("div", { class: "sc-body" });
    this.outcome = h("div", { class: "sc-outcome", "aria-live": "polite" });
    this.foot = h("div", { class: "sc-foot no-print" });
    replace(
      this.box,
      h("header", {}, this.step && h("p", { class: "sc-eyebrow" }, t("sound-check.step_of", { number, count: STEPS.length })), title, h("p", { class: "muted" }, t(`sound-check.about_${name}`))),
      body,
      this.outcome,
      this.foot,
    );
    if (this.step) this.end = this.step.mount(body, this);
    else summary(body, { steps: STEPS, results: this.results, context: this.context, status: this.status, show: (to) => this.show(to) });
    this.#draw();
    if (!moved) return;
    title.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  /** The result of the step that is shown, or null. */
  result() {
    return this.step && this.results.get(this.step.name);
  }

  /** A step measures anew. */
  begin() {
    replace(this.outcome);
  }

  /** A step is done: `state` good, fair or poor; `facts` are kept. */
  finish(state, facts) {
    this.results.set(this.step.name, state, facts);
    this.#draw();
    this.foot.querySelector(".button.primary")?.focus({ preventScroll: true });
    this.outcome.scrollIntoView({ block: "nearest" });
  }

  /** Results count no longer; `text` says why, where steps are among them that are not shown just now. */
  forget(names, text) {
    const others = names.some((name) => name !== this.shown && this.results.get(name));
    if (!this.results.forget(names)) return;
    if (others) this.context.toast(text, "fair");
    this.#draw();
  }

  async restart() {
    if (this.results.since && !(await this.context.confirm(t("sound-check.restart_sure"), { danger: true, yes: t("sound-check.restart") }))) return;
    this.results.clear();
    this.show(NAMES[0]);
  }

  #draw() {
    const result = this.result();
    replace(this.outcome, result && verdict(this.step, result));
    this.#drawSteps();
    const at = NAMES.indexOf(this.shown);
    const previous = at > 0 && button(t("common.back"), { icon: "arrow-left", on: () => this.show(NAMES[at - 1]) });
    const next = at < NAMES.length - 1 && button(this.#nextLabel(at, result), { kind: result ? "primary" : "plain", icon: "arrow-right", on: () => this.show(NAMES[at + 1]) });
    if (next) next.classList.add("sc-next");
    replace(this.foot, previous, next);
  }

  #nextLabel(at, result) {
    if (!result) return t("sound-check.skip");
    return at === STEPS.length - 1 ? t("sound-check.to_summary") : t("sound-check.next");
  }

  #drawSteps() {
    const focused = this.steps.contains(document.activeElement) ? document.activeElement.dataset.step : null;
    replace(this.steps, NAMES.map((name, index) => h("li", {}, this.#stepButton(name, index))));
    this.steps.querySelector(`[data-step="${focused}"]`)?.focus({ preventScroll: true });
    const { passed, count, open } = standing(STEPS, this.results);
    const since = this.results.since && t("sound-check.since", { date: formatDate(this.results.since) });
    this.again.hidden = !this.results.since;
    replace(this.standing, badge(t("sound-check.passed_of", { passed, count }), open === 0 && passed === count ? "good" : "neutral"), since && h("span", { class: "hint" }, since));
  }

  #stepButton(name, index) {
    const result = name === SUMMARY ? null : this.results.get(name);
    const state = stateOf(result);
    const mark = name === SUMMARY ? icon("list") : MARKS[state] ? icon(MARKS[state]) : String(index + 1);
    return h(
      "button",
      { type: "button", class: `sc-step-button ${state}`, "data-step": name, "aria-current": this.shown === name ? "step" : null, on: { click: () => this.show(name) } },
      h("span", { class: "sc-step-mark", "aria-hidden": "true" }, mark),
      h("span", { class: "sc-step-text" }, h("span", { class: "sc-step-title" }, t(`sound-check.step_${name}`)), name !== SUMMARY && h("span", { class: "sc-step-state" }, h("span", { class: "sr-only" }, ": "), stateText(result))),
    );
  }
}
