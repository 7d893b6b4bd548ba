/** A folder outside of the repository with the packed package installed in it, as a shop would install it, and one golden case to rank. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/process.mjs";
import { launchChromium } from "../js/support/chromium.mjs";
import { serveSite } from "../js/support/site.mjs";

/** @type {any[]} */
const cases = JSON.parse(readFileSync(join(root, "tests/cases/rerank.json"), "utf8"));
/** A visitor with some history, so that the slate depends on all that is packed. */
export const golden = cases.find(({ events, slate }) => events.length > 5 && slate.length > 5);

/** @param {string} command @param {string[]} args @param {string} cwd */
export function run(command, args, cwd) {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export function makeConsumer() {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-consumer-"));
  const write = (/** @type {string} */ name, /** @type {string} */ content) => writeFileSync(join(folder, name), content);
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], root));
  write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
  // It depends on nothing, so it installs without a registry.
  run("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", `./${filename}`], folder);
  copyFileSync(join(root, "tests/js/support/replay.mjs"), join(folder, "replay.mjs"));
  copyFileSync(join(root, "tests/fixtures/random-v1.bin"), join(folder, "snapshot.bin"));
  write("case.json", JSON.stringify([golden]));
  return { folder, tarball: join(folder, filename), write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Opens a built page in Chromium.
 * @param {import("node:test").TestContext} context
 * @param {string} built the folder that is served
 * @param {string} [assets] the folder of its files
 * @returns {Promise<{ slates: number[][][], assets: string[] }>} what the page printed, and the names of the files
 */
export async function openPage(context, built, assets = built) {
  const site = await serveSite(built);
  context.after(site.stop);
  const browser = await launchChromium();
  context.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(site.url);
  const output = page.locator("output:not(:empty)");
  await output.waitFor({ state: "attached" });
  return { slates: JSON.parse(await output.innerText()), assets: readdirSync(assets) };
}
