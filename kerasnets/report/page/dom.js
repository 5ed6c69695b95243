/** Elements, numbers and the parts that every section uses. */

/** Make an element. Properties that start with "on" are listeners, `class` and `aria-…` attributes. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && !name.includes("-") && name !== "list") element[name] = value;
    else element.setAttribute(name === "class" ? "class" : name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Read a script element with JSON or base64. */
export function embeddedJson(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

export function embeddedBytes(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Whether a script element with this id exists. */
export function isEmbedded(id) {
  return document.getElementById(id) !== null;
}

export const MISSING = "–";

export function fixed(value, digits = 4) {
  return isNumber(value) ? value.toFixed(digits).replace("-", "−") : MISSING;
}

export function percent(value, digits = 1) {
  return isNumber(value) ? `${(100 * value).toFixed(digits)}\u00a0%` : MISSING;
}

export function count(value) {
  return typeof value === "number" ? value.toLocaleString("en-US") : String(value);
}

/** A number with three digits, such as 0.0123 or 12,300. */
export function short(value) {
  if (!isNumber(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return value.toExponential(2).replace("-", "−");
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 8 }).replace("-", "−");
}

export function interval(ends, digits = 4) {
  return ends ? `${fixed(ends[0], digits)} to ${fixed(ends[1], digits)}` : "";
}

/** A long name without its middle. */
export function cut(name, letters) {
  const half = Math.floor(letters / 2);
  return name.length <= letters ? name : `${name.slice(0, half)}…${name.slice(1 - half)}`;
}

/** A large number with a unit, such as 7.12M. */
export function compact(value) {
  return value.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

/** A small difference, such as 2.4e-7. */
export function tiny(value) {
  return value === 0 ? "0" : value.toExponential(1);
}

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A section of the page with an entry in the navigation. */
export function section(id, title, lead, ...children) {
  return el(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    lead ? el("p", { class: "lead" }, lead) : null,
    ...children,
  );
}

/** A table. A column is {title, number}; a cell is text or an element. The first cell is a heading. */
export function table(columns, rows, { caption, className } = {}) {
  const cell = (content, at, tag) =>
    el(tag, { class: columns[at].number ? "number" : null, scope: tag === "th" ? "row" : null }, content ?? MISSING);
  return el(
    "div",
    { class: "scroll", tabIndex: 0, role: "group", "aria-label": caption ?? columns.map((c) => c.title).join(", ") },
    el(
      "table",
      { class: className ?? null },
      caption ? el("caption", {}, caption) : null,
      el(
        "thead",
        {},
        el("tr", {}, columns.map((c) => el("th", { scope: "col", class: c.number ? "number" : null }, c.title))),
      ),
      el(
        "tbody",
        {},
        rows.map((row) =>
          el("tr", { class: row.className ?? null }, (row.cells ?? row).map((c, at) => cell(c, at, at ? "td" : "th"))),
        ),
      ),
    ),
  );
}

/** A list of facts: pairs of a name and a value. Pairs without a value are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** Radio buttons in the form of chips. `choose` is called with the index of the choice. */
export function chips(legend, names, choose, chosen = 0) {
  const group = `chips-${(chips.number = (chips.number ?? 0) + 1)}`;
  return el(
    "fieldset",
    { class: "chips" },
    el("legend", {}, legend),
    names.map((name, at) =>
      el(
        "label",
        {},
        el("input", { type: "radio", name: group, checked: at === chosen, onchange: () => choose(at) }),
        name,
      ),
    ),
  );
}

/** A label above a control. */
export function labelled(text, control) {
  return el("label", { class: "field" }, el("span", {}, text), control);
}
