// Microphone, loudspeaker and disk of the machine.

import { badge, card, notice } from "../../components.js";
import { h, icon } from "../../dom.js";
import { deviceName, formatDuration, formatNumber, t } from "../../i18n.js";

/** As the assistant itself sees it: a microphone that is silent for longer is dead. */
const SILENT_S = 5;
/** Below this share, or so many GB, the disk is nearly full. */
const LEAST_SHARE = 0.05;
const LEAST_GB = 2;

export function deviceCard({ microphone, speaker }) {
  const age_s = microphone.last_frame_s;
  const alive = age_s !== null && age_s <= SILENT_S;
  const facts = [
    [t("health.last_sound"), age_s === null ? t("health.never") : t("health.ago", { time: formatDuration(age_s) })],
    [t("health.lost_sound"), microphone.dropped_s ? formatDuration(microphone.dropped_s) : t("common.none")],
  ];
  return card(
    t("health.devices"),
    device("mic", t("common.microphone"), microphone.name, badge(t(alive ? "health.device_alive" : "health.device_dead"), alive ? "good" : "poor")),
    h("dl", { class: "hl-facts" }, facts.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
    device("speaker", t("common.speaker"), speaker.name),
    h("a", { class: "button", href: "#/sound-check" }, icon("sound-check"), h("span", { class: "label" }, t("health.to_sound_check"))),
  );
}

function device(drawing, kind, name, state = null) {
  return h("div", { class: "hl-device" }, icon(drawing), h("div", {}, h("h3", {}, kind), h("p", { class: "muted" }, deviceName(name))), state);
}

const gb = (value) => `${formatNumber(value, { maximumFractionDigits: value < 10 ? 1 : 0 })} GB`;

export const size = (mb) => (mb === null || mb === undefined ? "–" : mb >= 1000 ? gb(mb / 1000) : `${formatNumber(mb, { maximumFractionDigits: mb < 10 ? 1 : 0 })} MB`);

export function diskCard(disk) {
  const { free_gb, total_gb, data_mb, models_mb } = disk;
  const parts = [
    { name: "models", gb: models_mb / 1000, text: size(models_mb) },
    { name: "data", gb: data_mb / 1000, text: size(data_mb) },
    { name: "other", gb: Math.max(0, total_gb - free_gb - (models_mb + data_mb) / 1000) },
    { name: "free", gb: free_gb },
  ];
  const scarce = free_gb < LEAST_GB || free_gb < LEAST_SHARE * total_gb;
  const label = parts.map((part) => `${t(`health.disk_${part.name}`)} ${part.text ?? gb(part.gb)}`).join(", ");
  return card(
    t("health.disk"),
    h("p", { class: "hl-free" }, h("strong", {}, gb(free_gb)), " ", t("health.disk_free_of", { total: gb(total_gb) })),
    scarce && notice(t("health.disk_scarce"), "fair"),
    h("div", { class: "hl-disk", role: "img", "aria-label": label }, parts.map((part) => h("span", { class: `hl-disk-${part.name}`, style: { "flex-grow": String(part.gb / total_gb) } }))),
    h("ul", { class: "hl-legend" }, parts.map((part) => h("li", {}, h("span", { class: `hl-swatch hl-disk-${part.name}`, "aria-hidden": "true" }), h("span", {}, t(`health.disk_${part.name}`)), h("span", { class: "hl-number" }, part.text ?? gb(part.gb))))),
  );
}
