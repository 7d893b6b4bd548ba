/**
 * The packed package in webpack, Rollup and esbuild: each builds a page that ranks one golden case in Chromium; and what a page does not
 * import is not in its bundle.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import nodeResolve from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import { rollup } from "rollup";
import webpack from "webpack";
import { golden, makeConsumer, openPage } from "./consumer.mjs";

const { folder, write, remove } = makeConsumer();
after(remove);

/** What every page does: it finds the snapshot and the case beside it. */
write(
  "page.js",
  `import { init, Ranker, Consent, Profile } from "pocketrank";
import { replayCases } from "./replay.mjs";
await init();
const [snapshot, cases] = await Promise.all(["snapshot.bin", "case.json"].map((name) => fetch(name)));
const ranker = await Ranker.load(snapshot);
document.querySelector("output").textContent = JSON.stringify(replayCases({ Consent, Profile }, ranker, await cases.json()));
`,
);

/** @param {string} name @param {string} script how the page takes the bundle in */
function makeSite(name, script) {
  const site = join(folder, name);
  mkdirSync(site, { recursive: true });
  writeFileSync(join(site, "index.html"), `<!doctype html><title>${name}</title><output></output>${script}`);
  for (const file of ["snapshot.bin", "case.json"]) copyFileSync(join(folder, file), join(site, file));
  return site;
}

/** What neither Rollup nor esbuild does: a file that \`new URL(…, import.meta.url)\` names goes beside the bundle. @param {string} site */
function copyWasm(site) {
  copyFileSync(join(folder, "node_modules/pocketrank/dist/npm/pocketrank_bg.wasm"), join(site, "pocketrank_bg.wasm"));
}

/**
 * @param {import("webpack").Configuration} configuration
 * @returns {Promise<void>}
 */
function runWebpack(configuration) {
  return new Promise((resolve, reject) => {
    webpack({ mode: "production", context: folder, ...configuration }, (error, stats) => {
      if (error || stats?.hasErrors() || stats?.hasWarnings()) reject(error ?? new Error(stats?.toString()));
      else resolve();
    });
  });
}

const module = '<script type="module" src="page.js"></script>';

test("ranks in Chromium after a webpack build, which takes the wasm along", async (context) => {
  const site = makeSite("webpack", '<script src="page.js"></script>');
  await runWebpack({ entry: "./page.js", output: { path: site, filename: "page.js" } });
  const { slates, assets } = await openPage(context, site);
  assert.equal(assets.filter((name) => name.endsWith(".wasm")).length, 1, `one wasm among ${assets}`);
  assert.deepEqual(slates, [golden.slate]);
});

test("ranks in Chromium after a Rollup build, with the wasm beside it", async (context) => {
  const site = makeSite("rollup", module);
  const bundle = await rollup({ input: join(folder, "page.js"), plugins: [nodeResolve({ browser: true })] });
  await bundle.write({ dir: site, format: "es" });
  copyWasm(site);
  assert.deepEqual((await openPage(context, site)).slates, [golden.slate]);
});

test("ranks in Chromium after an esbuild build, with the wasm beside it", async (context) => {
  const site = makeSite("esbuild", module);
  await esbuild({ absWorkingDir: folder, entryPoints: ["page.js"], outdir: site, bundle: true, minify: true, format: "esm" });
  copyWasm(site);
  assert.deepEqual((await openPage(context, site)).slates, [golden.slate]);
});

describe("what is not imported is left out", () => {
  /** @type {Record<string, (script: string) => Promise<string>>} */
  const bundlers = {
    async esbuild(script) {
      const options = /** @type {const} */ ({ bundle: true, minify: true, format: "esm", write: false, logLevel: "silent" });
      const { outputFiles } = await esbuild({ ...options, stdin: { contents: script, resolveDir: folder } });
      return outputFiles.map(({ text }) => text).join("");
    },
    async Rollup(script) {
      write("part.js", script);
      const bundle = await rollup({ input: join(folder, "part.js"), plugins: [nodeResolve({ browser: true })] });
      const { output } = await bundle.generate({ format: "es", compact: true });
      return output.map((part) => (part.type === "chunk" ? part.code : "")).join("");
    },
    async webpack(script) {
      write("part.js", script);
      const path = join(folder, "parts");
      await runWebpack({ entry: "./part.js", experiments: { outputModule: true }, output: { path, filename: "part.js", module: true, library: { type: "module" } } });
      return readFileSync(join(path, "part.js"), "utf8");
    },
  };
  const whole = statSync(join(folder, "node_modules/pocketrank/dist/npm/browser.js")).size;
  for (const [name, bundle] of Object.entries(bundlers)) {
    test(`of ${name}: a module that uses nothing of the package`, async () => {
      assert.ok((await bundle('import { Ranker } from "pocketrank"; export const one = 1;')).length < 100);
    });

    test(`of ${name}: a hash takes no ranker and no profile along`, async () => {
      const made = await bundle('export { itemHash } from "pocketrank";');
      assert.ok(made.length < whole / 3, `${made.length} of ${whole} characters`);
      for (const part of ["ranker_", "profile_", "candidates_", "loader_", "pocketrank_bg.wasm"]) assert.ok(!made.includes(part), part);
      assert.match(made, /itemHash/);
    });

    test(`of ${name}: templates take no runtime along`, async () => {
      const made = await bundle('export { Renderer } from "pocketrank/render";');
      assert.ok(!/\.wasm|WebAssembly/.test(made));
      assert.match(made, /unknown_name/);
    });
  }
});
