/** A worker that follows an origin, made anew for each test, for the tests of worker/src/{follow,blobs,store}.rs. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach } from "node:test";
import { makeStorage, startEdge } from "./edge.mjs";
import { startOrigin } from "./origin.mjs";
import { publish } from "./published.mjs";
import { publication } from "./updates.mjs";

/** @typedef {import("./edge.mjs").Edge} Edge */

export const bucketOf = async (/** @type {Edge} */ edge) => /** @type {any} */ (await edge.miniflare.getR2Bucket("BLOBS", "edge-0"));
export const kvOf = async (/** @type {Edge} */ edge) => /** @type {any} */ (await edge.miniflare.getKVNamespace("MANIFEST", "edge-0"));

/** What a browser gets of the models. @param {Edge} edge @param {string} path */
export const get = async (edge, path) => Buffer.from(await (await edge.fetch(path)).arrayBuffer());

/**
 * Sets the tests of a suite up: each has an origin, which has published the second model, and a storage; edges begin with the first.
 * @returns {{ origin: import("./origin.mjs").Origin, start: (options?: Partial<import("./edge.mjs").Options>) => Promise<Edge> }}
 */
export function following() {
  /** @type {Edge[]} */
  let edges = [];
  let storage = "";
  const made = /** @type {ReturnType<typeof following>} */ ({
    start: async (options = {}) => {
      const edge = await startEdge({ seed: publication(0, 1), storage, ...options, vars: { MODELS_URL: made.origin.url, ...options.vars } });
      edges.push(edge);
      return edge;
    },
  });
  beforeEach(async () => {
    made.origin = await startOrigin();
    storage = makeStorage();
    made.origin.publish(publish(publication(1, 2)));
  });
  afterEach(async () => {
    await Promise.all(edges.map((edge) => edge.stop()));
    edges = [];
    await made.origin.stop();
    rmSync(storage, { recursive: true, force: true });
  });
  return made;
}
