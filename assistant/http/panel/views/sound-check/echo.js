// Step 5: how much of the loudspeaker comes back through the microphone, and how late.

import { button, problemNotice, progress } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDuration, formatNumber, language, t } from "../../i18n.js";

/** What the measurement takes; the bar runs that long. */
const TAKES_MS = 3_500;
const TICK_MS = 100;

const db = (value) => (Number.isFinite(value) ? `${formatNumber(value, { maximumFractionDigits: 0 })} dB` : "–");

export default {
  name: "echo",

  facts: ({ heard, delay_ms, echo_db, noise_db }) => [
    [t("sound-check.echo_delay"), heard && Number.isFinite(delay_ms) ? formatDuration(delay_ms / 1000) : "–"],
    [t("sound-check.echo_echo"), heard ? db(echo_db) : "–"],
    [t("sound-check.echo_noise"), db(noise_db)],
  ],

  advice({ heard, verdict, advice }) {
    // The assistant's own words say more, but only in English.
    if (language() === "en" && advice) return [advice];
    return [t(`sound-check.echo_advice_${heard ? verdict : "unheard"}`)];
  },

  mount(root, page) {
    const { api } = page.context;
    const said = h("p", { class: "sc-say", role: "status" }, t("sound-check.echo_ready"));
    const bar = progress(0, t("sound-check.echo_measuring"));
    bar.hidden = true;
    const trouble = h("div", {});
    const measure = button(t(page.result() ? "sound-check.measure_again" : "sound-check.echo_start"), { kind: "primary", icon: "speaker", on: run });
    let alive = true;
    let ticking = null;

    async function run() {
      page.begin();
      replace(trouble);
      said.textContent = t("sound-check.echo_measuring");
      const began = performance.now();
      bar.hidden = false;
      ticking = setInterval(() => bar.set(Math.min(0.97, (performance.now() - began) / TAKES_MS)), TICK_MS);
      try {
        const { verdict, ...found } = await api.post("/api/soundcheck/echo");
        if (alive) page.finish(found.heard ? verdict : "poor", { verdict, ...found });
        measure.setLabel(t("sound-check.measure_again"));
      } catch (error) {
        if (error.name !== "Problem") throw error;
        replace(trouble, problemNotice(error));
      } finally {
        clearInterval(ticking);
        bar.hidden = true;
        said.textContent = t("sound-check.echo_ready");
      }
    }

    replace(root, h("div", { class: "sc-task" }, said, bar, h("div", { class: "row" }, measure), trouble));
    return () => {
      alive = false;
      clearInterval(ticking);
    };
  },
};
