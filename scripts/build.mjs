/**
 * Builds what the hosts run, each part into its own folder of dist/. Cargo knows what has changed; the steps after it
 * take a second or two and always run, so nothing here can be out of date.
 *
 * Usage: node scripts/build.mjs [runtime] [npm] [worker] [origin]   (all of them if none is named)
 */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { Failure, ask, isMain, main, root, run, say, seconds, sideBySide } from "./process.mjs";
import { trim } from "./glue.mjs";
import { setup } from "./setup.mjs";

/** @typedef {import("./setup.mjs").Tools} Tools */

const dist = join(root, "dist");
const npmFolder = join(dist, "npm");

/** What the Rust target for wasm has by default, and SIMD, which .cargo/config.toml turns on. */
const wasmFeatures = [
  "simd",
  "bulk-memory",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
].map((feature) => `--enable-${feature}`);

/** wasm-bindgen and wasm-opt read which features the code uses, and `snip` the names of functions, from sections that stripping drops; wasm-opt strips. */
const unstripped = { CARGO_PROFILE_WASM_STRIP: "none", CARGO_PROFILE_WASM_SLIM_STRIP: "none" };

/** Sections of which tools made the wasm. */
const unmarked = ["--strip-producers", "--strip-target-features"];

/** @type {Record<string, (tools: Tools) => Promise<string>>} each part's step; it answers with what it made */
const parts = { runtime: buildRuntime, npm: buildNpm, worker: buildWorker, origin: buildOrigin };

/** What needs one another is built in this order. What does not is built side by side, in folders of cargo's that have locks of their own: for most of its time each keeps one core busy. */
const chains = [["origin"], ["runtime", "npm"], ["worker"]];

/**
 * Builds the named parts.
 * @param {Tools} tools
 * @param {string[]} names
 */
export async function build(tools, names = Object.keys(parts)) {
  await sideBySide(chains.map((chain) => buildChain(tools, chain.filter((name) => names.includes(name)))));
}

/** @param {Tools} tools @param {string[]} names */
async function buildChain(tools, names) {
  for (const name of names) {
    const step = parts[name];
    if (!step) throw new TypeError(name);
    const started = performance.now();
    say(`build   ${name} ...`);
    const made = await step(tools);
    say(`build   ${name}: ${made} (${seconds(started)})`);
  }
}

/** Where cargo puts what it builds. */
export function targetFolder() {
  const metadata = ask("cargo", ["metadata", "--no-deps", "--format-version", "1", "--offline"]);
  if (!metadata) throw new Failure("`cargo metadata` failed", "run `cargo metadata --no-deps` to see why");
  return /** @type {string} */ (JSON.parse(metadata).target_directory);
}

/** The native command-line program. */
export function cli() {
  return join(targetFolder(), "release", "pocketrank");
}

/**
 * The builds of the runtime: the whole, the slim one that only ranks, the one that only follows an origin, and the one that only decides.
 * @typedef {{ name: string, features: string, profile: string, optimize: string, glue: boolean }} Variant `glue`: wasm-bindgen makes a script for it
 * @type {Variant[]}
 */
export const variants = [
  { name: "pocketrank", features: "js", profile: "wasm", optimize: "-O3", glue: true },
  { name: "pocketrank_slim", features: "slim", profile: "wasm-slim", optimize: "-Os", glue: false },
  { name: "pocketrank_sync", features: "follow", profile: "wasm-slim", optimize: "-Os", glue: false },
  { name: "pocketrank_decide", features: "decide", profile: "wasm-slim", optimize: "-Os", glue: false },
];

