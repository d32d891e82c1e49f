// The screen beside the assistant: what it does, and everything that is said, large enough to be read along from a few
// steps away. It has no controls; once signed in it looks after itself for months.

import { api, whenSignedOut } from "./api.js";
import { captions } from "./captions.js";
import { h, replace } from "./dom.js";
import { events } from "./events.js";
import { addTexts, language, tIn } from "./i18n.js";
import { orb } from "./orb.js";
import { signIn } from "./sign-in.js";
import texts from "./texts/kiosk.js";

addTexts("kiosk", texts);

/** The last answer stays for so long after it was spoken, and longer the more there is to read. */
const STAYS_MS = 8_000;
const STAYS_PER_LETTER_MS = 55;

const CURSOR_MS = 3_000;

const RETRY_MS = 5_000;

async function start() {
  const token = takeToken();
  try {
    const session = token ? await api.signIn(token) : await api.session();
    if (!session.here) return askForToken(tIn(language(), "kiosk.elsewhere"));
  } catch (error) {
    if (error.status === 401) return askForToken(token ? tIn(language(), "kiosk.link_wrong") : null);
    // The assistant is still starting, or away: the page of a kiosk is never looked after, so it tries for ever.
    screen().away();
    setTimeout(() => (token ? signInLater(token) : start()), RETRY_MS);
    return;
  }
  watch();
}

/** The token of the link `/kiosk#token=…`, which is taken out of the address at once. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname);
  return token;
}

function signInLater(token) {
  location.hash = `token=${encodeURIComponent(token)}`;
  start();
}

function askForToken(remark = null) {
  current?.end();
  current = null;
  document.documentElement.lang = language();
  const done = (session) => {
    if (!session.here) return askForToken(tIn(language(), "kiosk.elsewhere"));
    events.reset();
    watch();
  };
  replace(document.body, signIn(done, remark, () => askForToken(remark)));
  document.querySelector("input")?.focus();
}

let current = null;

/** The screen, made once. */
function screen() {
  current ??= makeScreen();
  return current;
}

function watch() {
  const shown = screen();
  if (shown.watching) return;
  shown.watching = true;
  shown.offs.push(
    events.on("state", shown.state),
    events.on("connection", shown.connection),
    events.on("event", shown.event),
    events.on("level", shown.level),
  );
  keepAwake();
}

function makeScreen() {
  const face = orb();
  const state = h("h1", { class: "kiosk-title" });
  const name = h("p", { class: "kiosk-name" });
  const body = h("div", { class: "kiosk-body" });
  replace(document.body, h("main", { class: "kiosk" }, h("header", {}, face, h("div", {}, name, h("div", { role: "status" }, state))), body));
  const root = document.querySelector(".kiosk");
  let last = null;
  let online = null;
  let timer = null;
  let idle = true;
  const speech = captions(() => {
    clearTimeout(timer);
    idle = false;
    draw();
    if (speech.now.over) timer = setTimeout(rest, STAYS_MS + lettersOf(speech.now) * STAYS_PER_LETTER_MS);
  });
  const rest = () => {
    idle = true;
    draw();
  };
  const draw = () => {
    const code = speech.now.language && !idle ? speech.now.language : (last?.personality.language ?? language());
    const known = ["en", "es"].includes(code) ? code : "en";
    const is = online === false ? "away" : (last?.state ?? "starting");
    document.documentElement.lang = known;
    root.dataset.state = is;
    face.show(is);
    name.textContent = last?.personality.name ?? "";
    state.textContent = tIn(known, `kiosk.state.${is}`);
    const words = !idle && (speech.now.customer !== null || speech.now.sentences.length || speech.now.no_speech);
    if (["away", "trouble", "starting", "muted"].includes(is)) replace(body, message(known, is));
    else if (words) drawWords(body, speech.now, known, code);
    else if (is === "listening") replace(body, invitation(known, last));
    else if (!body.querySelector(".kiosk-cue")) replace(body, h("p", { class: "kiosk-cue" }, tIn(known, `kiosk.cue.${is}`)));
    if (body.querySelector(".kiosk-cue")) body.querySelector(".kiosk-cue").textContent = tIn(known, `kiosk.cue.${is}`);
  };
  draw();
  return {
    watching: false,
    offs: [],
    state(now) {
      last = now;
      if (now.state === "hearing") idle = speech.now.over ? true : idle;
      draw();
    },
    connection(is) {
      online = is;
      draw();
    },
    event: speech.take,
    level: face.level,
    away() {
      online = false;
      draw();
    },
    end() {
      this.offs.forEach((off) => off());
      clearTimeout(timer);
    },
  };
}

