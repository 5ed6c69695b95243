/** A form with one field per column of a table, and how the output changes with one column. */
import { chart, color, MOST_LINES } from "./charts.js";
import { cut, el, labelled, percent, short } from "./dom.js";
import { describeOutputs } from "./outputs.js";
import { tensor } from "./runtime.js";

const POINTS = 41;
const DAY = 86_400_000;

export function fieldsEditor({ settings, net, changed }) {
  const { fields, input } = settings.editor;
  const { dtype } = settings.inputs.find((one) => one.name === input);
  const values = fields.map((field) => field.value);
  const samples = [{ label: "means of the training split", values: fields.map((field) => field.value) },
    ...settings.samples.map(({ label, values: row }) => ({ label: `simulated: ${label}`, values: row }))];
  const pick = el("select", { onchange: () => setAll(samples[pick.value].values) }, samples.map(({ label }, at) => el("option", { value: at }, label)));
  const controls = fields.map(control);
  let explored = 0;
  let curve = [];
  const which = el("select", { onchange: () => { explored = Number(which.value); changed(); } }, fields.map(({ name }, at) => el("option", { value: at, selected: at === explored }, name)));
  const response = chart({
    title: "What one column does",
    legend: () => (curve[0]?.bars ?? []).slice(0, MOST_LINES).map(({ name }, at) => ({ name, color: color(at) })),
    subtitle: "The output for other values of this column, while the rest stays",
    description: () => `The outputs of the net against ${fields[explored].name}.`,
    data: () => ({
      columns: [{ title: fields[explored].name, number: true }, ...(curve[0]?.bars ?? []).map(({ name }) => ({ title: name, number: true }))],
      rows: curve.filter((_, at) => curve.length < POINTS || at % 4 === 0).map(({ x, bars }) => [valueText(fields[explored], x), ...bars.map(({ text }) => text)]),
    }),
    options: () => {
      const lines = curve[0]?.bars.slice(0, MOST_LINES) ?? [];
      const points = curve.flatMap(({ x, values: row }) => lines.map(({ name }, line) => ({ x, y: row[line], name, line })));
      const shares = settings.task !== "regression" && settings.task !== null;
      return {
        height: isCategory() ? 270 : 220,
        marginBottom: isCategory() ? 80 : 40,
        x: axisOf(fields[explored]),
        y: shares ? { label: null, domain: [0, 1], grid: true, ticks: 5, tickFormat: "%" } : { label: settings.target_units || null, grid: true, ticks: 5, nice: true },
        marks: [
          lines.map((_, line) => Plot.line(points.filter((p) => p.line === line), { x: "x", y: "y", stroke: color(line), strokeWidth: 2, marker: curve.length < POINTS ? "circle" : null })),
          Plot.ruleX([values[explored]], { stroke: "var(--muted)", strokeDasharray: "3,3" }),
          Plot.tip(points, Plot.pointer({ x: "x", y: "y", title: (p) => `${valueText(fields[explored], p.x)}\n${p.name}: ${shares ? percent(p.y) : short(p.y)}` })),
        ],
      };
    },
  });

  return {
    element: el(
      "div",
      { class: "stack" },
      labelled("Start with", pick),
      el("div", { class: "form" }, controls.map(({ element }) => element)),
    ),
    beside: el("div", { class: "stack" }, labelled("Explore the column", which), response),
    inputs: () => ({ [input]: tensor(dtype, [1, fields.length], values) }),
    async after() {
      const places = placesOf(fields[explored]);
      const rows = places.flatMap((x) => values.map((value, at) => (at === explored ? x : value)));
      const outputs = await net.run({ [input]: tensor(dtype, [places.length, fields.length], rows) });
      curve = places.map((x, at) => {
        const row = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => {
          const width = data.length / places.length;
          return [name, { data: data.slice(at * width, (at + 1) * width) }];
        }));
        const bars = describeOutputs(settings, row).bars;
        return { x, bars, values: row.probabilities ? bars.map(({ share }) => share) : Object.values(row).flatMap(({ data }) => Array.from(data, Number)) };
      });
      response.redraw();
    },
  };

  function isCategory() {
    return fields[explored].kind === "category";
  }

  function placesOf(field) {
    if (field.kind === "flag") return [0, 1];
    if (field.kind === "category") return Array.from({ length: field.categories.length + 1 }, (_, at) => at);
    const [low, high] = [Math.min(field.low, values[explored]), Math.max(field.high, values[explored])];
    return Array.from({ length: POINTS }, (_, at) => low + ((high - low) * at) / (POINTS - 1));
  }

  function control(field, at) {
    const set = (value) => {
      if (!Number.isFinite(value)) return;
      values[at] = value;
      changed();
    };
    if (field.kind === "category" || field.kind === "flag") {
      const choices = field.kind === "flag" ? ["0", "1"] : ["other or unknown", ...field.categories];
      const select = el("select", { onchange: () => set(Number(select.value)) }, choices.map((name, code) => el("option", { value: code, selected: code === field.value }, name)));
      return { element: labelled(field.name, select), show: (value) => { select.value = Math.round(value); } };
    }
    if (field.kind === "date") {
      const origin = Date.parse(field.origin);
      const date = el("input", { type: "date", onchange: () => set((Date.parse(date.value) - origin) / DAY) });
      const show = (value) => { date.value = isoDate(field, value); };
      show(field.value);
      return { element: labelled(field.name, date), show };
    }
    const number = el("input", { type: "number", step: "any", value: field.value, oninput: () => set(number.valueAsNumber) });
    return { element: labelled(field.name, number), show: (value) => { number.value = value; } };
  }

  function setAll(row) {
    row.forEach((value, at) => {
      values[at] = value;
      controls[at].show(value);
    });
    changed();
  }
}

/** The value of a column as a reader knows it: a category, a date or a number. */
function valueText(field, x) {
  if (field.kind === "category") return x ? field.categories[x - 1] : "other or unknown";
  if (field.kind === "date") return isoDate(field, x);
  return short(x);
}

function isoDate(field, days) {
  return new Date(Date.parse(field.origin) + Math.round(days) * DAY).toISOString().slice(0, 10);
}

function axisOf(field) {
  const label = field.name;
  if (field.kind === "flag") return { label, ticks: [0, 1], tickFormat: "d" };
  if (field.kind === "date") return { label, ticks: 3, tickFormat: (x) => isoDate(field, x) };
  if (field.kind !== "category") return { label, ticks: 6 };
  const codes = Array.from({ length: field.categories.length + 1 }, (_, code) => code);
  return { label, ticks: codes, tickRotate: -25, tickFormat: (code) => cut(valueText(field, code), 14) };
}
