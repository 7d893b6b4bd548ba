/**
 * Sets up what building and testing need, and hands the other scripts the paths of the tools. Uses only Node's own
 * modules; each step looks first whether its result is there, so that a second run does nothing and needs no network.
 *
 * Usage: node scripts/setup.mjs [--tests]
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure, ask, isMain, main, root, run, say, seconds, which } from "./process.mjs";

const target = "wasm32-unknown-unknown";

/**
 * @typedef {object} Tools paths of the programs that the other scripts call
 * @property {string} wasmBindgen
 * @property {string} wasmBindgenTestRunner
 * @property {string} workerBuild empty without `worker`
 * @property {string} wasmOpt
 * @property {string} esbuild
 * @property {string} chromium empty without `tests`
 * @property {string} chromedriver empty without `tests`
 */

/**
 * @param {{ tests?: boolean, worker?: boolean }} [options] `tests`: also what only the tests need, a browser and its
 *   driver; `worker`: also what only the edge worker needs
 * @returns {Promise<Tools>}
 */
export async function setup({ tests = false, worker = true } = {}) {
  const started = performance.now();
  checkPrograms();
  const { chromium, chromedriver } = tests ? await installBrowser() : { chromium: "", chromedriver: "" };
  await installNodeModules();
  await prepareRust(tests);
  const wasmBindgen = await installTool("wasm-bindgen", "wasm-bindgen-cli", lockedVersion("wasm-bindgen"), [
    "wasm-bindgen",
    "wasm-bindgen-test-runner",
  ]);
  const workerBuild = worker
    ? await installTool("worker-build", "worker-build", lockedVersion("worker"), ["worker-build"])
    : "";
  say(`set-up  complete (${seconds(started)})`);
  return {
    wasmBindgen: join(wasmBindgen, "wasm-bindgen"),
    wasmBindgenTestRunner: join(wasmBindgen, "wasm-bindgen-test-runner"),
    workerBuild: workerBuild && join(workerBuild, "worker-build"),
    wasmOpt: join(root, "node_modules/.bin/wasm-opt"),
    esbuild: join(root, "node_modules/.bin/esbuild"),
    chromium,
    chromedriver,
  };
}

function checkPrograms() {
  // What Vite and ESLint ask for; the package itself runs on every Node 20.
  if (process.versions.node.localeCompare("20.19", "en", { numeric: true }) < 0) {
    throw new Failure(`Node ${process.versions.node} is too old: 20.19 or newer is needed`, "install Node 20 from https://nodejs.org");
  }
  if (!which("git")) throw new Failure("git was not found", "install git and run this again");
  if (!which("npm")) throw new Failure("npm was not found", "install npm, which comes with Node, and run this again");
  if (!which("rustup") || !which("cargo")) {
    throw new Failure("rustup and cargo were not found on PATH", "install Rust from https://rustup.rs, open a new shell and run this again");
  }
}

async function installNodeModules() {
  const stamp = join(root, "node_modules/.lock-sha256");
  const lock = createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("set-up  JavaScript packages (npm ci) ...");
  // No package here needs its install script, so none gets to run one.
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    remedy: "check the connection to the npm registry; if package-lock.json does not match package.json, run `npm install`",
  });
  writeFileSync(stamp, lock);
}

/** @param {boolean} tests */
async function prepareRust(tests) {
  const toolchain = ask("rustup", ["show", "active-toolchain"])?.split(" ")[0];
  if (!toolchain) throw new Failure("rustup has no active toolchain", "run `rustup default stable`");
  const rustc = ask("rustc", ["--version"])?.split(" ")[1] ?? "";
  const needed = /^rust-version = "([\d.]+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1] ?? "";
  if (rustc.localeCompare(needed, "en", { numeric: true }) < 0) {
    throw new Failure(`rustc ${rustc} of toolchain ${toolchain} is too old: ${needed} is needed`, "run `rustup update`");
  }
  if (!ask("rustup", ["target", "list", "--installed", "--toolchain", toolchain])?.split("\n").includes(target)) {
    say(`set-up  Rust target ${target} for ${toolchain} ...`);
    await run("rustup", ["target", "add", target, "--toolchain", toolchain], { remedy: "check the connection to static.rust-lang.org" });
  }
  for (const component of tests ? ["rustfmt", "clippy"] : []) {
    if (ask("cargo", [component === "rustfmt" ? "fmt" : component, "--version"])) continue;
    say(`set-up  Rust component ${component} for ${toolchain} ...`);
    await run("rustup", ["component", "add", component, "--toolchain", toolchain], { remedy: "check the connection to static.rust-lang.org" });
  }
  const host = /^host: (.*)$/m.exec(ask("rustc", ["-vV"]) ?? "")?.[1] ?? "";
  // Someone who changes a dependency wants Cargo.lock brought up to date; CI wants to hear that it is not.
  const fetch = ["fetch", ...(process.env.CI ? ["--locked"] : []), "--target", host, "--target", target];
  if (ask("cargo", [...fetch, "--offline"]) !== undefined) return;
  say("set-up  Rust crates (cargo fetch) ...");
  await run("cargo", fetch, {
    remedy: "check the connection to crates.io; if Cargo.lock does not match the Cargo.toml files, run `cargo fetch` and commit Cargo.lock",
  });
}

