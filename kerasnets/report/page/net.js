/** The section that runs the net: its check against Keras, an editor for inputs, and the outputs. */
import { count, el, section, tiny } from "./dom.js";
import { fieldsEditor } from "./fields.js";
import { imageEditor } from "./image.js";
import { outputView } from "./outputs.js";
import { checkNet, startNet } from "./runtime.js";
import { signalEditor } from "./signal.js";
import { tensorsEditor } from "./tensors.js";
import { visitsEditor } from "./visits.js";

const EDITORS = { image: imageEditor, signal: signalEditor, visits: visitsEditor, table: fieldsEditor, tensor: tensorsEditor };
const LEADS = {
  image: "Draw on the board and watch the net decide.",
  signal: "Pick a sample, change it, or paste a signal of your own.",
  visits: "Add and remove visits and codes, and watch the prediction change.",
  table: "Change the values of a row.",
  tensor: "Enter one row of each input.",
};

export function netSection(settings) {
  const status = el("div", { class: "status", role: "status", id: "self-check" }, "Starting the net …");
  const space = el("div", { class: "try" });
  const place = section(
    "net",
    "Try the net",
    `${LEADS[settings.editor.kind]} The exported model.onnx runs in this page: nothing that you enter leaves this computer.`,
    status,
    space,
  );
  start(settings, status, space).catch((error) => {
    status.className = "status fail";
    status.replaceChildren(el("strong", {}, "The net cannot run here."), ` ${error.message}`);
  });
  return place;
}

async function start(settings, status, space) {
  const net = await startNet();
  const view = outputView(settings);
  let again = false;
  let running = false;

  /** Run the net on what the editor holds. Changes during a run are run once, afterwards. */
  async function changed() {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      try {
        if (editor.isEmpty?.()) view.wait("Draw something.");
        else view.show(await net.run(editor.inputs()));
        await editor.after?.();
      } catch (error) {
        view.fail(`The net refused this input: ${error.message}`);
      }
    }
    running = false;
  }

  const editor = EDITORS[settings.editor.kind]({ settings, net, changed });
  space.replaceChildren(editor.element, el("div", { class: "stack" }, view.element, editor.beside ?? null));
  await changed();
  const ready = performance.now(); // since the page was opened
  const result = await checkNet(net, settings.tolerance, (name) => {
    status.textContent = `Comparing with Keras: ${name} …`;
  });
  showResult(status, result, settings);
  status.dataset.result = JSON.stringify({ ...result, ready });
}

function showResult(status, { cases, difference, failures, milliseconds }, { tolerance }) {
  const passed = failures.length === 0;
  status.className = `status ${passed ? "pass" : "fail"}`;
  status.replaceChildren(
    el("strong", {}, passed ? "✓ Self-check passed" : "✗ Self-check failed"),
    el("span", {}, `${count(cases)} cases of reference.npz; largest difference from Keras ${tiny(difference)}, allowed ${tolerance.toExponential(0)}`),
    el("span", { class: "muted" }, `${milliseconds.toFixed(2)} ms per row in this browser`),
    ...failures.slice(0, 5).map((failure) => el("span", { class: "error" }, failure)),
  );
}
