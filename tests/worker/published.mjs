/**
 * What `pocketrank publish` writes, written by a second program from docs/FORMAT.md: manifests that can be wrong in any way, and the golden
 * snapshots and deltas under the names that they have at an origin.
 */
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../../scripts/process.mjs";

/** @typedef {Record<string, string | Uint8Array>} Files contents by path */

const golden = (/** @type {string} */ name) => readFileSync(join(root, "tests/fixtures", name));

const bundle = await build({
  entryPoints: [join(root, "tests/js/support/delta.ts")],
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
});
/** @type {typeof import("../js/support/delta.ts")} */
const { applyDelta } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0]?.text ?? "")}`);

/** Deltas, each made for what the one before it makes. */
const deltas = ["random-changed-v1.delta", "random-again-v1.delta"].map(golden);

/** Three snapshots of the same items, each the next of the one before. @type {Uint8Array[]} */
export const snapshots = [golden("random-v1.bin")];
for (const delta of deltas) snapshots.push(applyDelta(/** @type {Uint8Array} */ (snapshots.at(-1)), delta));

/** A snapshot's id: a part of its header. @param {Uint8Array} snapshot */
export const idOf = (snapshot) => Buffer.from(snapshot.subarray(16, 32));

const sha256 = (/** @type {string | Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest();

/** A private key of a seed that is one byte 32 times. @param {number} byte */
export function key(byte) {
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({ key: Buffer.concat([head, Buffer.alloc(32, byte)]), format: "der", type: "pkcs8" });
}

/** @param {import("node:crypto").KeyObject} key */
export const publicKey = (key) => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);

/** What hosts of the tests have pinned. */
export const audience = "tests.example/edge";
export const pinned = publicKey(key(1)).toString("hex");

/** @param {number} value @returns {Buffer} */
function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

const text = (/** @type {string} */ value) => Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]);
const list = (/** @type {Buffer[]} */ entries) => Buffer.concat([varint(entries.length), ...entries]);

/** @param {string | Uint8Array} bytes @param {string} url */
const blob = (bytes, url) => Buffer.concat([sha256(bytes), varint(Buffer.byteLength(bytes)), varint(Buffer.byteLength(bytes)), text(url)]);

/**
 * @typedef {object} Publication
 * @property {number} [model] which of the three snapshots, the first if not given
 * @property {Uint8Array} [snapshot] another one
 * @property {Record<string, string | Uint8Array>} [lists] candidates lists by name
 * @property {Record<string, Uint8Array>} [models] other models by name
 * @property {number} [sequence] 1 if not given
 * @property {string} [audience]
 * @property {import("node:crypto").KeyObject} [key] signs
 * @property {number} [expires] seconds since 1970-01-01 UTC
 * @property {number} [ttl] of the lists, in seconds
 */

/**
 * All files of an origin, by their paths beside the manifest.
 * @param {Publication} [publication]
 * @returns {Files}
 */
export function publish({ model = 0, snapshot, lists = {}, models = {}, sequence = 1, audience: reader = audience, key: signer = key(1), expires = 4e9, ttl = 900 } = {}) {
  const bytes = snapshot ?? /** @type {Uint8Array} */ (snapshots[model]);
  /** @type {Files} */
  const files = {};
  const put = (/** @type {string | Uint8Array} */ bytes, /** @type {string} */ url) => {
    files[url] = bytes;
    return blob(bytes, url);
  };
  const id = idOf(bytes);
  const named = (/** @type {string | Uint8Array} */ bytes) => sha256(bytes).toString("hex", 0, 16);
  const links = snapshot ? [] : deltas.slice(0, model).map((delta, at) => {
    const ends = snapshots.slice(at, at + 2).map(idOf);
    return Buffer.concat([...ends, put(delta, `deltas/${named(delta)}.pkrd`)]);
  });
  const entries = [
    ...Object.entries(lists).map(([name, content]) => /** @type {const} */ ([`candidates/${name}.json`, content, "json"])),
    ...Object.entries(models).map(([name, content]) => /** @type {const} */ ([`models/${name}.pkr`, content, "pkr"])),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  const payload = Buffer.concat([
    text(reader),
    varint(sequence),
    varint(1_700_000_000),
    varint(expires),
    id,
    put(bytes, `snapshots/${id.toString("hex")}.pkr`),
    list(links),
    list(entries.map(([name, content, end]) => Buffer.concat([text(name), varint(ttl), put(content, `files/${named(content)}.${end}`)]))),
    list([]),
  ]);
  const head = Buffer.from([...Buffer.from("PKRM"), 1, 0]);
  const signature = sign(null, Buffer.concat([head, payload]), signer);
  files["manifest.pkrm"] = Buffer.concat([head, Buffer.from([1, 0]), sha256(publicKey(signer)).subarray(0, 8), signature, payload]);
  return files;
}