/**
 * The version of a crate in Cargo.lock.
 * @param {string} name
 */
function lockedVersion(name) {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const version = new RegExp(`^name = "${name}"\\nversion = "(.*)"$`, "m").exec(lock)?.[1];
  if (!version) throw new Failure(`Cargo.lock names no crate \`${name}\``, "restore Cargo.lock: `git checkout Cargo.lock`");
  return version;
}

/** Where tools are kept for every clone of the repository. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pocketrank");

let workshopFolder = "";

/** A folder in the cache to build tools in, so that they share what they have in common; it goes when this process ends. */
function workshop() {
  if (!workshopFolder) {
    mkdirSync(cache, { recursive: true });
    workshopFolder = mkdtempSync(join(cache, ".building-"));
    process.once("exit", () => rmSync(workshopFolder, { recursive: true, force: true }));
  }
  return workshopFolder;
}

/**
 * Builds a command-line tool in the version that its library has here.
 * @param {string} name
 * @param {string} crate
 * @param {string} version
 * @param {string[]} programs
 * @returns {Promise<string>} the folder of its programs
 */
export async function installTool(name, crate, version, programs) {
  const home = join(cache, `${name}-${version}`);
  const isComplete = () => programs.every((program) => existsSync(join(home, "bin", program)));
  if (!isComplete()) {
    say(`set-up  ${crate} ${version}, once for this user (takes a few minutes) ...`);
    const folder = workshop();
    // Without --locked: its lock file may name releases that a registry mirror does not have yet.
    await run("cargo", ["install", crate, "--version", `=${version}`, "--root", join(folder, name)], {
      cwd: folder,
      // They run for a second: compiled with little optimization they are here in two thirds of the time.
      env: { CARGO_TARGET_DIR: join(folder, "target"), CARGO_PROFILE_RELEASE_OPT_LEVEL: "1" },
      remedy: "check the connection to crates.io and that a C compiler (cc) is installed, then run this again",
    });
    // Built beside and then renamed: what is in place is always whole.
    rmSync(home, { recursive: true, force: true });
    renameSync(join(folder, name), home);
  }
  return join(home, "bin");
}

/** The paths of Chromium and of its driver, where there are such. */
export function findBrowser() {
  return {
    chromium: process.env.CHROMIUM || which("chromium", "chromium-browser", "google-chrome"),
    chromedriver: process.env.CHROMEDRIVER || which("chromedriver"),
  };
}

/**
 * Installs Debian's packages.
 * @param {string} what for people
 * @param {string[]} packages
 * @param {string} remedy what to do where this user cannot
 */
export async function installPackages(what, packages, remedy) {
  if (process.getuid?.() !== 0 || !which("apt-get")) throw new Failure(`${what} is missing, and this user cannot install it here`, remedy);
  say(`set-up  ${what} (apt-get) ...`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update"], { env, remedy });
  await run("apt-get", ["install", "-y", "--no-install-recommends", ...packages], { env, remedy });
}

async function installBrowser() {
  let { chromium, chromedriver } = findBrowser();
  if (!chromium || !chromedriver) {
    const remedy = "run `sudo apt-get update && sudo apt-get install -y chromium chromium-driver`, or set CHROMIUM and CHROMEDRIVER to the two programs";
    await installPackages("Chromium and its driver", ["chromium", "chromium-driver"], remedy);
    ({ chromium, chromedriver } = findBrowser());
  }
  if (!chromium || !chromedriver) {
    throw new Failure("Chromium or its driver is not on PATH after the installation", "set CHROMIUM and CHROMEDRIVER to the two programs");
  }
  return { chromium, chromedriver };
}

if (isMain(import.meta.url)) {
  await main(async () => {
    await setup({ tests: process.argv.includes("--tests") });
  });
}
