/**
 * The built edge worker in workerd, through Miniflare, over a small shop that a test writes itself.
 *
 * The model is the golden one: 400 items, `sku-0` to `sku-399`. What a slate must be is computed in Node by the npm package,
 * whose slates the golden cases hold to the native ones.
 */
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Miniflare } from "miniflare";
import { root } from "../../scripts/process.mjs";
import { Consent, Profile, Ranker, init, renderCard } from "pocketrank";

await init();

/** @typedef {import("../../www/index.d.ts").CandidateItem} Item */
/** @typedef {Record<string, string | Uint8Array>} Files contents by path, `/` first */

export const snapshot = readFileSync(join(root, "tests/fixtures/random-v1.bin"));
const ranker = new Ranker(snapshot);
/** The id of the golden model. */
export const snapshotId = ranker.id;
/** Its path, as the manifest says. */
export const snapshotPath = `/pocketrank/snapshot-${snapshotId}.bin`;

/** Seconds since 1970-01-01 UTC. */
export const now = Math.floor(Date.now() / 1000);

/**
 * Items as a candidates list has them.
 * @param {number[]} numbers item `n` has the id `sku-n`
 * @returns {Item[]}
 */
export function items(numbers) {
  return numbers.map((n) => ({
    id: `sku-${n}`,
    slug: `item-${n}`,
    name: `Item ${n}`,
    url: `/product/item-${n}`,
    image: `/images/item-${n}.svg`,
    price: "1.00",
    currency: "EUR",
    price_text: "€1.00",
    category: "Things",
    category_slug: "things",
    brand: null,
    in_stock: n % 10 !== 7,
  }));
}

/** @param {number} from @param {number} to */
export function range(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** @param {Item[]} list @param {number} [ttl] seconds */
export function candidates(list, ttl = 900) {
  return JSON.stringify({ list: "any", title: "Any", ttl, generated: "2023-11-14T00:00:00Z", items: list });
}

export const manifest = JSON.stringify({
  snapshot: { id: snapshotId, url: snapshotPath, bytes: snapshot.length },
  runtime: {},
  candidates: {},
});

/** What upstream has in every slot. */
export const fallback = `<ol class="pr-track"><li class="pr-card" data-item="upstream">upstream</li></ol>`;

/**
 * A slot as upstream writes it.
 * @param {string} list
 * @param {number | string} count
 */
export function slot(list, count = 5, name = list) {
  return `<pocketrank-carousel data-pocketrank-slot="${name}" data-pocketrank-candidates="${list}" data-pocketrank-count="${count}">${fallback}</pocketrank-carousel>`;
}

/** @param {string} body */
export function page(body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title></head><body>${body}</body></html>`;
}

/** A shop of one page with two slots. @type {Files} */
export const shop = {
  "/index.html": page(`<h1>Shop</h1>${slot("popular")}<p>between</p>${slot("trending", 3)}`),
  "/about.html": page("<p>no slots</p>"),
  "/pocketrank/manifest.json": manifest,
  [snapshotPath]: snapshot,
  "/pocketrank/runtime-0a1b2c3d.wasm": Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0),
  "/pocketrank/candidates/popular.json": candidates(items(range(0, 60))),
  "/pocketrank/candidates/trending.json": candidates(items(range(100, 140))),
};

/**
 * @typedef {object} Slot a slot of an answer
 * @property {string} name
 * @property {string | undefined} by
 * @property {string | undefined} snapshot
 * @property {number[]} rows
 * @property {string} html what is in it
 */

/**
 * The slots of a page, in order.
 * @param {string} html
 * @returns {Slot[]}
 */
export function readSlots(html) {
  const slots = html.matchAll(/<pocketrank-carousel ([^>]*)>(.*?)<\/pocketrank-carousel>/gs);
  return [...slots].map(([, attributes = "", inner = ""]) => {
    const attribute = (/** @type {string} */ name) => new RegExp(`data-pocketrank-${name}="([^"]*)"`).exec(attributes)?.[1];
    return {
      name: attribute("slot") ?? "",
      by: attribute("by"),
      snapshot: attribute("snapshot"),
      rows: (attribute("rows") ?? "").split(",").filter(Boolean).map(Number),
      html: inner,
    };
  });
}

