/** The errors of a regression, for one target at a time. */
import { chart } from "./charts.js";
import { chips, count, el, section, short } from "./dom.js";

export function errorsSection({ curves, target_units: unit }) {
  const targets = curves.targets;
  const suffix = unit ? ` (${unit})` : "";
  let chosen = 0;
  const charts = [cellsChart(), residualChart()];
  return section(
    "errors",
    "Errors",
    "Test rows, counted in bins. Values beyond the bins count in the outermost ones.",
    el(
      "div",
      { class: "stack" },
      targets.length > 1
        ? chips("Choose a target", targets.map((t) => t.name), (at) => {
            chosen = at;
            charts.forEach((one) => one.redraw());
          })
        : null,
      el("div", { class: "split" }, charts),
    ),
  );

  function cellsChart() {
    const cells = () => {
      const { edges, cells: rows } = targets[chosen];
      return rows.flatMap((row, i) =>
        row.map((n, j) => ({ n, x1: edges[i], x2: edges[i + 1], y1: edges[j], y2: edges[j + 1] })).filter((cell) => cell.n),
      );
    };
    return chart({
      title: "Predicted against true values",
      subtitle: "The line is a perfect prediction",
      description: () => `Numbers of test rows by true and predicted value of ${targets[chosen].name}.`,
      data: () => ({
        columns: [{ title: "True value" }, { title: "Predicted value" }, { title: "Rows", number: true }],
        rows: cells().map((c) => [`${short(c.x1)} to ${short(c.x2)}`, `${short(c.y1)} to ${short(c.y2)}`, count(c.n)]),
      }),
      options: () => {
        const { edges } = targets[chosen];
        const ends = [edges[0], edges.at(-1)];
        const most = Math.max(...cells().map((c) => c.n));
        return {
          height: 340,
          marginLeft: 64,
          x: { domain: ends, label: `True value${suffix}`, grid: true, ticks: 5 },
          y: { domain: ends, label: `Predicted value${suffix}`, grid: true, ticks: 5 },
          marks: [
            Plot.rect(cells(), {
              x1: "x1", x2: "x2", y1: "y1", y2: "y2", inset: 0.5, fill: "var(--c0)",
              fillOpacity: (c) => 0.12 + 0.88 * Math.sqrt(c.n / most),
              title: (c) => `true ${short(c.x1)} to ${short(c.x2)}\npredicted ${short(c.y1)} to ${short(c.y2)}\n${count(c.n)} rows`,
              tip: true,
            }),
            Plot.line([[ends[0], ends[0]], [ends[1], ends[1]]], { stroke: "var(--c1)", strokeDasharray: "4,4" }),
          ],
        };
      },
    });
  }

  function residualChart() {
    const bars = () => {
      const { residual_edges: edges, residuals } = targets[chosen];
      return residuals.map((n, i) => ({ n, low: edges[i], high: edges[i + 1] }));
    };
    return chart({
      title: "Residuals",
      subtitle: "Predicted minus true value",
      description: () => `Histogram of the residuals of ${targets[chosen].name}.`,
      data: () => ({
        columns: [{ title: "Residual" }, { title: "Rows", number: true }],
        rows: bars().map((b) => [`${short(b.low)} to ${short(b.high)}`, count(b.n)]),
      }),
      options: () => ({
        height: 340,
        x: { label: `Residual${suffix}`, ticks: 6 },
        y: { label: "Rows", grid: true, ticks: 5 },
        marks: [
          Plot.rectY(bars(), {
            x1: "low", x2: "high", y1: 0, y2: "n", insetLeft: 1, fill: "var(--c0)", fillOpacity: 0.75,
            title: (b) => `${short(b.low)} to ${short(b.high)}: ${count(b.n)} rows`, tip: true,
          }),
          Plot.ruleX([0], { stroke: "var(--c1)", strokeDasharray: "4,4" }),
          Plot.ruleY([0], { stroke: "var(--faint)" }),
        ],
      }),
    });
  }
}
