// Choosing a recording: from a list of files, or dropped onto the page.

import { h, freshId, icon } from "../../dom.js";
import { t } from "../../i18n.js";

const KINDS = "audio/*,.wav,.mp3,.m4a,.aac,.flac,.ogg,.opus,.webm";

/** A box that takes one file and calls `on(file)`; `element.clear()` forgets it, `element.focus()` goes there. */
export function fileChooser(on) {
  const id = freshId("file");
  const input = h("input", { type: "file", accept: KINDS, id, class: "sr-only", "aria-describedby": `${id}-hint` });
  const name = h("span", { class: "drop-name" });
  const element = h(
    "label",
    { class: "drop", for: id },
    input,
    icon("upload"),
    h(
      "span",
      { class: "drop-words" },
      h("strong", {}, t("personalities.file.choose")),
      h("span", { class: "drop-here" }, t("personalities.file.drop")),
      name,
      h("span", { class: "hint", id: `${id}-hint` }, t("personalities.file.about")),
    ),
  );
  const take = (file) => {
    if (!file) return;
    name.textContent = file.name;
    on(file);
  };
  input.addEventListener("change", () => take(input.files[0]));
  let inside = 0; // moving over a child leaves the box and enters it again
  const over = (is) => element.classList.toggle("over", is);
  element.addEventListener("dragenter", (event) => {
    event.preventDefault();
    inside += 1;
    over(true);
  });
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  element.addEventListener("dragleave", () => {
    inside -= 1;
    over(inside > 0);
  });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    over(false);
    take(event.dataTransfer.files[0]);
  });
  return Object.assign(element, {
    clear() {
      input.value = "";
      name.textContent = "";
    },
    focus: () => input.focus(),
  });
}
