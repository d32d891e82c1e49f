// Step 1: which microphone, which loudspeaker.

import { button, field, meter, notice, problemNotice } from "../../components.js";
import { h, replace } from "../../dom.js";
import { deviceName, formatNumber, problemText, t } from "../../i18n.js";
import { DEAD_DB } from "./judging.js";

/** What the assistant says in place of a device's name where a file stands in for one. */
const FILE = "a file";

const KINDS = [
  { kind: "microphone", list: "microphones" },
  { kind: "speaker", list: "speakers" },
];

/** Which steps a changed device makes worthless. */
const SPOILS = {
  microphone: ["devices", "level", "wake-word", "echo", "trial"],
  speaker: ["devices", "sentence", "echo", "trial"],
};

export default {
  name: "devices",

  facts: ({ microphone, speaker }) => [
    [t("common.microphone"), microphone ? deviceName(microphone) : t("sound-check.devices_system")],
    [t("common.speaker"), speaker ? deviceName(speaker) : t("sound-check.devices_system")],
  ],

  advice: ({ codes }) => codes.map((code) => t(`sound-check.devices_advice_${code}`)),

  mount(root, page) {
    const { api, events } = page.context;
    const body = h("div", { class: "stack" });
    let alive = true;
    let loudest_db = -100;
    let found = null;
    const level = meter({ label: t("sound-check.devices_level"), hint: t("sound-check.devices_level_hint") });
    const off = events.on("level", ({ microphone_db }) => {
      loudest_db = Math.max(loudest_db, microphone_db);
      level.set(microphone_db);
    });
    const missing = h("p", { class: "hint" }, t("sound-check.devices_missing"));
    const use = button(t("sound-check.devices_use"), { kind: "primary", icon: "check", on: () => page.finish(...judged()) });

    async function load() {
      try {
        found = await api.get("/api/devices");
        if (alive) show();
      } catch (error) {
        if (error.name !== "Problem") throw error;
        if (alive) replace(body, problemNotice(error, load));
      }
    }

    function show() {
      const chosen = found.chosen ?? {};
      const selects = KINDS.map(({ kind, list }) => (chosen[kind] === FILE ? file(kind) : choice(kind, found[list] ?? [], chosen[kind] ?? null, choose)));
      missing.hidden = KINDS.every(({ kind }) => chosen[kind] === FILE);
      replace(body, h("div", { class: "sc-devices" }, selects), missing, level, h("div", { class: "row" }, use));
    }

    async function choose(kind, name, element) {
      loudest_db = kind === "microphone" ? -100 : loudest_db;
      element.setProblem(null);
      try {
        const before = found.chosen?.[kind] ?? null;
        found = await api.put("/api/devices", { [kind]: name });
        if (before !== name) page.forget(SPOILS[kind], t("sound-check.devices_changed"));
        element.setFacts(t("sound-check.devices_saved"));
      } catch (error) {
        if (error.name !== "Problem") throw error;
        element.back();
        element.setProblem(problemText(error));
      }
    }

    function judged() {
      const chosen = found.chosen ?? {};
      const files = KINDS.filter(({ kind }) => chosen[kind] === FILE).map(({ kind }) => `file_${kind}`);
      const codes = KINDS.filter(({ kind }) => chosen[kind] !== FILE).flatMap(({ kind, list }) => {
        const there = found[list] ?? [];
        if (!there.length) return [`no_${kind}`];
        return chosen[kind] && !there.some((one) => one.name === chosen[kind]) ? [`lost_${kind}`] : [];
      });
      const broken = codes.length > 0;
      codes.push(...files);
      if (!broken && loudest_db <= DEAD_DB) codes.push("silent");
      const state = broken ? "poor" : codes.length ? "fair" : "good";
      return [state, { microphone: named(found.microphones, chosen.microphone), speaker: named(found.speakers, chosen.speaker), codes: codes.length ? codes : ["good"] }];
    }

    replace(root, body);
    void load();
    return () => {
      alive = false;
      off();
    };
  },
};

/** The name in use: the system's own choice by its name where it can be told. */
function named(devices = [], chosen = null) {
  return chosen ?? devices.find((one) => one.default)?.name ?? null;
}

/** What stands in for a device, where there is nothing to choose. */
function file(kind) {
  return h("div", { class: "field" }, h("strong", {}, t(`common.${kind}`)), notice(t(`sound-check.devices_file_${kind}`), "fair"));
}

function choice(kind, devices, chosen, choose) {
  const preset = devices.find((one) => one.default);
  const select = h("select", { disabled: devices.length === 0 });
  const lost = chosen !== null && !devices.some((one) => one.name === chosen);
  select.append(
    h("option", { value: "" }, preset ? t("sound-check.devices_system_is", { name: preset.name }) : t("sound-check.devices_system")),
    ...(lost ? [h("option", { value: chosen }, t("sound-check.devices_lost", { name: chosen }))] : []),
    ...devices.map((one) => h("option", { value: one.name }, one.name)),
  );
  select.value = chosen ?? "";
  const element = field(t(`common.${kind}`), select);
  const facts = h("p", { class: "hint", role: "status" });
  element.append(facts);
  let before = select.value;
  element.back = () => (select.value = before);
  element.setFacts = (remark = null) => {
    before = select.value;
    const one = devices.find((device) => (select.value ? device.name === select.value : device.default));
    facts.textContent = [!select.value && one?.name, one && described(one), remark].filter(Boolean).join(" · ");
  };
  element.setFacts();
  select.addEventListener("change", () => choose(kind, select.value || null, element));
  if (!devices.length) element.append(notice(t(`sound-check.devices_advice_no_${kind}`), "poor"));
  return element;
}

/** Names behind which the sound system puts whatever its own settings say. */
const SYSTEMS_CHOICE = new Set(["default", "pipewire", "pulse", "sysdefault"]);

function described(device) {
  if (SYSTEMS_CHOICE.has(device.name)) return t("sound-check.devices_by_system");
  const channels = device.channels && t(device.channels === 1 ? "sound-check.devices_channel" : "sound-check.devices_channels", { count: device.channels });
  const rate = device.rate_hz && `${formatNumber(device.rate_hz / 1000)} kHz`;
  return [device.system, channels, rate].filter(Boolean).join(" · ");
}
