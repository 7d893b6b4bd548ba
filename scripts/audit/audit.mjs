/** The audit itself: each state of consent is lived through by two visitors with different tastes, behind the real edge worker in workerd. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serveEdge } from "../edge.mjs";
import { root } from "../process.mjs";
import { samples } from "../shop/pages.mjs";
import { tastes } from "../../tests/js/support/shop.mjs";
import { serveSite } from "../../tests/js/support/site.mjs";
import { init } from "../../dist/npm/node.js";
import { judge } from "./verdict.mjs";
import { visit } from "./visit.mjs";

/** @typedef {import("./states.mjs").State} State */

/**
 * The shop: its own server, which keeps what it is asked, with the edge in front.
 * @param {Record<string, { type: string, body: string }>} [files] that it also has, by their paths
 */
export async function openShop(files = {}) {
  const folder = join(root, "dist/shop");
  const upstream = await serveSite(folder, ({ url = "/" }) => {
    const { pathname } = new URL(url, "http://localhost");
    const own = files[pathname];
    if (own) return { headers: { "content-type": own.type }, body: own.body };
    const file = join(folder, `${pathname.slice(1)}.html`);
    return existsSync(file) ? { headers: { "content-type": "text/html; charset=utf-8" }, body: readFileSync(file) } : undefined;
  });
  const edge = await serveEdge({ assets: folder, vars: { UPSTREAM_URL: upstream.url, CAPSULE: "on" } });
  return {
    url: edge.url,
    /** What the shop's own server was asked. */
    asked: upstream.requests,
    async stop() {
      await edge.stop();
      await upstream.stop();
    },
  };
}

/** What visitors look at, and the pictures that pages may show. */
export function readPlans() {
  const catalogue = JSON.parse(readFileSync(join(root, "dist/data/catalogue.json"), "utf8"));
  const path = samples(catalogue).map(({ path }) => path);
  const [one = [], two = []] = tastes();
  return { path, tastes: /** @type {const} */ ([one, two]), images: /** @type {string[]} */ (catalogue.items.map((/** @type {{ image: string }} */ { image }) => image)) };
}

/**
 * @param {import("./visit.mjs").Place} place
 * @param {State} state
 * @param {ReturnType<typeof readPlans>} plans
 */
export async function look(place, state, { path, tastes, images }) {
  const [one, two] = tastes;
  const both = [one, two].map((history) => visit(place, state, { history, path }));
  // One that fails waits for the other.
  await Promise.allSettled(both);
  const visits = await Promise.all(/** @type {[typeof both[0], typeof both[0]]} */ (both));
  // For what reads capsules.
  await init();
  const pictures = new Set(images.map((image) => new URL(image, place.shop).href));
  return judge(state, visits, { shop: place.shop, pictures });
}

/**
 * What the shop's own server was asked with that it should not have been.
 * @param {import("node:http").IncomingMessage[]} asked
 */
export function tellsUpstream(asked) {
  return asked.flatMap(({ url, headers }) => (headers.cookie || JSON.stringify(headers).includes("__Host-pocketrank") ? [`the shop's own server saw a cookie: ${url} ${headers.cookie}`] : []));
}
