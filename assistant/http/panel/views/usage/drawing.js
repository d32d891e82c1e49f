// Small pieces of SVG: elements, round numbers for axes, and marks that differ by more than their colour.

import { svg } from "../../dom.js";

/** How many series can be told apart; further ones begin again. */
export const STYLES = 6;

const DASHES = ["", "7 4", "2 4", "10 3 2 3", "4 2", "1 3"];

let patterns = 0;

/** Round numbers from 0 to at least `most`, in about `wanted` steps. */
export function ticks(most, wanted = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, place) => Number((place * step).toPrecision(10)));
}

const TIMES_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];

/** The same for seconds, in steps that are round in minutes and hours too. */
export function timeTicks(most, wanted = 4) {
  const step = TIMES_S.find((one) => one >= most / wanted);
  if (!(most > 0) || step === undefined) return ticks(most, wanted);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, place) => place * step);
}

/** Textures for bars, one per series: {definitions, fill(place)}. Each chart needs its own. */
export function textures() {
  const name = `texture-${(patterns += 1)}`;
  const definitions = svg("defs");
  const lines = [null, "M-1 1 l2 -2 M0 6 l6 -6 M5 7 l2 -2", "M3 3 h.01", "M0 3 h6", "M3 0 v6", "M0 3 h6 M3 0 v6"];
  for (let place = 0; place < STYLES; place += 1) {
    definitions.append(
      svg(
        "pattern",
        { id: `${name}-${place}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
        svg("rect", { width: 6, height: 6, class: `series-fill-${place}` }),
        lines[place] ? svg("path", { d: lines[place], class: "texture" }) : null,
      ),
    );
  }
  return { definitions, fill: (place) => `url(#${name}-${place % STYLES})` };
}

/** How a series' line is broken. */
export function dash(place) {
  return DASHES[place % STYLES] || null;
}

/** A point of a line; each series has its own shape. */
export function marker(place, x, y, size = 3.5) {
  const shapes = [
    () => svg("circle", { cx: x, cy: y, r: size }),
    () => svg("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size }),
    () => svg("path", { d: `M${x} ${y - size - 1} l${size + 1} ${2 * size} h${-2 * (size + 1)} Z` }),
    () =>
      svg("path", {
        d: `M${x} ${y - size - 1} l${size + 1} ${size + 1} l${-size - 1} ${size + 1} l${-size - 1} ${-size - 1} Z`,
      }),
    () => svg("path", { d: `M${x} ${y + size + 1} l${size + 1} ${-2 * size} h${-2 * (size + 1)} Z` }),
    () => svg("circle", { cx: x, cy: y, r: size - 1 }),
  ];
  const shape = shapes[place % STYLES]();
  shape.setAttribute("class", `series-fill-${place % STYLES}`);
  return shape;
}

/** A sign for legends and tooltips. */
export function swatch(place, kind) {
  const picture = svg("svg", { class: "swatch", viewBox: "0 0 22 12", "aria-hidden": "true" });
  if (kind === "bars") {
    const look = textures();
    picture.append(look.definitions, svg("rect", { x: 3, width: 16, height: 12, rx: 3, fill: look.fill(place) }));
  } else {
    picture.append(
      svg("path", {
        d: "M0 6 h22",
        class: `series-line series-line-${place % STYLES}`,
        "stroke-dasharray": dash(place),
      }),
      marker(place, 11, 6),
    );
  }
  return picture;
}
