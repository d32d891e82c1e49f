// Step 6: one question as a customer would ask it, and where its time went.

import { button, problemNotice } from "../../components.js";
import { h, icon, replace } from "../../dom.js";
import { formatDuration, formatNumber, languageName, t } from "../../i18n.js";
import { STAGES, waterfall } from "../../waterfall.js";
import { engineName } from "../personalities/engines.js";
import { judgeTrial, QUICK_MS } from "./judging.js";
import { question } from "./question.js";
import { wakePhrase } from "./wake-word.js";
import { occurs } from "./waiting.js";

const WAKE_LIMIT_MS = 60_000;
const TURN_LIMIT_MS = 90_000;
const AGAIN_LIMIT_MS = 1_000;

/** What happens in a turn, in this order, and the event that says that it has happened. */
const TRACE = ["wake_word", "speech_start", "speech_end", "transcript", "speaking", "turn_end"];

const ANSWERS = { right: "check", answer: "warn", misheard: "x" };

export default {
  name: "trial",

  facts: ({ verdict, response_ms, language, voice }) => [
    [t("sound-check.trial_verdict"), t(`sound-check.trial_${verdict}`)],
    [t("common.stage.total"), response_ms === null ? "–" : formatDuration(response_ms / 1000)],
    ...(language ? [[t("common.language"), languageName(language)]] : []),
    ...(voice ? [[t("common.voice"), engineName(voice)]] : []),
  ],

  advice: ({ codes, no_speech }) =>
    codes.map((code) => t(no_speech && code === "silent" ? "sound-check.trial_advice_no_speech" : `sound-check.trial_advice_${code}`)),

  /** What the result shows besides: the words, and the bars. */
  details({ words, response_ms, stages_ms, language }) {
    return [words && talk(words.transcript, words.reply, language), stages_ms && timeline(stages_ms, response_ms)];
  },

  mount(root, page) {
    const { api, events } = page.context;
    const view = new AbortController();
    const said = h("p", { class: "sc-say", role: "status" });
    const trace = h("ol", { class: "sc-trace" });
    const words = h("div", { "aria-live": "polite" });
    const asked = h("div", { class: "sc-ask" });
    const actions = h("div", { class: "row" });
    const trouble = h("div", {});
    let word = "";

    function idle() {
      said.textContent = t(word ? "sound-check.trial_ready" : "sound-check.trial_ready_unnamed", { word });
      trace.hidden = true;
      replace(words);
      replace(asked);
      replace(
        actions,
        button(t("sound-check.trial_listen"), { kind: "primary", icon: "mic", on: () => void run(true) }),
        button(t("sound-check.trial_by_word"), { icon: "sound-check", on: () => void run(false) }),
      );
    }

    async function run(pressed) {
      const mine = new AbortController();
      view.signal.addEventListener("abort", () => mine.abort(), { once: true });
      page.begin();
      replace(trouble);
      replace(asked);
      const turn = { lines: new Map(), sentences: [] };
      draw(turn);
      said.textContent = t(pressed ? "sound-check.trial_ask_now" : "sound-check.trial_say_word", { word });
      replace(actions, button(t("common.cancel"), { on: () => mine.abort() }));
      const off = events.on("event", (line) => {
        if (!take(turn, line)) return;
        if (line.event === "speech_end") said.textContent = t("sound-check.trial_moment");
        draw(turn);
      });
      try {
        const began = occurs(events, "event", (line) => line.event === "wake_word", { limit_ms: WAKE_LIMIT_MS, signal: mine.signal });
        began.catch(() => {}); // looked at below, unless the call before fails
        if (pressed) await api.post("/api/listen");
        if ((await began) !== null) {
          said.textContent = t("sound-check.trial_ask_now");
          await over(turn, mine.signal);
        }
        ended(turn);
      } catch (error) {
        if (view.signal.aborted) return;
        idle();
        if (error.name === "Problem") replace(trouble, problemNotice(error));
        else if (error.name !== "AbortError") throw error;
        else if (turn.number !== undefined) await api.post("/api/stop");
      } finally {
        off();
      }
    }

    /** Until the turn is over, or nothing more comes. Where the wake word ends it that begins another, that one counts. */
    async function over(turn, signal) {
      const next = (name, limit_ms) => occurs(events, "event", (line) => line.event === name, { limit_ms, signal });
      while (!turn.lines.has("turn_end") || !heardOut(turn)) {
        const line = turn.lines.has("turn_end") ? await next("wake_word", AGAIN_LIMIT_MS) : await next("turn_end", TURN_LIMIT_MS);
        if (line === null) return;
      }
    }

    function draw(turn) {
      trace.hidden = false;
      replace(trace, TRACE.map((name, index) => row(name, turn, index)));
      const heard = turn.lines.get("transcript");
      if (heard || turn.sentences.length) replace(words, talk(heard?.text, turn.sentences.join(" "), heard?.language));
    }

    function ended(turn) {
      const heard = turn.lines.get("transcript");
      const end = turn.lines.get("turn_end");
      const facts = {
        response_ms: end?.response_ms ?? null,
        stages_ms: end?.stages_ms ?? null,
        language: heard?.language ?? null,
        voice: turn.lines.get("speaking")?.provider ?? null,
        no_speech: turn.lines.get("no_speech")?.reason ?? null,
        words: heard ? { transcript: heard.text, reply: turn.sentences.join(" ") } : null,
      };
      const finish = (verdict) => {
        const { state, codes } = judgeTrial(verdict, facts.response_ms);
        idle();
        page.finish(state, { ...facts, verdict, codes });
      };
      if (!heard || facts.response_ms === null) return finish("silent");
      said.textContent = t("sound-check.trial_over");
      replace(actions);
      const asking = question(t("sound-check.trial_ask"), Object.entries(ANSWERS).map(([code, drawing]) => ({ label: t(`sound-check.trial_${code}`), icon: drawing, on: () => finish(code) })));
      replace(asked, timeline(facts.stages_ms, facts.response_ms), asking);
      asking.ask();
    }

    replace(root, h("div", { class: "sc-task" }, said, actions, trace, words, asked, trouble));
    idle();
    wakePhrase(api).then(
      (found) => {
        word = found;
        if (trace.hidden && !view.signal.aborted) idle();
      },
      () => {}, // its name is a comfort only
    );
    return () => view.abort();
  },
};

