/** The page: heading, navigation and sections. */
import { cardSection } from "./card.js";
import { comparisonSections } from "./comparison.js";
import { costSection } from "./cost.js";
import { compact, el, embeddedJson, fixed, interval, isEmbedded, count, short } from "./dom.js";
import { errorsSection } from "./errors.js";
import { netSection } from "./net.js";
import { rankingSection } from "./ranking.js";
import { resultsSection, testIntervals } from "./results.js";
import { dataSection, recipeSection, trainingSection } from "./training.js";

const content = embeddedJson("content");

function sections() {
  if (content.kind === "comparison") return comparisonSections(content);
  const curves = content.curves;
  return [
    content.net && isEmbedded("model.onnx") ? netSection(content.net) : null,
    content.metrics ? resultsSection(content) : null,
    curves?.columns ? rankingSection(content) : null,
    curves?.targets ? errorsSection(content) : null,
    content.history ? trainingSection(content) : null,
    content.recipe ? recipeSection(content) : null,
    content.data ? dataSection(content) : null,
    content.cost ? costSection(content) : null,
    content.card ? cardSection(content) : null,
  ].filter(Boolean);
}

function heading() {
  const { kind, data, card } = content;
  const dataName = data?.name ?? card?.provenance?.data;
  const split = data?.split ?? card?.provenance?.split;
  const tags = kind === "comparison"
    ? [el("li", { class: "tag" }, `${content.runs.length} runs`)]
    : [
        content.task ?? card?.task ? el("li", { class: "tag" }, content.task ?? card.task) : null,
        dataName ? el("li", { class: "tag" }, `data: ${dataName}`) : null,
        split ? el("li", { class: "tag" }, `split by ${split}`) : null,
        content.folder ? el("li", { class: "tag" }, `run: ${content.folder}`) : null,
        content.simulated ? el("li", { class: "tag warn" }, "simulated data: do not quote these numbers") : null,
      ];
  return el(
    "header",
    { class: "top" },
    el("div", { class: "kicker" }, el("span", {}, el("strong", {}, "kerasnets"), " report"), themeButton()),
    el("h1", {}, content.title),
    el("ul", { class: "tags" }, tags.filter(Boolean)),
    figures(),
  );
}

/** The numbers to state first. */
function figures() {
  const { headline = [], cost, card, history, titles } = content;
  const intervals = content.metrics ? testIntervals(content) : {};
  const entries = headline.map(({ metric, name, value }) => [
    `test ${name}`, fixed(value), intervals[metric] ? `95 % interval ${interval(intervals[metric], 3)}` : null,
  ]);
  if (!entries.length && card?.verification?.test_metrics) {
    const [metrics] = Object.values(card.verification.test_metrics);
    entries.push(...Object.entries(metrics ?? {}).map(([name, value]) => [`test ${titles[name] ?? name}`, fixed(value), null]));
  }
  if (cost) entries.push(["parameters", count(cost.params), null], ["FLOPs per row", compact(cost.flops), cost.steps ? `${cost.steps} steps` : null]);
  if (history) entries.push(["best epoch", count(history.best_epoch), `of ${history.series.loss.length}, ${short(history.seconds)} s`]);
  if (!entries.length) return null;
  return el("dl", { class: "figures" }, entries.map(([name, value, detail]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value), detail ? el("dd", {}, detail) : null),
  ));
}

function themeButton() {
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const button = el("button", { type: "button", onclick: () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); } });
  const name = () => { button.textContent = isDark() ? "Light colours" : "Dark colours"; };
  name();
  return button;
}

function navigation(parts) {
  const links = new Map(parts.map((part) => [part, el("a", { href: `#${part.id}` }, part.querySelector("h2").textContent)]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) for (const [part, link] of links) markCurrent(link, part === target);
      }
    },
    { rootMargin: "-30% 0px -65% 0px" },
  );
  parts.forEach((part) => observer.observe(part));
  return el("nav", { "aria-label": "Sections" }, el("ul", {}, [...links.values()].map((link) => el("li", {}, link))));
}

function markCurrent(link, isCurrent) {
  if (isCurrent) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

function leftOut() {
  return Object.entries(content.left_out).map(([what, reason]) => el("p", { class: "note" }, `Without ${what}: ${reason}`));
}

function footer() {
  const { made_with: made, licences, versions, commit } = content;
  const list = [`kerasnets ${made.kerasnets}`, ...made.packages].join(", ");
  const trained = versions ? `Trained with ${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")}${commit ? `, commit ${commit}` : ""}.` : null;
  return el(
    "footer",
    { class: "stack" },
    el("p", {}, `Made with ${list}. This page makes no requests and holds no row of the data: curves are counts in bins, samples are simulated or random.`),
    trained ? el("p", {}, trained) : null,
    el("details", {}, el("summary", {}, "Licences"), Object.entries(licences).map(([name, text]) => [el("h3", {}, name), el("pre", {}, text)]).flat()),
  );
}

const parts = sections();
document.getElementById("page").replaceWith(
  heading(),
  navigation(parts),
  el("main", { id: "main" }, leftOut(), parts),
  footer(),
);
document.documentElement.dataset.ready = performance.now().toFixed(0);
