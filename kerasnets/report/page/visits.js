/** Edit a sequence of visits, each with a set of codes, and see the prediction after each visit. */
import { chart, color, MOST_LINES } from "./charts.js";
import { el, labelled, percent } from "./dom.js";
import { referenceRow, tensor } from "./runtime.js";
import { describeOutputs } from "./outputs.js";

export function visitsEditor({ settings, net, changed }) {
  const { codes, vocabulary, input } = settings.editor;
  const { dtype } = settings.inputs.find((one) => one.name === input);
  const lengthType = settings.inputs.find((one) => one.name === "length").dtype;
  const names = vocabulary.length === codes ? vocabulary : Array.from({ length: codes }, (_, at) => `code ${at + 1}`);
  const numberOf = new Map(names.map((name, at) => [name, at]));
  const samples = [
    ...settings.samples.map(({ label, values }) => ({ label: `simulated: ${label}`, visits: asVisits(values) })),
    ...[0, 1, 2, 3].map((row) => ({ label: `random ${row + 1}`, visits: randomVisits(row) })),
    { label: "one empty visit", visits: [[]] },
  ];
  let visits = structuredClone(samples[0].visits);
  let after = [];
  const error = el("p", { class: "error", role: "alert" });
  const list = el("ol", { class: "visits" });
  const options = el("datalist", { id: "codes" }, names.map((name) => el("option", { value: name })));
  const pick = el("select", { onchange: () => { visits = structuredClone(samples[pick.value].visits); update(); } },
    samples.map(({ label }, at) => el("option", { value: at }, label)));
  const course = chart({
    title: "After each visit",
    legend: () => (after[0] ?? []).slice(0, MOST_LINES).map(({ name }, at) => ({ name, color: color(at) })),
    description: () => `The probabilities after each of ${visits.length} visits.`,
    data: () => ({
      columns: [{ title: "Visits", number: true }, ...(after[0] ?? []).map(({ name }) => ({ title: name, number: true }))],
      rows: after.map((bars, at) => [String(at + 1), ...bars.map(({ text }) => text)]),
    }),
    options: () => {
      const points = after.flatMap((bars, at) => bars.slice(0, MOST_LINES).map((bar, line) => ({ visit: at + 1, ...bar, line })));
      const lines = after.length ? after[0].slice(0, MOST_LINES) : [];
      return {
        height: 200,
        x: { label: "Visits", ticks: Math.min(after.length, 10), tickFormat: "d" },
        y: { label: null, domain: [0, 1], grid: true, ticks: 5, tickFormat: "%" },
        marks: [
          lines.map((_, line) => Plot.line(points.filter((p) => p.line === line), { x: "visit", y: "share", stroke: color(line), strokeWidth: 2, marker: "circle" })),
          Plot.tip(points, Plot.pointer({ x: "visit", y: "share", title: (p) => `${p.name}: ${percent(p.share)}` })),
        ],
      };
    },
  });
  render();

  return {
    element: el(
      "div",
      { class: "stack" },
      labelled("Start with", pick),
      options,
      list,
      error,
      el("div", { class: "row" }, el("button", { type: "button", class: "primary", onclick: () => { visits.push([]); update(visits.length - 1); } }, "Add a visit")),
    ),
    beside: course,
    inputs: () => inputsOf([visits]),
    /** The prediction after each visit, from one batch. */
    async after() {
      if (settings.task === "regression" || settings.task === null) return;
      const outputs = await net.run(inputsOf(visits.map((_, at) => visits.slice(0, at + 1))));
      const { data, shape } = outputs.probabilities;
      after = visits.map((_, at) => {
        const row = { probabilities: { data: data.slice(at * shape[1], (at + 1) * shape[1]) } };
        return describeOutputs(settings, row).bars;
      });
      course.redraw();
    },
  };

  function asVisits(values) {
    return values.map((row) => row.flatMap((value, code) => (value ? [code] : [])));
  }

  function randomVisits(row) {
    const inputs = referenceRow(net, settings.examples, row);
    const { data, shape } = inputs[input];
    const rows = Array.from({ length: shape[1] }, (_, at) => Array.from(data.slice(at * codes, (at + 1) * codes), Number));
    return asVisits(rows.slice(0, Math.max(1, Number(inputs.length.data[0])))).map((visit) => visit.slice(0, 8));
  }

  function inputsOf(sequences) {
    const steps = Math.max(1, ...sequences.map((sequence) => sequence.length));
    const values = new Float32Array(sequences.length * steps * codes);
    sequences.forEach((sequence, row) =>
      sequence.forEach((visit, step) => visit.forEach((code) => { values[(row * steps + step) * codes + code] = 1; })),
    );
    return {
      [input]: tensor(dtype, [sequences.length, steps, codes], values),
      length: tensor(lengthType, [sequences.length], sequences.map((sequence) => sequence.length)),
    };
  }

  function update(focusOn = null) {
    render();
    if (focusOn !== null) list.children[focusOn]?.querySelector("input")?.focus();
    changed();
  }

  function render() {
    error.textContent = "";
    list.replaceChildren(...visits.map(visitItem));
  }

  function visitItem(visit, at) {
    const add = el("input", { type: "text", list: "codes", "aria-label": `Code to add to visit ${at + 1}`, placeholder: `Add a code, such as ${names.at(-1)}` });
    add.addEventListener("keydown", (event) => { if (event.key === "Enter") addCode(at, add.value); });
    const remove = () => {
      visits.splice(at, 1);
      if (!visits.length) visits.push([]);
      update(Math.min(at, visits.length - 1));
    };
    const copy = () => { visits.splice(at + 1, 0, [...visit]); update(at + 1); };
    return el(
      "li",
      {},
      el(
        "div",
        { class: "head" },
        el("strong", {}, `Visit ${at + 1}`),
        el(
          "span",
          { class: "row" },
          el("button", { type: "button", class: "icon", onclick: copy, "aria-label": `Repeat visit ${at + 1}` }, "Repeat"),
          el("button", { type: "button", class: "icon", onclick: remove, "aria-label": `Remove visit ${at + 1}` }, "Remove"),
        ),
      ),
      el("ul", { class: "codes", "aria-label": `Codes of visit ${at + 1}` }, visit.map((code) =>
        el("li", {}, el("span", {}, names[code]), el("button", {
          type: "button", class: "icon", "aria-label": `Remove ${names[code]} from visit ${at + 1}`,
          onclick: () => { visits[at] = visit.filter((other) => other !== code); update(at); },
        }, "×")),
      )),
      el("div", { class: "add" }, add, el("button", { type: "button", onclick: () => addCode(at, add.value), "aria-label": `Add the code to visit ${at + 1}` }, "Add")),
    );
  }

  function addCode(at, name) {
    const code = numberOf.get(name.trim());
    if (code === undefined) {
      error.textContent = `The net has no code “${name}”. Choose one of the ${codes} codes of the list.`;
    } else {
      if (!visits[at].includes(code)) visits[at].push(code);
      update(at);
    }
  }
}