/** @param {Tools} tools */
async function buildRuntime(tools) {
  mkdirSync(npmFolder, { recursive: true });
  const staging = mkdtempSync(join(dist, ".runtime-"));
  try {
    for (const variant of variants) await buildWasm(tools, variant, staging);
    for (const file of readdirSync(staging)) renameSync(join(staging, file), join(npmFolder, file));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return variants.map(({ name }) => describe(join(npmFolder, `${name}_bg.wasm`))).join(", ");
}

/**
 * Builds one variant's wasm and its glue.
 * @param {Tools} tools
 * @param {Variant} variant
 * @param {string} folder where they go
 * @param {{ names?: boolean }} [options] `names`: keep those of the functions, to see what takes the room
 */
export async function buildWasm(tools, { name, features, profile, optimize, glue }, folder, { names = false } = {}) {
  const target = "wasm32-unknown-unknown";
  await run("cargo", ["build", "-p", "pocketrank", "--lib", "--features", features, "--profile", profile, "--target", target], {
    env: unstripped,
  });
  const raw = join(targetFolder(), target, profile, "pocketrank.wasm");
  const wasm = join(folder, `${name}_bg.wasm`);
  if (glue) {
    // Each entry says itself where its host has the wasm.
    const bindgen = ["--target", "web", "--omit-default-module-path", "--out-name", name, "--out-dir", folder];
    await run(tools.wasmBindgen, [raw, ...bindgen, ...(names ? ["--keep-debug"] : [])]);
    const script = join(folder, `${name}.js`);
    writeFileSync(script, trim(readFileSync(script, "utf8")));
  } else {
    copyFileSync(raw, wasm);
  }
  // Not before set-up has installed what it needs.
  const { snip } = await import("./snip.mjs");
  writeFileSync(wasm, snip(readFileSync(wasm)));
  await run(tools.wasmOpt, [optimize, ...(names ? ["-g"] : ["--strip-debug"]), ...unmarked, ...wasmFeatures, wasm, "-o", wasm]);
}

async function buildNpm() {
  need(join(npmFolder, "pocketrank.js"), "node scripts/build.mjs runtime");
  await bundleEntries();
  for (const name of ["index.d.ts", "slim.d.ts", "sync.d.ts", "decide.d.ts", "render.d.ts", "devtools.d.ts", "replay.d.ts", "element.d.ts", "offline.d.ts", "element.css", "element.css.d.ts"]) copyFileSync(join(root, "www", name), join(npmFolder, name));
  for (const name of ["browser", "node", "workerd"]) writeFileSync(join(npmFolder, `${name}.d.ts`), 'export * from "./index.js";\n');
  for (const base of ["slim", "sync", "decide"]) {
    for (const host of ["node", "workerd"]) writeFileSync(join(npmFolder, `${base}-${host}.d.ts`), `export * from "./${base}.js";\n`);
  }
  writeIntegrity();
  return entries.map((entry) => describe(join(npmFolder, `${basename(entry)}.js`))).join(", ");
}

/** The package's scripts, of www/src: what shops import, and what the script of a page loads when it needs it. */
const hosts = ["browser", "node", "workerd", "compiled", "slim", "slim-node", "slim-workerd", "sync", "sync-node", "sync-workerd", "decide", "decide-node", "decide-workerd", "element-node", "devtools-node"];
const onDemand = ["events/events", "visitor/privacy", "visitor/sources", "slots/cards", "slots/moves", "slots/why", "slots/proofreader", "script/keeping", "ranking/offload"];
const entries = [...hosts, "element", "offline", "render", "replay", "devtools", "ranking/scorer", ...onDemand];

/**
 * In the package all scripts lie beside one another, and what one loads on demand stays a file of its own.
 * @type {import("esbuild").Plugin}
 */
const beside = {
  name: "beside",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      const entry = relative(join(root, "www/src"), join(resolveDir, path)).replace(/\.js$/, "");
      if (!entries.includes(entry)) return { errors: [{ text: `${entry} is loaded on demand and is no entry of scripts/build.mjs` }] };
      return { path: `./${basename(path)}`, external: true };
    });
  },
};

/**
 * What a file of the package is, as attributes and options called `integrity` say it.
 * @param {string} name
 * @param {"sha256" | "sha384"} algorithm
 */
function integrity(name, algorithm) {
  return `${algorithm}-${createHash(algorithm).update(readFileSync(join(npmFolder, name))).digest("base64")}`;
}

