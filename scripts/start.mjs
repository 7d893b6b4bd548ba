/**
 * `npm start`: from a shop's data to its pages, served through the edge worker on this machine.
 *
 * Usage: npm start -- [--events FILE [--catalogue FILE] [--config NAME|FILE]] [--port N] [--no-serve]
 * Without --events it trains on a shop that it makes up, always the same one.
 */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, cli } from "./build.mjs";
import { serveEdge } from "./edge.mjs";
import { Failure, interrupted, isMain, main, root, run, say, seconds } from "./process.mjs";
import { setup } from "./setup.mjs";

/** @typedef {{ events?: string, catalogue?: string, config?: string }} Sources files of a shop, by the CLI's flags */

/** Where a shop's data and its pages go. */
const folders = { data: join(root, "dist/data"), shop: join(root, "dist/shop") };

/**
 * Trains on the given files, or on the made-up shop, and makes the pages.
 * @param {Sources} sources
 * @param {typeof folders} [out]
 */
export async function makeShop(sources, { data, shop } = folders) {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  const program = cli();
  if (!sources.events) {
    say("shop    made up: a catalogue and visits to it");
    await run(program, ["synth", "-o", data]);
    sources = { events: join(data, "events.jsonl"), catalogue: join(data, "catalogue.jsonl"), ...sources };
  }
  const flags = Object.entries(sources).flatMap(([name, path]) => [`--${name}`, path]);
  const snapshot = join(data, "snapshot.bin");
  say("shop    train, with few trials: a shop in a minute, not the best model");
  await run(program, ["train", ...flags, "--trials", "8", "--templates", join(root, "www/shop/templates"), "-o", snapshot]);
  say("shop    candidates");
  await run(program, ["candidates", snapshot, ...flags, "-o", data]);
  say("shop    pages");
  await run(process.execPath, [join(root, "scripts/shop.mjs"), "--data", data, "--out", shop]);
}

/** @returns {{ sources: Sources, port: number, serve: boolean }} */
function readArguments() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        events: { type: "string" },
        catalogue: { type: "string" },
        config: { type: "string" },
        port: { type: "string", default: "8787" },
        "no-serve": { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new Failure(/** @type {Error} */ (error).message, "npm start -- [--events FILE] [--catalogue FILE] [--config NAME|FILE] [--port N] [--no-serve]");
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Failure(`--port ${values.port} is no port`, "name one of 1 to 65535");
  // npm runs scripts in the repository's root: paths count from where the user stands.
  const here = process.env.INIT_CWD ?? process.cwd();
  /** @type {Sources} */
  const sources = {};
  for (const name of /** @type {const} */ (["events", "catalogue", "config"])) {
    const path = values[name];
    if (path === undefined) continue;
    const file = resolve(here, path);
    // A configuration may also be the name of a ready one; the CLI knows them.
    if (name === "config" && !existsSync(file)) sources[name] = path;
    else if (existsSync(file)) sources[name] = file;
    else throw new Failure(`--${name} ${path}: there is no such file`, `paths count from ${here}`);
  }
  if (sources.catalogue && !sources.events) throw new Failure("--catalogue without --events", "name the events file as well");
  return { sources, port, serve: !values["no-serve"] };
}

/** @param {number} port */
async function checkPort(port) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "localhost", () => resolve(undefined))).catch((error) => {
    throw new Failure(`port ${port} cannot be used: ${error.code}`, `end the program that uses it, or run \`npm start -- --port ${port + 1}\``);
  });
  await new Promise((resolve) => server.close(resolve));
}

/** @param {number} port */
async function serve(port) {
  const { url, stop } = await serveEdge({ port });
  const response = await fetch(url);
  if (!response.ok) throw new Failure(`${url} answers ${response.status}`, "read what the worker reports above");
  await response.arrayBuffer();
  say(`
The shop is open:  ${url}

Try:
  - Choose "Accept all", look at three products and go back to the start: "For you" has followed.
  - "Why this?" on a card says which of your visits put it there.
  - Put one in the cart and buy it: ${url}/account shows what your browser knows, and no one else.
  - ${url}/privacy has all of it as a file, takes it to another device, and erases it; "Forget me" at the foot of each page does that too.
  - "Look under the hood" at the foot of the page shows scores, experiments and replays.
  - curl -H 'Sec-GPC: 1' ${url}    the page as it is for a visitor who is not to be tracked

Ctrl-C ends it.`);
  await interrupted();
  await stop();
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const started = performance.now();
    const { sources, port, serve: wanted } = readArguments();
    if (wanted) await checkPort(port);
    const tools = await setup();
    await build(tools, ["origin", "runtime", "npm"]);
    await makeShop(sources);
    await build(tools, ["worker"]);
    say(`ready   ${relative(root, folders.data)}, ${relative(root, folders.shop)} (${seconds(started)})`);
    if (wanted) await serve(port);
  });
}
