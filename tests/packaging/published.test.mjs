/** What others check a package for before they trust it: publint, Are The Types Wrong, and that it brings nothing along. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { root } from "../../scripts/process.mjs";
import { makeConsumer, run } from "./consumer.mjs";

const { folder, tarball, remove } = makeConsumer();
after(remove);

const manifest = JSON.parse(readFileSync(join(folder, "node_modules/pocketrank/package.json"), "utf8"));

test("publint finds nothing, suggestions included", async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(tarball);
  const bytes = /** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength));
  const { messages } = await publint({ pack: { tarball: bytes }, strict: true, level: "suggestion" });
  assert.deepEqual(messages.map((message) => formatMessage(message, manifest)), []);
});

test("Are The Types Wrong finds nothing for who imports modules, in Node or by a bundler", () => {
  // There is no CommonJS in it, and what is no script has no types.
  const files = Object.keys(manifest.exports).filter((name) => /\.(css|wasm|json)$/.test(name));
  const cli = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
  const told = JSON.parse(run(process.execPath, [cli, tarball, "--profile", "esm-only", "--format", "json", "--exclude-entrypoints", ...files], folder));
  const entries = Object.keys(manifest.exports).filter((name) => !files.includes(name));
  assert.deepEqual(Object.keys(told.analysis.entrypoints).sort(), entries.sort());
  const kinds = ["node16-esm", "bundler"];
  const wrong = told.analysis.problems.filter((/** @type {any} */ { resolutionKind }) => !resolutionKind || kinds.includes(resolutionKind));
  assert.deepEqual(wrong, []);
  for (const { resolutions } of /** @type {any[]} */ (Object.values(told.analysis.entrypoints))) {
    for (const kind of kinds) assert.ok(resolutions[kind].resolution.isTypeScript, kind);
  }
});

test("installs nothing but itself", () => {
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies], [undefined, undefined, undefined]);
  const { packages } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  assert.deepEqual(Object.keys(packages).sort(), ["", "node_modules/pocketrank"]);
});

test("names for each entry a file that is there, for each host", () => {
  /** @type {(value: unknown) => string[]} */
  const paths = (value) => (typeof value === "string" ? [value] : Object.values(/** @type {object} */ (value)).flatMap(paths));
  /** @type {string[]} */
  const named = [manifest.types, manifest.jsdelivr, manifest.unpkg, ...paths(manifest.exports)];
  for (const path of named) assert.ok(readFileSync(join(folder, "node_modules/pocketrank", path)).length > 0, path);
});
