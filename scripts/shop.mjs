/**
 * Makes the demo shop's static site from what the CLI wrote: pages, pictures, candidates lists, the runtime, and what hosts follow,
 * which the CLI publishes. The whole site is built beside and then takes the old one's place.
 *
 * Usage: node scripts/shop.mjs [--data dist/data] [--out dist/shop] [--package dist/npm]
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build as bundle } from "esbuild";
import { Failure, isMain, main, root, say, seconds } from "./process.mjs";
import { Html } from "./shop/html.mjs";
import { OFFLINE } from "./shop/layout.mjs";
import { AUDIENCE, demo, publicKey, publish } from "./shop/models.mjs";
import { PAGE_SIZE, accountPage, cartPage, categoryPage, landing, notFoundPage, privacyPage, productPage } from "./shop/pages.mjs";

/**
 * @typedef {import("./shop/layout.mjs").Catalogue} Catalogue
 * @typedef {import("./shop/layout.mjs").List} List
 * @typedef {import("./shop/layout.mjs").Item} Item
 * @typedef {import("./shop/layout.mjs").Site} Site
 * @typedef {import("../www/index.js")} Runtime
 */

/** For how long the directory of items may be used, in seconds. */
const DIRECTORY_TTL = 86_400;

/** @param {string | Uint8Array} bytes */
function hash(bytes) {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** Writes the files of a site below one folder. */
class Files {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.count = 0;
  }

  /**
   * @param {string} path address from the site's root
   * @param {string | Uint8Array} content
   */
  write(path, content) {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    this.count += 1;
  }

  /**
   * Writes a file whose name holds a hash of its content, so that it never changes under its address.
   * @param {string} folder
   * @param {string} name
   * @param {string} extension
   * @param {string | Uint8Array} content
   */
  writeHashed(folder, name, extension, content) {
    const address = `${folder}/${name}-${hash(content)}.${extension}`;
    this.write(address, content);
    return address;
  }
}

/**
 * @param {string} path
 * @returns {any}
 */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Failure(
      `${path}: ${/** @type {Error} */ (error).message}`,
      "make it with `pocketrank candidates`, or run `npm start -- --no-serve`",
    );
  }
}

/** The shop's own scripts and style, each one file. */
async function bundleAssets() {
  const { outputFiles } = await bundle({
    entryPoints: [join(root, "www/shop/shop.ts"), join(root, "www/shop/first.ts"), join(root, "www/shop/shop.css")],
    outdir: "out",
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022", "chrome120", "firefox125", "safari17.4"],
    write: false,
    logLevel: "warning",
  });
  const text = (/** @type {string} */ name) => outputFiles.find((file) => file.path.endsWith(name))?.contents ?? "";
  return { script: text("shop.js"), css: text("shop.css"), first: text("first.js") };
}

/**
 * The runtime under addresses of its content: each script names exactly the file that it was built with.
 * @param {Files} files
 * @param {string} folder of the npm package's built files
 */
function writeRuntime(files, folder) {
  const wasm = writeWasm(files, folder, "pocketrank");
  let script = linked(folder, "element.js", "pocketrank_bg.wasm", wasm);
  let devtools = readFileSync(join(folder, "devtools.js"), "utf8");
  // What the script loads when it needs it, some of it with a wasm of its own.
  for (const name of ["sync", "decide", "events", "sources", "privacy", "cards", "moves", "why", "keeping"]) {
    const own = existsSync(join(folder, `pocketrank_${name}_bg.wasm`)) && writeWasm(files, folder, `pocketrank_${name}`);
    const text = own ? linked(folder, `${name}.js`, `pocketrank_${name}_bg.wasm`, own) : readFileSync(join(folder, `${name}.js`));
    const address = files.writeHashed("/pocketrank", name, "js", text);
    const beside = `.${address.slice(address.lastIndexOf("/"))}`;
    script = replaceName(script, "element.js", `./${name}.js`, beside);
    if (name === "decide") devtools = replaceName(devtools, "devtools.js", `./${name}.js`, beside);
  }
  files.write("/pocketrank/devtools.js", devtools);
  const scorer = files.writeHashed("/pocketrank", "scorer", "js", readFileSync(join(folder, "scorer.js")));
  const offload = replaceName(linked(folder, "offload.js", "pocketrank_bg.wasm", wasm), "offload.js", "./scorer.js", `.${scorer.slice(scorer.lastIndexOf("/"))}`);
  const address = files.writeHashed("/pocketrank", "offload", "js", offload);
  script = replaceName(script, "element.js", "./offload.js", `.${address.slice(address.lastIndexOf("/"))}`);
  files.write("/pocketrank/pocketrank.js", script);
  // A Service Worker has what is below it.
  files.write(OFFLINE, readFileSync(join(folder, "offline.js")));
}

/**
 * @param {Files} files
 * @param {string} folder
 * @param {string} name
 */
function writeWasm(files, folder, name) {
  return files.writeHashed("/pocketrank", name, "wasm", readFileSync(join(folder, `${name}_bg.wasm`)));
}

/**
 * A script with the address of a file instead of its name.
 * @param {string} folder
 * @param {string} script
 * @param {string} name
 * @param {string} address
 */
function linked(folder, script, name, address) {
  return replaceName(readFileSync(join(folder, script), "utf8"), script, name, address.slice(address.lastIndexOf("/") + 1));
}

/**
 * @param {string} text
 * @param {string} script
 * @param {string} name
 * @param {string} by
 */
function replaceName(text, script, name, by) {
  if (!text.includes(name)) throw new Failure(`${script} does not load ${name}`, "run `npm run build`");
  return text.replaceAll(name, by);
}

