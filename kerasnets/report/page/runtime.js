/** The net: onnxruntime-web with the exported model.onnx, and the comparison with reference.npz. */
import { embeddedBytes } from "./dom.js";
import { decompress, readNpz } from "./npz.js";

const TYPED = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, int16: Int16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array };
const BLOCKS = 15; // of runs that are timed together, because the clock of a page is coarse
const RUNS_PER_BLOCK = 10;

/** Start the runtime and load the net. */
export async function startNet() {
  ort.env.wasm.numThreads = 1; // more threads need headers that a file does not have
  ort.env.wasm.wasmBinary = (await decompress(embeddedBytes("runtime"), "gzip")).buffer;
  const session = await ort.InferenceSession.create(embeddedBytes("model.onnx"));
  let last = Promise.resolve();
  return {
    /** Run the net on {name: {type, shape, data}}; return its outputs in the same form. */
    run(inputs) {
      const next = last.then(() => runOnce(session, inputs));
      last = next.catch(() => {});
      return next;
    },
    reference: await readCases(),
  };
}

async function runOnce(session, inputs) {
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { type, shape, data }]) => [name, new ort.Tensor(type, data, shape)]),
  );
  const outputs = await session.run(feeds);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, { type: tensor.type, shape: tensor.dims, data: tensor.data }]),
  );
}

/** A tensor of a type from numbers. */
export function tensor(type, shape, numbers) {
  const Kind = TYPED[type];
  if (!Kind) throw new Error(`inputs of type ${type} cannot be entered here`);
  return { type, shape, data: type === "int64" ? BigInt64Array.from(numbers, (n) => BigInt(Math.round(n))) : Kind.from(numbers) };
}

/** The cases of reference.npz by name: {inputs, outputs}. */
async function readCases() {
  const cases = new Map();
  for (const [key, array] of await readNpz(embeddedBytes("reference.npz"))) {
    const [name, side, ...rest] = key.split("/");
    if (!cases.has(name)) cases.set(name, { inputs: {}, outputs: {} });
    cases.get(name)[side][rest.join("/")] = array;
  }
  return cases;
}

/**
 * Run every case and compare the outputs with those of Keras.
 * Returns {cases, difference, failures, milliseconds}; the last is that of one row.
 */
export async function checkNet(net, tolerance, progress) {
  let difference = 0;
  const failures = [];
  for (const [name, { inputs, outputs }] of net.reference) {
    const got = await net.run(inputs);
    for (const [output, expected] of Object.entries(outputs)) {
      const found = compareArrays(got[output], expected);
      difference = Math.max(difference, found.difference);
      if (found.failure) failures.push(`${name}, ${output}: ${found.failure}`);
      else if (found.difference > tolerance) failures.push(`${name}, ${output}: differs by ${found.difference.toExponential(1)}`);
    }
    progress(name);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { cases: net.reference.size, difference, failures, milliseconds: await timeOf(net) };
}

/** The same comparison as kerasnets verify makes: absolute up to 1, relative beyond; NaN in invalid rows. */
export function compareArrays(got, expected) {
  if (!got || got.shape.join() !== expected.shape.join() || got.type !== expected.type) {
    return { difference: 0, failure: `is ${got?.type} (${got?.shape}), in Keras ${expected.type} (${expected.shape})` };
  }
  const width = expected.shape[0] ? expected.data.length / expected.shape[0] : 0;
  let largest = 0;
  let scale = 1;
  for (let row = 0; row < (expected.shape[0] ?? 0); row++) {
    const mine = Array.from(got.data.subarray(row * width, (row + 1) * width), Number);
    const keras = Array.from(expected.data.subarray(row * width, (row + 1) * width), Number);
    if (keras.some(Number.isNaN)) {
      if (!mine.every(Number.isNaN)) return { difference: 0, failure: `is not NaN for the invalid row ${row}` };
    } else {
      if (!mine.every(Number.isFinite)) return { difference: 0, failure: `is not finite in row ${row}` };
      mine.forEach((value, at) => {
        largest = Math.max(largest, Math.abs(value - keras[at]));
        scale = Math.max(scale, Math.abs(keras[at]));
      });
    }
  }
  return { difference: largest / scale };
}

/** The milliseconds for one row, in the fastest block: other programs make the others slower. */
async function timeOf(net) {
  const { inputs } = net.reference.get("batch-1");
  const times = [];
  for (let block = 0; block < BLOCKS; block++) {
    const start = performance.now();
    for (let i = 0; i < RUNS_PER_BLOCK; i++) await net.run(inputs);
    times.push((performance.now() - start) / RUNS_PER_BLOCK);
  }
  return Math.min(...times);
}

/** One row of the inputs of a case, by name. */
export function referenceRow(net, caseName, row) {
  const { inputs } = net.reference.get(caseName);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { type, shape, data }]) => {
      const width = data.length / shape[0];
      return [name, { type, shape: [1, ...shape.slice(1)], data: data.slice(row * width, (row + 1) * width) }];
    }),
  );
}
