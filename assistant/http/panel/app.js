// The panel: who is signed in, which view is shown, and the frame around it.

import { api, whenSignedOut } from "./api.js";
import { confirm, emptyState, loading, problemNotice, toast } from "./components.js";
import { h, replace } from "./dom.js";
import { events } from "./events.js";
import { addTexts, t } from "./i18n.js";
import { frame } from "./shell.js";
import { signIn } from "./sign-in.js";

/** `here`: only where the shop's own assistant runs on this machine; `staff`: not for the kiosk's token. */
const VIEWS = [
  { name: "now", here: true },
  { name: "chat" },
  { name: "personalities", staff: true },
  { name: "usage", staff: true },
  { name: "sound-check", staff: true, here: true },
  { name: "health", staff: true, here: true },
];

let session = null;
let shell = null;
let unmount = null;
/** Counts what is shown: a view that is still being loaded when another one is wished for is never shown. */
let shown = 0;

const allowed = () => VIEWS.filter((view) => (!view.staff || session.role === "admin") && (!view.here || session.here));

function wished() {
  const [name, ...path] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { name: name || allowed()[0].name, path: path.filter(Boolean) };
}

function navigate(path) {
  const hash = `#/${path.replace(/^[#/]+/, "")}`;
  if (location.hash === hash) show();
  else location.hash = hash;
}

function leave() {
  shown += 1;
  try {
    unmount?.();
  } catch (error) {
    console.error(error);
  }
  unmount = null;
}

/** Show the view that the address names. `moved`: somebody went there, so the focus goes with them. */
async function show(moved = true) {
  if (session === null) return;
  leave();
  const mine = shown;
  const { name, path } = wished();
  const root = h("div", { class: `view view-${name}` });
  shell.show(name, root);
  if (!allowed().some((view) => view.name === name)) {
    const known = VIEWS.some((view) => view.name === name);
    replace(root, head(t("common.product")), emptyState(t(known ? "common.view_forbidden" : "problems.not_found"), null, "lock"));
    return;
  }
  const waiting = setTimeout(() => mine === shown && !root.childElementCount && replace(root, loading()), 250);
  try {
    const [view, texts] = await Promise.all([import(`./views/${name}.js`), import(`./texts/${name}.js`)]);
    if (mine !== shown) return;
    addTexts(name, texts.default);
    replace(root);
    const context = { api, t, session, events, toast, confirm, navigate, path };
    const end = await view.default.mount(root, context);
    if (mine !== shown) end?.();
    else unmount = end ?? null;
  } catch (error) {
    if (mine !== shown) return;
    if (error.name !== "Problem") console.error(error);
    const failed = error.name === "Problem" ? problemNotice(error, () => show()) : emptyState(t("common.view_failed"), null, "warn");
    replace(root, head(t(`common.nav.${name}`)), failed);
  } finally {
    clearTimeout(waiting);
  }
  if (mine !== shown) return;
  const h1 = root.querySelector("h1");
  document.title = `${h1?.textContent ?? t(`common.nav.${name}`)} · ${t("common.product")}`;
  if (moved && h1) {
    h1.tabIndex = -1;
    h1.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

const head = (title) => h("header", { class: "heading" }, h("h1", { tabindex: "-1" }, title));

/** Draw everything anew: somebody signed in, or chose another language. */
function draw() {
  leave();
  shell?.end();
  shell = frame({ session, views: allowed(), redraw: draw, signOut });
  replace(document.body, shell.element);
  show(false);
}

async function signOut() {
  await api.signOut();
  enter(t("common.signed_out"));
}

function enter(remark = null) {
  const before = session;
  leave();
  shell?.end();
  shell = session = null;
  document.title = `${t("common.sign_in")} · ${t("common.product")}`;
  const done = (found) => {
    session = found;
    // The next person need not land where the last one was.
    if (before === null || before.tenant !== found.tenant || before.role !== found.role) history.replaceState(null, "", before ? "/" : location.href);
    events.reset();
    draw();
  };
  replace(document.body, signIn(done, remark, () => enter(remark)));
  document.querySelector("input")?.focus();
}

whenSignedOut(() => session !== null && enter(t("common.session_over")));
addEventListener("hashchange", () => show());

async function start() {
  try {
    session = await api.session();
  } catch (error) {
    if (error.status === 401) return enter();
    document.querySelectorAll("dialog").forEach((one) => one.close());
    return replace(document.body, h("main", { class: "alone" }, h("h1", {}, t("common.product")), problemNotice(error, start)));
  }
  draw();
}

start();
