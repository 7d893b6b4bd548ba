/**
 * Serves the built edge worker in workerd on this machine, as wrangler.toml says: for `npm start` and for the tests.
 * Nothing is asked of the network and nothing is kept from one run to the next.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure, root } from "./process.mjs";
import { AUDIENCE, demoKey } from "./shop/models.mjs";

Object.assign(process.env, {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
});

/**
 * @param {object} [options]
 * @param {number} [options.port] any free one if not given
 * @param {string} [options.assets] the folder of the shop's files; dist/shop if not given
 * @param {Record<string, string>} [options.vars] variables of the worker, over those of wrangler.toml and what is to be trusted of the demo shop
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>} `url` has no slash at its end
 */
export async function serveEdge({ port = 0, assets = join(root, "dist/shop"), vars = {} } = {}) {
  if (!existsSync(join(root, "dist/worker/index.js"))) throw new Failure("dist/worker is missing", "run `npm run build`");
  if (!existsSync(assets)) throw new Failure(`${assets} is missing`, "run `npm start -- --no-serve`");
  const { unstable_startWorker } = await import("wrangler");
  const worker = await unstable_startWorker({
    config: join(root, "wrangler.toml"),
    bindings: Object.fromEntries(Object.entries({ AUDIENCE, PUBLIC_KEYS: demoKey(), ...vars }).map(([name, value]) => [name, { type: "plain_text", value }])),
    assets,
    dev: {
      remote: false,
      server: { hostname: "localhost", port },
      inspector: false,
      watch: false,
      persist: false,
      logLevel: "warn",
    },
  });
  await worker.ready;
  return { url: (await worker.url).origin, stop: () => worker.dispose() };
}
