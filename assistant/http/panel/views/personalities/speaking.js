// Which voice speaks for a personality now, and why: all ways in the order in which they are asked.

import { badge, button, card, fetched } from "../../components.js";
import { h, replace } from "../../dom.js";
import { hasText, language, t } from "../../i18n.js";
import { engineName, voiceName } from "./engines.js";

const STATES = { speaks: "good", stands_by: "neutral", resting: "fair", too_slow: "fair", unavailable: "poor" };

/** Events after which somebody else may speak. */
const NEWS = new Set(["provider_state"]);

/** The card; `form` is {draft, path, context}. `refresh()` and `close()` are on the element. */
export function speakingCard({ draft, path, context }) {
  const body = h("div", { class: "stack" });
  const unsaved = h("p", { class: "hint", hidden: true }, t("personalities.speaking.unsaved"));
  const refresh = () =>
    fetched(
      body,
      () => context.api.get(`${path}/voice`),
      (found) => prospect(found, draft.stored),
    );
  const show = () => (unsaved.hidden = !draft.touches("voice_config", "language"));
  const offs = [draft.on(show)];
  if (context.session.here) offs.push(context.events.on("event", (line) => NEWS.has(line.event) && refresh()));
  const element = card(
    t("personalities.speaking"),
    body,
    unsaved,
    h("div", { class: "actions" }, button(t("common.refresh"), { kind: "quiet", icon: "refresh", on: refresh })),
  );
  refresh();
  return Object.assign(element, { refresh, close: () => offs.forEach((off) => off()) });
}

/** "Piper: Ryan, medium (en-US)". */
export function speakerName(one) {
  return `${engineName(one.provider)}: ${recorded(one) ? t("personalities.recording") : voiceName(one.voice)}`;
}

function recorded(one) {
  return !one.voice || one.voice === "recording";
}

/** Whether the voice that speaks is the one that the personality is to have. */
function isWanted(now, { mode, provider }) {
  return mode === "custom" ? recorded(now) : now.provider === provider;
}

/** Why another voice speaks than the one that is wanted; sentences, none where it is that one. */
export function reasons(found, voice) {
  if (found.speaks_now && isWanted(found.speaks_now, voice)) return [];
  const why = found.passed_over.filter((one) => one.provider === voice.provider).map(leftOut);
  for (const one of found.routes) {
    if (one.state === "speaks") break;
    const told = sentence(`personalities.why.${one.state}`, one.provider);
    if (told) why.push(told);
  }
  const asked = [...found.passed_over, ...found.routes].some((one) => one.provider === voice.provider);
  if (!asked) why.push(t("personalities.why.language", { engine: engineName(voice.provider) }));
  return [...new Set(why)];
}

/** What is asked for and cannot be had. */
function leftOut(one) {
  return sentence(`personalities.why.${one.error}`, one.provider) ?? `${engineName(one.provider)}: ${one.error}.`;
}

function sentence(key, provider) {
  return hasText(key) ? t(key, { engine: engineName(provider) }) : null;
}

function prospect(found, { voice_config: voice }) {
  const now = found.speaks_now;
  const why = reasons(found, voice);
  const own = t(voice.mode === "custom" ? "personalities.speaking.recording" : "personalities.speaking.own");
  const head = now
    ? h(
        "div",
        { class: "speaker" },
        h("p", { class: "speaker-name" }, speakerName(now)),
        h("p", {}, why.length ? t("personalities.speaking.stands_in") : own),
      )
    : h(
        "div",
        { class: "speaker silent" },
        h("p", { class: "speaker-name" }, t("personalities.speaking.nobody")),
        h("p", {}, t("personalities.speaking.nobody.about")),
      );
  const out = found.passed_over.map((one) => h("li", {}, leftOut(one)));
  const box = h(
    "details",
    {},
    h("summary", {}, t("personalities.speaking.order", { count: found.routes.length })),
    h("ol", { class: "routes" }, found.routes.map(route)),
    out.length ? [h("h3", {}, t("personalities.speaking.left_out")), h("ul", { class: "whys" }, out)] : null,
  );
  return [
    head,
    why.length
      ? h(
          "ul",
          { class: "whys" },
          why.map((one) => h("li", {}, one)),
        )
      : null,
    found.routes.length ? box : null,
  ];
}

function route(one) {
  const key = `personalities.route.${one.state}`;
  const told = one.reason ? h("p", { class: "hint", lang: language() === "en" ? null : "en" }, one.reason) : null;
  return h(
    "li",
    {},
    h(
      "div",
      { class: "route" },
      h("span", {}, speakerName(one)),
      badge(hasText(key) ? t(key) : one.state, STATES[one.state] ?? "neutral"),
    ),
    told,
  );
}

/** One line for a list: who speaks, with a mark whether that is the voice that is wanted. */
function speakerLine(found, voice) {
  if (!found.speaks_now) return badge(t("personalities.speaking.nobody"), "poor");
  const why = reasons(found, voice);
  const line = h("span", {}, speakerName(found.speaks_now));
  return why.length
    ? [line, " ", badge(t("personalities.speaking.stand_in"), "fair"), h("p", { class: "hint" }, why[0])]
    : line;
}

/** Put who speaks for a personality into `place`. */
export async function showSpeaker(place, context, path, { voice_config: voice }) {
  try {
    const found = await context.api.get(`${path}/voice`);
    if (place.isConnected) replace(place, speakerLine(found, voice));
  } catch (problem) {
    if (problem.name !== "Problem") throw problem;
    if (place.isConnected) replace(place, engineName(voice.provider)); // what is wanted, where nobody can say more
  }
}
