// Bars or lines over days, for eyes, keyboards and screen readers.
//
// The drawing is a slider over the days: arrow keys go from day to day, and the value that is read out is what the
// tooltip shows. Below it are a legend, whose entries hide and show series, and the same figures as a table.

import { h, replace, svg } from "../../dom.js";
import { language, t } from "../../i18n.js";
import { dash, marker, swatch, textures, ticks } from "./drawing.js";

const HEIGHT = 216;
const TOP = 14;
const BOTTOM = 26;
const RIGHT = 10;
const LABEL_WIDTH = 62;
const MOST_MARKERS = 31;

/** A day as people write it; `long` also names the day of the week. */
export function dayName(day, long = false) {
  const options = long
    ? { weekday: "short", day: "numeric", month: "long", timeZone: "UTC" }
    : { day: "numeric", month: "short", timeZone: "UTC" };
  return new Intl.DateTimeFormat(language(), options).format(new Date(`${day}T00:00:00Z`));
}

/** One chart. `element` is to be placed, `close()` to be called when it goes. */
export class DayChart {
  /**
   * `title` says what is shown, `kind` is `bars` (one on the other) or `lines`, `days` are ISO dates, `series` are
   * {name, values} with null where there is nothing, `format` writes a value with its unit and `tick` one at the axis;
   * `most` fixes the end of the axis, `steps(highest)` gives its numbers.
   */
  constructor({ title, kind, days, series, format, tick = format, most = null, steps = ticks }) {
    Object.assign(this, { title, kind, days, series, format, tick, most, steps });
    this.hidden = new Set();
    this.day = null;
    this.width = 0;
    this.tip = h("div", { class: "chart-tip", "aria-hidden": "true" });
    this.tip.hidden = true;
    this.frame = h("div", {
      class: "chart-frame",
      tabindex: "0",
      role: "slider",
      "aria-label": t("usage.chart.by_day", { title }),
      "aria-orientation": "horizontal",
      "aria-valuemin": "0",
      "aria-valuemax": String(days.length - 1),
      on: {
        keydown: (event) => this.#pressed(event),
        focus: () => this.#show(this.day ?? this.days.length - 1),
        blur: () => this.#show(null),
        pointermove: (event) => this.#show(this.#dayAt(event)),
        pointerdown: (event) => this.#show(this.#dayAt(event)),
        pointerleave: () => this.#show(null),
      },
    });
    this.legend = h("ul", { class: "chart-legend", "aria-label": t("usage.chart.legend") });
    this.element = h("div", { class: "chart" }, this.frame, this.legend, this.#table());
    this.#value(days.length - 1);
    this.#describe();
    this.observer = new ResizeObserver(() => this.#draw());
    this.observer.observe(this.frame);
  }

  /** Let go of what outlives the page. */
  close() {
    this.observer.disconnect();
  }

  get #seen() {
    return this.series.map((one, place) => ({ ...one, place })).filter((one) => !this.hidden.has(one.name));
  }

  #draw() {
    this.width = Math.round(this.frame.clientWidth);
    if (!this.width) return;
    const steps = this.steps(this.most ?? this.#highest());
    this.end = steps.at(-1);
    const labels = steps.map((step) => this.tick(step));
    this.left = 12 + Math.max(...labels.map((label) => label.length)) * 6.8;
    this.look = textures();
    this.cursor = svg("g", { class: "chart-cursor" });
    const picture = svg(
      "svg",
      { class: "chart-picture", width: this.width, height: HEIGHT, "aria-hidden": "true", focusable: "false" },
      this.look.definitions,
      this.#grid(steps, labels),
      this.#days(),
      this.kind === "bars" ? this.#bars() : this.#lines(),
      this.cursor,
    );
    replace(this.frame, picture, this.tip);
  }

  #highest() {
    const sums = this.days.map((_, day) => {
      const values = this.#seen.map((one) => one.values[day] ?? 0);
      return this.kind === "bars" ? values.reduce((all, one) => all + one, 0) : Math.max(0, ...values);
    });
    return Math.max(0, ...sums);
  }

