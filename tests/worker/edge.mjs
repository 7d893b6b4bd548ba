/**
 * The built edge worker in workerd, through Miniflare, over a small shop that a test writes itself.
 *
 * The model is the golden one: 400 items, `sku-0` to `sku-399`. What a slate must be is computed in Node by the npm package,
 * whose slates the golden cases hold to the native ones.
 */
import { existsSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Miniflare } from "miniflare";
import { root } from "../../scripts/process.mjs";
import { Consent, Profile, Ranker, init } from "pocketrank";
import { Renderer } from "pocketrank/render";
import { audience, pinned, publish, snapshots } from "./published.mjs";

await init();

/** @typedef {import("../../www/index.d.ts").CandidateItem} Item */
/** @typedef {Record<string, string | Uint8Array>} Files contents by path, `/` first */

const rankers = snapshots.map((bytes) => new Ranker(bytes));
/** Of the golden model. */
export const ranker = /** @type {Ranker} */ (rankers[0]);
export const snapshot = /** @type {Uint8Array} */ (snapshots[0]);
/** The ids of the golden model and of what its deltas make of it. */
export const ids = rankers.map(({ id }) => id);
export const [snapshotId = ""] = ids;
/** Where it is, as the manifest says. */
export const snapshotPath = `/pocketrank/snapshots/${snapshotId}.pkr`;
export const manifestPath = "/pocketrank/manifest.pkrm";

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

/** @param {Item[]} list */
export function candidates(list) {
  return JSON.stringify({ list: "any", title: "Any", ttl: 900, generated: "2023-11-14T00:00:00Z", items: list });
}

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
  "/pocketrank/runtime-0a1b2c3d.wasm": Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0),
};

/** Its lists. @type {Record<string, string | Uint8Array>} */
export const lists = {
  popular: candidates(items(range(0, 60))),
  trending: candidates(items(range(100, 140))),
};

/** What is deployed of a publication, by path. @param {import("./published.mjs").Publication} publication @returns {Files} */
export function deployed(publication) {
  return Object.fromEntries(Object.entries(publish(publication)).map(([url, content]) => [`/pocketrank/${url}`, content]));
}

/**
 * @typedef {object} Slot a slot of an answer
 * @property {string} name
 * @property {string | undefined} by
 * @property {string | undefined} snapshot
 * @property {number[]} rows
 * @property {Record<string, any> | undefined} page the page's attributes
 * @property {any[]} experiments those that the visitor is in
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
    const json = (/** @type {string} */ name) => JSON.parse((attribute(name) ?? "null").replaceAll("&quot;", '"').replaceAll("&amp;", "&")) ?? undefined;
    return {
      name: attribute("slot") ?? "",
      by: attribute("by"),
      snapshot: attribute("snapshot"),
      rows: (attribute("rows") ?? "").split(",").filter(Boolean).map(Number),
      page: json("page"),
      experiments: json("experiments") ?? [],
      html: inner,
    };
  });
}

/**
 * A visitor's profile.
 * @param {[item: number, kind: import("../../www/index.d.ts").EventKind, daysAgo: number][]} events oldest first
 * @param {number} [seed] draws the lot; there is none if not given
 */
export function visitor(events, seed) {
  const consent = new Consent({ choice: { mode: "session", capsule: true } });
  const grant = consent.grant();
  const capsuleGrant = consent.capsuleGrant();
  if (!grant || !capsuleGrant) throw new Error("a choice that allows all gives both grants");
  const profile = new Profile();
  for (const [item, kind, daysAgo] of events) profile.record(grant, `sku-${item}`, kind, now - daysAgo * 86_400);
  if (seed !== undefined) profile.drawLot(grant, seed);
  return { profile, cookie: `__Host-pocketrank=${profile.capsule(capsuleGrant, now)}` };
}

/**
 * What a slot must be filled with.
 * @param {Item[]} list
 * @param {number} count
 * @param {Profile} [profile] the contextual visitor if not given
 * @param {number} [model] which of the three snapshots
 */
export function expected(list, count, profile = new Profile(), model = 0) {
  const ranker = /** @type {Ranker} */ (rankers[model]);
  ranker.setProfile(profile, now);
  const slate = ranker.rerank(ranker.candidates(list), { count });
  const shown = slate.map(({ index }) => /** @type {Item} */ (list[index]));
  return { rows: slate.map(({ row }) => row), html: new Renderer(ranker, shown).slot() };
}

/** @param {import("miniflare").Request} request @returns {never} */
function refuse(request) {
  throw new Error(`the worker asked for ${request.url}`);
}

/** Where the instances of a worker that share KV and R2 keep them. */
export function makeStorage() {
  return mkdtempSync(join(tmpdir(), "pocketrank-storage-"));
}

/**
 * A line of the log.
 * @typedef {{ level: "info" | "warn" | "error", event: string, reason: string, message: string } & Record<string, unknown>} Log
 */

/**
 * @typedef {object} Edge
 * @property {(path: string, init?: RequestInit & { cf?: object }, isolate?: number) => Promise<Response>} fetch redirects are not followed
 * @property {(isolate?: number) => Promise<void>} cron
 * @property {string[]} console what the worker told the console, of a line of the log its message
 * @property {Log[]} logs the lines of the log
 * @property {string[]} warnings of these what is no good news
 * @property {(text?: string) => Promise<void>} flags writes the document of the flags, or removes it
 * @property {() => Promise<void>} kill ends workerd by SIGKILL, and what is left
 * @property {() => Promise<void>} stop
 * @property {Miniflare} miniflare
 */

