// Asking by typing or by holding a button to talk; answers play by themselves.

import { badge, button, emptyState, heading, player, problemNotice } from "../components.js";
import { h, icon, replace } from "../dom.js";
import { formatDuration, hasText, language, problemText, t, tIn } from "../i18n.js";
import { ask } from "./chat/asking.js";
import { talkButton } from "./chat/talk-button.js";

/** The conversation of each session, kept while other views are looked at; it goes when somebody signs out. */
const talks = new WeakMap();

export default {
  name: "chat",
  icon: "chat",
  mount(root, context) {
    const talk = talks.get(context.session) ?? { id: null, personality: "", messages: [] };
    talks.set(context.session, talk);
    const log = h("div", { class: "chat-log", role: "log", "aria-live": "polite", "aria-label": t("chat.conversation"), tabindex: "0" });
    const room = { context, talk, log, asking: null, ended: false, speaks: language(), players: new Set(), composer: null };
    const anew = button(t("chat.anew"), { icon: "plus", "aria-label": t("chat.anew_long"), on: () => forget(room) });
    room.composer = composer(room);
    replace(root, heading(t("common.nav.chat"), t("chat.lead"), whoAnswers(room), anew), h("div", { class: "card chat" }, log, room.composer.element));
    drawAll(room);
    return () => {
      room.ended = true;
      room.asking?.abort();
      room.composer.end();
      for (const one of room.players) one.unload();
    };
  },
};

function forget(room) {
  room.asking?.abort();
  for (const one of room.players) one.unload();
  room.players.clear();
  Object.assign(room.talk, { id: null, messages: [] });
  drawAll(room);
  room.composer.focus();
}

/** Choose who answers; the kiosk's token may not list the personalities, so the active one does. */
function whoAnswers(room) {
  if (room.context.session.role !== "admin") return null;
  const select = h("select", { "aria-label": t("chat.who") });
  let known = [];
  const suggest = () => {
    room.speaks = known.find((one) => (select.value ? one.id === select.value : one.active))?.language ?? language();
    if (!room.talk.messages.length) drawAll(room);
  };
  select.append(h("option", { value: "" }, t("chat.active")));
  select.addEventListener("change", () => {
    room.talk.personality = select.value;
    // Another one knows nothing of what was said before.
    room.talk.id = null;
    suggest();
    if (room.talk.messages.length) add(room, { kind: "remark", text: t("chat.now_answers", { name: select.selectedOptions[0].textContent }) });
  });
  room.context.api.get("/api/admin/ai-personalities").then(
    ({ personalities }) => {
      known = personalities;
      const active = personalities.find((one) => one.active);
      select.options[0].textContent = active ? t("chat.active_name", { name: active.name }) : t("chat.active");
      select.append(...personalities.filter((one) => !one.active).map((one) => h("option", { value: one.id }, one.name)));
      select.value = room.talk.personality;
      if (select.selectedIndex < 0) select.value = room.talk.personality = "";
      if (!room.ended) suggest();
    },
    (error) => error.name === "Problem" || console.error(error),
  );
  return h("label", { class: "chat-who" }, icon("personalities"), select);
}

function composer(room) {
  const text = h("textarea", { rows: "1", maxlength: "5000", placeholder: t("chat.placeholder"), "aria-label": t("chat.question"), enterkeyhint: "send" });
  const send = button(t("chat.send"), { kind: "primary", icon: "send", iconOnly: true, type: "submit" });
  const stop = button(t("chat.stop"), { icon: "stop", iconOnly: true, on: () => room.asking?.abort() });
  const grow = () => {
    text.style.height = "auto";
    text.style.height = `${Math.min(160, text.scrollHeight + 2)}px`;
  };
  const submit = (event) => {
    event?.preventDefault();
    const question = text.value.trim();
    if (!question || room.asking) return text.focus();
    text.value = "";
    grow();
    put(room, { text: question });
  };
  const status = h("p", { class: "hint chat-status", role: "status" }, t("chat.hint"));
  const talking = talkButton({
    status,
    hint: t("chat.hint"),
    before: () => room.players.forEach((one) => one.pause()),
    on: (recording) => put(room, { recording }),
  });
  text.addEventListener("input", grow);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  });
  const element = h("form", { class: "composer", on: { submit } }, h("div", { class: "composer-row" }, talking.element, text, send, stop), status);
  const busy = (is) => {
    send.hidden = is;
    stop.hidden = !is;
    talking.element.disabled = is;
  };
  busy(false);
  return { element, busy, end: talking.end, focus: () => text.focus() };
}

/** Put a question and show the answer as it arises. */
async function put(room, question) {
  const asked = add(room, { kind: "question", text: question.text ?? null, recording: question.recording?.blob ?? null, seconds: question.recording?.duration_s });
  const answer = add(room, { kind: "answer", texts: [], name: null, voice: null, url: null, waiting: true, problem: null });
  const stop = new AbortController();
  room.asking = stop;
  room.composer.busy(true);
  const focused = document.activeElement;
  try {
    await ask(room.context.api, room.talk, question, stop.signal, (name, data) => {
      if (name === "transcript" && question.recording) update(room, asked, { text: data.text, language: data.language });
      else answered(room, answer, name, data);
    });
  } catch (error) {
    if (error.name === "Problem") {
      // The assistant has forgotten it; the next question begins a new one.
      if (error.code === "conversation_over") room.talk.id = null;
      answer.problem = error;
    } else if (error.name === "AbortError") answer.stopped = true;
    else throw error;
  } finally {
    update(room, answer, { waiting: false });
    if (room.asking === stop) room.asking = null;
    if (!room.ended) {
      room.composer.busy(false);
      if (document.activeElement === document.body && focused?.isConnected) room.composer.focus();
    }
  }
}

