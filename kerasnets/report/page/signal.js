/** Pick, paste, open or change a signal. */
import { chart, color } from "./charts.js";
import { el, labelled, short } from "./dom.js";
import { referenceRow, tensor } from "./runtime.js";

export function signalEditor({ settings, net, changed }) {
  const { steps, channels, input, length: hasLength, min_steps: least } = settings.editor;
  const { dtype, shape } = settings.inputs.find((one) => one.name === input);
  const lengthType = settings.inputs.find((one) => one.name === "length")?.dtype;
  const samples = [
    ...settings.samples.map(({ label, values }) => ({ label: `simulated: ${label}`, rows: asRows(values.flat()) })),
    ...[0, 1, 2].map((row) => ({ label: `random ${row + 1}`, rows: randomRows(row) })),
  ];
  let base = samples[0].rows;
  let shown = base;
  const noise = { seed: 1 };
  const amplitude = el("input", { type: "range", min: 0, max: 3, step: 0.05, value: 1, oninput: apply });
  const noisy = el("input", { type: "range", min: 0, max: 2, step: 0.05, value: 0, oninput: apply });
  const smooth = el("input", { type: "range", min: 0, max: 20, step: 1, value: 0, oninput: apply });
  const error = el("p", { class: "error", role: "alert" });
  const pick = el("select", { onchange: () => choose(samples[pick.value].rows) }, samples.map(({ label }, at) => el("option", { value: at }, label)));
  const needed = steps ? `${steps * channels}` : `at least ${least * channels}`;
  const text = el("textarea", { rows: 4, placeholder: `${needed} numbers, separated by spaces, commas or lines` });
  const figure = chart({
    title: "Signal",
    subtitle: settings.units ? `in ${settings.units}` : undefined,
    description: () => `The signal: ${shown.length} steps, from ${d3.extent(shown.flat()).map(short).join(" to ")}.`,
    data: () => ({
      columns: [{ title: "Step", number: true }, ...Array.from({ length: channels }, (_, c) => ({ title: channels > 1 ? `channel ${c + 1}` : "value", number: true }))],
      rows: shown.map((row, at) => [String(at + 1), ...row.map(short)]),
    }),
    options: () => {
      const points = shown.flatMap((row, step) => row.map((y, c) => ({ step: step + 1, y, c })));
      return {
        height: 240,
        x: { label: "Step" },
        y: { label: null, grid: true, ticks: 5, nice: true },
        marks: [
          Array.from({ length: channels }, (_, c) =>
            Plot.line(points.filter((p) => p.c === c), { x: "step", y: "y", stroke: color(c), strokeWidth: 1.3 }),
          ),
          Plot.tip(points, Plot.pointerX({ x: "step", y: "y", title: (p) => `step ${p.step}: ${short(p.y)}` })),
        ],
      };
    },
  });

  return {
    element: el(
      "div",
      { class: "stack" },
      labelled("Sample", pick),
      figure,
      el(
        "div",
        { class: "form" },
        labelled("Amplitude", amplitude),
        labelled("Noise", noisy),
        labelled("Smoothing", smooth),
      ),
      el(
        "details",
        {},
        el("summary", {}, "Paste or open your own signal"),
        el(
          "div",
          { class: "stack" },
          labelled(`Your signal: ${needed} numbers${channels > 1 ? `, ${channels} per step` : ""}`, text),
          el(
            "div",
            { class: "row" },
            el("button", { type: "button", class: "primary", onclick: () => use(text.value) }, "Use these numbers"),
            el("label", { class: "button" }, "Open a text file ", el("input", { type: "file", accept: ".csv,.txt,.tsv,text/*", class: "hidden-text", onchange: open })),
          ),
          error,
        ),
      ),
    ),
    inputs() {
      const values = { [input]: tensor(dtype, shape.length === 2 ? [1, shown.length] : [1, shown.length, channels], shown.flat()) };
      return hasLength ? { ...values, length: tensor(lengthType, [1], [shown.length]) } : values;
    },
  };

  function asRows(numbers) {
    return Array.from({ length: Math.floor(numbers.length / channels) }, (_, at) => numbers.slice(at * channels, (at + 1) * channels));
  }

  function randomRows(row) {
    const inputs = referenceRow(net, settings.examples, row);
    const rows = asRows(Array.from(inputs[input].data, Number));
    return hasLength ? rows.slice(0, Math.max(1, Number(inputs.length.data[0]))) : rows;
  }

  function choose(rows) {
    base = rows;
    for (const [slider, value] of [[amplitude, 1], [noisy, 0], [smooth, 0]]) slider.value = value;
    apply();
  }

  function use(written) {
    const words = written.split(/[\s,;]+/).filter(Boolean);
    const numbers = words.map(Number);
    const wrong = words[numbers.findIndex((value) => !Number.isFinite(value))];
    if (wrong !== undefined) error.textContent = `“${wrong.slice(0, 30)}” is not a number.`;
    else if (steps ? numbers.length !== steps * channels : numbers.length < least * channels || numbers.length % channels) {
      error.textContent = `The net takes ${needed} numbers${channels > 1 ? `, ${channels} per step` : ""}; these are ${numbers.length}.`;
    } else {
      error.textContent = "";
      choose(asRows(numbers));
    }
  }

  async function open(event) {
    const [file] = event.target.files;
    if (file) use((text.value = await file.text()));
  }

  /** The chosen signal with the changes of the sliders. */
  function apply() {
    const scale = Number(amplitude.value);
    const half = Number(smooth.value);
    const spread = deviation(base.flat()) * Number(noisy.value);
    noise.seed = 1;
    const smoothed = base.map((row, at) =>
      row.map((_, c) => {
        const window = base.slice(Math.max(0, at - half), at + half + 1);
        return window.reduce((sum, other) => sum + other[c], 0) / window.length;
      }),
    );
    shown = smoothed.map((row) => row.map((value) => scale * value + spread * normal(noise)));
    figure.redraw();
    changed();
  }
}

function deviation(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Normal noise that is the same each time, so that only the sliders change the signal. */
function normal(state) {
  const uniform = () => (state.seed = (state.seed * 16807) % 2147483647) / 2147483647;
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