/**
 * @typedef {object} Options
 * @property {Files} [files] over those of `shop`
 * @property {Record<string, string | Uint8Array>} [lists] over those of the shop
 * @property {import("./published.mjs").Publication} [seed] what is deployed of models, over snapshot and lists of the shop
 * @property {Record<string, string>} [vars] over those of the tests
 * @property {number} [limit] calls of the API per minute; without it there is no rate limit
 * @property {string} [storage] the folder of KV and R2; without it they are not bound
 * @property {number} [isolates] how many, 1 if not given
 * @property {(request: import("miniflare").Request) => import("miniflare").Response | Promise<import("miniflare").Response>} [upstream]
 *   answers every request that leaves the worker; if not given, none may leave it but to `UPSTREAM_URL` and `MODELS_URL`
 * @property {string} [build] its folder in dist/, `worker` if not given; slots of `worker-faults` whose name is `test-panic` panic
 * @property {string} [entry] source of a module that stands before the worker's, `./index.js`
 */

/** An entry that reports, at /memory, the size of the worker's linear memory, which the platform shows nobody. */
export const measured = `
  const memories = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, parameters) {
      const instance = new target(...parameters);
      if (instance.exports.memory) memories.push(instance.exports.memory);
      return instance;
    },
  });
  const { default: Worker } = await import("./index.js");
  export default {
    fetch(request, env, context) {
      if (new URL(request.url).pathname === "/memory") return Response.json(memories.map(({ buffer }) => buffer.byteLength));
      return new Worker(context, env).fetch(request);
    },
  };`;

/** The workerd processes that this one has started, where the system lists processes as files. */
function workerds() {
  if (!existsSync("/proc")) return [];
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [, name = "", parent = ""] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return name === "workerd" && Number(parent) === process.pid;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/**
 * Starts the worker.
 * @param {Options} [options]
 * @returns {Promise<Edge>}
 */
export async function startEdge({ files = {}, lists: more = {}, seed = {}, vars = {}, storage, limit, isolates = 1, upstream, entry, build = "worker" } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "pocketrank-edge-"));
  const models = deployed({ lists: { ...lists, ...more }, ...seed });
  for (const [path, content] of Object.entries({ ...shop, ...models, ...files })) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  /** @type {string[]} */
  const told = [];
  /** @type {Log[]} */
  const logs = [];
  const built = join(root, "dist", build);
  const compatibilityDate = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))?.[1];
  const source = (/** @type {string} */ name) => readFileSync(join(built, name));
  const mayLeave = vars.UPSTREAM_URL ?? vars.MODELS_URL;
  const before = new Set(workerds());
  const miniflare = new Miniflare({
    ...(storage ? { kvPersist: join(storage, "kv"), r2Persist: join(storage, "r2") } : {}),
    workers: range(0, isolates).map((isolate) => ({
      name: `edge-${isolate}`,
      modulesRoot: built,
      modules: [
        ...(entry ? [/** @type {const} */ ({ type: "ESModule", path: join(built, "entry.js"), contents: entry })] : []),
        { type: "ESModule", path: join(built, "index.js"), contents: source("index.js") },
        { type: "CompiledWasm", path: join(built, "index_bg.wasm"), contents: source("index_bg.wasm") },
      ],
      compatibilityDate,
      bindings: { UPSTREAM_URL: "", PAGES: "/*", CAPSULE: "on", AUDIENCE: audience, PUBLIC_KEYS: pinned, ...vars },
      ...(limit ? { ratelimits: { API_LIMIT: { simple: { limit, period: 60 } } } } : {}),
      ...(storage ? { kvNamespaces: { MANIFEST: "manifest" }, r2Buckets: { BLOBS: "blobs" } } : {}),
      assets: {
        directory,
        binding: "ASSETS",
        routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
      },
      ...(upstream || !mayLeave ? { outboundService: upstream ?? refuse } : {}),
    })),
    handleRuntimeStdio: (/** @type {import("node:stream").Readable[]} */ ...streams) => {
      for (const stream of streams) {
        stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => text.split("\n").filter(Boolean).forEach(tell));
      }
    },
  });
  const tell = (/** @type {string} */ line) => {
    const log = /^\{"level":.*\}$/.test(line) ? /** @type {Log} */ (JSON.parse(line)) : undefined;
    if (log) logs.push(log);
    told.push(log?.message ?? line);
  };
  const url = await miniflare.ready;
  const own = workerds().filter((pid) => !before.has(pid));
  /** @type {Promise<void> | undefined} */
  let stopped;
  const stop = () => (stopped ??= miniflare.dispose().then(() => rmSync(directory, { recursive: true, force: true })));
  const worker = async (/** @type {number} */ isolate) => /** @type {any} */ (await miniflare.getWorker(`edge-${isolate}`));
  return {
    fetch: async (path, init, isolate) => {
      const whole = { redirect: /** @type {const} */ ("manual"), ...init };
      return isolate === undefined ? fetch(new URL(path, url), whole) : (await worker(isolate)).fetch(new URL(path, url), whole);
    },
    cron: async (isolate = 0) => void (await (await worker(isolate)).scheduled({ cron: "* * * * *" })),
    flags: async (text) => {
      const kv = /** @type {any} */ (await miniflare.getKVNamespace("MANIFEST", "edge-0"));
      await (text === undefined ? kv.delete("flags") : kv.put("flags", text));
    },
    console: told,
    logs,
    get warnings() {
      return told.filter((line) => !line.startsWith("sync updated: "));
    },
    kill: async () => {
      if (own.length === 0) throw new Error("workerd's process is not known: this needs /proc");
      for (const pid of own) process.kill(Number(pid), "SIGKILL");
      await stop();
    },
    stop,
    miniflare,
  };
}
