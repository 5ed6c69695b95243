/** Runs side by side: metrics, learning curves, ROC curves, settings, costs. */
import { chart, color, diagonal, unitAxes } from "./charts.js";
import { chips, count, el, fixed, interval, percent, section, short, table } from "./dom.js";
import { curvePoints } from "./ranking.js";
import { testIntervals } from "./results.js";
import { epochAxis, settingText } from "./training.js";

export function comparisonSections(content) {
  const { runs } = content;
  return [
    metricsSection(content),
    runs.every((run) => run.curves?.columns) ? rocSection(runs) : null,
    learningSection(runs),
    settingsSection(content),
    costsSection(runs),
  ].filter(Boolean);
}

function legendOf(runs) {
  return runs.map((run, at) => ({ name: run.label, color: color(at) }));
}

function metricsSection({ runs, notes }) {
  const names = Object.keys(runs[0].titles).filter((name) => runs.some((run) => name in run.metrics.test));
  const cell = (run, name) => {
    const test = run.metrics.test;
    if (!(name in test)) return null;
    if (name === "n") return count(test.n);
    const ends = testIntervals(run)[name];
    return el("span", {}, fixed(test[name]), ends ? el("span", { class: "small muted" }, ` (${interval(ends, 3)})`) : "");
  };
  const measured = names.filter((name) => name !== "n" && runs.every((run) => Number.isFinite(run.metrics.test[name])));
  let chosen = 0;
  const dots = chart({
    title: "One metric of every run",
    subtitle: "Lines are 95 % intervals, where they are known",
    description: () => `${runs[0].titles[measured[chosen]]} of the test split: ${runs.map((run) => `${run.label} ${fixed(run.metrics.test[measured[chosen]])}`).join(", ")}.`,
    options: (width) => {
      const name = measured[chosen];
      const rows = runs.map((run, at) => ({ label: run.label, value: run.metrics.test[name], ends: testIntervals(run)[name], at }));
      return {
        height: 60 + 34 * runs.length,
        marginLeft: Math.min(190, width / 3),
        x: { label: runs[0].titles[name], grid: true, ticks: 5, nice: true },
        y: { label: null, domain: runs.map((run) => run.label) },
        marks: [
          Plot.ruleY(rows.filter((row) => row.ends), { y: "label", x1: (row) => row.ends[0], x2: (row) => row.ends[1], stroke: (row) => color(row.at), strokeWidth: 2.5 }),
          Plot.dot(rows, { x: "value", y: "label", fill: (row) => color(row.at), r: 6 }),
          Plot.text(rows, { x: "value", y: "label", text: (row) => fixed(row.value), dy: -13, fill: "currentColor" }),
        ],
        color: { type: "identity" },
      };
    },
  });
  return section(
    "metrics",
    "Test metrics",
    "Test split of each run, with 95 % intervals in brackets.",
    el(
      "div",
      { class: "stack" },
      notes.map((note) => el("p", { class: "note" }, note)),
      table(
        [{ title: "Metric" }, ...runs.map((run) => ({ title: run.label, number: true }))],
        names.map((name) => [runs[0].titles[name], ...runs.map((run) => cell(run, name))]),
        { caption: "Metrics of the test split" },
      ),
      measured.length
        ? chips("Metric", measured.map((name) => runs[0].titles[name]), (at) => { chosen = at; dots.redraw(); })
        : null,
      measured.length ? dots : null,
    ),
  );
}

function rocSection(runs) {
  const names = runs[0].curves.columns.map((column) => column.name).filter((name) =>
    runs.every((run) => run.curves.columns.some((column) => column.name === name && column.roc)),
  );
  if (!names.length) return null;
  let chosen = 0;
  const columns = () => runs.map((run) => run.curves.columns.find((column) => column.name === names[chosen]));
  const one = (kind, title, axes, area) =>
    chart({
      title,
      legend: legendOf(runs),
      description: () => `${title} of ${names[chosen]}: ${runs.map((run, at) => `${run.label} ${area[1]} ${fixed(columns()[at][area[0]], 3)}`).join(", ")}.`,
      data: () => ({
        columns: [{ title: axes[0], number: true }, ...runs.map((run) => ({ title: run.label, number: true }))],
        rows: runs[0].curves.grid.map((x, i) => [x.toFixed(2), ...columns().map((c) => fixed(c[kind].value[i], 3))]).filter((_, i) => i % 5 === 0),
      }),
      options: () => {
        const points = columns().flatMap((c, at) => curvePoints(runs[at].curves.grid, c, kind).map((p) => ({ ...p, at })));
        return {
          ...unitAxes(...axes),
          marks: [
            kind === "roc" ? diagonal() : null,
            runs.map((_, at) => [
              Plot.areaY(points.filter((p) => p.at === at), { x: "x", y1: "low", y2: "high", fill: color(at), fillOpacity: 0.1 }),
              Plot.line(points.filter((p) => p.at === at), { x: "x", y: "y", stroke: color(at), strokeWidth: 2 }),
            ]),
            Plot.tip(points, Plot.pointer({ x: "x", y: "y", title: (p) => `${runs[p.at].label}\n${axes[0]} ${p.x.toFixed(2)}\n${axes[1]} ${fixed(p.y, 3)}` })),
          ],
        };
      },
    });
  const charts = [
    one("roc", "ROC", ["False positive rate", "True positive rate"], ["auroc", "AUROC"]),
    one("pr", "Precision and recall", ["Recall", "Precision"], ["average_precision", "average precision"]),
  ];
  return section(
    "ranking",
    "Ranking",
    `Bands are 95 % intervals from ${runs[0].curves.resamples} bootstrap resamples.`,
    el(
      "div",
      { class: "stack" },
      names.length > 1 ? chips("Choose a class", names, (at) => { chosen = at; charts.forEach((c) => c.redraw()); }) : null,
      el("div", { class: "split" }, charts),
    ),
  );
}

