// Health: what works, what does not and what to do; models, licences and what went wrong lately.

import { button, heading, loading, problemNotice, tabs } from "../components.js";
import { h, icon, replace } from "../dom.js";
import { formatDate, formatDuration, t } from "../i18n.js";
import { copyButton } from "./health/copying.js";
import { engineCard } from "./health/engines.js";
import { findingList } from "./health/findings.js";
import { incidentList } from "./health/incidents.js";
import { licenceCard } from "./health/licences.js";
import { deviceCard, diskCard } from "./health/machine.js";
import { modelList } from "./health/models.js";
import { Pulls } from "./health/pulls.js";
import { ticket } from "./health/ticket.js";

const PAGES = ["overview", "models", "licences", "incidents"];
/** Events after which something here has changed. */
const NEWS = new Set(["device_lost", "device_back", "provider_state"]);
const NEWS_AFTER_MS = 1_000;

export default {
  name: "health",
  icon: "health",
  mount(root, context) {
    const page = new HealthPage(root, context);
    page.load();
    return () => page.close();
  },
};

class HealthPage {
  constructor(root, context) {
    this.context = context;
    this.found = null;
    this.asked = 0;
    this.timer = null;
    this.pulls = new Pulls(context, { onChange: (model) => this.models.update(model), onEnd: () => this.load() });
    this.findings = findingList(context);
    this.models = modelList(context, this.pulls);
    this.incidents = incidentList(context);
    this.banner = h("div", { role: "status" });
    this.engines = h("div", {});
    this.machine = h("div", { class: "stack" });
    this.licences = h("div", {});
    this.problem = h("div", {});
    this.waiting = loading();
    this.moment = h("p", { class: "hint" });
    this.copy = copyButton(t("health.copy_all"), () => ticket(this.found), "health", context);
    this.copy.disabled = true;
    const refresh = button(t("common.refresh"), { icon: "refresh", on: () => this.load() });
    const overview = h("div", { class: "hl-overview" }, this.findings.element, h("div", { class: "stack" }, this.machine, this.engines));
    const panels = { overview, models: this.models.element, licences: this.licences, incidents: this.incidents.element };
    this.tabs = tabs(t("common.nav.health"), PAGES.map((id) => ({ id, label: t(`health.tab_${id}`), panel: panels[id] })), {
      selected: PAGES.includes(context.path[0]) ? context.path[0] : PAGES[0],
      // The address names the tab, so that it can be reloaded and passed on; the view stays as it is.
      on: (id) => history.replaceState(null, "", `#/health/${id}`),
    });
    this.tabs.hidden = true;
    replace(root, heading(t("common.nav.health"), t("health.lead"), this.copy, refresh), h("div", { class: "stack" }, this.problem, this.banner, this.moment, this.waiting, this.tabs));
    this.off = context.events.on("event", (line) => NEWS.has(line.event) && this.#soon());
    this.pulls.resume().catch((error) => console.info("jobs:", error.message));
  }

  close() {
    this.asked += 1; // an answer that is still on its way finds nobody
    clearTimeout(this.timer);
    this.pulls.close();
    this.off();
  }

  async load() {
    const asked = (this.asked += 1);
    const { api } = this.context;
    // What stands beside the findings may fail on its own: its card says so.
    const beside = (path) => api.get(path).catch((error) => error);
    try {
      const [health, voices, status] = await Promise.all([api.get("/api/health"), beside("/api/voice/voices"), beside("/api/status")]);
      if (asked === this.asked) this.#show(health, voices, status);
    } catch (error) {
      if (error.name !== "Problem") throw error;
      if (asked !== this.asked) return;
      this.waiting.hidden = true;
      replace(this.problem, problemNotice(error, () => this.load()));
    }
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), NEWS_AFTER_MS);
  }

  #show(health, voices, status) {
    const failed = (answer) => answer instanceof Error;
    this.found = { health, voices: failed(voices) ? null : voices, status: failed(status) ? null : status, at: new Date() };
    this.waiting.hidden = true;
    if (this.tabs.hidden) {
      this.tabs.hidden = this.copy.disabled = false;
      this.tabs.querySelector("[aria-selected=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    replace(this.problem);
    replace(this.banner, banner(health.findings));
    this.moment.textContent = moment(this.found);
    this.findings.show(health.findings);
    replace(this.engines, failed(voices) ? problemNotice(voices, () => this.load()) : engineCard(voices.engines));
    replace(this.machine, failed(status) ? problemNotice(status, () => this.load()) : deviceCard(status), diskCard(health.disk));
    this.models.show(health.models);
    replace(this.licences, licenceCard(health.findings.find((one) => one.part === "licences"), this.context));
    this.incidents.show(health.incidents);
  }
}

/** How it is, in one line. */
function banner(findings) {
  const count = (state) => findings.filter((one) => one.state === state).length;
  const [fails, warns] = [count("fails"), count("warns")];
  const kind = fails ? "poor" : warns ? "fair" : "good";
  const text = { poor: t(fails === 1 ? "health.banner_fail" : "health.banner_fails", { count: fails }), fair: t(warns === 1 ? "health.banner_warn" : "health.banner_warns", { count: warns }), good: t("health.banner_good") }[kind];
  const mark = { good: "check", fair: "warn", poor: "error" }[kind];
  return h("div", { class: `hl-banner ${kind}` }, icon(mark), h("div", {}, h("p", { class: "hl-banner-text" }, text), h("p", {}, t(`health.banner_${kind}_about`))));
}

function moment({ status, at }) {
  const parts = [t("health.as_of", { time: formatDate(at, { timeStyle: "medium" }) })];
  if (status) parts.push(t("health.version", { version: status.version }), t("health.uptime", { time: formatDuration(status.uptime_s) }));
  return parts.join(" · ");
}
