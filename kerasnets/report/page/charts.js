/** Charts with Observable Plot: as wide as the page allows, in the colours of the page, with a table. */
import { el, table } from "./dom.js";

const HEIGHT = 300;
export const MOST_LINES = 6; // more lines cannot be told apart

/**
 * A chart with a title, a description for screen readers, and its data as a table.
 *
 * options: function that returns the options of Plot.plot. It is called again at each new width.
 * description: what the chart shows, in a sentence, or a function that returns it.
 * data: function that returns {columns, rows} for the table.
 * legend: entries {name, color}, or a function that returns them.
 * Returns a figure with a method `redraw`.
 */
export function chart({ title, subtitle, description, options, data, legend }) {
  const space = el("div");
  const more = el("details", {}, el("summary", {}, "Show as a table"));
  const names = el("ul", { class: "legend" });
  const figure = el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, title, subtitle ? el("span", {}, subtitle) : null),
    names,
    space,
    data ? more : null,
  );
  let width = 0;
  const text = () => (typeof description === "function" ? description() : description);
  const fill = () => {
    if (more.open) more.replaceChildren(more.firstChild, tableOf(data()));
  };
  figure.redraw = () => {
    if (width) space.replaceChildren(draw(options(width), width, text()));
    names.replaceChildren(...legendItems(typeof legend === "function" ? legend() : (legend ?? [])));
    if (data) fill();
  };
  more.addEventListener("toggle", fill);
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now && Math.abs(now - width) > 1) {
      width = now;
      figure.redraw();
    }
  }).observe(space);
  return figure;
}

function tableOf({ columns, rows }) {
  return table(columns, rows);
}

function legendItems(entries) {
  return entries.map(({ name, color: ink }) => el("li", {}, el("i", { style: { background: ink } }), name));
}

function draw(options, width, description) {
  const plot = Plot.plot({
    height: HEIGHT,
    marginLeft: 52,
    marginBottom: 40,
    marginTop: 26,
    marginRight: 18,
    ...options,
    width,
    style: { background: "none", fontSize: "12px", fontFamily: "inherit", ...options.style },
  });
  // The policy of the page allows no styles but its own, which page.css has for charts, too.
  for (const style of plot.querySelectorAll("style")) style.remove();
  for (const mark of plot.querySelectorAll("[aria-label]")) mark.removeAttribute("aria-label");
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", description);
  return plot;
}

/** The colour of a series by its number. */
export function color(at) {
  return `var(--c${at % 6})`;
}

/** A line from corner to corner, for chance or perfect calibration. */
export function diagonal() {
  return Plot.line([[0, 0], [1, 1]], { stroke: "var(--faint)", strokeDasharray: "2,4" });
}

/** Options for both axes from 0 to 1. */
export function unitAxes(x, y) {
  return {
    x: { domain: [0, 1], label: x, grid: true, ticks: 5 },
    y: { domain: [0, 1], label: y, grid: true, ticks: 5 },
  };
}
