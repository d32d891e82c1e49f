// A level with the band in which a speaking voice should be.

import { h } from "../../dom.js";
import { formatNumber, t } from "../../i18n.js";
import { CLIPPING_DB, LOUD_DB, loudness, QUIET_DB } from "./judging.js";

const LEAST_DB = -70;

const place = (db) => 1 - Math.min(0, Math.max(LEAST_DB, db)) / LEAST_DB;
const percent = (share) => `${(100 * share).toFixed(2)}%`;

export const formatDb = (db) => (db <= LEAST_DB ? t("common.silent") : `${formatNumber(db, { maximumFractionDigits: 0 })} dB`);

/** `{element, set(db), mark(noise_db | null)}`; with `judged` its colour says whether a voice of that level is right. */
export function gauge(label) {
  const bar = h("div", { class: "sc-gauge-bar" });
  const room = h("div", { class: "sc-gauge-room", hidden: true });
  const band = h("div", { class: "sc-gauge-band", style: { left: percent(place(QUIET_DB)), right: percent(1 - place(LOUD_DB)) } });
  const hot = h("div", { class: "sc-gauge-hot", style: { left: percent(place(CLIPPING_DB)) } });
  const number = h("output", { class: "sc-gauge-number", "aria-hidden": "true" }, "–");
  const track = h("div", { class: "sc-gauge-track", role: "meter", "aria-label": label, "aria-valuemin": LEAST_DB, "aria-valuemax": 0, "aria-valuenow": LEAST_DB }, band, hot, bar, room);
  const scale = h(
    "div",
    { class: "sc-gauge-scale", "aria-hidden": "true" },
    h("span", { style: { left: percent(place(QUIET_DB) / 2) } }, t("sound-check.gauge_quiet")),
    h("span", { style: { left: percent((place(QUIET_DB) + place(LOUD_DB)) / 2) } }, t("sound-check.gauge_good")),
    h("span", { style: { left: percent((place(LOUD_DB) + 1) / 2) } }, t("sound-check.gauge_loud")),
  );
  const element = h("div", { class: "sc-gauge" }, h("div", { class: "sc-gauge-head" }, h("span", { "aria-hidden": "true" }, label), number), track, scale);
  return {
    element,
    set(db) {
      bar.style.transform = `scaleX(${place(db).toFixed(4)})`;
      track.dataset.loudness = loudness(db);
      number.textContent = formatDb(db);
      track.setAttribute("aria-valuenow", Math.round(Math.max(LEAST_DB, db)));
      track.setAttribute("aria-valuetext", formatDb(db));
    },
    mark(noise_db) {
      room.hidden = noise_db === null;
      if (noise_db !== null) room.style.left = percent(place(noise_db));
      room.title = noise_db === null ? "" : t("sound-check.gauge_room", { level: formatDb(noise_db) });
    },
  };
}