const lettersOf = (now) => now.sentences.reduce((sum, one) => sum + one.text.length, 0);

function message(known, is) {
  return h("div", { class: "kiosk-invitation" }, h("p", { class: "kiosk-greeting" }, tIn(known, `kiosk.${is}`)), h("p", { class: "kiosk-how" }, tIn(known, `kiosk.${is}_how`)));
}

/** Who is here, and how to wake it up. */
function invitation(known, last) {
  const wakeWord = spoken(last?.personality.wake_word);
  return h(
    "div",
    { class: "kiosk-invitation" },
    h("p", { class: "kiosk-greeting" }, last?.personality.greeting || tIn(known, "kiosk.greeting", { name: last?.personality.name ?? "" })),
    h("p", { class: "kiosk-how" }, wakeWord ? [tIn(known, "kiosk.how_before"), " ", h("strong", {}, `“${wakeWord}”`), " ", tIn(known, "kiosk.how_after")] : tIn(known, "kiosk.how")),
  );
}

/** `hey_jarvis` as people say it. */
function spoken(wakeWord) {
  return wakeWord ? wakeWord.replaceAll("_", " ").replace(/(^| )\p{L}/gu, (letter) => letter.toUpperCase()) : null;
}

/** The words of a turn. What is there stays, so that screen readers say each sentence once and nothing jumps. */
function drawWords(body, now, known, code) {
  let words = body.querySelector(".kiosk-words");
  if (words?.dataset.turn !== String(now.turn) || (now.customer === null && words.querySelector(".kiosk-customer"))) {
    words = h("div", { class: "kiosk-words", role: "log", "aria-live": "polite", "data-turn": now.turn });
    replace(body, words);
  }
  words.lang = code;
  if (now.customer !== null && !words.querySelector(".kiosk-customer")) words.prepend(h("p", { class: "kiosk-customer" }, now.customer));
  if (now.no_speech && now.customer === null && !now.sentences.length && !words.childElementCount) words.append(h("p", { class: "kiosk-answer" }, tIn(known, "kiosk.no_speech")));
  if (!now.sentences.length) return;
  let answer = words.querySelector(".kiosk-answer.said-aloud");
  if (!answer) {
    words.querySelector(".kiosk-answer")?.remove();
    answer = words.appendChild(h("p", { class: "kiosk-answer said-aloud" }));
  }
  now.sentences.forEach((sentence, index) => {
    const one = answer.children[index] ?? answer.appendChild(h("span", {}, `${sentence.text} `));
    if (sentence.state === "spoken" && one.className !== "spoken") requestAnimationFrame(() => one.scrollIntoView({ block: "center", behavior: "smooth" }));
    one.className = sentence.state;
  });
  const letters = lettersOf(now);
  words.dataset.length = letters > 420 ? "long" : letters > 180 ? "medium" : "short";
}

/** A screen that sleeps shows nobody anything. Browsers grant it on secure pages, as long as the page is seen. */
async function keepAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Not granted: the system's own settings decide.
  }
}
document.addEventListener("visibilitychange", () => current?.watching && !document.hidden && keepAwake());

let cursorTimer = null;
addEventListener("pointermove", () => {
  document.documentElement.classList.remove("no-cursor");
  clearTimeout(cursorTimer);
  cursorTimer = setTimeout(() => document.documentElement.classList.add("no-cursor"), CURSOR_MS);
});

whenSignedOut(() => askForToken());
addEventListener("hashchange", () => location.hash.includes("token=") && start());
start();
