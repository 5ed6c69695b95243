/** The outputs of the net for one row: bars of probabilities, or predicted values. */
import { el, fixed, percent, short } from "./dom.js";

const MOST_BARS = 30;

export function outputView(settings) {
  const answer = el("p", { class: "answer" });
  const list = el("ul", { class: "outputs", "aria-label": "Outputs of the net" });
  const spoken = el("p", { class: "hidden-text", "aria-live": "polite" });
  const error = el("p", { class: "error", role: "alert" });
  let timer = 0;

  function say(text) {
    clearTimeout(timer);
    timer = setTimeout(() => { spoken.textContent = text; }, 400);
  }

  function show(outputs) {
    error.textContent = "";
    const { title, detail, bars } = describeOutputs(settings, outputs);
    answer.replaceChildren(title, detail ? el("small", {}, ` ${detail}`) : "");
    const best = Math.max(...bars.map((bar) => bar.share));
    list.replaceChildren(
      ...bars.slice(0, MOST_BARS).map((bar) => barRow(bar, bar.highlighted ?? bar.share === best)),
    );
    say(`${title} ${detail ?? ""}`);
  }

  return {
    element: el("div", { class: "stack" }, el("h3", {}, settings.task === "regression" ? "Prediction" : "What the net says"), answer, list, error, spoken),
    show,
    wait(text) {
      answer.replaceChildren(el("span", { class: "muted" }, text));
      list.replaceChildren();
    },
    fail(reason) {
      error.textContent = reason;
      answer.replaceChildren("");
      list.replaceChildren();
    },
  };
}

function barRow({ name, share, text }, highlighted) {
  const fill = el("div", { class: "fill" });
  fill.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
  return el(
    "li",
    { class: highlighted ? "best" : null },
    el("span", { class: "name" }, name),
    el("span", { class: "track", "aria-hidden": "true" }, fill),
    el("span", { class: "number" }, text),
  );
}

/** The title, a detail and one bar per output: {name, share from 0 to 1, text}. */
export function describeOutputs(settings, outputs) {
  const { task, names, threshold, target_units: unit } = settings;
  if (outputs.probabilities) {
    const p = Array.from(outputs.probabilities.data, Number);
    if (p.some(Number.isNaN)) return { title: "Invalid input", detail: "the net answers with NaN", bars: [] };
    const all = task === "binary" || p.length === 1 ? [1 - p[0], p[0]] : p;
    const bars = all.map((share, at) => ({ name: names[at] ?? `class ${at}`, share, text: percent(share) }));
    if (task === "multilabel") {
      const found = bars.filter((bar) => bar.share >= threshold);
      bars.forEach((bar) => { bar.highlighted = bar.share >= threshold; });
      return { title: found.map((bar) => bar.name).join(", ") || "no label", detail: null, bars };
    }
    const best = all.length === 2 ? Number(all[1] >= threshold) : all.indexOf(Math.max(...all));
    const detail = all.length === 2 && threshold !== 0.5 ? `${percent(all[best])}, at threshold ${fixed(threshold, 2)}` : percent(all[best]);
    return { title: bars[best].name, detail, bars };
  }
  const values = Object.entries(outputs).flatMap(([output, { data }]) =>
    Array.from(data, Number).map((value, at) => ({ name: names[at] ?? (data.length > 1 ? `${output} ${at + 1}` : output), value })),
  );
  const largest = Math.max(...values.map(({ value }) => Math.abs(value)), 1e-12);
  const suffix = unit ? ` ${unit}` : "";
  return {
    title: values.length === 1 ? short(values[0].value) : `${values.length} values`,
    detail: values.length === 1 ? suffix.trim() : null,
    bars: values.map(({ name, value }) => ({ name, share: Math.abs(value) / largest, text: short(value), highlighted: false })),
  };
}
