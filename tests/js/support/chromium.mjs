/** Chromium for the tests: the system's own, driven by playwright-core, with the flags of webdriver.json. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { root } from "../../../scripts/process.mjs";
import { findBrowser } from "../../../scripts/setup.mjs";

/** @typedef {(...args: any[]) => unknown} Script */

/** @returns {Promise<import("playwright-core").Browser>} close it when done */
export function launchChromium() {
  const options = JSON.parse(readFileSync(join(root, "webdriver.json"), "utf8"))["goog:chromeOptions"];
  return chromium.launch({ executablePath: findBrowser().chromium, args: options.args });
}

/**
 * A visitor on a page.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions & { before?: Script | Script[] | undefined }} [options] `before` runs in each page first
 */
export async function enter(browser, url, { before = [], ...options } = {}) {
  const context = await browser.newContext(options);
  for (const script of [before].flat()) await context.addInitScript(script);
  const page = await context.newPage();
  const said = listen(page);
  await page.goto(url);
  return { context, page, said, close: () => context.close() };
}

/** What a page says on its console from now on. @param {import("playwright-core").Page} page */
export function listen(page) {
  /** @type {string[]} */
  const said = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  return said;
}

/** What axe finds wrong with a page that was opened with `bypassCSP`, or has no policy. @param {import("playwright-core").Page} page */
export async function violations(page) {
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const found = /** @type {import("axe-core").AxeResults} */ (await page.evaluate(`${axe}; axe.run()`));
  return found.violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(({ html }) => html.slice(0, 200)).slice(0, 3).join(" ")}`);
}

/**
 * Every request that a context's pages, workers and frames make from now on.
 * @param {import("playwright-core").BrowserContext} context
 * @returns {{ method: string, url: string, headers: Record<string, string>, body: string | null }[]} grows as they are made
 */
export function watchRequests(context) {
  /** @type {{ method: string, url: string, headers: Record<string, string>, body: string | null }[]} */
  const requests = [];
  context.on("request", (request) => {
    requests.push({ method: request.method(), url: request.url(), headers: request.headers(), body: request.postData() });
  });
  return requests;
}

/**
 * Everything that a page's origin keeps in this browser, by kind; what is empty is left out, so nothing kept is {}.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<Record<string, string[]>>}
 */
export async function readStorage(page) {
  /** @type {Record<string, string[]>} */
  const kept = await page.evaluate(async () => ({
    localStorage: Object.keys(localStorage),
    sessionStorage: Object.keys(sessionStorage),
    indexedDB: (await indexedDB.databases()).map(({ name }) => String(name)),
    caches: await caches.keys(),
    serviceWorkers: (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope),
    fileSystem: await (async () => {
      const names = [];
      for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
      return names;
    })(),
  }));
  kept.cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`);
  return Object.fromEntries(Object.entries(kept).filter(([, names]) => names.length > 0));
}

/**
 * Waits until nothing is stored any more: what is erased goes piece by piece, and other tabs do it in their own time.
 * @param {import("playwright-core").Page} page
 */
export async function untilErased(page) {
  const end = Date.now() + 15_000;
  for (;;) {
    const kept = await readStorage(page);
    if (Object.keys(kept).length === 0) return;
    if (Date.now() > end) throw new Error(`kept after 15 s: ${JSON.stringify(kept)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Chromium on a profile that outlives it, started here so that it can be killed.
 * @param {string} profile folder
 */
export async function launchOn(profile) {
  const options = JSON.parse(readFileSync(join(root, "webdriver.json"), "utf8"))["goog:chromeOptions"];
  const args = [...options.args, "--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "--no-first-run"];
  const child = spawn(String(findBrowser().chromium), args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  let said = "";
  const address = await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`Chromium ended with ${code}: ${said}`)));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      const [, url] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (url) resolve(url);
    });
  });
  const browser = await chromium.connectOverCDP(address);
  const end = async (/** @type {NodeJS.Signals} */ signal) => {
    child.kill(signal);
    await ended;
    await browser.close();
  };
  return {
    context: browser.contexts()[0] ?? (await browser.newContext()),
    /** As when the power fails. */
    kill: () => end("SIGKILL"),
    close: () => end("SIGTERM"),
  };
}

/**
 * Waits until a function of the page gives what is true. Unlike `waitForFunction` it needs neither frames nor timers of the page, which
 * may have a clock of its own.
 * @template A
 * @param {import("playwright-core").Page} page
 * @param {(arg: A) => unknown} holds
 * @param {A} [arg]
 */
export async function until(page, holds, arg) {
  const end = Date.now() + 15_000;
  while (!(await page.evaluate(/** @type {any} */ (holds), arg))) {
    if (Date.now() > end) throw new Error(`not within 15 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
