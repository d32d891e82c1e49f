// The assistant's face: a calm drawing of what it does. Words beside it say the same.

import { h, icon } from "./dom.js";

/** Below this nothing moves; at 0 dBFS it moves most. */
const QUIET_DB = -55;

/** An element with `.show(state)` and `.level({microphone_db, speaker_db})`. */
export function orb() {
  const bars = [0, 1, 2, 3, 4].map((index) => h("span", { class: "orb-bar", style: { "--index": index } }));
  const element = h(
    "div",
    { class: "orb", "data-state": "starting", "aria-hidden": "true" },
    h("span", { class: "orb-halo" }),
    h("span", { class: "orb-halo second" }),
    h("span", { class: "orb-disc" }, h("span", { class: "orb-bars" }, bars), icon("warn")),
  );
  let smooth = 0;
  element.show = (state) => (element.dataset.state = state);
  element.level = (levels) => {
    const db = element.dataset.state === "speaking" ? levels.speaker_db : levels.microphone_db;
    const now = Math.max(0, Math.min(1, 1 - db / QUIET_DB));
    smooth = Math.max(now, smooth * 0.7); // falls more slowly than it rises, as the eye expects
    element.style.setProperty("--level", smooth.toFixed(3));
  };
  return element;
}
