/**
 * Running other programs: what every script here shares. A program that fails ends the script with what failed and
 * what to do about it, and a script that is ended ends the programs it started.
 */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A step that failed: `message` says what, `remedy` what to do. */
export class Failure extends Error {
  /**
   * @param {string} what
   * @param {string} [remedy]
   */
  constructor(what, remedy) {
    super(what);
    this.remedy = remedy;
  }
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();

/** Whether stdout is for a machine: then it carries one JSON object, and all that is said goes to stderr. */
export const wantsJson = process.argv.includes("--json");
const said = wantsJson ? process.stderr : process.stdout;

/** @param {string} text */
export function say(text) {
  said.write(`${text}\n`);
}

/** @param {number} since a time by `performance.now()` */
export function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] the repository's root if not given
 * @property {Record<string, string>} [env] added to this process's environment
 * @property {string} [remedy] what to do when it fails
 * @property {boolean} [collect] also hand back what it wrote to stdout
 */

/**
 * Runs a program with its output on this terminal. Where that is no terminal, a line every 20 seconds shows that a
 * silent program still runs.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<string>} its stdout with `collect`, else ""
 */
export async function run(command, args, { cwd = root, env = {}, remedy, collect = false } = {}) {
  const line = [command, ...args].join(" ");
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", collect ? "pipe" : wantsJson ? 2 : "inherit", "inherit"],
  });
  children.add(child);
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    output += text;
    said.write(text);
  });
  const started = performance.now();
  const beat = process.stdout.isTTY
    ? undefined
    : setInterval(() => say(`  ... ${args[0] ?? command} runs for ${seconds(started)}`), 20_000);
  try {
    /** @type {string} */
    const end = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(signal ? `was ended by ${signal}` : code ? `exit code ${code}` : ""));
    });
    if (end) throw new Failure(`\`${line}\` failed: ${end}`, remedy);
    return output;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`\`${line}\` could not be started: ${/** @type {Error} */ (error).message}`, remedy);
  } finally {
    clearInterval(beat);
    children.delete(child);
  }
}

/**
 * What a program prints, or undefined if there is no such program or it fails.
 * @param {string} command
 * @param {string[]} args
 */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The path of the first of these programs that PATH holds.
 * @param {string[]} names
 */
export function which(...names) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder: the next one may have it.
      }
    }
  }
  return undefined;
}

/** How a script ends that is told to: 128 + the signal's number, as shells have it. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const signals = /** @type {(keyof typeof exitCodes)[]} */ (Object.keys(exitCodes));

/**
 * Runs a script's body and turns its end into an exit code: 0, 1 for a failure, 128 + n for a signal.
 * @param {() => Promise<void>} body
 */
export async function main(body) {
  for (const signal of signals) {
    process.once(signal, () => {
      for (const child of children) child.kill(signal);
      process.exit(exitCodes[signal]);
    });
  }
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`\nfailed: ${error.message}\n`);
    if (error.remedy) process.stderr.write(`to do:  ${error.remedy.replaceAll("\n", "\n        ")}\n`);
    process.exitCode = 1;
  }
}

/**
 * Waits until all have ended, also where one failed: nothing goes on behind the news of a failure.
 * @param {Promise<unknown>[]} works
 */
export async function sideBySide(works) {
  for (const end of await Promise.allSettled(works)) if (end.status === "rejected") throw end.reason;
}

/** Waits until the user ends the script; that is its proper end then, so the exit code stays 0. */
export async function interrupted() {
  await new Promise((resolve) => {
    for (const signal of signals) process.removeAllListeners(signal).once(signal, resolve);
  });
}

/**
 * Whether a module was started as a program and not imported.
 * @param {string} url its `import.meta.url`
 */
export function isMain(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === realpathSync(process.argv[1]);
}