function learningSection(runs) {
  const names = Object.keys(runs[0].history.series).filter((name) => name !== "log_loss" && name !== "val_log_loss" && runs.every((run) => name in run.history.series));
  let chosen = Math.max(0, names.indexOf("val_loss"));
  const curves = chart({
    title: "Learning curves",
    subtitle: "The dot marks the epoch whose weights were kept",
    legend: legendOf(runs),
    description: () => `${names[chosen]} after each epoch of every run.`,
    data: () => ({
      columns: [{ title: "Epoch", number: true }, ...runs.map((run) => ({ title: run.label, number: true }))],
      rows: Array.from({ length: Math.max(...runs.map((run) => run.history.series[names[chosen]].length)) }, (_, i) => [
        String(i + 1), ...runs.map((run) => short(run.history.series[names[chosen]][i])),
      ]),
    }),
    options: () => {
      const points = runs.flatMap((run, at) => run.history.series[names[chosen]].map((y, i) => ({ epoch: i + 1, y, at })));
      return {
        x: epochAxis(Math.max(...points.map((p) => p.epoch))),
        y: { label: names[chosen], grid: true, ticks: 5, nice: true },
        marks: [
          runs.map((run, at) => [
            Plot.line(points.filter((p) => p.at === at), { x: "epoch", y: "y", stroke: color(at), strokeWidth: 2 }),
            Plot.dot(points.filter((p) => p.at === at && p.epoch === run.history.best_epoch), { x: "epoch", y: "y", fill: color(at), r: 5 }),
          ]),
          Plot.tip(points, Plot.pointer({ x: "epoch", y: "y", title: (p) => `${runs[p.at].label}\nepoch ${p.epoch}: ${short(p.y)}` })),
        ],
      };
    },
  });
  return section(
    "training",
    "Training",
    null,
    el("div", { class: "stack" }, chips("Show", names, (at) => { chosen = at; curves.redraw(); }, chosen), curves),
  );
}

function settingsSection({ runs, settings }) {
  const columns = [{ title: "Setting" }, ...runs.map((run) => ({ title: run.label })), { title: "Meaning" }];
  return section(
    "settings",
    "Settings that differ",
    settings.length ? `All other settings are the same in ${runs.length} runs.` : "All settings are the same.",
    settings.length
      ? table(columns, settings.map(({ name, values, description }) => [name, ...values.map((value) => el("code", {}, settingText(value))), description]), { caption: "Settings" })
      : null,
  );
}

function costsSection(runs) {
  const smallest = (key) => Math.min(...runs.map((run) => run.cost[key]));
  const cell = (run, key) => el("span", {}, count(run.cost[key]), el("span", { class: "small muted" }, ` ${short(run.cost[key] / smallest(key))}×`));
  const rows = [["params", "Parameters"], ["macs", "MACs"], ["flops", "FLOPs"]].map(([key, title]) => [title, ...runs.map((run) => cell(run, key))]);
  rows.push(
    ["Epochs, best", ...runs.map((run) => `${run.history.series.loss.length}, ${run.history.best_epoch}`)],
    ["Seconds of training", ...runs.map((run) => short(run.history.seconds))],
    ["Train minus test accuracy", ...runs.map((run) => percent(run.metrics.train.accuracy - run.metrics.test.accuracy))],
  );
  return section(
    "cost",
    "Costs",
    "For one row. The factor is relative to the smallest.",
    table([{ title: "Cost" }, ...runs.map((run) => ({ title: run.label, number: true }))], rows, { caption: "Costs of every run" }),
  );
}
