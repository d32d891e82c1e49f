// Cards of the usage page that are no charts: key figures, the cloud's quota, the cache, and tables.

import { h } from "../../dom.js";
import { language, t } from "../../i18n.js";
import { engineName } from "../personalities/engines.js";

/** Shares from which a quota or a full cache deserves attention. */
const SOON_FULL = 0.8;
const NEARLY_FULL = 0.95;

/** A number as people write it. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
}

/** A share, 0 to 1, in percent. */
export function percent(value, digits = 0) {
  return new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: digits }).format(value);
}

/** Milliseconds; a second and more in seconds. */
export function latency(ms) {
  return ms < 1000 ? `${number(ms, ms < 10 ? 1 : 0)} ms` : `${number(ms / 1000, 1)} s`;
}

/** Audio seconds in the unit that suits them. */
export function spoken(seconds) {
  if (seconds < 60) return `${number(seconds)} s`;
  if (seconds < 3600) return `${number(seconds / 60, seconds < 600 ? 1 : 0)} min`;
  return `${number(seconds / 3600, 1)} h`;
}

/** One key figure: what it is, its value, and a line of explanation. */
export function figure(label, value, about = "") {
  return h(
    "div",
    { class: "figure" },
    h("dt", { text: label }),
    h(
      "dd",
      {},
      h("span", { class: "figure-value", text: value }),
      about ? h("span", { class: "figure-about", text: about }) : null,
    ),
  );
}

/** A bar that fills up, with its figures in words. */
export function level({ label, share, text, note = "" }) {
  const state = share >= NEARLY_FULL ? "poor" : share >= SOON_FULL ? "fair" : "good";
  const bar = h("div", {
    class: `level level-${state}`,
    role: "meter",
    "aria-label": label,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    "aria-valuenow": String(Math.round(Math.min(share, 1) * 100)),
    "aria-valuetext": text,
  });
  const fill = h("span");
  fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  bar.append(fill);
  return h(
    "div",
    { class: "level-row" },
    h("div", { class: "level-words" }, h("strong", { text: label }), h("span", { text })),
    bar,
    note ? h("p", { class: "level-note", text: note }) : null,
  );
}

/** What is left of the free characters in the cloud this month. */
export function quota(rows) {
  if (!rows.length) return h("p", { class: "hint", text: t("usage.quota.none") });
  return rows.map((row) => {
    const left = Math.max(0, row.limit - row.characters);
    const share = row.limit ? row.characters / row.limit : 1;
    const state = share >= 1 ? "used_up" : share >= NEARLY_FULL ? "nearly" : share >= SOON_FULL ? "soon" : "";
    return level({
      label: [engineName(row.provider), row.voice_class].filter(Boolean).join(": "),
      share,
      text: t("usage.quota.left", { left: number(left), limit: number(row.limit), share: percent(share, 1) }),
      note: [t("usage.quota.month", { month: month(row.month) }), state ? t(`usage.quota.${state}`) : ""]
        .join(" ")
        .trim(),
    });
  });
}

/** How full the cache is, and what it holds. */
export function cache(facts) {
  if (!facts?.enabled) return h("p", { class: "hint", text: t("usage.cache.off") });
  const share = facts.max_mb ? facts.size_mb / facts.max_mb : 0;
  const hours = facts.oldest_s === null ? null : facts.oldest_s / 3600;
  return [
    level({
      label: t("usage.cache.size"),
      share,
      text: t("usage.cache.full", { size: number(facts.size_mb, 1), most: number(facts.max_mb) }),
      note: t("usage.cache.note", { hours: number(facts.keep_hours) }),
    }),
    h(
      "dl",
      { class: "facts" },
      fact(t("usage.cache.entries"), number(facts.entries)),
      fact(t("usage.cache.sound"), spoken(facts.audio_s)),
      fact(t("usage.cache.rate"), facts.hit_rate === null ? "–" : percent(facts.hit_rate)),
      fact(
        t("usage.cache.oldest"),
        hours === null || !facts.entries ? "–" : hours < 1 ? `${number(hours * 60)} min` : `${number(hours, 1)} h`,
      ),
    ),
  ];
}

/** Who did what: one line per row, named by `name(row)`. */
export function table(title, first, rows, name) {
  const heads = [
    first,
    ...["done", "failures", "interruptions", "cache", "latency", "sound", "characters"].map((one) =>
      t(`usage.column.${one}`),
    ),
  ];
  const speech = (row) => row.stage === "tts";
  const body = rows.map((row) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", text: name(row) }),
      h("td", { text: number(row.requests - row.failures) }),
      h("td", { text: number(row.failures) }),
      h("td", { text: number(row.interruptions) }),
      h("td", { text: speech(row) ? percent(row.cache_hit_rate) : "–" }),
      h("td", { text: row.latency_ms === null ? "–" : latency(row.latency_ms) }),
      h("td", { text: spoken(row.audio_s) }),
      h("td", { text: speech(row) ? number(row.characters) : "–" }),
    ),
  );
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "group", "aria-label": title },
    h(
      "table",
      { class: "figures" },
      h("caption", { class: "sr-only", text: title }),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col", text: head })),
        ),
      ),
      h("tbody", {}, body),
    ),
  );
}

function fact(label, value) {
  return h("div", {}, h("dt", { text: label }), h("dd", { text: value }));
}

function month(text) {
  const date = new Date(`${text}-01T00:00:00Z`);
  if (Number.isNaN(date.valueOf())) return text;
  return new Intl.DateTimeFormat(language(), { month: "long", year: "numeric", timeZone: "UTC" }).format(date);
}
