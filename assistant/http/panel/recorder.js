// Recording the browser's microphone as WAV, which the assistant reads; what MediaRecorder makes (WebM) it does not.

import { Problem } from "./api.js";

export const LONGEST_S = 60;

/**
 * Begin to record, mono, at the device's own rate. Resolves when the microphone is open.
 *
 * `onLevel(db)` is called about 20 times a second with the level in dBFS (-100 for silence); `onFull()` when
 * `longest_s` are recorded, after which nothing more is taken. `cleaned` lets the browser remove echo and noise: good
 * for questions, bad for voice samples.
 *
 * Returns `{stop() → Promise<{blob, duration_s}>, cancel(), seconds()}`. Raises a Problem where there is no microphone
 * or it may not be used.
 */
export async function startRecorder({ onLevel = () => {}, onFull = () => {}, longest_s = LONGEST_S, cleaned = false } = {}) {
  const stream = await opened(cleaned);
  const context = new AudioContext();
  const portions = [];
  let taken = 0;
  let finished = null;
  const finish = new Promise((resolve) => (finished = resolve));
  const most = Math.floor(longest_s * context.sampleRate);
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
    if (context.state !== "closed") context.close();
  };
  let node;
  try {
    await context.audioWorklet.addModule("/panel/recorder-worklet.js");
    await context.resume();
    node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  } catch (error) {
    close();
    throw problem("microphone_failed", error);
  }
  node.port.onmessage = ({ data }) => {
    if (data === null) return finished();
    if (taken >= most) return;
    const portion = data.subarray(0, most - taken);
    portions.push(portion);
    taken += portion.length;
    onLevel(level(portion));
    if (taken >= most) onFull();
  };
  // A microphone that is pulled out ends the recording; what was said until then is kept.
  stream.getAudioTracks()[0].addEventListener("ended", () => finished());
  context.createMediaStreamSource(stream).connect(node);
  return {
    seconds: () => taken / context.sampleRate,
    cancel: close,
    async stop() {
      node.port.postMessage("end");
      await finish;
      const rate = context.sampleRate;
      close();
      return { blob: wav(portions, taken, rate), duration_s: taken / rate };
    },
  };
}

async function opened(cleaned) {
  if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) throw problem("microphone_insecure");
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: cleaned, noiseSuppression: cleaned, autoGainControl: cleaned },
    });
  } catch (error) {
    const codes = { NotAllowedError: "microphone_denied", SecurityError: "microphone_denied", NotFoundError: "microphone_none", OverconstrainedError: "microphone_none" };
    throw problem(codes[error.name] ?? "microphone_failed", error);
  }
}

const problem = (code, cause) => Object.assign(new Problem({ code }), { cause });

/** Loudness of a portion in dBFS. */
function level(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length && sum > 0 ? Math.max(-100, 10 * Math.log10(sum / samples.length)) : -100;
}

/** A WAV file of 16 bits, mono. */
function wav(portions, count, rate) {
  const view = new DataView(new ArrayBuffer(44 + count * 2));
  const word = (at, text) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + count * 2, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, count * 2, true);
  let at = 44;
  for (const portion of portions) {
    for (const sample of portion) {
      const limited = Math.max(-1, Math.min(1, sample));
      view.setInt16(at, Math.round(limited * 32767), true);
      at += 2;
    }
  }
  return new Blob([view.buffer], { type: "audio/wav" });
}
