// Hold to talk: with a finger, the mouse, the space bar or Enter. A short tap keeps it on until the next one.

import { button, toast } from "../../components.js";
import { formatDuration, problemText, t } from "../../i18n.js";
import { startRecorder } from "../../recorder.js";

/** Held for less than this, it was a tap. */
const TAP_MS = 350;

/** A recording shorter than this says nothing. */
const LEAST_S = 0.4;

/**
 * `{element, end()}`. `before()` is called when the microphone opens, `on({blob, duration_s})` with what was said;
 * `status` is the line that tells how it goes, `hint` what it says in between.
 */
export function talkButton({ status, hint, before, on }) {
  const element = button(t("chat.talk"), { icon: "mic", iconOnly: true, class: "button icon-only talk", "aria-pressed": "false" });
  let recorder = null; // a promise from the first moment on: the finger may be gone before the microphone is open
  let since = 0;
  let shown = 0;

  const show = (is) => {
    element.classList.toggle("recording", is);
    element.setAttribute("aria-pressed", String(is));
    element.setLabel(t(is ? "chat.talk_send" : "chat.talk"), is ? "stop" : "mic");
    if (!is) {
      element.style.removeProperty("--level");
      status.textContent = hint;
    }
  };
  const level = (one) => (db) => {
    element.style.setProperty("--level", Math.max(0, Math.min(1, 1 + db / 55)).toFixed(2));
    const whole = Math.floor(one.seconds?.() ?? 0);
    if (whole !== shown) status.textContent = t(matchMedia("(hover: hover)").matches ? "chat.recording_keys" : "chat.recording", { duration: formatDuration((shown = whole)) });
  };
  const begin = async () => {
    before();
    since = performance.now();
    shown = 0;
    const one = {};
    status.textContent = t("chat.recording_starts");
    show(true);
    recorder = startRecorder({ cleaned: true, onLevel: (db) => level(one)(db), onFull: () => finish() });
    try {
      one.seconds = (await recorder).seconds;
    } catch (error) {
      recorder = null;
      show(false);
      if (error.name !== "Problem") throw error;
      toast(problemText(error), "poor");
    }
  };
  const finish = async () => {
    const mine = recorder;
    recorder = null;
    show(false);
    const open = await mine?.catch(() => null);
    if (!open) return;
    const recording = await open.stop();
    if (recording.duration_s < LEAST_S) status.textContent = t("chat.too_short");
    else on(recording);
  };
  const cancel = async () => {
    const mine = recorder;
    recorder = null;
    show(false);
    (await mine?.catch(() => null))?.cancel();
  };
  const press = () => (recorder ? finish() : begin());
  const release = () => {
    if (recorder && performance.now() - since > TAP_MS) finish();
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || element.disabled) return;
    element.setPointerCapture(event.pointerId);
    press();
  });
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", cancel);
  element.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch is no right click here
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && recorder) cancel();
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  element.addEventListener("keyup", (event) => (event.key === " " || event.key === "Enter") && release());
  // A screen reader clicks without pointer and keys.
  element.addEventListener("click", (event) => event.detail === 0 && event.pointerType === "" && press());
  return { element, end: cancel };
}
