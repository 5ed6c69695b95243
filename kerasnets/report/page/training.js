/** How the net was trained: learning curves, recipe and data. */
import { chart, color } from "./charts.js";
import { count, el, facts, fixed, section, short, table } from "./dom.js";

const ABBREVIATIONS = new Set(["auc", "auroc", "mae", "mse", "rmse"]);

export function trainingSection({ history }) {
  const { series, best_epoch: best } = history;
  const isShown = (name) => !name.startsWith("val_") && name !== "log_loss" && !isConstantRate(name, series);
  const names = Object.keys(series).filter(isShown);
  const order = (name) => ["loss", "accuracy", "mae"].indexOf(name) + 1 || Infinity;
  const charts = names.sort((a, b) => order(a) - order(b)).map((name) => learningCurve(name, series, best));
  return section(
    "training",
    "Training",
    `${count(series.loss.length)} epochs in ${short(history.seconds)} s. The weights of epoch ${best} were kept, the best by ${history.monitor}.`,
    el("div", { class: "split" }, charts),
  );
}

function isConstantRate(name, series) {
  return name === "learning_rate" && new Set(series[name]).size === 1;
}

function learningCurve(name, series, best) {
  const shown = { train: series[name], validation: series[`val_${name}`] };
  const lines = Object.entries(shown).filter(([, values]) => values);
  const legend = lines.length > 1 ? lines.map(([split], at) => ({ name: split, color: color(at) })) : undefined;
  const points = lines.flatMap(([split, values]) => values.map((y, at) => ({ split, epoch: at + 1, y })));
  const title = ABBREVIATIONS.has(name) ? name.toUpperCase() : name.replaceAll("_", " ");
  return chart({
    title: title[0].toUpperCase() + title.slice(1),
    legend,
    description: `${title} after each epoch; in the best epoch, ${best}, ${lines.map(([split, v]) => `${split} ${short(v[best - 1])}`).join(", ")}.`,
    data: () => ({
      columns: [{ title: "Epoch", number: true }, ...lines.map(([split]) => ({ title: split, number: true }))],
      rows: lines[0][1].map((_, at) => [String(at + 1), ...lines.map(([, values]) => short(values[at]))]),
    }),
    options: () => ({
      height: 260,
      x: epochAxis(lines[0][1].length),
      y: { label: null, grid: true, ticks: 5, nice: true },
      marks: [
        Plot.ruleX([best], { stroke: "var(--faint)", strokeDasharray: "3,3" }),
        lines.map(([split], at) =>
          Plot.line(points.filter((p) => p.split === split), {
            x: "epoch", y: "y", stroke: color(at), strokeWidth: 2, marker: lines[0][1].length < 2 ? "circle" : null,
          }),
        ),
        Plot.ruleX(points, Plot.pointerX({ x: "epoch", stroke: "var(--muted)" })),
        Plot.tip(points, Plot.pointerX({
          x: "epoch", y: "y",
          title: (p) => [`epoch ${p.epoch}`, ...lines.map(([split, values]) => `${split} ${short(values[p.epoch - 1])}`)].join("\n"),
        })),
      ],
    }),
  });
}

/** An axis with whole epochs only. */
export function epochAxis(epochs) {
  return { label: "Epoch", ticks: d3.ticks(1, epochs, 8).filter(Number.isInteger), tickFormat: "d" };
}

export function recipeSection({ recipe }) {
  const columns = [{ title: "Setting" }, { title: "Value" }, { title: "Meaning" }];
  const settingsTable = (settings) =>
    table(columns, settings.map(({ name, value, description, changed }) => ({
      className: changed ? "changed" : null,
      cells: [name, el("code", {}, settingText(value)), description],
    })));
  const first = recipe.filter(({ name, changed }) => changed || ["net", "data", "epochs", "learning_rate", "seed"].includes(name));
  return section(
    "recipe",
    "Recipe",
    "Every setting of the training. The same recipe on the same machine trains the same net again, bit for bit.",
    settingsTable(first),
    el("details", {}, el("summary", {}, `All ${recipe.length} settings`), settingsTable(recipe)),
  );
}

/** A setting as TOML writes it, roughly. */
export function settingText(value) {
  if (value === "") return '""';
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function dataSection({ data, task }) {
  const splits = Object.keys(data.rows);
  const classes = Object.keys(data.support.test ?? {});
  const counts = classes.map((name) => [name, ...splits.map((split) => count(data.support[split][name]))]);
  counts.push({ cells: ["all rows", ...splits.map((split) => count(data.rows[split]))] });
  const features = data.feature_names;
  return section(
    "data",
    "Data",
    data.simulated ? "Simulated data: the results say nothing about real data." : null,
    el(
      "div",
      { class: "split" },
      facts([
        ["Data set", data.name],
        ["Split by", `${data.split}, seed ${data.split_seed}`],
        ["Unit of the inputs", data.units],
        ["Columns", features.length ? features.join(", ") : null],
        ["Codes", data.codes ? count(data.codes) : null],
        ["SHA-256", el("code", {}, data.checksum)],
      ]),
      table(
        [{ title: task === "multilabel" ? "Label" : "Class" }, ...splits.map((title) => ({ title, number: true }))],
        counts,
        { caption: task === "multilabel" ? "Rows with each label; a row may have several" : "Rows of each split" },
      ),
    ),
  );
}
