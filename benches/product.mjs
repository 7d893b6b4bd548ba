/**
 * The bare product in Node: 1,000 rows of 64 numbers by one vector, the best 20. Pocketrank's `rerank` of a model of nothing but
 * vectors, beside typed arrays, onnxruntime-web and TensorFlow.js, each on the same matrix and by turns.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure } from "../scripts/process.mjs";

const ROUNDS = 61;
const PER_ROUND = 100;

/**
 * Medians in microseconds.
 * @param {any} pocketrank the package
 * @param {string} folder of the case
 * @param {typeof import("./packed.ts") & typeof import("./typed.ts")} typed
 * @param {string} peers folder of what it is compared with
 */
export async function measureProduct(pocketrank, folder, typed, peers) {
  await pocketrank.init();
  const snapshot = readFileSync(join(folder, "product.bin"));
  const { now, profile, rows, options } = JSON.parse(readFileSync(join(folder, "product.json"), "utf8"));
  const grant = new pocketrank.Consent({ choice: { mode: "session" } }).grant();
  const ranker = new pocketrank.Ranker(snapshot);
  const candidates = ranker.candidatesOfRows(rows);
  ranker.setProfile(pocketrank.Profile.decode(grant, Uint8Array.from(profile), now), now);
  const section = typed.sections(snapshot).get("FACT");
  if (!section) throw new Failure("the product's snapshot has no vectors");
  const { dims, scales, rows: numbers } = typed.factors(section, rows.length);
  // A history of one event: the visitor's vector is that item's own.
  const vector = numbers.subarray(0, dims);
  const matrix = Float32Array.from(numbers, (number, at) => number * /** @type {number} */ (scales[Math.floor(at / dims)]));
  const best = new typed.Best(options.count);
  /** @type {Record<string, () => ArrayLike<number> | Promise<ArrayLike<number>>>} */
  const all = {
    pocketrank: () => ranker.rerank(candidates, options).map((/** @type {{ index: number }} */ { index }) => index),
    typed: () => best.of(vector, numbers, scales),
    ort: await onnx(peers, matrix, Float32Array.from(vector), options.count),
    tfjs: await tensorflow(peers, matrix, Float32Array.from(vector), options.count),
  };
  const [ours, ...theirs] = await Promise.all(Object.values(all).map(async (call) => Array.from(await call(), Number).join()));
  if (theirs.some((one) => one !== ours)) throw new Failure(`the best differ:\n${[ours, ...theirs].join("\n")}`);
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
  for (let round = -9; round < ROUNDS; round++) {
    for (const [name, call] of Object.entries(all)) {
      const started = performance.now();
      for (let i = 0; i < PER_ROUND; i++) {
        const made = call();
        if (made instanceof Promise) await made;
      }
      if (round >= 0) times[name]?.push(((performance.now() - started) * 1000) / PER_ROUND);
    }
  }
  const median = (/** @type {string} */ name) => /** @type {number} */ (times[name]?.sort((a, b) => a - b)[ROUNDS >> 1]);
  return { pocketrank: median("pocketrank"), typed: median("typed"), ort: median("ort"), tfjs: median("tfjs") };
}

/** @param {string} peers @param {string} path */
const load = (peers, path) => import(pathToFileURL(join(peers, "node_modules", path)).href);

/** One thread, as a page has that is not cross-origin isolated. @param {string} peers @param {Float32Array} matrix @param {Float32Array} vector @param {number} count */
async function onnx(peers, matrix, vector, count) {
  const ort = await load(peers, "onnxruntime-web/dist/ort.node.min.mjs");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(onnxModel(matrix, vector.length, count), { executionProviders: ["wasm"] });
  const feeds = { visitor: new ort.Tensor("float32", vector, [vector.length]) };
  return async () => (await session.run(feeds, ["indices"])).indices.data;
}

/** @param {string} peers @param {Float32Array} matrix @param {Float32Array} vector @param {number} count */
async function tensorflow(peers, matrix, vector, count) {
  const tf = await load(peers, "@tensorflow/tfjs-core/dist/tf-core.node.js").then((module) => module.default ?? module);
  const { default: wasm } = await load(peers, "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.node.js");
  wasm.setThreadsCount(1);
  wasm.setWasmPaths(join(peers, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
  if (!(await tf.setBackend("wasm"))) throw new Failure("TensorFlow.js has no wasm backend here");
  const rows = tf.tensor2d(matrix, [matrix.length / vector.length, vector.length]);
  const visitor = tf.tensor2d(vector, [vector.length, 1]);
  return () => tf.tidy(() => tf.topk(tf.reshape(tf.matMul(rows, visitor), [-1]), count).indices.dataSync());
}

/**
 * An ONNX model, in its protocol buffers: `TopK(MatMul(rows, visitor), count)`.
 * @param {Float32Array} matrix @param {number} dims @param {number} count
 */
function onnxModel(matrix, dims, count) {
  /** @param {number} value @returns {number[]} */
  const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))]);
  const number = (/** @type {number} */ field, /** @type {number} */ value) => Uint8Array.from([field << 3, ...varint(value)]);
  const bytes = (/** @type {number} */ field, /** @type {Uint8Array} */ value) =>
    Buffer.concat([Uint8Array.from([(field << 3) | 2, ...varint(value.length)]), value]);
  const text = (/** @type {number} */ field, /** @type {string} */ value) => bytes(field, Buffer.from(value));
  const group = (/** @type {number} */ field, /** @type {Uint8Array[]} */ ...parts) => bytes(field, Buffer.concat(parts));
  const [FLOAT, INT64] = [1, 7];
  /** @param {string} name @param {number} type @param {number[]} shape */
  const value = (name, type, shape) => {
    const sizes = shape.map((size) => group(1, number(1, size)));
    return [text(1, name), group(2, group(1, number(1, type), group(2, ...sizes)))];
  };
  /** @param {string} name @param {number} type @param {number[]} shape @param {Float32Array | BigInt64Array} data */
  const tensor = (name, type, shape, data) =>
    group(5, ...shape.map((size) => number(1, size)), number(2, type), text(8, name), bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  const rows = matrix.length / dims;
  const graph = group(
    7,
    group(1, text(1, "rows"), text(1, "visitor"), text(2, "scores"), text(4, "MatMul")),
    group(1, text(1, "scores"), text(1, "count"), text(2, "values"), text(2, "indices"), text(4, "TopK")),
    text(2, "product"),
    tensor("rows", FLOAT, [rows, dims], matrix),
    tensor("count", INT64, [1], BigInt64Array.of(BigInt(count))),
    group(11, ...value("visitor", FLOAT, [dims])),
    group(12, ...value("indices", INT64, [count])),
  );
  return new Uint8Array(Buffer.concat([number(1, 8), graph, group(8, number(2, 13))]));
}
