/** How good the net is: metrics with intervals, per class, and the confusion matrix. */
import { chips, count, el, fixed, interval, percent, section, table } from "./dom.js";

const SPLITS = ["train", "validation", "test"];

export function resultsSection(content) {
  const { metrics, task } = content;
  const matrix = metrics.test.confusion_matrix;
  return section(
    "results",
    "Results",
    "The net was not trained on the rows of the validation and the test split. Intervals come from a bootstrap over groups of rows that belong together.",
    el(
      "div",
      { class: "stack" },
      el(
        "div",
        { class: matrix ? "split" : "stack" },
        metricsTable(content),
        matrix ? fixedMatrix(matrix, content.names) : null,
      ),
      task === "regression" ? perTarget(content) : perClass(content),
    ),
  );
}

function metricsTable({ metrics, titles, majority, curves }) {
  const test = metrics.test;
  const names = Object.keys(titles).filter((name) => name in test);
  const intervals = testIntervals({ metrics, curves });
  const known = Object.keys(intervals).length > 0;
  const show = (name, value) => (name === "n" ? count(value) : fixed(value));
  const rows = names.flatMap((name) => {
    const row = [titles[name], ...SPLITS.map((split) => show(name, metrics[split][name])), ...ends(interval(intervals[name]))];
    if (name !== "accuracy" || !majority) return [row];
    const always = SPLITS.map((split) => fixed(majority.accuracy[split]));
    return [row, [`accuracy of always “${majority.name}”`, ...always, ...ends("")]];
  });
  const columns = [
    { title: "Metric" },
    ...SPLITS.map((split) => ({ title: split, number: true })),
    ...ends({ title: "95 % interval of test", number: true }),
  ];
  return table(columns, rows, { caption: "Metrics of each split" });

  function ends(cell) {
    return known ? [cell] : [];
  }
}

/** The intervals of the test metrics by name, with that of the accuracy. */
export function testIntervals({ metrics, curves }) {
  return { ...curves?.intervals, ...metrics.test.intervals };
}

function fixedMatrix(matrix, names) {
  const view = confusionMatrix("Confusion matrix of the test split");
  view.show(matrix, names);
  return view.element;
}

/**
 * A confusion matrix as a table whose cells are shaded; rows are true classes.
 * Returns {element, show}; show(matrix, names) fills it.
 */
export function confusionMatrix(caption) {
  let shown = { matrix: [], names: [] };
  let asShares = false;
  const head = el("tr");
  const body = el("tbody");
  const fill = () => {
    const { matrix, names } = shown;
    const sums = matrix.map((row) => row.reduce((a, b) => a + b, 0));
    const text = (n, i) => (asShares ? percent(sums[i] ? n / sums[i] : 0) : count(n));
    head.replaceChildren(el("td"), ...names.map((name) => el("th", { scope: "col" }, name)));
    body.replaceChildren(
      ...matrix.map((row, i) =>
        el("tr", {}, el("th", { scope: "row" }, names[i]), row.map((n, j) => shaded(text(n, i), sums[i] ? n / sums[i] : 0, i === j))),
      ),
    );
  };
  const switcher = chips("Cells show", ["rows", "share of the true class"], (at) => {
    asShares = at === 1;
    fill();
  });
  return {
    element: el(
      "div",
      { class: "stack" },
      el("p", { class: "small muted" }, `${caption}: true class in rows, predicted class in columns`),
      el(
        "div",
        { class: "scroll", tabIndex: 0, role: "group", "aria-label": caption },
        el("table", { class: "confusion", "aria-label": caption }, el("thead", {}, head), body),
      ),
      switcher,
    ),
    show(matrix, names) {
      shown = { matrix, names };
      fill();
    },
  };
}

function shaded(text, share, correct) {
  const shade = el("div", { class: "shade" });
  shade.style.opacity = String(0.55 * share);
  if (!correct) shade.style.background = "var(--c1)";
  return el("td", {}, shade, el("span", { class: "text" }, text));
}

function perClass({ metrics, task }) {
  const values = metrics.test[task === "multilabel" ? "per_label" : "per_class"] ?? {};
  const keys = [["precision", "precision"], ["recall", "recall"], ["f1", "F1"], ["auroc", "AUROC"]];
  if (task === "multilabel") keys.push(["average_precision", "average precision"]);
  const columns = [
    { title: task === "multilabel" ? "Label" : "Class" },
    ...keys.map(([, title]) => ({ title, number: true })),
    { title: "rows", number: true },
  ];
  const rows = Object.entries(values).map(([name, v]) => [name, ...keys.map(([key]) => fixed(v[key], 3)), count(v.support)]);
  const what = task === "multilabel" ? "label" : "class";
  return table(columns, rows, { caption: `Each ${what} of the test split` });
}

function perTarget({ metrics, target_units: unit }) {
  const keys = [["mae", "MAE"], ["rmse", "RMSE"], ["median_absolute_error", "median error"], ["r2", "R²"], ["baseline_mae", "MAE of the mean"]];
  const columns = [{ title: "Target" }, ...keys.map(([, title]) => ({ title, number: true })), { title: "95 % interval of the MAE", number: true }];
  const rows = Object.entries(metrics.test.per_target ?? {}).map(([name, v]) => [
    name, ...keys.map(([key]) => fixed(v[key])), interval(v.intervals?.mae),
  ]);
  return table(columns, rows, { caption: `Each target of the test split${unit ? `, in ${unit}` : ""}` });
}
