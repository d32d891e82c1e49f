// The frame around the views: navigation, state, language, theme, signing out.

import { button, dialog, run } from "./components.js";
import { h, icon } from "./dom.js";
import { events } from "./events.js";
import { language, setLanguage, t } from "./i18n.js";
import { keep, kept } from "./kept.js";

/** So many places fit on a phone's bar; what is beyond goes behind "More". */
const ON_PHONES = 4;

/** `{element, show(name, root), end()}`. `redraw()` is called when the language has changed. */
export function frame({ session, views, redraw, signOut }) {
  const main = h("main", { id: "content", tabindex: "-1" });
  const state = session.here ? statePill() : null;
  const links = views.map((view, index) => link(view.name, index >= ON_PHONES));
  const more = h(
    "button",
    { type: "button", class: "nav-link only-phone", "aria-haspopup": "dialog", on: { click: () => openMore() } },
    icon("more"),
    h("span", {}, t("common.more")),
  );
  const openMore = () => {
    const rest = views.slice(ON_PHONES).map((view) => link(view.name));
    const opened = dialog(t("common.more"), h("div", { class: "more" }, rest.length > 0 && h("nav", { "aria-label": t("common.more") }, rest), settings({ session, redraw, signOut })));
    opened.element.classList.add("sheet");
    opened.element.addEventListener("click", (event) => event.target.closest("a[href^='#']") && opened.close());
  };
  const skip = h("button", { type: "button", class: "skip", on: { click: () => main.focus() } }, t("common.skip"));
  const element = h(
    "div",
    { class: "shell" },
    skip,
    h(
      "div",
      { class: "side" },
      h("header", { class: "top" }, brand(session), state?.element),
      h("nav", { class: "nav", "aria-label": t("common.navigation") }, links, more),
      h("section", { class: "side-settings", "aria-label": t("common.settings") }, settings({ session, redraw, signOut })),
    ),
    main,
  );
  return {
    element,
    end: () => state?.end(),
    show(name, root) {
      for (const one of element.querySelectorAll(".nav a")) {
        if (one.dataset.view === name) one.setAttribute("aria-current", "page");
        else one.removeAttribute("aria-current");
      }
      more.classList.toggle("current", views.findIndex((view) => view.name === name) >= ON_PHONES);
      main.replaceChildren(root);
    },
  };
}

export function brand(session = null) {
  const shop = session && session.tenant !== "default" ? h("span", { class: "brand-shop" }, session.tenant) : null;
  return h("div", { class: "brand" }, h("img", { src: "/panel/favicon.svg", alt: "", width: "30", height: "30" }), h("span", { class: "brand-name" }, t("common.product"), shop));
}

function link(name, beyond = false) {
  return h("a", { class: `nav-link${beyond ? " not-phone" : ""}`, href: `#/${name}`, "data-view": name }, icon(name), h("span", {}, t(`common.nav.${name}`)));
}

function settings({ session, redraw, signOut }) {
  const out = button(t("common.sign_out"), { kind: "quiet", icon: "logout" });
  out.addEventListener("click", () => {
    out.closest("dialog")?.close();
    run(out, signOut);
  });
  return h(
    "div",
    { class: "frame-settings" },
    h(
      "a",
      { class: "nav-link", href: "/kiosk", target: "_blank", rel: "noopener" },
      icon("screen"),
      h("span", {}, t("common.kiosk_screen"), h("span", { class: "sr-only" }, ` ${t("common.opens_new")}`)),
    ),
    languageChoice(redraw),
    themeChoice(),
    h("p", { class: "who" }, t("common.signed_in_as", { name: session.name })),
    out,
  );
}

/** Choose the panel's language. */
export function languageChoice(redraw) {
  const choices = ["en", "es"].map((code) => [code, t(`common.language.${code}`)]);
  return choice("globe", t("common.language"), choices, language(), (code) => {
    setLanguage(code);
    document.querySelectorAll("dialog").forEach((one) => one.close());
    redraw();
  });
}

function themeChoice() {
  const choices = ["auto", "light", "dark"].map((name) => [name, t(`common.theme.${name}`)]);
  return choice("contrast", t("common.theme"), choices, kept("theme") ?? "auto", (name) => {
    keep("theme", name === "auto" ? null : name);
    dispatchEvent(new CustomEvent("theme-chosen", { detail: name })); // theme.js listens
  });
}

function choice(drawing, label, choices, chosen, on) {
  const select = h(
    "select",
    { "aria-label": label, on: { change: () => on(select.value) } },
    choices.map(([value, text]) => h("option", { value }, text)),
  );
  select.value = chosen;
  return h("label", { class: "choice" }, icon(drawing), select);
}

/** What the assistant does just now, on every page. */
function statePill() {
  const text = h("span", {});
  const element = h("div", { class: "state-pill", "data-state": "away" }, h("span", { class: "state-dot", "aria-hidden": "true" }), text);
  const show = (name) => {
    element.dataset.state = name;
    text.textContent = t(`common.state.${name}`);
  };
  let last = "starting";
  const offs = [
    events.on("state", (now) => show((last = now.state))),
    events.on("connection", (is) => show(is ? last : "away")),
  ];
  show(last);
  return { element, end: () => offs.forEach((off) => off()) };
}
