// Step 5: how much of the loudspeaker comes back through the microphone, and how late.

import { button, problemNotice, progress } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDuration, formatNumber, language, t } from "../../i18n.js";

/** What the measurement takes; the bar runs that long. */
const TAKES_MS = 3_500;
const TICK_MS = 100;

/** As the assistant judges: a sound that comes later is late, a room without any noise is none. */
const LATE_MS = 250;
const DEAD_DB = -99;

function cause({ heard, verdict, delay_ms, noise_db }) {
  if (!heard) return noise_db <= DEAD_DB ? "dead" : "unheard";
  if (verdict === "poor" && noise_db <= DEAD_DB) return "copy";
  if (verdict === "fair") return delay_ms > LATE_MS ? "late" : "faint";
  return verdict;
}

const db = (value) => (Number.isFinite(value) ? `${formatNumber(value, { maximumFractionDigits: 0 })} dB` : "–");

export default {
  name: "echo",

  facts: ({ heard, delay_ms, echo_db, noise_db }) => [
    [t("sound-check.echo_delay"), heard && Number.isFinite(delay_ms) ? formatDuration(delay_ms / 1000) : "–"],
    [t("sound-check.echo_echo"), heard ? db(echo_db) : "–"],
    [t("sound-check.echo_noise"), db(noise_db)],
  ],

  advice({ advice, ...found }) {
    // The assistant's own words, which are in English.
    if (language() === "en" && advice) return [advice];
    return [t(`sound-check.echo_advice_${cause(found)}`)];
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
