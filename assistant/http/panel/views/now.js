// What the assistant does just now, and how its last turns went.

import { badge, button, card, field, heading, meter, notice } from "../components.js";
import { captions } from "../captions.js";
import { h, replace } from "../dom.js";
import { deviceName, hasText, languageName, problemText, t } from "../i18n.js";
import { orb } from "../orb.js";
import { lastTurns } from "./now/turns.js";

const STATUS_EVERY_MS = 20_000;

export default {
  name: "now",
  icon: "now",
  mount(root, context) {
    const staff = context.session.role === "admin";
    const turns = staff ? lastTurns(context) : null;
    const trouble = h("div", { class: "stack now-trouble", role: "status" });
    const ends = [];
    const microphone = meter({ label: t("common.microphone") });
    const speaker = meter({ label: t("common.speaker") });
    const devices = h("p", { class: "hint" });
    ends.push(
      context.events.on("level", (levels) => {
        microphone.set(levels.microphone_db);
        speaker.set(levels.speaker_db);
      }),
    );
    replace(
      root,
      heading(t("common.nav.now"), t("now.lead")),
      trouble,
      h(
        "div",
        { class: "now-grid" },
        stage(context, staff, ends),
        h("div", { class: "stack" }, steering(context, staff, ends), card(t("now.levels"), microphone, speaker, devices)),
      ),
      turns?.element,
    );
    if (staff) {
      ends.push(watchStatus(context, trouble, devices));
      ends.push(context.events.on("event", (line) => line.event === "turn_end" && turns.refresh()));
      turns.refresh();
    }
    return () => ends.forEach((end) => end());
  },
};

/** The state, who speaks, and the captions. */
function stage(context, staff, ends) {
  const face = orb();
  const state = h("p", { class: "now-state", role: "status" });
  const detail = h("p", { class: "muted" });
  const who = h("span", { class: "now-name" });
  const voice = h("div", { class: "row now-voice" });
  const log = h("div", { class: "now-captions", role: "log", "aria-live": "polite", "aria-label": t("now.captions") });
  const element = h(
    "section",
    { class: "card now-stage", "aria-label": t("now.state") },
    h("div", { class: "now-face" }, face, h("div", { class: "now-words" }, state, detail, h("div", { class: "now-who" }, who, voice))),
    log,
  );
  let speaksFor = null;
  let last = null;
  let online = true;
  const draw = () => {
    const name = online ? (last?.state ?? "starting") : "away";
    face.show(name);
    element.dataset.state = name;
    state.textContent = t(`common.state.${name}`);
    detail.textContent = t(`now.detail.${name}`);
    if (!last) return;
    who.textContent = `${last.personality.name} · ${languageName(last.personality.language)}`;
    if (staff && speaksFor !== last.personality.id) {
      speaksFor = last.personality.id;
      whoSpeaks(context, speaksFor, voice);
    }
  };
  const shown = captions((now) => drawCaptions(log, now));
  drawCaptions(log, shown.now);
  ends.push(
    context.events.on("state", (now) => {
      last = now;
      draw();
    }),
    context.events.on("connection", (is) => {
      online = is;
      draw();
    }),
    context.events.on("level", face.level),
    context.events.on("event", (line) => {
      shown.take(line);
      if (line.event === "speaking") replace(voice, voiceBadge(line.provider, line.voice), line.cached && badge(t("now.cached")));
      // Another engine may speak from now on.
      if (line.event === "provider_state" && staff && speaksFor) whoSpeaks(context, speaksFor, voice);
    }),
  );
  draw();
  return element;
}

const voiceBadge = (provider, voice) => badge(voice && voice !== provider ? `${provider} · ${voice}` : provider);

async function whoSpeaks(context, id, place) {
  try {
    const found = await context.api.get(`/api/admin/ai-personalities/${encodeURIComponent(id)}/voice`);
    if (found.speaks_now) replace(place, voiceBadge(found.speaks_now.provider, found.speaks_now.voice));
    else replace(place, badge(t("now.nobody_speaks"), "poor"));
  } catch (error) {
    if (error.name !== "Problem") throw error;
    replace(place);
  }
}

