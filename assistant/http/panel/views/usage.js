// Usage: what was said and understood, how quickly, from where, and what is left of quota and cache.

import { button, card, emptyState, heading, loading, notice, problemNotice } from "../components.js";
import { h, replace } from "../dom.js";
import { language, t } from "../i18n.js";
import { engineName } from "./personalities/engines.js";
import { cache, figure, latency, number, percent, quota, spoken, table } from "./usage/cards.js";
import { DayChart } from "./usage/chart.js";
import { ticks, timeTicks } from "./usage/drawing.js";
import { byDay, byProvider, csv, done, hits, lastDays, totals } from "./usage/figures.js";

const TIMES = [7, 30, 90];
const STAGES = ["tts", "stt"];

/** What a bar can count, by stage. */
const MEASURES = {
  tts: [
    { name: "done", value: done, format: (value) => number(value) },
    { name: "sound", value: (row) => row.audio_s, format: spoken },
    { name: "characters", value: (row) => row.characters, format: (value) => number(value) },
  ],
  stt: [
    { name: "done", value: done, format: (value) => number(value) },
    { name: "sound", value: (row) => row.audio_s, format: spoken },
  ],
};

const compact = (value) =>
  new Intl.NumberFormat(language(), { notation: "compact", maximumFractionDigits: 1 }).format(value);

export default {
  name: "usage",
  icon: "usage",
  mount(root, context) {
    const page = new UsagePage(root, context);
    page.load();
    return () => page.close();
  },
};

class UsagePage {
  constructor(root, context) {
    this.context = context;
    this.days = 30;
    this.stage = "tts";
    this.measure = { tts: "done", stt: "done" };
    this.charts = new Map();
    this.stats = null;
    this.asked = 0;
    this.body = h("div", { class: "usage-body" });
    this.moment = h("span", { class: "usage-moment", role: "status" });
    const times = TIMES.map((days) => [String(days), t("usage.last_days", { days })]);
    replace(
      root,
      heading(
        t("usage.title"),
        t("usage.about"),
        segments(t("usage.time"), times, String(this.days), (value) => {
          this.days = Number(value);
          this.load();
        }),
        button(t("common.refresh"), { kind: "quiet", icon: "refresh", on: () => this.load() }),
      ),
      this.moment,
      this.body,
    );
  }

  close() {
    this.asked += 1; // an answer that is still on its way finds nobody
    this.#closeCharts();
  }

  async load() {
    const asked = (this.asked += 1);
    this.body.setAttribute("aria-busy", "true");
    if (!this.stats) replace(this.body, loading());
    try {
      const stats = await this.context.api.get(`/api/stats?days=${this.days}`);
      if (asked !== this.asked) return;
      this.stats = stats;
      this.shown = lastDays(this.days, stats.days);
      const time = new Intl.DateTimeFormat(language(), { timeStyle: "short" }).format(new Date());
      this.moment.textContent = t("usage.as_of", { time });
      this.#show();
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      if (asked !== this.asked) return;
      this.#closeCharts();
      replace(
        this.body,
        problemNotice(problem, () => this.load()),
      );
    } finally {
      if (asked === this.asked) this.body.removeAttribute("aria-busy");
    }
  }

  #show() {
    this.#closeCharts();
    if (!this.stats.days.length) {
      const chat = button(t("usage.try"), { kind: "primary", on: () => this.context.navigate("chat") });
      replace(this.body, emptyState(t("usage.empty", { days: this.days }), chat, "usage"), this.#stores());
      return;
    }
    const stages = STAGES.filter((stage) => this.stats.days.some((row) => row.stage === stage));
    if (!stages.includes(this.stage)) this.stage = stages[0] ?? "tts";
    const choose = segments(
      t("usage.stage"),
      stages.map((stage) => [stage, t(`usage.stage.${stage}`)]),
      this.stage,
      (stage) => {
        this.stage = stage;
        this.#stagePart(part);
      },
    );
    const part = h("div", { class: "usage-stage" });
    replace(this.body, stages.length > 1 ? choose : null, part, this.#stores(), this.#tables());
    this.#stagePart(part);
  }

  /** All that depends on whether speaking or understanding is looked at. */
  #stagePart(part) {
    this.#closeCharts();
    const rows = this.stats.days.filter((row) => row.stage === this.stage && row.day >= this.shown[0]);
    replace(
      part,
      this.#figures(totals(rows)),
      h(
        "div",
        { class: "usage-charts" },
        this.#workChart(rows),
        this.#latencyChart(rows),
        this.stage === "tts" ? this.#cacheChart(rows) : null,
        this.#failureChart(rows),
      ),
    );
  }

