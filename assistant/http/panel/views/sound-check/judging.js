// What measured values mean. Levels are dB relative to full scale, root mean square of the loudest few hundredths of a
// second in each eighth of a second.

/** A microphone that says nothing but this is muted or unplugged. */
export const DEAD_DB = -95;
/** Speech below is hard to understand, below the second hopeless. */
export const QUIET_DB = -42;
export const FAINT_DB = -52;
/** Speech above is likely to clip when somebody raises their voice. */
export const LOUD_DB = -13;
/** A full-scale sine has -3 dB: what comes near it has its peaks cut off. */
export const CLIPPING_DB = -5;
/** So far should speech stand above the room, dB. */
export const CLEAR_DB = 15;
export const DROWNED_DB = 8;
/** Above the room's noise by this much counts as somebody speaking. */
export const SPEECH_MARGIN_DB = 6;

/** A wake word below was just so recognised. */
export const SURE_SCORE = 0.7;
export const TRIES = 3;

/** Answers later than this feel slow; later than the second people ask again. */
export const QUICK_MS = 2000;
export const SLOW_MS = 4000;

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : null;
}

/** Whether a level is somebody speaking in a room of that noise. */
export function isSpeech(db, noise_db) {
  return db > Math.max(noise_db + SPEECH_MARGIN_DB, -65);
}

/** One word for what a speaking voice's level is: `quiet`, `good`, `loud`, `clipping`. */
export function loudness(db) {
  if (db > CLIPPING_DB) return "clipping";
  if (db > LOUD_DB) return "loud";
  return db < QUIET_DB ? "quiet" : "good";
}

/** `{state, codes}` of `{noise_db, speech_db, peak_db}`; `speech_db` is null where nobody was heard. */
export function judgeLevel({ noise_db, speech_db, peak_db }) {
  if (Math.max(noise_db, peak_db) <= DEAD_DB) return { state: "poor", codes: ["dead"] };
  if (speech_db === null) return { state: "poor", codes: ["unheard"] };
  const codes = [];
  let state = "good";
  const found = (code, worse) => {
    codes.push(code);
    if (worse === "poor" || state === "good") state = worse;
  };
  if (peak_db > CLIPPING_DB) found("clipping", "poor");
  else if (speech_db > LOUD_DB) found("loud", "fair");
  if (speech_db < QUIET_DB) found("quiet", speech_db < FAINT_DB ? "poor" : "fair");
  const above_db = speech_db - noise_db;
  if (above_db < CLEAR_DB) found("noisy", above_db < DROWNED_DB ? "poor" : "fair");
  return { state, codes: codes.length ? codes : ["good"] };
}

/** `tries`: scores from 0 to 1, null where the word was said and not heard. */
export function judgeWakeWord(tries) {
  const missed = tries.filter((score) => score === null).length;
  const doubtful = tries.some((score) => score !== null && score < SURE_SCORE);
  const codes = [missed && "missed", doubtful && "doubtful"].filter(Boolean);
  return { state: missed > 1 ? "poor" : codes.length ? "fair" : "good", codes: codes.length ? codes : ["good"] };
}

/** `verdict`: `right`, `answer` (a wrong answer), `misheard`; or `silent` where nothing was understood or spoken. */
export function judgeTrial(verdict, response_ms) {
  const slow = response_ms !== null && response_ms > QUICK_MS;
  const codes = [verdict, slow && (response_ms > SLOW_MS ? "very_slow" : "slow")].filter(Boolean);
  if (verdict === "silent" || verdict === "misheard") return { state: "poor", codes };
  return { state: verdict === "right" && !slow ? "good" : "fair", codes };
}
