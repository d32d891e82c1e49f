// Playing sound, with all that one expects beside it.

import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

/** Longer than this is the length that a WAV's head claims while it is still being made. */
const UNKNOWN_S = 3600;

let sounding = null;

/**
 * A player: `element.load(blobOrUrl, {autoplay})`, `.play()`, `.pause()`, `.stop()`, `.unload()`, `.audio` (the audio
 * element, for its events). Only one player of the page sounds at a time. `label` names it for screen readers.
 */
export function player({ label = t("common.player") } = {}) {
  const audio = new Audio();
  audio.preload = "metadata";
  const toggle = control("play", t("common.play"));
  const end = control("stop", t("common.stop"));
  const seek = h("input", { type: "range", min: "0", max: "1", step: "0.01", value: "0", "aria-label": t("common.position"), disabled: true });
  const time = h("span", { class: "player-time" }, "0:00");
  const problem = h("span", { class: "player-problem", role: "status" });
  const element = h("div", { class: "player", role: "group", "aria-label": label }, toggle, end, seek, time, problem);
  let url = null;

  const draw = () => {
    const length_s = Number.isFinite(audio.duration) && audio.duration < UNKNOWN_S ? audio.duration : null;
    const playing = !audio.paused && !audio.ended;
    set(toggle, playing ? "pause" : "play", playing ? t("common.pause") : t("common.play"));
    toggle.disabled = !audio.src;
    end.disabled = !audio.src || (audio.paused && audio.currentTime === 0);
    seek.disabled = length_s === null;
    seek.max = length_s ?? 1;
    seek.value = length_s === null ? 0 : audio.currentTime;
    seek.style.setProperty("--share", `${length_s ? (100 * audio.currentTime) / length_s : 0}%`);
    seek.setAttribute("aria-valuetext", clock(audio.currentTime));
    time.textContent = length_s === null ? clock(audio.currentTime) : `${clock(audio.currentTime)} / ${clock(length_s)}`;
    element.classList.toggle("playing", playing);
  };
  for (const name of ["play", "pause", "ended", "timeupdate", "loadedmetadata", "durationchange", "emptied", "seeked"]) {
    audio.addEventListener(name, draw);
  }
  audio.addEventListener("play", () => {
    if (sounding !== null && sounding !== audio) sounding.pause();
    sounding = audio;
  });
  audio.addEventListener("error", () => {
    if (audio.src) problem.textContent = t("common.not_playable");
  });
  seek.addEventListener("input", () => (audio.currentTime = Number(seek.value)));
  toggle.addEventListener("click", () => (audio.paused || audio.ended ? element.play() : audio.pause()));
  end.addEventListener("click", () => element.stop());

  const drop = () => {
    if (url !== null) URL.revokeObjectURL(url);
    url = null;
  };
  Object.assign(element, {
    audio,
    load(what, { autoplay = false } = {}) {
      drop();
      problem.textContent = "";
      if (what instanceof Blob) url = URL.createObjectURL(what);
      audio.src = url ?? what;
      draw();
      return autoplay ? element.play() : Promise.resolve();
    },
    async play() {
      try {
        await audio.play();
      } catch (error) {
        // A browser plays nothing before the first click or key; then the play button stands there, ready.
        if (error.name !== "NotAllowedError" && error.name !== "AbortError") problem.textContent = t("common.not_playable");
      }
    },
    pause: () => audio.pause(),
    stop() {
      audio.pause();
      if (audio.src) audio.currentTime = 0;
      draw();
    },
    unload() {
      audio.pause();
      audio.removeAttribute("src");
      audio.load();
      drop();
    },
  });
  draw();
  return element;
}

function control(shape, label) {
  return h("button", { type: "button", class: "button quiet icon-only", "aria-label": label, title: label }, icon(shape));
}

function set(button, shape, label) {
  if (button.title === label) return;
  button.title = label;
  button.setAttribute("aria-label", label);
  button.firstChild.replaceWith(icon(shape));
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
