// Who agreed to be cloned, how and when: no recording is taken without it.

import { field } from "../../components.js";
import { h, freshId, replace } from "../../dom.js";
import { formatDate, t } from "../../i18n.js";

const LONGEST = 500;

/** Inputs for a consent: `{element, text(), complain(), clear()}`; `text()` is "" as long as something is missing. */
export function consentFields() {
  const who = h("input", { type: "text", maxlength: "120", autocomplete: "off", required: true });
  const how = h(
    "select",
    {},
    ["writing", "spoken", "own"].map((one) => h("option", { value: one }, t(`personalities.consent.${one}`))),
  );
  const when = h("input", { type: "date", required: true, max: today() });
  when.value = today();
  const agreed = h("input", { type: "checkbox", id: freshId("agreed"), required: true });
  const named = field(t("personalities.consent.who"), who, t("personalities.consent.who.about"));
  const dated = field(t("personalities.consent.when"), when);
  const wrong = h("p", { class: "wrong", id: `${agreed.id}-wrong`, hidden: true });
  const preview = h("p", { class: "hint consent-text", "aria-live": "polite" });

  const complete = () => Boolean(who.value.trim() && when.value && when.value <= today() && agreed.checked);
  const worded = () =>
    t("personalities.consent.text", {
      who: who.value.trim(),
      how: t(`personalities.consent.${how.value}`),
      when: formatDate(when.value, { dateStyle: "long" }),
    }).slice(0, LONGEST);
  const mark = (missing) => {
    wrong.hidden = !missing;
    wrong.textContent = missing ? t("personalities.consent.agreed.missing") : "";
    if (missing) agreed.setAttribute("aria-invalid", "true");
    else agreed.removeAttribute("aria-invalid");
  };
  const show = () =>
    replace(
      preview,
      who.value.trim() && when.value ? [t("personalities.consent.kept"), " ", h("q", {}, worded())] : null,
    );
  who.addEventListener("input", () => named.setProblem(null));
  when.addEventListener("input", () => dated.setProblem(null));
  agreed.addEventListener("change", () => mark(false));

  const element = h(
    "fieldset",
    { class: "consent", on: { input: show, change: show } },
    h("legend", {}, t("personalities.consent")),
    h("p", {}, t("personalities.consent.about")),
    named,
    h("div", { class: "pair" }, field(t("personalities.consent.how"), how), dated),
    h("label", { class: "check", for: agreed.id }, agreed, h("span", {}, t("personalities.consent.agreed"))),
    wrong,
    preview,
  );
  agreed.setAttribute("aria-describedby", wrong.id);
  return {
    element,
    text: () => (complete() ? worded() : ""),
    /** Mark what is missing and go to the first of it. */
    complain(problem = "") {
      const noDate = !when.value || when.value > today();
      named.setProblem(problem || (who.value.trim() ? null : t("personalities.consent.who.missing")));
      dated.setProblem(noDate ? t("personalities.consent.when.missing") : null);
      mark(!agreed.checked);
      (problem || !who.value.trim() ? who : noDate ? when : agreed).focus();
    },
    /** Another recording needs a consent of its own. */
    clear() {
      who.value = "";
      agreed.checked = false;
      when.value = today();
      show();
    },
  };
}

function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}
