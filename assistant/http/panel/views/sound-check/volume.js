// How loud the assistant speaks: a slider that is heard with the next words.

import { notice, problemNotice, slider } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatNumber, t } from "../../i18n.js";

/** An element that fills itself; `api` is asked for the volume and told of it. */
export function volume(api) {
  const box = h("div", {});
  const trouble = h("div", {});
  let wanted = null;
  let telling = false;

  async function load() {
    try {
      const { volume_db, preset_db, lowest_db, highest_db, gain_db } = await api.get("/api/volume");
      const element = slider({
        label: t("sound-check.volume"),
        hint: t("sound-check.volume_hint"),
        min: lowest_db,
        max: highest_db,
        step: 1,
        value: Math.round(volume_db),
        reset: preset_db,
        format: (value) => t("sound-check.volume_db", { value: formatNumber(Number(value)) }),
        on: tell,
      });
      const more_db = Math.round(gain_db - volume_db);
      const noisy = more_db > 0 && notice(t("sound-check.volume_noise", { value: formatNumber(more_db) }), "neutral");
      replace(box, element, noisy, trouble);
    } catch (error) {
      if (error.name !== "Problem") throw error;
      replace(box, problemNotice(error, load));
    }
  }

  /** While the slider is moved only the last value counts: one call at a time. */
  async function tell(volume_db) {
    wanted = volume_db;
    if (telling) return;
    telling = true;
    try {
      replace(trouble);
      while (wanted !== null) {
        const next = wanted;
        wanted = null;
        await api.put("/api/volume", { volume_db: next });
      }
    } catch (error) {
      if (error.name !== "Problem") throw error;
      replace(trouble, problemNotice(error));
    } finally {
      telling = false;
    }
  }

  void load();
  return box;
}