  get #band() {
    return (this.width - this.left - RIGHT) / this.days.length;
  }

  #x(day) {
    return this.left + (day + 0.5) * this.#band;
  }

  #y(value) {
    return TOP + (1 - value / this.end) * (HEIGHT - TOP - BOTTOM);
  }

  #grid(steps, labels) {
    const group = svg("g", { class: "chart-axis" });
    steps.forEach((step, place) => {
      const y = Math.round(this.#y(step)) + 0.5;
      const text = svg("text", { x: this.left - 8, y: y + 4, "text-anchor": "end", text: labels[place] });
      const kind = place === 0 ? "chart-base" : "chart-line";
      group.append(svg("line", { x1: this.left, x2: this.width - RIGHT, y1: y, y2: y, class: kind }), text);
    });
    return group;
  }

  #days() {
    const group = svg("g", { class: "chart-axis" });
    const every = Math.max(1, Math.ceil(LABEL_WIDTH / this.#band));
    for (let day = this.days.length - 1; day >= 0; day -= every) {
      const x = this.#x(day);
      if (x - LABEL_WIDTH / 2 < this.left - 20) break;
      const last = x + LABEL_WIDTH / 2 > this.width;
      const anchor = last ? "end" : "middle";
      group.append(
        svg("text", {
          x: last ? this.width - 2 : x,
          y: HEIGHT - 7,
          "text-anchor": anchor,
          text: dayName(this.days[day]),
        }),
      );
    }
    return group;
  }

  #bars() {
    const group = svg("g");
    const width = Math.max(1, Math.min(28, this.#band * 0.72));
    this.days.forEach((_, day) => {
      let below = 0;
      for (const one of this.#seen) {
        const value = one.values[day] ?? 0;
        if (value <= 0) continue;
        const [bottom, top] = [this.#y(below), this.#y(below + value)];
        const height = Math.max(bottom - top - (below > 0 ? 1 : 0), 0.75);
        const fill = this.look.fill(one.place);
        group.append(svg("rect", { x: this.#x(day) - width / 2, y: top, width, height, rx: width > 8 ? 2 : 0, fill }));
        below += value;
      }
    });
    return group;
  }

  #lines() {
    const group = svg("g");
    for (const one of this.#seen) {
      let path = "";
      let open = false;
      const points = [];
      one.values.forEach((value, day) => {
        if (value === null) {
          open = false;
          return;
        }
        const [x, y] = [this.#x(day), this.#y(value)];
        path += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)} `;
        const alone = !open && (one.values[day + 1] ?? null) === null;
        if (alone || this.days.length <= MOST_MARKERS) points.push(marker(one.place, x, y));
        open = true;
      });
      const style = `series-line series-line-${one.place % 6}`;
      group.append(svg("path", { d: path, class: style, "stroke-dasharray": dash(one.place) }), ...points);
    }
    return group;
  }

  #describe() {
    if (this.series.length < 2) return;
    replace(
      this.legend,
      ...this.series.map((one, place) => {
        const toggle = h(
          "button",
          {
            type: "button",
            class: "chart-key",
            "aria-pressed": "true",
            on: { click: () => this.#toggle(one, toggle) },
          },
          swatch(place, this.kind),
          one.name,
        );
        return h("li", {}, toggle);
      }),
    );
  }

  #toggle(one, toggle) {
    if (!this.hidden.delete(one.name)) {
      if (this.hidden.size === this.series.length - 1) return; // an empty chart tells nothing
      this.hidden.add(one.name);
    }
    toggle.setAttribute("aria-pressed", String(!this.hidden.has(one.name)));
    this.#draw();
  }

  #pressed(event) {
    const last = this.days.length - 1;
    const now = this.day ?? last;
    const wanted = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      PageDown: now - 7,
      PageUp: now + 7,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") this.#show(null);
    if (wanted === undefined) return;
    event.preventDefault();
    this.#show(Math.min(last, Math.max(0, wanted)));
  }

  #dayAt(event) {
    const x = event.clientX - this.frame.getBoundingClientRect().left - this.left;
    return Math.min(this.days.length - 1, Math.max(0, Math.floor(x / this.#band)));
  }

  /** What is read out for a day. */
  #value(day) {
    const told = this.#seen.map((one) => `${one.name}: ${this.#told(one.values[day])}`).join(", ");
    this.frame.setAttribute("aria-valuenow", String(day));
    this.frame.setAttribute("aria-valuetext", `${dayName(this.days[day], true)}. ${told}`);
  }

  #told(value) {
    return value === null || value === undefined ? t("usage.chart.nothing") : this.format(value);
  }

  #show(day) {
    this.day = day;
    if (!this.cursor) return;
    replace(this.cursor);
    this.tip.hidden = day === null;
    if (day === null) return;
    this.#value(day);
    const x = this.#x(day);
    const width = Math.max(this.#band, 2);
    this.cursor.append(
      svg("rect", { x: x - width / 2, y: TOP, width, height: HEIGHT - TOP - BOTTOM, class: "chart-band" }),
    );
    if (this.kind === "lines") {
      for (const one of this.#seen) {
        if (one.values[day] !== null) this.cursor.append(marker(one.place, x, this.#y(one.values[day]), 5));
      }
    }
    replace(this.tip, h("strong", { text: dayName(this.days[day], true) }), this.#tipRows(day));
    const beside = x + 14 + this.tip.offsetWidth > this.width ? x - 14 - this.tip.offsetWidth : x + 14;
    this.tip.style.left = `${Math.max(0, beside)}px`;
  }

  #tipRows(day) {
    const rows = this.#seen.map((one) =>
      h(
        "div",
        {},
        swatch(one.place, this.kind),
        h("span", { text: one.name }),
        h("b", { text: this.#told(one.values[day]) }),
      ),
    );
    if (this.kind === "bars" && rows.length > 1) {
      const sum = this.#seen.reduce((all, one) => all + (one.values[day] ?? 0), 0);
      rows.push(
        h("div", { class: "chart-sum" }, h("span", { text: t("usage.chart.sum") }), h("b", { text: this.format(sum) })),
      );
    }
    return rows;
  }

  /** The same figures as a table; days without any are left out. It is made when somebody opens it. */
  #table() {
    const box = h("details", { class: "chart-table" }, h("summary", { text: t("usage.chart.table") }));
    box.addEventListener("toggle", () => {
      if (box.open && box.childElementCount === 1) box.append(this.#rows());
    });
    return box;
  }

  #rows() {
    const head = h("tr", {}, h("th", { scope: "col", text: t("usage.chart.day") }));
    head.append(...this.series.map((one) => h("th", { scope: "col", text: one.name })));
    const body = h("tbody");
    for (let day = this.days.length - 1; day >= 0; day -= 1) {
      if (!this.series.some((one) => one.values[day])) continue;
      const row = h("tr", {}, h("th", { scope: "row", text: dayName(this.days[day], true) }));
      row.append(...this.series.map((one) => h("td", { text: this.#told(one.values[day]) })));
      body.append(row);
    }
    const caption = h("caption", { text: this.title });
    return h(
      "div",
      { class: "table-scroll", tabindex: "0", role: "group", "aria-label": this.title },
      h("table", { class: "figures" }, caption, h("thead", {}, head), body),
    );
  }
}