function answered(room, answer, name, data) {
  if (name === "start") {
    room.talk.id = data.conversation_id;
    update(room, answer, { name: data.personality, url: data.audio_url });
  } else if (name === "transcript") update(room, answer, { language: data.language });
  else if (name === "text") update(room, answer, { texts: [...answer.texts, data.text] });
  else if (name === "voice") {
    update(room, answer, { voice: data });
    answer.node?.player?.load(answer.url, { autoplay: true });
  } else if (name === "end") update(room, answer, { waiting: false });
}

function add(room, message) {
  if (room.talk.messages.length === 0) replace(room.log);
  room.talk.messages.push(message);
  room.log.append(draw(room, message));
  room.log.scrollTo({ top: room.log.scrollHeight });
  return message;
}

function update(room, message, news) {
  Object.assign(message, news);
  if (room.ended || !message.node?.isConnected) return;
  const near = room.log.scrollHeight - room.log.scrollTop - room.log.clientHeight < 140;
  message.node.redraw();
  if (near) room.log.scrollTo({ top: room.log.scrollHeight });
}

function drawAll(room) {
  if (room.talk.messages.length) replace(room.log, room.talk.messages.map((message) => draw(room, message)));
  else replace(room.log, emptyState(t("chat.empty"), suggestions(room), "chat"));
  room.log.scrollTo({ top: room.log.scrollHeight });
}

/** In the language of who answers. */
function suggestions(room) {
  const texts = ["chat.suggestion_1", "chat.suggestion_2", "chat.suggestion_3"].map((key) => tIn(room.speaks, key));
  return h("div", { class: "chat-suggestions" }, texts.map((text) => button(text, { lang: room.speaks, on: () => void put(room, { text }) })));
}

function draw(room, message) {
  const parts = { question: drawQuestion, answer: drawAnswer, remark: drawRemark };
  message.node = parts[message.kind](room, message);
  message.node.redraw?.();
  return message.node;
}

const drawRemark = (_, message) => h("p", { class: "chat-remark" }, message.text);

function drawQuestion(room, message) {
  const text = h("p", {});
  const sound = message.recording && player({ label: t("chat.your_recording") });
  const node = h("div", { class: "message question" }, h("span", { class: "sr-only" }, t("chat.you")), text, sound);
  if (sound) {
    room.players.add(sound);
    sound.load(message.recording);
  }
  node.redraw = () => {
    text.textContent = message.text ?? t("chat.recorded", { duration: formatDuration(message.seconds) });
    text.lang = message.text === null ? language() : (message.language ?? "");
    text.classList.toggle("unheard", message.text === null);
  };
  return node;
}

function drawAnswer(room, message) {
  const name = h("span", { class: "message-name" });
  const text = h("p", { class: "message-text" });
  const dots = h("p", { class: "dots" }, h("span", { class: "sr-only" }, t("chat.thinking")), [0, 1, 2].map(() => h("i", { "aria-hidden": "true" })));
  const foot = h("div", { class: "message-foot" });
  const failed = h("div", {});
  const sound = player({ label: t("chat.answer_player") });
  room.players.add(sound);
  const node = h("div", { class: "message answer" }, name, text, dots, failed, sound, foot);
  node.player = sound;
  // Once it is whole, the assistant tells its length; then one can seek in it.
  sound.audio.addEventListener("ended", () => sound.load(message.url), { once: true });
  if (message.voice) sound.load(message.url);
  node.redraw = () => {
    name.textContent = message.name ?? t("chat.assistant");
    text.lang = message.language ?? "";
    for (const sentence of message.texts.slice(text.childElementCount)) text.append(h("span", {}, `${sentence} `));
    text.hidden = message.texts.length === 0;
    dots.hidden = !message.waiting || message.problem !== null;
    sound.hidden = message.voice === null;
    if (message.problem && !failed.childElementCount) replace(failed, problemNotice(message.problem));
    if (message.stopped && !message.texts.length) replace(failed, h("p", { class: "muted" }, t("chat.stopped")));
    replace(foot, message.voice && voiceBadges(message.voice));
  };
  return node;
}

/** Which voice spoke, whether it had been spoken before, how long it took, and who was asked in vain. */
function voiceBadges(voice) {
  const vain = voice.attempts.filter((one) => one.error);
  return [
    badge(voice.voice && voice.voice !== voice.provider ? `${voice.provider} · ${voice.voice}` : voice.provider),
    badge(t(voice.cached ? "chat.cached" : "chat.fresh")),
    badge(t("chat.first_audio", { duration: formatDuration(voice.first_audio_ms / 1000) })),
    vain.map((one) => badge(t("chat.in_vain", { provider: one.provider, reason: reason(one.error) }), "fair")),
  ];
}

const reason = (code) => (hasText(`chat.error.${code}`) ? t(`chat.error.${code}`) : hasText(`problems.${code}`) ? problemText({ code, local: true }) : code.replaceAll("_", " "));