  #figures(sum) {
    const share = (count) => (sum.requests ? t("usage.of_all", { share: percent(count / sum.requests, 1) }) : "");
    const own = this.stage;
    return h(
      "dl",
      { class: "figures-row" },
      figure(
        t(`usage.figure.done.${own}`),
        number(sum.done),
        t("usage.per_day", { count: number(sum.done / this.days, 1) }),
      ),
      figure(t(`usage.figure.sound.${own}`), spoken(sum.audio_s)),
      own === "tts" ? figure(t("usage.figure.characters"), number(sum.characters)) : null,
      own === "tts"
        ? figure(
            t("usage.figure.cache"),
            sum.hitRate === null ? "–" : percent(sum.hitRate),
            t("usage.figure.cache.about"),
          )
        : null,
      figure(
        t("usage.figure.latency"),
        sum.latency_ms === null ? "–" : latency(sum.latency_ms),
        t(`usage.figure.latency.${own}`),
      ),
      figure(t("usage.figure.failures"), number(sum.failures), share(sum.failures)),
      own === "tts"
        ? figure(t("usage.figure.interruptions"), number(sum.interruptions), share(sum.interruptions))
        : null,
    );
  }

  #workChart(rows) {
    const measures = MEASURES[this.stage];
    const place = h("div");
    const draw = () => {
      const one = measures.find((measure) => measure.name === this.measure[this.stage]);
      this.#chart(place, "work", {
        title: t(`usage.measure.${one.name}.${this.stage}`),
        kind: "bars",
        series: named(byProvider(rows, this.shown, one.value)),
        format: one.format,
        tick: one.name === "sound" ? spoken : compact,
        steps: one.name === "sound" ? timeTicks : ticks,
      });
    };
    const choose = segments(
      t("usage.measure"),
      measures.map((one) => [one.name, t(`usage.measure.${one.name}`)]),
      this.measure[this.stage],
      (name) => {
        this.measure[this.stage] = name;
        draw();
      },
    );
    draw();
    return card(t("usage.chart.work"), choose, place);
  }

  #latencyChart(rows) {
    const place = h("div");
    this.#chart(place, "latency", {
      title: t("usage.chart.latency"),
      kind: "lines",
      series: named(byProvider(rows, this.shown, (row) => row.latency_ms, null)),
      format: latency,
    });
    const now = this.stats.latency_now_ms.filter((one) => one.stage === this.stage);
    const words = now.map((one) => `${engineName(one.provider)} ${latency(one.ms)}`).join(", ");
    const about = h("p", { class: "hint", text: t(`usage.chart.latency.${this.stage}`) });
    return card(
      t("usage.chart.latency"),
      about,
      place,
      now.length ? h("p", { class: "hint", text: t("usage.latency_now", { words }) }) : null,
    );
  }

  #cacheChart(rows) {
    const place = h("div");
    const rate = (found) => {
      const made = found.reduce((all, row) => all + done(row), 0);
      return made ? found.reduce((all, row) => all + hits(row), 0) / made : null;
    };
    this.#chart(place, "cache", {
      title: t("usage.chart.cache"),
      kind: "lines",
      most: 1,
      series: [{ name: t("usage.figure.cache"), values: byDay(rows, this.shown, rate, null) }],
      format: (value) => percent(value),
    });
    return card(t("usage.chart.cache"), h("p", { class: "hint", text: t("usage.chart.cache.about") }), place);
  }

  #failureChart(rows) {
    const place = h("div");
    const sums = (key) => byDay(rows, this.shown, (found) => found.reduce((all, row) => all + row[key], 0));
    const keys = this.stage === "tts" ? ["failures", "interruptions"] : ["failures"];
    const title = t(`usage.chart.failures.${this.stage}`);
    const about = h("p", { class: "hint" }, t(`usage.chart.failures.about.${this.stage}`));
    if (!rows.some((row) => keys.some((key) => row[key] > 0))) {
      return card(title, about, notice(t(`usage.chart.failures.none.${this.stage}`), "good"));
    }
    this.#chart(place, "failures", {
      title,
      kind: "bars",
      series: keys.map((key) => ({ name: t(`usage.figure.${key}`), values: sums(key) })),
      format: (value) => number(value),
      tick: compact,
    });
    return card(title, about, place);
  }

  #chart(place, name, options) {
    this.charts.get(name)?.close();
    const chart = new DayChart({ days: this.shown, ...options });
    this.charts.set(name, chart);
    replace(place, chart.element);
  }

  #closeCharts() {
    for (const chart of this.charts.values()) chart.close();
    this.charts.clear();
  }

  #stores() {
    return h(
      "div",
      { class: "usage-charts" },
      card(t("usage.quota.title"), quota(this.stats.quota ?? [])),
      card(t("usage.cache.title"), cache(this.stats.cache)),
    );
  }

  #tables() {
    const stage = (row) => t(`usage.stage.${row.stage}`);
    const people = this.stats.personalities;
    const save = button(t("usage.csv"), { kind: "plain", icon: "download", on: () => this.#save() });
    return [
      card(
        t("usage.table.providers"),
        table(
          t("usage.table.providers"),
          t("usage.column.provider"),
          this.stats.providers,
          (row) => `${engineName(row.provider)} · ${stage(row)}`,
        ),
        h("div", { class: "actions" }, save),
      ),
      people.length
        ? card(
            t("usage.table.personalities"),
            table(
              t("usage.table.personalities"),
              t("usage.column.personality"),
              people,
              (row) => `${row.personality} · ${engineName(row.provider)}`,
            ),
          )
        : null,
    ];
  }

  #save() {
    const url = URL.createObjectURL(new Blob([csv(this.stats.days)], { type: "text/csv" }));
    const link = h("a", { href: url, download: `usage-${this.shown.at(-1)}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

/** One of few, side by side: radio buttons that look like a switch. */
function segments(label, choices, chosen, on) {
  const name = `segments-${(segments.count = (segments.count ?? 0) + 1)}`;
  return h(
    "fieldset",
    { class: "segments" },
    h("legend", { class: "sr-only", text: label }),
    choices.map(([value, text]) => {
      const input = h("input", { type: "radio", name, value, on: { change: () => on(value) } });
      input.checked = value === chosen;
      return h("label", {}, input, h("span", { text }));
    }),
  );
}

function named(series) {
  return series.map((one) => ({ ...one, name: engineName(one.name) }));
}
