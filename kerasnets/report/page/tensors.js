/** Any inputs, as JSON: nested lists of numbers, one text field per input. */
import { el, labelled } from "./dom.js";
import { referenceRow, tensor } from "./runtime.js";

const MOST_VALUES = 20_000; // shown as text

export function tensorsEditor({ settings, net, changed }) {
  const start = referenceRow(net, settings.examples, 0);
  const error = el("p", { class: "error", role: "alert" });
  const texts = settings.inputs.map(({ name, dtype, shape }) => {
    const { data, shape: axes } = start[name];
    const area = el("textarea", { rows: 6, oninput: check });
    area.value = data.length <= MOST_VALUES ? JSON.stringify(nested(Array.from(data, Number), axes.slice(1))) : "";
    const axesText = shape.slice(1).map((axis) => axis ?? "any").join(" × ") || "one number";
    return { name, dtype, shape: shape.slice(1), area, label: labelled(`${name}: ${dtype}, ${axesText}`, area) };
  });
  let inputs = start;

  return {
    element: el("div", { class: "stack" }, el("p", { class: "small muted" }, "One row of each input, as nested lists of numbers."), texts.map(({ label }) => label), error),
    inputs: () => inputs,
  };

  function check() {
    try {
      inputs = Object.fromEntries(texts.map((one) => [one.name, parsed(one)]));
      error.textContent = "";
      changed();
    } catch (problem) {
      error.textContent = problem.message;
    }
  }
}

function parsed({ name, dtype, shape, area }) {
  let value;
  try {
    value = JSON.parse(area.value);
  } catch {
    throw new Error(`${name} is not JSON: write nested lists of numbers, such as [[1, 2], [3, 4]].`);
  }
  const axes = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) axes.push(inner.length);
  const numbers = [value].flat(Infinity);
  const fits = axes.length === shape.length && axes.every((axis, at) => shape[at] === null || shape[at] === axis);
  if (!fits || numbers.length !== axes.reduce((a, b) => a * b, 1)) {
    throw new Error(`${name} must have the axes ${shape.map((axis) => axis ?? "any").join(" × ") || "of one number"}; these are ${axes.join(" × ") || "one number"}.`);
  }
  if (!numbers.every((number) => typeof number === "number")) throw new Error(`${name} has an entry that is not a number.`);
  return tensor(dtype, [1, ...axes], numbers);
}

function nested(values, axes) {
  if (!axes.length) return values[0];
  if (axes.length === 1) return values;
  const width = values.length / axes[0];
  return Array.from({ length: axes[0] }, (_, at) => nested(values.slice(at * width, (at + 1) * width), axes.slice(1)));
}
