/**
 * `npm test`: every check and test of every part, on data that the project makes itself.
 *
 * Usage: npm test [-- --only NAME,...]   (`--only help` lists the names)
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, buildFaultyWorker } from "./build.mjs";
import { Failure, isMain, main, root, sideBySide } from "./process.mjs";
import { setup } from "./setup.mjs";
import { makeShop } from "./start.mjs";
import { cargoTest, nodeTest, plain, runSteps } from "./steps.mjs";

/** @typedef {import("./setup.mjs").Tools} Tools */

const wasm = ["--target", "wasm32-unknown-unknown"];
const strict = ["--", "-D", "warnings"];
/** No test reaches a bucket, and what does takes a third of the time of a build; the release has it. */
const noBuckets = ["--no-default-features"];

/**
 * The runtime's own tests in wasm, in Node or in Chromium.
 * @param {Tools} tools
 * @param {Record<string, string>} host
 */
function wasmTest(tools, host) {
  return cargoTest(["-p", "pocketrank", "--features", "js,pack", ...wasm, "--test", "wasm"], {
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: tools.wasmBindgenTestRunner,
    ...host,
  });
}

/** @param {Tools} tools */
async function buildWorkers(tools) {
  // The released one last: Cargo keeps what it built last in its place.
  await buildFaultyWorker(tools);
  await build(tools, ["worker"]);
}

/** @param {Tools} tools */
function steps(tools) {
  const eslint = join(root, "node_modules/eslint/bin/eslint.js");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  return {
    rustfmt: () => plain("cargo", ["fmt", "--all", "--check"], "run `npm run format`"),
    clippy: async () => {
      const native = ["clippy", "--workspace", "--exclude", "pocketrank-worker", ...noBuckets, "--features", "pocketrank/api,pocketrank/sign"];
      await plain("cargo", [...native, "--all-targets", ...strict]);
      // Tests that run only where they are named.
      await plain("cargo", [...native, "--test", "data_*", ...strict]);
    },
    "clippy-wasm": async () => {
      await plain("cargo", ["clippy", "-p", "pocketrank", "--features", "js,pack", "--lib", "--test", "wasm", ...wasm, ...strict]);
      await plain("cargo", ["clippy", "-p", "pocketrank", "--features", "slim", "--lib", ...wasm, ...strict]);
      await plain("cargo", ["clippy", "-p", "pocketrank", "--features", "decide", "--lib", ...wasm, ...strict]);
      await plain("cargo", ["clippy", "-p", "pocketrank", "--features", "follow", "--lib", ...wasm, ...strict]);
      await plain("cargo", ["clippy", "-p", "pocketrank-worker", ...wasm, ...strict]);
    },
    "fuzz-lock": () => {
      const args = ["fetch", "--quiet", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml"];
      return plain("cargo", args, "run `cargo update --workspace --manifest-path tests/fuzz/Cargo.toml` and commit its Cargo.lock");
    },
    rust: () =>
      cargoTest(["-p", "pocketrank", "-p", "pocketrank-origin", "-p", "pocketrank-load", ...noBuckets, "--features", "pocketrank/api,pocketrank/pack,pocketrank/sign"]),
    "wasm-node": () => wasmTest(tools, {}),
    "wasm-chromium": () => wasmTest(tools, { WASM_BINDGEN_USE_BROWSER: "1", CHROMEDRIVER: tools.chromedriver }),
    build: () => sideBySide([build(tools, ["origin", "runtime", "npm"]), buildWorkers(tools)]),
    worker: () => buildWorkers(tools),
    shop: () => makeShop({}),
    size: () => plain(process.execPath, [join(root, "scripts/size.mjs")], "see scripts/budget.json"),
    tsc: () => plain(process.execPath, [tsc, "--noEmit"]),
    eslint: () => plain(process.execPath, [eslint, "."], "`npm run format` mends what it can"),
    js: () => nodeTest("tests/js"),
    packaging: () => nodeTest("tests/packaging"),
  };
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const { values } = parseArgs({ options: { only: { type: "string" } } });
    const known = Object.keys(steps(/** @type {Tools} */ ({})));
    // `worker` is a part of `build`, to be named where it alone has changed.
    const names = values.only?.split(",") ?? known.filter((name) => name !== "worker");
    const unknown = names.find((name) => !known.includes(name));
    if (unknown) throw new Failure(`there is no step \`${unknown}\``, `name one or more of: ${known.join(", ")}`);
    if (values.only && !existsSync(join(root, "dist")) && !names.includes("build")) {
      throw new Failure("nothing is built yet", "run `npm run build`, or `npm test` as a whole");
    }
    await runSteps("scripts/test.mjs", steps(await setup({ tests: true, worker: names.includes("build") || names.includes("worker") })), names);
  });
}
