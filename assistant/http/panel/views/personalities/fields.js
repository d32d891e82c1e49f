// The inputs of a personality's form: each is bound to a path of the draft and shows what the server finds wrong there.

import { field } from "../../components.js";
import { h, replace } from "../../dom.js";
import { hasText, language, t } from "../../i18n.js";

/** What a path is called in the form, such as "Wake word" for `wake_word`. */
export function pathName(path) {
  const setting = /^voice_config\.settings\.(.+)$/.exec(path);
  const key = setting ? `personalities.setting.${setting[1]}` : `personalities.field.${path}`;
  return hasText(key) ? t(key) : path;
}

/** What is wrong, path by path, of a problem the server tells: `[{where, problem}]`. */
export function wrongs(problem) {
  if (problem.errors.length)
    return problem.errors.map((one) => ({ ...one, where: one.where.replace(/^settings\./, "voice_config.settings.") }));
  // A conflict names its key in front: "wake_word: 'alexa' belongs to 'Lucía'."
  const named = /^([a-z_]+(?:\.[a-z_0-9]+)*): (.+)$/s.exec(problem.message);
  return named ? [{ where: named[1], problem: [named[2], problem.remedy].filter(Boolean).join(" ") }] : [];
}

export class Fields {
  #bound = new Map();

  constructor(draft) {
    this.draft = draft;
  }

  /**
   * Bind an input to a path and return its labelled element. `read` and `write` get and set the input's value where
   * that is not its `value`; `event` is what says that it changed.
   */
  add(
    path,
    input,
    { hint = null, event = "input", read = () => input.value, write = (value) => (input.value = value ?? "") } = {},
  ) {
    const element = field(pathName(path), input, hint);
    this.bind(path, { element, input, write });
    input.addEventListener(event, () => {
      element.setProblem(null);
      this.draft.set(path, read());
    });
    return element;
  }

  /** Watch over an element that sets its path itself; `element.setProblem` is made where it has none. */
  bind(path, { element, input, write = () => {} }) {
    element.setProblem ??= marking(element, input);
    this.#bound.set(path, { element, input, write });
    write(this.draft.value(path));
  }

  /** Show what the draft holds now. */
  update() {
    for (const [path, { write }] of this.#bound) write(this.draft.value(path));
    this.clear();
  }

  clear() {
    for (const { element } of this.#bound.values()) element.setProblem(null);
  }

  /** Mark the fields that are wrong and go to the first one. Returns what belongs to no field. */
  show(found) {
    this.clear();
    const homeless = [];
    let first = null;
    for (const { where, problem } of found) {
      const bound = this.#bound.get(where) ?? this.#bound.get(where.replace(/\.\d+$/, ""));
      if (!bound) {
        homeless.push({ where, problem });
        continue;
      }
      bound.element.setProblem(told(problem));
      first ??= bound.input;
    }
    for (let box = first?.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    first?.focus({ preventScroll: true });
    first?.closest(".field, .slider, fieldset")?.scrollIntoView({ block: "center" });
    return homeless;
  }
}

/** The server's words begin as half a sentence. */
function told(problem) {
  const text = problem.charAt(0).toLocaleUpperCase(language()) + problem.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function marking(element, input) {
  const wrong = h("p", { class: "wrong", id: `${input.id}-wrong`, hidden: true });
  element.append(wrong);
  const before = input.getAttribute("aria-describedby") ?? "";
  return (text) => {
    wrong.hidden = !text;
    replace(wrong, text || null);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    const ids = [before, text ? wrong.id : ""].filter(Boolean).join(" ");
    if (ids) input.setAttribute("aria-describedby", ids);
    else input.removeAttribute("aria-describedby");
  };
}