/** Only what is new is added, so that a screen reader says every sentence once. */
function drawCaptions(log, now) {
  if (log.dataset.turn !== String(now.turn) || (now.customer === null && !now.sentences.length && log.querySelector(".answer"))) {
    log.dataset.turn = now.turn;
    replace(log);
  }
  const place = (kind, speaker) => {
    let line = log.querySelector(`.${kind}`);
    if (!line) {
      line = h("p", { class: `caption ${kind}` }, h("span", { class: "caption-who" }, speaker), h("span", { class: "caption-text" }));
      log.append(line);
    }
    return line.lastChild;
  };
  log.querySelector(".caption-none")?.remove();
  if (now.customer !== null && !log.querySelector(".customer")) {
    const text = place("customer", t("now.customer"));
    text.textContent = now.customer;
    if (now.language) text.lang = now.language;
  } else if (now.no_speech && now.customer === null && !log.querySelector(".customer")) {
    place("customer", t("now.customer")).append(h("i", {}, t("now.no_speech")));
  }
  now.sentences.forEach((sentence, index) => {
    const text = place("answer", t("now.assistant"));
    const one = text.children[index] ?? text.appendChild(h("span", { lang: now.language }, `${sentence.text} `));
    one.className = sentence.state;
  });
  if (now.interrupted && !log.querySelector(".cut")) log.append(h("p", { class: "cut" }, badge(t("now.interrupted"))));
  log.classList.toggle("over", now.over);
  if (!log.childElementCount) log.append(h("p", { class: "caption-none muted" }, t("now.no_captions")));
}

/** Push to talk, stop, say this now. */
function steering(context, staff, ends) {
  const act = (label, drawing, kind, path, busy = null) => button(label, { kind, icon: drawing, busy, on: () => context.api.post(path) });
  const buttons = h(
    "div",
    { class: "now-buttons" },
    act(t("now.listen"), "mic", "primary", "/api/listen"),
    act(t("now.stop"), "stop", "plain", "/api/stop"),
    staff && muteButton(context, ends),
  );
  return card(t("now.steer"), buttons, h("p", { class: "hint" }, t("now.listen_hint")), staff && sayForm(context));
}

/** Hear nothing, or hear again; it says which of the two a press does. */
function muteButton(context, ends) {
  let muted = false;
  const element = button(t("now.mute"), { kind: "plain", icon: "mic-off", on: () => context.api.put("/api/mute", { muted: !muted }) });
  ends.push(
    context.events.on("state", (now) => {
      muted = now.muted;
      element.setLabel(t(muted ? "now.unmute" : "now.mute"), muted ? "mic" : "mic-off");
    }),
  );
  return element;
}

function sayForm(context) {
  const text = h("textarea", { rows: "2", maxlength: "5000", placeholder: t("now.say_example") });
  const row = field(t("now.say"), text);
  const send = button(t("now.say_now"), { icon: "speaker", type: "submit" });
  const submit = async (event) => {
    event.preventDefault();
    const wished = text.value.trim();
    row.setProblem(wished ? null : t("now.say_empty"));
    if (!wished || send.classList.contains("busy")) return text.focus();
    send.setBusy(true);
    try {
      await context.api.post("/api/say", { text: wished });
      text.value = "";
      context.toast(t("now.said"), "good");
    } catch (error) {
      if (error.name !== "Problem") throw error;
      row.setProblem(problemText(error));
    } finally {
      send.setBusy(false);
    }
  };
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  });
  return h("form", { class: "stack now-say", novalidate: true, on: { submit } }, row, h("div", { class: "row" }, send));
}

/** What does not work, and which devices are in use; asked again now and then. */
function watchStatus(context, trouble, devices) {
  let over = false;
  let told = "";
  const look = async () => {
    try {
      const status = await context.api.get("/api/status");
      if (over) return;
      devices.textContent = t("now.devices", { microphone: deviceName(status.microphone.name), speaker: deviceName(status.speaker.name) });
      const news = JSON.stringify([status.recording, status.trouble]);
      if (news !== told) replace(trouble, status.recording && notice([h("p", {}, h("strong", {}, t("now.recording_on"))), h("p", {}, t("now.recording_about"))], "poor"), status.trouble.map(troubleNotice));
      told = news;
    } catch (error) {
      if (error.name !== "Problem") throw error;
    }
  };
  const troubleNotice = (one) => {
    const part = hasText(`now.part.${one.part}`) ? t(`now.part.${one.part}`) : one.part;
    return notice([h("p", {}, h("strong", {}, part), `: ${one.reason}`), one.remedy && h("p", {}, one.remedy)], "fair");
  };
  const timer = setInterval(look, STATUS_EVERY_MS);
  const offs = [
    context.events.on("event", (line) => /^(device|provider)_/.test(line.event) && look()),
    context.events.on("connection", (is) => is && look()),
  ];
  look();
  return () => {
    over = true;
    clearInterval(timer);
    offs.forEach((off) => off());
  };
}