/**
 * A visitor's profile.
 * @param {[item: number, kind: import("../../www/index.d.ts").EventKind, daysAgo: number][]} events oldest first
 */
export function visitor(events) {
  const consent = new Consent({ choice: { mode: "session", capsule: true } });
  const grant = consent.grant();
  const capsuleGrant = consent.capsuleGrant();
  if (!grant || !capsuleGrant) throw new Error("a choice that allows all gives both grants");
  const profile = new Profile();
  for (const [item, kind, daysAgo] of events) profile.record(grant, `sku-${item}`, kind, now - daysAgo * 86_400);
  return { profile, cookie: `__Host-pocketrank=${profile.capsule(capsuleGrant, now)}` };
}

/**
 * What a slot must be filled with.
 * @param {Item[]} list
 * @param {number} count
 * @param {Profile} [profile] the contextual visitor if not given
 */
export function expected(list, count, profile = new Profile()) {
  ranker.setProfile(profile, now);
  const slate = ranker.rerank(ranker.candidates(list), { count });
  const cards = slate.map(({ index }) => renderCard(/** @type {Item} */ (list[index])));
  return { rows: slate.map(({ row }) => row), html: `<ol class="pr-track">${cards.join("")}</ol>` };
}

/** @param {import("miniflare").Request} request @returns {never} */
function refuse(request) {
  throw new Error(`the worker asked for ${request.url}`);
}

/**
 * @typedef {object} Edge
 * @property {(path: string, init?: RequestInit) => Promise<Response>} fetch redirects are not followed
 * @property {string[]} warnings what the worker told the console
 * @property {() => Promise<void>} stop
 */

/**
 * @typedef {object} Options
 * @property {Files} [files] over those of `shop`
 * @property {Record<string, string>} [vars] over those of the tests
 * @property {(request: import("miniflare").Request) => import("miniflare").Response | Promise<import("miniflare").Response>} [upstream]
 *   answers every request that leaves the worker; if not given, none may leave it but to `UPSTREAM_URL`
 * @property {(request: import("miniflare").Request) => import("miniflare").Response} [assets] answers for the files, instead of
 *   the platform; they cannot change while it serves them
 * @property {string} [entry] source of a module that stands before the worker's, `./index.js`
 */

/**
 * Starts the worker.
 * @param {Options} [options]
 * @returns {Promise<Edge>}
 */
export async function startEdge({ files = {}, vars = {}, upstream, assets, entry } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "pocketrank-edge-"));
  for (const [path, content] of Object.entries({ ...shop, ...files })) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  /** @type {string[]} */
  const warnings = [];
  const built = join(root, "dist/worker");
  const compatibilityDate = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))?.[1];
  const source = (/** @type {string} */ name) => readFileSync(join(built, name));
  const miniflare = new Miniflare({
    modulesRoot: built,
    modules: [
      ...(entry ? [/** @type {const} */ ({ type: "ESModule", path: join(built, "entry.js"), contents: entry })] : []),
      { type: "ESModule", path: join(built, "index.js"), contents: source("index.js") },
      { type: "CompiledWasm", path: join(built, "index_bg.wasm"), contents: source("index_bg.wasm") },
    ],
    compatibilityDate,
    bindings: { UPSTREAM_URL: "", PAGES: "/*", CAPSULE: "on", ...vars },
    ...(assets
      ? { serviceBindings: { ASSETS: assets } }
      : {
          assets: {
            directory,
            binding: "ASSETS",
            routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
          },
        }),
    ...(upstream || !vars.UPSTREAM_URL ? { outboundService: upstream ?? refuse } : {}),
    handleRuntimeStdio: (/** @type {import("node:stream").Readable[]} */ ...streams) => {
      for (const stream of streams) {
        stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => warnings.push(...text.split("\n").filter(Boolean)));
      }
    },
  });
  const url = await miniflare.ready;
  return {
    fetch: (path, init) => fetch(new URL(path, url), { redirect: "manual", ...init }),
    warnings,
    stop: async () => {
      await miniflare.dispose();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
