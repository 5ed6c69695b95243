/** ROC, precision and recall, calibration and the decision threshold, for one class or label at a time. */
import { chart, diagonal, unitAxes } from "./charts.js";
import { chips, count, el, fixed, interval, labelled, percent, section, short } from "./dom.js";
import { confusionMatrix } from "./results.js";

/** The points of a curve, with its band: {x, y, low, high}. A ROC curve starts in the corner. */
export function curvePoints(grid, column, kind) {
  const curve = column[kind];
  if (!curve) return [];
  const points = grid.map((x, i) => ({ x, y: curve.value[i], low: curve.low[i], high: curve.high[i] }));
  return kind === "roc" ? [{ x: 0, y: 0, low: 0, high: curve.high[0] }, ...points] : points;
}

export function rankingSection(content) {
  const { curves, names, task } = content;
  const columns = curves.columns;
  let chosen = 0;
  let threshold = Math.round(100 * (content.metrics.test.threshold ?? 0.5));
  const charts = [curveChart("roc"), curveChart("pr"), calibrationChart(), histogramChart()];
  const sentence = el("p", { "aria-live": "polite" });
  const matrix = confusionMatrix("Test rows at this threshold");
  const redraw = () => {
    charts.forEach((one) => one.redraw());
    decide();
  };
  const slider = el("input", {
    type: "range", min: 0, max: 100, value: threshold,
    "aria-label": "Decision threshold in percent",
    oninput: () => {
      threshold = Number(slider.value);
      redraw();
    },
  });
  decide();
  const many = columns.length > 1;
  const one = task === "multilabel" ? "label" : "class";
  const lead = many
    ? `One ${one} against the rest. Bands are 95 % intervals from ${curves.resamples} bootstrap resamples of groups.`
    : `Probability of “${columns[0].name}”. Bands are 95 % intervals from ${curves.resamples} bootstrap resamples of groups.`;
  return section(
    "ranking",
    "Ranking, calibration and threshold",
    lead,
    el(
      "div",
      { class: "stack" },
      many ? chips(`Choose a ${one}`, columns.map((c) => c.name), (at) => { chosen = at; redraw(); }) : null,
      curves.left_out ? el("p", { class: "small muted" }, `${curves.left_out} rarer ones have no curves.`) : null,
      el("div", { class: "split" }, charts[0], charts[1]),
      el("div", { class: "split" }, charts[2], charts[3]),
      labelled("Decision threshold: a row is predicted positive if its probability is at least this", slider),
      sentence,
      matrix.element,
    ),
  );

  function column() {
    return columns[chosen];
  }

  function other() {
    return names.length === 2 && task !== "multilabel" ? names[0] : `not ${column().name}`;
  }

  /** Counts and rates at the threshold. */
  function at(index) {
    const { counts, positives, n } = column();
    const tp = counts.true[index];
    const fp = counts.false[index];
    return {
      tp, fp, fn: positives - tp, tn: n - positives - fp,
      recall: positives ? tp / positives : NaN,
      alarm: n - positives ? fp / (n - positives) : NaN,
      precision: tp + fp ? tp / (tp + fp) : NaN,
    };
  }

  function decide() {
    const here = at(threshold);
    const f1 = (2 * here.tp) / (2 * here.tp + here.fp + here.fn);
    sentence.textContent = `At ${(threshold / 100).toFixed(2)}: sensitivity ${percent(here.recall)}, specificity ${percent(1 - here.alarm)}, precision ${percent(here.precision)}, F1 ${fixed(f1, 3)}.`;
    matrix.show([[here.tn, here.fp], [here.fn, here.tp]], [other(), column().name]);
  }

  function curveChart(kind) {
    const isRoc = kind === "roc";
    const axes = isRoc ? ["False positive rate", "True positive rate"] : ["Recall (sensitivity)", "Precision"];
    const area = isRoc ? ["auroc", "AUROC"] : ["average_precision", "average precision"];
    const points = (c) => curvePoints(curves.grid, c, kind);
    const summary = () => {
      const c = column();
      if (!c[kind]) return `${c.name}: undefined, because the test split has only one kind of row`;
      return `${c.name}: ${area[1]} ${fixed(c[area[0]], 3)}${c.intervals?.[area[0]] ? `, 95 % interval ${interval(c.intervals[area[0]], 3)}` : ""}`;
    };
    const caption = el("span");
    const figure = chart({
      title: isRoc ? "ROC" : "Precision and recall",
      description: () => `${isRoc ? "ROC curve" : "Precision-recall curve"}. ${summary()}.`,
      data: () => ({
        columns: [{ title: axes[0], number: true }, { title: axes[1], number: true }, { title: "95 % band", number: true }],
        rows: points(column()).filter((p) => Math.round(100 * p.x) % 5 === 0).map((p) => [p.x.toFixed(2), fixed(p.y, 3), interval([p.low, p.high], 3)]),
      }),
      options: () => {
        caption.textContent = summary();
        const here = at(threshold);
        const mark = isRoc ? [here.alarm, here.recall] : [here.recall, here.precision];
        const data = points(column());
        return {
          ...unitAxes(...axes),
          marks: [
            isRoc ? diagonal() : Plot.ruleY([column().positives / column().n], { stroke: "var(--faint)", strokeDasharray: "2,4" }),
            columns.length > 1 ? columns.filter((c) => c !== column()).map((c) => Plot.line(points(c), { x: "x", y: "y", stroke: "var(--faint)", strokeWidth: 1 })) : null,
            Plot.areaY(data, { x: "x", y1: "low", y2: "high", fill: "var(--c0)", fillOpacity: 0.18 }),
            Plot.line(data, { x: "x", y: "y", stroke: "var(--c0)", strokeWidth: 2.2 }),
            mark.every(Number.isFinite) ? Plot.dot([mark], { r: 5, fill: "var(--card)", stroke: "var(--c1)", strokeWidth: 2.5 }) : null,
            Plot.ruleX(data, Plot.pointerX({ x: "x", py: "y", stroke: "var(--muted)" })),
            Plot.tip(data, Plot.pointerX({ x: "x", y: "y", title: (p) => `${axes[0]} ${p.x.toFixed(2)}\n${axes[1]} ${fixed(p.y, 3)}\n95 % ${interval([p.low, p.high], 3)}` })),
          ],
        };
      },
    });
    figure.querySelector("figcaption").append(caption);
    return figure;
  }

  function calibrationChart() {
    const bins = () => {
      const c = column().calibration;
      return c.n.map((n, i) => ({ n, predicted: c.predicted[i], share: c.share[i], low: c.low[i], high: c.high[i] }));
    };
    return chart({
      title: "Calibration",
      subtitle: "The share of positive rows in bins with the same number of rows, with 95 % Wilson intervals",
      description: () => `Calibration curve of ${column().name}: share of positive rows against predicted probability, in ${bins().length} bins.`,
      data: () => ({
        columns: [{ title: "Predicted", number: true }, { title: "Share", number: true }, { title: "95 % interval", number: true }, { title: "Rows", number: true }],
        rows: bins().map((b) => [short(b.predicted), fixed(b.share, 3), interval([b.low, b.high], 3), count(b.n)]),
      }),
      options: () => ({
        ...unitAxes("Predicted probability", "Share of positive rows"),
        marks: [
          diagonal(),
          Plot.ruleX(bins(), { x: "predicted", y1: "low", y2: "high", stroke: "var(--c0)", strokeWidth: 1.5 }),
          Plot.line(bins(), { x: "predicted", y: "share", stroke: "var(--c0)", strokeOpacity: 0.4 }),
          Plot.dot(bins(), { x: "predicted", y: "share", fill: "var(--c0)", r: 4 }),
          Plot.tip(bins(), Plot.pointer({ x: "predicted", y: "share", title: (b) => `${count(b.n)} rows\npredicted ${fixed(b.predicted, 3)}\nshare ${fixed(b.share, 3)}` })),
        ],
      }),
    });
  }

  function histogramChart() {
    const bars = () =>
      ["negative", "positive"].flatMap((label) => {
        const counts = column().histogram[label];
        return counts.map((n, i) => ({ low: i / counts.length, high: (i + 1) / counts.length, n, label }));
      });
    const shown = (label) => (label === "positive" ? column().name : other());
    return chart({
      title: "Predicted probabilities",
      subtitle: "Test rows by their true class; the axis of rows shows square roots, so that small counts are visible",
      legend: () => [{ name: shown("positive"), color: "var(--c0)" }, { name: shown("negative"), color: "var(--c1)" }],
      description: () => `Histogram of the predicted probability of ${column().name}, for rows of this class and for other rows.`,
      data: () => {
        const { positive, negative } = column().histogram;
        return {
          columns: [{ title: "Probability" }, { title: shown("positive"), number: true }, { title: shown("negative"), number: true }],
          rows: positive.map((n, i) => [`${(i / positive.length).toFixed(2)} to ${((i + 1) / positive.length).toFixed(2)}`, count(n), count(negative[i])]),
        };
      },
      options: () => ({
        x: { domain: [0, 1], label: "Predicted probability", ticks: 5 },
        y: { type: "sqrt", label: "Rows", grid: true, ticks: 5 },
        marks: [
          ["negative", "positive"].map((label) =>
            Plot.rectY(bars().filter((b) => b.label === label), {
              x1: "low", x2: "high", y1: 0, y2: "n", insetLeft: 1,
              fill: label === "positive" ? "var(--c0)" : "var(--c1)", fillOpacity: 0.5,
              title: (b) => `${shown(b.label)}: ${count(b.n)} rows`,
              tip: true,
            }),
          ),
          Plot.ruleX([threshold / 100], { stroke: "var(--muted)", strokeDasharray: "3,3" }),
          Plot.ruleY([0], { stroke: "var(--faint)" }),
        ],
      }),
    });
  }
}
