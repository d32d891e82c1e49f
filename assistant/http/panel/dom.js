// Making elements. Text is always set as text: nothing that comes from outside is ever read as markup.

import { SHAPES } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 *
 * `props`: `text`; `class`; any attribute, also `aria-*` and `data-*` (true sets it empty, false and null leave it
 * out); `value`, `checked`, `indeterminate` are set as properties; `style` is an object of CSS properties; `on` is an
 * object of listeners. `children`: nodes, strings, numbers, null, and arrays of them.
 */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Put `children` in place of what is in `node`; returns `node`. */
export function replace(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

/** A drawing of `icons.js`, 1.25em large; screen readers pass over it. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    (SHAPES[name] ?? SHAPES.dot).map(([tag, props]) => svg(tag, props)),
  );
}

let numbered = 0;

/** An id that nothing else on the page has. */
export function freshId(prefix = "id") {
  numbered += 1;
  return `${prefix}-${numbered}`;
}

const PROPERTIES = new Set(["value", "checked", "indeterminate", "muted", "srcObject"]);

function fill(node, props, children) {
  const { text, on, style, ...rest } = props ?? {};
  node.append(...flat(children));
  if (text !== undefined && text !== null) node.append(String(text));
  for (const [name, value] of Object.entries(rest)) {
    if (PROPERTIES.has(name)) {
      if (value !== undefined && value !== null) node[name] = value;
    } else if (name.startsWith("aria-") && typeof value === "boolean") node.setAttribute(name, String(value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  for (const [name, value] of Object.entries(style ?? {})) node.style.setProperty(name, value);
  for (const [name, listener] of Object.entries(on ?? {})) node.addEventListener(name, listener);
  return node;
}

function flat(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