/** Whether somebody spoke to the end, or nobody did. */
const heardOut = ({ lines }) => lines.has("transcript") || lines.has("no_speech");

/** Note down an event of the turn; says whether it belongs to it. */
function take(turn, line) {
  if (line.event === "wake_word" && !heardOut(turn)) {
    turn.number = line.turn;
    turn.lines.clear();
  }
  if (line.turn !== turn.number) return false;
  if (line.event === "reply_text") {
    if (line.final) turn.sentences = line.text ? [line.text] : turn.sentences;
    else turn.sentences.push(line.text);
  } else if (!turn.lines.has(line.event)) turn.lines.set(line.event, line);
  return true;
}

/** One thing that happens in a turn: not yet, just now, or done, with what is known about it. */
function row(name, turn, index) {
  const line = turn.lines.get(name);
  const later = TRACE.slice(index + 1).some((next) => turn.lines.has(next));
  const next = !line && !later && (index === 0 || turn.lines.has(TRACE[index - 1]));
  const state = line ? "done" : later ? "skipped" : next ? "next" : "open";
  const mark = { done: icon("check"), skipped: icon("minus"), next: h("span", { class: "spinner", "aria-hidden": "true" }), open: icon("dot") }[state];
  return h("li", { class: state }, mark, h("span", {}, t(`sound-check.trace_${name}`)), h("span", { class: "sc-trace-detail" }, line ? detail(line) : ""));
}

function detail(line) {
  switch (line.event) {
    case "wake_word":
      return line.name === "push_to_talk" ? "" : formatNumber(line.score, { style: "percent", maximumFractionDigits: 0 });
    case "speech_end":
      return formatDuration(line.speech_s);
    case "transcript":
      return formatDuration(line.compute_ms / 1000);
    case "speaking":
      return engineName(line.provider);
    default:
      return "";
  }
}

function talk(transcript, reply, language) {
  return h(
    "dl",
    { class: "sc-talk" },
    h("div", {}, h("dt", {}, t("sound-check.trial_question")), h("dd", { lang: language }, transcript || "–")),
    reply && h("div", {}, h("dt", {}, t("sound-check.trial_reply")), h("dd", { lang: language }, reply)),
  );
}

function timeline(stages_ms, response_ms) {
  if (!stages_ms) return null;
  return h(
    "div",
    { class: "sc-timeline" },
    waterfall(stages_ms, response_ms, QUICK_MS),
    h("dl", { class: "sc-stages" }, STAGES.map((stage) => h("div", {}, h("dt", {}, h("span", { class: `stage-swatch of-${stage}` }), t(`common.stage.${stage}`)), h("dd", {}, formatDuration((stages_ms[stage] ?? 0) / 1000))))),
  );
}
