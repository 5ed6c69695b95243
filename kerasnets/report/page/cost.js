/** What the net costs: parameters, MACs and FLOPs per layer. */
import { chart } from "./charts.js";
import { chips, count, cut, el, percent, section, table } from "./dom.js";

const QUANTITIES = [["flops", "FLOPs"], ["macs", "MACs"], ["params", "parameters"]];

export function costSection({ cost }) {
  let chosen = 0;
  const layers = cost.layers.filter((layer) => layer.flops || layer.macs || layer.params);
  const at = cost.steps ? `, for a sequence of ${count(cost.steps)} steps` : "";
  const bars = chart({
    title: "Share of each layer",
    description: () => `${QUANTITIES[chosen][1]} of each layer, of ${count(total())} in total.`,
    options: (width) => {
      const key = QUANTITIES[chosen][0];
      const left = Math.min(170, width / 3);
      return {
        height: 40 + 26 * layers.length,
        marginLeft: left,
        marginBottom: 34,
        marginRight: 56,
        x: { label: QUANTITIES[chosen][1], grid: true, ticks: 4, tickFormat: "~s" },
        y: { label: null, domain: layers.map((layer) => layer.layer), tickFormat: (name) => cut(name, left / 8) },
        marks: [
          Plot.barX(layers, { x: key, y: "layer", fill: "var(--c0)", fillOpacity: 0.85 }),
          Plot.text(layers, { x: key, y: "layer", text: (layer) => percent(total() ? layer[key] / total() : 0), textAnchor: "start", dx: 5, fill: "currentColor" }),
          Plot.ruleX([0], { stroke: "var(--faint)" }),
        ],
      };
    },
  });
  const columns = [
    { title: "Layer" }, { title: "Type" }, { title: "Output" },
    ...QUANTITIES.map(([, title]) => ({ title, number: true })),
  ];
  const atLeast = cost.complete ? "" : "≥ ";
  return section(
    "cost",
    "Cost",
    `For one row${at}, by the convention “${cost.convention}”: ${count(cost.params)} parameters, ${atLeast}${count(cost.macs)} MACs, ${atLeast}${count(cost.flops)} FLOPs.`,
    el(
      "div",
      { class: "stack" },
      cost.complete ? null : el("p", { class: "note" }, `Not counted: ${cost.unsupported.join("; ")}`),
      chips("Show", QUANTITIES.map(([, title]) => title), (index) => {
        chosen = index;
        bars.redraw();
      }),
      bars,
      table(columns, cost.layers.map((layer) => [
        el("code", {}, layer.layer), layer.type, layer.output_shape,
        ...QUANTITIES.map(([key]) => count(layer[key])),
      ]), { caption: "Every layer" }),
    ),
  );

  function total() {
    return cost[QUANTITIES[chosen][0]];
  }
}