/**
 * What the cart page says of an item.
 * @param {Item} item
 */
function forCart({ id, name, url, image, price, currency, category }) {
  return { id, name, url, image, price: Number(price), currency, category };
}

/**
 * @param {Files} files
 * @param {Site} site
 */
function writePages(files, site) {
  const { categories, items } = site.catalogue;
  files.write("index.html", landing(site).text);
  for (const category of categories) {
    const members = items.filter((item) => item.category_slug === category.slug);
    for (let page = 1; page === 1 || (page - 1) * PAGE_SIZE < members.length; page += 1) {
      files.write(
        `category/${category.slug}${page > 1 ? `/${page}` : ""}.html`,
        categoryPage(site, category, members, page).text,
      );
    }
  }
  for (const item of items) files.write(`product/${item.slug}.html`, productPage(site, item).text);
  files.write("cart.html", cartPage(site).text);
  files.write("account.html", accountPage(site).text);
  files.write("privacy.html", privacyPage(site).text);
  files.write("404.html", notFoundPage(site).text);
}

/**
 * @param {string} data what `pocketrank candidates` wrote, with snapshot.bin
 * @param {string} out the site's folder; replaced as a whole
 * @param {string} npmFolder the npm package's built files
 * @param {typeof demo} models where they are published to, and by which key
 */
export async function makePages(data, out, npmFolder = join(root, "dist/npm"), models = demo) {
  const entry = join(npmFolder, "node.js");
  if (!existsSync(entry)) throw new Failure(`${entry} is missing`, "run `npm run build`");
  /** @type {Runtime} */
  const { Ranker, init, itemHash } = await import(pathToFileURL(entry).href);
  /** @type {typeof import("../www/render.js")} */
  const { Renderer } = await import(pathToFileURL(join(npmFolder, "render.js")).href);
  await init();
  /** @type {Catalogue} */
  const catalogue = readJson(join(data, "catalogue.json"));
  const snapshot = readFileSync(join(data, "snapshot.bin"));
  const ranker = new Ranker(snapshot);
  const { id } = ranker;
  const lists = join(data, "candidates");
  const names = readdirSync(lists).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []));
  const known = new Set(names);
  /** @type {Map<string, List>} */
  const read = new Map();

  mkdirSync(dirname(out), { recursive: true });
  const files = new Files(mkdtempSync(`${out}.new-`));
  // Temporary folders are made for their owner alone; a site is for whoever serves it.
  chmodSync(files.folder, 0o755);
  try {
    const assets = await bundleAssets();
    /** @type {Site} */
    const site = {
      catalogue,
      list(name) {
        if (!known.has(name)) return undefined;
        const list = read.get(name) ?? readJson(join(lists, `${name}.json`));
        // A list of one product's page is read once; keeping thousands of them would only cost memory.
        if (!name.startsWith("similar-")) read.set(name, list);
        return list;
      },
      cards(items) {
        const renderer = new Renderer(ranker, items);
        return items.map((_, at) => new Html(renderer.item(at, { lang: "en" })));
      },
      slot(items, template) {
        try {
          return new Html(new Renderer(ranker, items).slot({ template, lang: "en" }));
        } catch (error) {
          if (/** @type {{ code?: string }} */ (error).code === "unknown_name") return undefined;
          throw error;
        }
      },
      assets: {
        css: files.writeHashed("/assets", "shop", "css", assets.css),
        script: files.writeHashed("/assets", "shop", "js", assets.script),
        first: files.writeHashed("/assets", "first", "js", assets.first),
        products: files.writeHashed("/assets", "products", "json", JSON.stringify(catalogue.items.map(forCart))),
      },
      models: { audience: AUDIENCE, keys: await publicKey(models) },
    };
    writePages(files, site);
    cpSync(join(root, "www/shop/assets"), join(files.folder, "assets"), { recursive: true });
    if (existsSync(join(data, "images")))
      cpSync(join(data, "images"), join(files.folder, "images"), { recursive: true });
    cpSync(lists, join(files.folder, "pocketrank/candidates"), { recursive: true });
    const directory = Object.fromEntries(catalogue.items.map((item) => [itemHash(item.id), [item.name, item.url]]));
    // Those of single products are too many for one manifest.
    const shared = names.filter((name) => !name.startsWith("similar-"));
    // Where pages look that carry their own model, and follow nothing.
    files.write("pocketrank/items.json", JSON.stringify(directory));
    const lasting = { text: JSON.stringify(directory), ttl: DIRECTORY_TTL };
    const listed = shared.map((name) => [`candidates/${name}.json`, { path: join(lists, `${name}.json`), ttl: site.list(name)?.ttl ?? 0 }]);
    await publish(models, join(data, "snapshot.bin"), { ...Object.fromEntries(listed), "items.json": lasting }, join(files.folder, "pocketrank"));
    writeRuntime(files, npmFolder);
    rmSync(out, { recursive: true, force: true });
    renameSync(files.folder, out);
  } finally {
    rmSync(files.folder, { recursive: true, force: true });
  }
  return { pages: files.count, products: catalogue.items.length, snapshot: id };
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const started = performance.now();
    const { values } = parseArgs({
      options: {
        data: { type: "string", default: "dist/data" },
        out: { type: "string", default: "dist/shop" },
        package: { type: "string", default: "dist/npm" },
      },
    });
    const made = await makePages(resolve(values.data), resolve(values.out), resolve(values.package));
    say(`shop    ${made.pages} files for ${made.products} products, snapshot ${made.snapshot} (${seconds(started)})`);
  });
}
