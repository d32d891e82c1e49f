// The page where a browser changes a token into a session.

import { api } from "./api.js";
import { button, field, notice } from "./components.js";
import { h, icon } from "./dom.js";
import { problemText, t } from "./i18n.js";
import { brand, languageChoice } from "./shell.js";

/** The page. `done(session)` is called when somebody is signed in, `redraw()` when the language has changed. */
export function signIn(done, remark = null, redraw = () => {}) {
  const token = h("input", { type: "password", id: "token", name: "token", autocomplete: "current-password", autocapitalize: "none", spellcheck: "false", required: true });
  const row = field(t("common.token"), token, hint());
  const eye = h("button", { type: "button", class: "button quiet icon-only", "aria-label": t("common.token_show"), "aria-pressed": "false" }, icon("eye"));
  eye.addEventListener("click", () => {
    const hidden = token.type === "password";
    token.type = hidden ? "text" : "password";
    eye.setAttribute("aria-pressed", String(hidden));
    eye.setAttribute("aria-label", t(hidden ? "common.token_hide" : "common.token_show"));
    eye.firstChild.replaceWith(icon(hidden ? "eye-off" : "eye"));
  });
  const box = h("div", { class: "with-button" });
  token.replaceWith(box);
  box.append(token, eye);
  const submit = button(t("common.sign_in"), { kind: "primary", type: "submit" });
  const failed = h("div", { role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    failed.replaceChildren();
    const entered = token.value.trim();
    row.setProblem(entered ? null : t("common.token_missing"));
    if (!entered || submit.classList.contains("busy")) return token.focus();
    submit.setBusy(true);
    try {
      done(await api.signIn(entered));
    } catch (error) {
      if (error.status === 401) row.setProblem(t("common.token_wrong"));
      else failed.replaceChildren(notice(problemText(error), "poor"));
      token.focus();
      token.select();
    } finally {
      submit.setBusy(false);
    }
  };
  return h(
    "main",
    { class: "alone sign-in" },
    h("div", { class: "alone-top" }, brand(), languageChoice(redraw)),
    h(
      "form",
      { class: "card", novalidate: true, on: { submit: send } },
      h("h1", {}, t("common.sign_in")),
      h("p", { class: "lead" }, t("common.sign_in_lead")),
      remark && h("div", { role: "status" }, notice(remark)),
      row,
      failed,
      submit,
    ),
  );
}

/** The hint with its command set as such. */
function hint() {
  const [before, command, after] = t("common.sign_in_hint").split("`");
  return [before, h("code", {}, command), after];
}
