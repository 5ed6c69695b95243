/** The card of an export: files, runtimes, where the net comes from. */
import { count, el, facts, fixed, section, table, tiny } from "./dom.js";

export function cardSection({ card, titles }) {
  const shape = ({ name, dtype, shape: axes }) => `${name}: ${dtype} (${axes.map((axis) => axis ?? "any").join(", ")})`;
  const lines = (tensors) => el("span", {}, tensors.map((tensor, at) => [at ? el("br") : null, el("code", {}, shape(tensor))]).flat());
  const differences = Object.entries(card.verification?.max_abs_diff ?? {});
  const metrics = card.verification?.test_metrics ?? {};
  const files = Object.entries(card.sizes);
  const names = [...new Set(Object.values(metrics).flatMap((values) => Object.keys(values)))];
  return section(
    "card",
    "Export",
    `Version ${card.version}, written ${card.created.slice(0, 10)}. Each runtime was compared with Keras in a process of its own.`,
    el(
      "div",
      { class: "split" },
      facts([
        ["Name", card.name],
        ["Task", card.task],
        ["Inputs", lines(card.inputs)],
        ["Outputs", lines(card.outputs)],
        ["Unit of the inputs", card.input_units],
        ["Licence", card.license],
        ["Parameters", count(card.parameters)],
        ["Least steps", card.min_steps > 1 ? count(card.min_steps) : null],
        ["Data set", card.provenance.data],
        ["Split by", card.provenance.split],
        ["Exported with", card.libraries ? `Keras ${card.libraries.keras}, TensorFlow ${card.libraries.tensorflow}` : null],
      ]),
      el(
        "div",
        { class: "stack" },
        differences.length
          ? table(
              [{ title: "Runtime" }, { title: "Largest difference", number: true }, ...names.map((title) => ({ title: `test ${titles[title] ?? title}`, number: true }))],
              differences.map(([runtime, value]) => [runtime, tiny(value), ...names.map((name) => fixed(metrics[runtime]?.[name]))]),
              { caption: "Verified runtimes" },
            )
          : null,
        details(
          `${files.length} files, ${count(Math.round(d3.sum(files, ([, size]) => size) / 1000))} kB`,
          table([{ title: "File" }, { title: "Bytes", number: true }], files.map(([name, size]) => [el("code", {}, name), count(size)])),
        ),
        details("Where it comes from", facts(Object.entries(card.provenance).filter(([name]) => name !== "codebook").map(([name, value]) => [name, String(value)]))),
      ),
    ),
  );
}

function details(summary, content) {
  return el("details", {}, el("summary", {}, summary), content);
}
