// The last turns, each with where its time went.

import { badge, button, card, emptyState, loading, problemNotice } from "../../components.js";
import { h, replace } from "../../dom.js";
import { formatDate, formatDuration, hasText, t } from "../../i18n.js";
import { legend, STAGES, waterfall } from "../../waterfall.js";

const AT_FIRST = 8;

/** `{element, refresh()}`. */
export function lastTurns(context) {
  const body = h("div", { class: "stack" }, loading());
  const asTable = button(t("common.show_table"), { kind: "quiet", icon: "table", "aria-pressed": "false" });
  const element = card(null, h("div", { class: "turns-head" }, h("h2", { id: "last-turns" }, t("now.last_turns")), asTable), body);
  element.setAttribute("aria-labelledby", "last-turns");
  element.classList.add("now-turns");
  let turns = null;
  let all = false;
  let table = false;
  const draw = () => {
    asTable.hidden = !turns?.length;
    if (!turns.length) return replace(body, emptyState(t("now.no_turns"), null, "clock"));
    const some = all ? turns : turns.slice(0, AT_FIRST);
    const more = turns.length > some.length && button(t("now.show_all", { count: turns.length }), { on: showAll });
    replace(body, table ? turnTable(some) : turnList(some), more);
  };
  const showAll = () => {
    all = true;
    draw();
  };
  asTable.addEventListener("click", () => {
    table = !table;
    asTable.setLabel(t(table ? "common.hide_table" : "common.show_table"));
    asTable.setAttribute("aria-pressed", String(table));
    draw();
  });
  const refresh = async () => {
    try {
      turns = (await context.api.get("/api/turns")).turns;
      draw();
    } catch (error) {
      if (error.name !== "Problem") throw error;
      if (turns === null) replace(body, problemNotice(error, refresh));
    }
  };
  asTable.hidden = true;
  return { element, refresh };
}

function turnList(turns) {
  const longest_ms = Math.max(1000, ...turns.map((turn) => turn.response_ms ?? 0));
  return [
    legend(),
    h(
      "ol",
      { class: "turns", reversed: true },
      turns.map((turn) =>
        h(
          "li",
          { class: "turn" },
          h(
            "div",
            { class: "turn-words" },
            h("div", { class: "turn-meta" }, h("time", { datetime: turn.at }, formatDate(turn.at, { timeStyle: "medium" })), h("span", {}, turn.personality), badges(turn)),
            h("p", { class: "turn-question", lang: turn.language }, turn.transcript ?? h("i", { class: "muted" }, unheard(turn))),
            said(turn) && h("p", { class: "turn-reply", lang: turn.language }, said(turn)),
          ),
          turn.response_ms === null && turn.voices.length ? null : waterfall(turn.stages_ms, turn.response_ms, longest_ms),
        ),
      ),
    ),
  ];
}

const unheard = (turn) => (turn.no_speech ? t("now.no_speech") : turn.voices.length ? t("now.announcement") : t("now.no_question"));

/** The answer; of an announcement, what was spoken. */
const said = (turn) => turn.reply ?? turn.voices.map((voice) => voice.text).join(" ");

function badges(turn) {
  const engines = [...new Set(turn.voices.map((voice) => voice.provider))];
  const cached = turn.voices.length > 0 && turn.voices.every((voice) => voice.cached);
  const failed = [...new Set(turn.voices.flatMap((voice) => voice.attempts.filter((one) => one.error)).map((one) => `${one.provider}: ${errorName(one.error)}`))];
  return [
    engines.map((name) => badge(name)),
    cached && badge(t("now.cached")),
    turn.interrupted && badge(t("now.interrupted")),
    failed.map((text) => badge(text, "fair")),
  ];
}

/** The name of an error's code, in a few words. */
function errorName(code) {
  return hasText(`now.error.${code}`) ? t(`now.error.${code}`) : code.replaceAll("_", " ");
}

function turnTable(turns) {
  const column = (key, kind = null) => h("th", { scope: "col", class: kind }, t(key));
  const number = (value) => h("td", { class: "number" }, value === null || value === undefined ? "–" : formatDuration(value / 1000));
  return h(
    "div",
    { class: "scroll-x", tabindex: "0", role: "region", "aria-label": t("now.table") },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, column("now.time"), column("now.question"), STAGES.map((stage) => column(`common.stage.${stage}`, "number")), column("common.stage.total", "number"))),
      h(
        "tbody",
        {},
        turns.map((turn) =>
          h(
            "tr",
            {},
            h("td", {}, formatDate(turn.at, { timeStyle: "medium" })),
            h("th", { scope: "row", lang: turn.language }, turn.transcript ?? unheard(turn)),
            STAGES.map((stage) => number(turn.stages_ms?.[stage])),
            number(turn.response_ms),
          ),
        ),
      ),
    ),
  );
}
