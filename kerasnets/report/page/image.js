/** Draw an image with a pointer or with the keyboard, or open one. */
import { DIGITS } from "./digits.js";
import { el } from "./dom.js";
import { tensor } from "./runtime.js";

const SIDE = 336; // pixels of the board, for 28 of the net's usually
const CELLS = 28; // steps of the keyboard cursor along each side
const PEN = 2.1; // width of the pen in such steps
const BOX = 20 / 28; // the share of the image that a centred drawing fills, as in MNIST

export function imageEditor({ settings, changed }) {
  const { size, white, input } = settings.editor;
  const [height, width, channels] = size;
  const { dtype } = settings.inputs.find((one) => one.name === input);
  const board = el("canvas", {
    class: "board", width: SIDE, height: SIDE, tabIndex: 0, role: "application",
    "aria-label": "Drawing board. The arrow keys move the pen, the space bar puts it down or lifts it, Delete clears the board.",
  });
  const small = el("canvas", { class: "pixels", width, height, role: "img", "aria-label": "The image that the net gets" });
  const where = el("p", { class: "small muted", "aria-live": "polite" }, "Draw with a finger, a mouse, or the arrow keys and the space bar.");
  const pen = board.getContext("2d", { willReadFrequently: true });
  const centre = el("input", { type: "checkbox", checked: channels === 1, onchange: update });
  const cursor = { x: 8, y: 6, down: false, shown: false };
  let drawing = null; // what is on the board without the cursor
  let from = null;
  clear();

  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    from = position(event);
    stroke(from, from);
  });
  board.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = position(event);
    stroke(from, to);
    from = to;
  });
  for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => { from = null; });
  board.addEventListener("keydown", key);
  board.addEventListener("blur", () => { cursor.shown = false; restore(); });

  return {
    element: el(
      "div",
      { class: "stack" },
      board,
      where,
      exampleButtons(),
      el(
        "div",
        { class: "row" },
        el("button", { type: "button", onclick: () => { clear(); update(); } }, "Clear"),
        el("label", { class: "button" }, "Open an image ", el("input", { type: "file", accept: "image/*", class: "hidden-text", onchange: open })),
      ),
      el("label", { class: "check" }, centre, "Centre the drawing, as in the training images"),
      el("div", { class: "row small muted" }, small, `What the net gets: ${height} × ${width} pixels from 0 to ${white}`),
    ),
    inputs: () => ({ [input]: tensor(dtype, [1, height, width, channels], pixels()) }),
    isEmpty: () => !inkBox(drawing),
  };

  /** Buttons that draw an example of each class, if the classes are digits. */
  function exampleButtons() {
    if (!settings.names.length || !settings.names.every((name) => name in DIGITS)) return null;
    example(settings.names[3] ?? settings.names[0]);
    return el(
      "div",
      { class: "row", role: "group", "aria-label": "Examples" },
      el("span", { class: "small muted" }, "Examples"),
      settings.names.map((name) =>
        el("button", { type: "button", class: "icon", "aria-label": `Draw the example ${name}`, onclick: () => { example(name); changed(); } }, name),
      ),
    );
  }

  function example(name) {
    clear();
    for (const line of DIGITS[name]) {
      line.slice(1).forEach((to, at) => drawLine(line[at].map((v) => v * SIDE), to.map((v) => v * SIDE)));
    }
    keep();
    toPixels();
  }

  function position(event) {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  function clear() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    keep();
  }

  function keep() {
    drawing = pen.getImageData(0, 0, SIDE, SIDE);
  }

  function restore() {
    pen.putImageData(drawing, 0, 0);
  }

  function stroke(a, b) {
    restore();
    drawLine(a, b);
    keep();
    update();
  }

  function drawLine(a, b) {
    pen.strokeStyle = "#fff";
    pen.lineWidth = (PEN * SIDE) / CELLS;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(...a);
    pen.lineTo(b[0] + 0.01, b[1]);
    pen.stroke();
  }

  function key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const place = () => [((cursor.x + 0.5) * SIDE) / CELLS, ((cursor.y + 0.5) * SIDE) / CELLS];
    const before = place();
    if (step) {
      cursor.x = Math.min(CELLS - 1, Math.max(0, cursor.x + step[0]));
      cursor.y = Math.min(CELLS - 1, Math.max(0, cursor.y + step[1]));
      if (cursor.down) stroke(before, place());
    } else if (event.key === " ") {
      cursor.down = !cursor.down;
      if (cursor.down) stroke(before, before);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
      update();
    } else {
      return;
    }
    event.preventDefault();
    where.textContent = `Column ${cursor.x + 1}, row ${cursor.y + 1} of ${CELLS}, pen ${cursor.down ? "down" : "up"}`;
    showCursor(place());
  }

  function showCursor([x, y]) {
    restore();
    pen.strokeStyle = cursor.down ? "#ff9457" : "#56b4e9";
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(x, y, 8, 0, 2 * Math.PI);
    pen.stroke();
  }

  async function open(event) {
    const [file] = event.target.files;
    if (!file) return;
    const image = await createImageBitmap(file);
    const scale = Math.min(SIDE / image.width, SIDE / image.height);
    clear();
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, (SIDE - scale * image.width) / 2, (SIDE - scale * image.height) / 2, scale * image.width, scale * image.height);
    keep();
    centre.checked = false;
    update();
  }

  function update() {
    toPixels();
    changed();
  }

  /** Scale what is on the board to the image that the net gets. */
  function toPixels() {
    const to = small.getContext("2d", { willReadFrequently: true });
    const source = new OffscreenCanvas(SIDE, SIDE);
    source.getContext("2d").putImageData(drawing, 0, 0);
    to.fillStyle = "#000";
    to.fillRect(0, 0, width, height);
    to.imageSmoothingQuality = "high";
    const part = centre.checked ? inkBox(drawing) : null;
    if (!part) {
      to.drawImage(halved(source, width), 0, 0, width, height);
    } else {
      const scale = (BOX * Math.min(width, height)) / Math.max(part.width, part.height);
      const [w, h] = [part.width * scale, part.height * scale];
      // The centre of mass in the middle, as in MNIST, but nothing outside.
      const left = within(width / 2 - (part.massX - part.x) * scale, width - w);
      const top = within(height / 2 - (part.massY - part.y) * scale, height - h);
      const cut = new OffscreenCanvas(part.width, part.height);
      cut.getContext("2d").drawImage(source, -part.x, -part.y);
      to.drawImage(halved(cut, w), left, top, w, h);
    }
  }

  /** Halve an image until it is at most twice as wide as wanted, because browsers skip pixels otherwise. */
  function halved(canvas, wanted) {
    let image = canvas;
    while (image.width > 2 * wanted && Math.min(image.width, image.height) > 2) {
      const next = new OffscreenCanvas(Math.ceil(image.width / 2), Math.ceil(image.height / 2));
      next.getContext("2d").drawImage(image, 0, 0, next.width, next.height);
      image = next;
    }
    return image;
  }

  function pixels() {
    const { data } = small.getContext("2d").getImageData(0, 0, width, height);
    const values = new Float32Array(width * height * channels);
    for (let at = 0; at < width * height; at++) {
      for (let c = 0; c < channels; c++) {
        const level = channels === 1 ? (data[4 * at] + data[4 * at + 1] + data[4 * at + 2]) / 3 : data[4 * at + c];
        values[at * channels + c] = (level / 255) * white;
      }
    }
    return values;
  }
}

function within(value, most) {
  return Math.min(Math.max(value, 0), most);
}

/** The box around what is drawn, and its centre of mass; null for an empty board. */
function inkBox({ data, width, height }) {
  let [left, right, top, bottom, mass, massX, massY] = [width, -1, height, -1, 0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const ink = data[4 * (y * width + x)];
      if (ink < 40) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
      mass += ink;
      massX += ink * x;
      massY += ink * y;
    }
  }
  if (right < 0) return null;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1, massX: massX / mass, massY: massY / mass };
}
