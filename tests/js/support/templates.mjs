/** Templates by the command line and by the npm package, of the same compiled bytes. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { cli } from "../../../scripts/build.mjs";
import { root } from "../../../scripts/process.mjs";
import { Ranker, init } from "../../../dist/npm/node.js";

await init();

/** @typedef {{ template: string, data: object }} Line */

const inner = 'export { fill } from "./templates/fill.ts"; export { nodesOf } from "./slots/nodes.ts"; export { readTemplates } from "./templates/templates.ts";';

/** What the package's script is made of. @param {"esm" | "iife"} format as `inner` in a page @returns {Promise<string>} */
export async function bundleInner(format) {
  const { outputFiles } = await build({ stdin: { contents: inner, resolveDir: join(root, "www/src") }, bundle: true, format, globalName: "inner", write: false });
  return outputFiles[0]?.text ?? "";
}

/** @returns {Promise<Pick<typeof import("../../../www/src/templates/fill.ts") & typeof import("../../../www/src/templates/templates.ts"), "fill" | "readTemplates">>} */
export async function importInner() {
  return import(`data:text/javascript,${encodeURIComponent(await bundleInner("esm"))}`);
}

/**
 * What the command line makes of lines, and the section that it compiled the templates to.
 * @param {Record<string, string>} templates by name
 * @param {Line[]} lines
 * @param {string} [fields] of the shop's own
 * @returns {{ html: string[], section: Uint8Array }}
 */
export function renderNatively(templates, lines, fields = "") {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-templates-"));
  const run = (/** @type {string[]} */ ...args) => String(execFileSync(cli(), args, { cwd: folder, maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] }));
  try {
    mkdirSync(join(folder, "own"));
    writeFileSync(join(folder, "own/fields.toml"), fields);
    for (const [name, text] of Object.entries(templates)) writeFileSync(join(folder, `own/${name}.mustache`), text);
    writeFileSync(join(folder, "data.jsonl"), lines.map((line) => JSON.stringify(line)).join("\n"));
    const html = JSON.parse(run("templates", "own", "--data", "data.jsonl", "--json"));
    run("synth", "-o", "shop", "--items", "12", "--sessions", "60");
    run("train", "--catalogue", "shop/catalogue.jsonl", "--events", "shop/events.jsonl", "--trials", "1", "--templates", "own", "-o", "snapshot.bin");
    return { html, section: new Ranker(readFileSync(join(folder, "snapshot.bin"))).templates };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
