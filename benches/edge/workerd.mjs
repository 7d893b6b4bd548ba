/**
 * The built edge worker in workerd by itself: its binary, a configuration, and nothing between it and the load. The snapshot and the lists
 * come from its disk service, what follows an origin is not bound.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { Failure, root } from "../../scripts/process.mjs";

const { default: binary, version } = /** @type {{ default: string, version: string }} */ (createRequire(import.meta.url)("workerd"));
export { version };

/**
 * How V8 is set: with little room for what is new it stops often and shortly. As it comes it stops for tens of milliseconds each half a second, of pages that
 * are passed through as well. With less room than this, what is still under way is taken for old and waits for long to be taken apart.
 */
export const V8_FLAGS = ["--max-semi-space-size=8"];

/** In what Linux counts processor time, a second. */
const TICKS = 100;

/**
 * @typedef {object} Workerd
 * @property {string} address host and port
 * @property {() => number} memory bytes of the process that are in memory
 * @property {() => number} busy seconds of processor time that the process has used
 * @property {string[]} told what it wrote to its console
 * @property {() => Promise<void>} stop
 */

/**
 * @param {object} options
 * @param {string} options.folder for its configuration, within dist/
 * @param {string} options.assets the folder of what is deployed with the worker
 * @param {Record<string, string>} options.vars
 * @param {string[]} options.flags of V8
 * @returns {Promise<Workerd>} it ends with this process, if it is not stopped before
 */
export async function startWorkerd({ folder, assets, vars, flags }) {
  const built = relative(folder, join(root, "dist/worker"));
  const date = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))?.[1];
  const bindings = Object.entries(vars).map(([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "workerd.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${JSON.stringify(flags)},
  services = [
    (name = "edge", worker = (
      modules = [
        (name = "index.js", esModule = embed "${built}/index.js"),
        (name = "index_bg.wasm", wasm = embed "${built}/index_bg.wasm"),
      ],
      compatibilityDate = "${date}",
      bindings = [(name = "ASSETS", service = "assets"), ${bindings.join(", ")}],
    )),
    (name = "assets", disk = ${JSON.stringify(assets)}),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "edge")],
);
`,
  );
  const child = spawn(binary, ["serve", config, "--control-fd=3"], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise((resolve) => child.once("close", resolve));
  /** @type {string[]} */
  const told = [];
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => told.push(...text.split("\n").filter(Boolean)));
  const port = await new Promise((resolve, reject) => {
    const control = /** @type {import("node:stream").Readable} */ (child.stdio[3]);
    control.setEncoding("utf8").on("data", (text) => {
      for (const line of text.split("\n").filter(Boolean)) {
        const event = JSON.parse(line);
        if (event.event === "listen") resolve(event.port);
      }
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Failure(`workerd ended with ${code}\n${told.join("\n")}`, `run \`${binary} serve ${config}\``)));
  });
  return {
    address: `127.0.0.1:${port}`,
    memory: () => {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      return Number(kilobytes) * 1024;
    },
    busy: () => {
      // Behind the name, which may have blanks: from the state on, user and system time are the 12th and 13th.
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS;
    },
    told,
    stop: async () => {
      process.removeListener("exit", end);
      end();
      await ended;
    },
  };
}