/** Says what each file is that a page may load, for its tags (docs/STRICT.md), and prints that of its script. */
function writeIntegrity() {
  const names = readdirSync(npmFolder).filter((name) => /\.(js|css|wasm)$/.test(name) && !/^(pocketrank|compiled)\.js$|(node|workerd)\.js$/.test(name));
  writeFileSync(join(npmFolder, "integrity.json"), `${JSON.stringify(Object.fromEntries(names.map((name) => [name, integrity(name, "sha384")])), undefined, 2)}\n`);
  say(`build   npm: element.js is ${integrity("element.js", "sha384")}; dist/npm/integrity.json has the others`);
}

/** The script that fetches a wasm takes that one only which it was built with. */
function integrities() {
  return Object.fromEntries(variants.map(({ name }) => [`${name.toUpperCase()}_INTEGRITY`, JSON.stringify(integrity(`${name}_bg.wasm`, "sha256"))]));
}

/** Makes entries that are whole by themselves, so that a page needs one script and one wasm. */
async function bundleEntries() {
  const { build: bundle } = await import("esbuild");
  await bundle({
    entryPoints: entries.map((entry) => ({ in: join(root, "www/src", `${entry}.ts`), out: basename(entry) })),
    outdir: npmFolder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["node:*", "*.wasm"],
    plugins: [beside],
    loader: { ".css": "text" },
    define: { ...integrities(), VERSION: JSON.stringify(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version) },
    legalComments: "none",
    logLevel: "warning",
  }).catch((error) => {
    throw new Failure(`esbuild: ${error.message}`, "correct the source that esbuild names above");
  });
}

/** @param {Tools} tools */
async function buildWorker(tools) {
  await runWorkerBuild(tools, "worker");
  return `${describe(join(dist, "worker/index_bg.wasm"))}, ${describe(join(dist, "worker/index.js"))}`;
}

/** The worker of which tests can make a slot panic. @param {Tools} tools */
export async function buildFaultyWorker(tools) {
  await runWorkerBuild(tools, "worker-faults", ["--no-opt", "--", "--features", "faults"]);
}

/**
 * @param {Tools} tools
 * @param {string} folder in dist/
 * @param {string[]} [options]
 */
async function runWorkerBuild(tools, folder, options = []) {
  // Where a build was broken off, it holds an empty module, which workerd would take up.
  rmSync(join(dist, folder, ".tmp"), { recursive: true, force: true });
  await run(tools.workerBuild, ["--profile", "wasm", "--out-dir", `../dist/${folder}`, ...options], {
    cwd: join(root, "worker"),
    env: {
      ...unstripped,
      WASM_BINDGEN_BIN: tools.wasmBindgen,
      WASM_OPT_BIN: tools.wasmOpt,
      ESBUILD_BIN: tools.esbuild,
      // worker-build compiles wasm-bindgen's macros in a mode that cargo cannot tell from the usual one.
      CARGO_TARGET_DIR: join(targetFolder(), "worker"),
    },
  });
}

async function buildOrigin() {
  await run("cargo", ["build", "--release", "-p", "pocketrank-origin"]);
  return describe(cli());
}

/**
 * @param {string} path
 * @param {string} command what makes it
 */
function need(path, command) {
  if (!existsSync(path)) throw new Failure(`${relative(root, path)} is missing`, `run \`${command}\``);
}

/** @param {string} path */
function describe(path) {
  return `${relative(root, path)} ${(statSync(path).size / 1000).toFixed(1)} kB`;
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const names = process.argv.slice(2);
    const unknown = names.find((name) => !Object.hasOwn(parts, name));
    if (unknown) throw new Failure(`there is no part \`${unknown}\``, `name one or more of: ${Object.keys(parts).join(", ")}`);
    const tools = await setup({ worker: names.length === 0 || names.includes("worker") });
    await build(tools, names.length > 0 ? names : undefined);
  });
}
