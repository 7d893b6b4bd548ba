/** scripts/shop.mjs: the site that it makes of a small catalogue, hostile names included. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makePages } from "../../scripts/shop.mjs";
import { dataBlock, html } from "../../scripts/shop/html.mjs";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";

const hostile = "</script><script>alert(1)</script>\"'&";
const snapshot = readFileSync(join(root, "tests/fixtures/random-v1.bin"));

/** @param {number} n */
function item(n) {
  const category = n % 2 ? "Garden" : "Kitchen & Table";
  const name = n === 0 ? hostile : `Thing ${n}`;
  return {
    id: `sku-${n}`,
    slug: `thing-${n}`,
    name,
    url: `/product/thing-${n}`,
    image: `/images/thing-${n}.svg`,
    price: "2.10",
    currency: "GBP",
    price_text: "£2.10",
    category,
    category_slug: category.toLowerCase().replace(/\W+/g, "-"),
    brand: n % 3 ? "Brae" : "",
    in_stock: n !== 1,
  };
}

/**
 * Writes what `pocketrank candidates` would.
 * @param {string} folder
 * @param {number} count
 */
function writeData(folder, count) {
  const items = Array.from({ length: count }, (_, n) => item(n));
  const put = (/** @type {string} */ path, /** @type {string | Buffer} */ content) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const list = (/** @type {string} */ name, members = items) =>
    put(
      `candidates/${name}.json`,
      JSON.stringify({ list: name, title: name, ttl: 900, generated: "2010-12-09T20:01:00Z", items: members }),
    );
  const categories = ["Kitchen & Table", "Garden"].map((name) => {
    const members = items.filter(({ category }) => category === name);
    return { name, slug: name.toLowerCase().replace(/\W+/g, "-"), items: members.length, members };
  });
  put(
    "catalogue.json",
    JSON.stringify({
      title: "Fennel & Finch",
      currency: "GBP",
      categories: categories.map(({ name, slug, items }) => ({ name, slug, items })),
      items,
    }),
  );
  put("snapshot.bin", snapshot);
  list("popular", items.slice(0, 40));
  for (const { slug, members } of categories) list(`category-${slug}`, members.slice(0, 40));
  for (const { slug } of items.slice(0, 5)) list(`similar-${slug}`, items.slice(5, 15));
  for (const { slug } of items) put(`images/${slug}.svg`, '<svg xmlns="http://www.w3.org/2000/svg"/>');
}

describe("the demo shop's generator", () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-shop-"));
  const out = join(folder, "shop");
  const models = { place: join(folder, "models"), key: join(folder, "keys/key.pem") };
  const make = (to = out, data = join(folder, "data")) => makePages(data, to, undefined, models);
  const read = (/** @type {string} */ path) => readFileSync(join(out, path), "utf8");
  const pages = () =>
    /** @type {string[]} */ (readdirSync(out, { recursive: true })).filter((path) => path.endsWith(".html"));

  before(async () => {
    writeData(join(folder, "data"), 100);
    await make();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("makes every page that another links to, and every picture", () => {
    const missing = new Set();
    for (const page of pages()) {
      for (const [, url = ""] of read(page).matchAll(/(?:href|src)="(\/[^"#]*)/g)) {
        const path = url === "/" ? "index.html" : url.slice(1);
        const exists = [path, `${path}.html`].some((file) =>
          statSync(join(out, file), { throwIfNoEntry: false })?.isFile(),
        );
        if (!exists) missing.add(`${page}: ${url}`);
      }
    }
    assert.deepEqual([...missing], []);
    assert.equal(pages().filter((page) => page.startsWith("product/")).length, 100);
    assert.deepEqual(
      pages().filter((page) => page.startsWith("category/garden")),
      ["category/garden.html", "category/garden/2.html", "category/garden/3.html"],
    );
  });

  it("keeps to its own policy: scripts and styles from files, names as text", () => {
    for (const page of pages()) {
      const text = read(page);
      assert.match(
        text,
        /http-equiv="Content-Security-Policy" content="default-src &#39;self&#39;; script-src &#39;self&#39; &#39;wasm-unsafe-eval&#39;; style-src &#39;self&#39;/,
      );
      assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=|alert\(1\)<\/script>|javascript:/);
      for (const [, attributes = ""] of text.matchAll(/<script([^>]*)>/g)) {
        assert.match(attributes, / src="\/|type="application\/ld\+json"/);
      }
    }
  });

  it("is light", () => {
    for (const page of pages()) assert.ok(statSync(join(out, page)).size < 60_000, page);
  });

  it("says what is in a cart by its own list, the same for every visitor", () => {
    const [, url = ""] = /data-products="(\/assets\/products-[0-9a-f]{16}\.json)"/.exec(read("cart.html")) ?? [];
    const products = JSON.parse(read(url));
    assert.equal(products.length, 100);
    assert.deepEqual(products[0], { id: "sku-0", name: hostile, url: "/product/thing-0", image: "/images/thing-0.svg", price: 2.1, currency: "GBP", category: "Kitchen & Table" });
  });

  it("describes each product to machines", () => {
    const [, json = ""] =
      /<script type="application\/ld\+json">(.*?)<\/script>/.exec(read("product/thing-0.html")) ?? [];
    const product = JSON.parse(json);
    assert.deepEqual(
      [product["@type"], product.sku, product.name, product.offers.price],
      ["Product", "sku-0", hostile, "2.10"],
    );
    assert.match(read("product/thing-1.html"), /schema\.org\/OutOfStock/);
    assert.match(read("product/thing-1.html"), /data-shop="add" disabled/);
  });

  it("names what never changes by its content", () => {
    const script = read("pocketrank/pocketrank.js");
    const [sync = ""] = /sync-[0-9a-f]{16}\.js/.exec(script) ?? [];
    for (const text of [script, read(`pocketrank/${sync}`)]) {
      const [wasm = ""] = /pocketrank(_sync)?-[0-9a-f]{16}\.wasm/.exec(text) ?? [];
      assert.ok(statSync(join(out, "pocketrank", wasm)).isFile());
      assert.doesNotMatch(text, /_bg\.wasm|"\.\/sync\.js"/);
    }
  });

  it("publishes for hosts that follow, and pages say whom they may trust", () => {
    const print = (/** @type {string[]} */ ...args) => execFileSync(cli(), args, { encoding: "utf8" });
    assert.match(read("index.html"), new RegExp(`data-manifest="/pocketrank/manifest.pkrm" data-audience="demo" data-keys="${print("keys", models.key).trim()}"`));
    assert.deepEqual(readFileSync(join(out, "pocketrank/manifest.pkrm")), readFileSync(join(models.place, "manifest.pkrm")));
    // Signing once more says what is live.
    const live = JSON.parse(print("sign", "--to", models.place, "--audience", "demo", "--key", models.key, "--json"));
    assert.deepEqual(
      live.files.map((/** @type {{ name: string }} */ { name }) => name),
      ["candidates/category-garden.json", "candidates/category-kitchen-table.json", "candidates/popular.json", "items.json"],
    );
    for (const { url } of live.files) JSON.parse(read(`pocketrank/${url}`));
    assert.deepEqual(readFileSync(join(out, `pocketrank/snapshots/${live.snapshot}.pkr`)), snapshot);
    const served = /** @type {string[]} */ (readdirSync(out, { recursive: true }));
    assert.deepEqual(served.filter((path) => /\.(pem|pub|br|gz|lock)$/.test(path)), []);
  });

  it("begins anew where the key is gone", async () => {
    rmSync(models.key);
    await make();
    const key = execFileSync(cli(), ["keys", models.key], { encoding: "utf8" }).trim();
    assert.ok(read("index.html").includes(`data-keys="${key}"`));
  });

  it("gives a slot to each shelf and leaves out those without a list", () => {
    assert.match(
      read("product/thing-0.html"),
      /data-pocketrank-slot="product-similar" data-pocketrank-candidates="similar-thing-0" data-pocketrank-count="8"/,
    );
    assert.doesNotMatch(read("product/thing-9.html"), /product-similar/);
    const cards = read("index.html").split('data-pocketrank-slot="home-for-you"')[1]?.split("</ol>")[0] ?? "";
    assert.equal(cards.match(/<li class="pr-card"/g)?.length, 12);
  });

  it("leaves a product out of what its own page has for you", () => {
    const shown = (/** @type {string} */ page) => {
      const [, attributes = "", cards = ""] = /<pocketrank-carousel ([^>]*"product-for-you"[^>]*)>(.*?)<\/ol>/s.exec(read(page)) ?? [];
      return [/data-pocketrank-exclude="([^"]*)"/.exec(attributes)?.[1], [...cards.matchAll(/data-item="sku-(\d+)"/g)].map(([, n]) => Number(n))];
    };
    assert.deepEqual(shown("product/thing-3.html"), ["sku-3", [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]]);
    assert.deepEqual(shown("product/thing-30.html"), ["sku-30", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]);
  });

  it("replaces the site as a whole, or not at all", async () => {
    const data = join(folder, "data");
    writeFileSync(join(out, "left-over.txt"), "");
    await make();
    assert.equal(statSync(join(out, "left-over.txt"), { throwIfNoEntry: false }), undefined);
    writeFileSync(join(data, "candidates/popular.json"), "{");
    await assert.rejects(make(), /popular\.json/);
    assert.ok(read("index.html").includes("Fennel &amp; Finch"));
    assert.deepEqual(readdirSync(folder).sort(), ["data", "keys", "models", "shop"]);
  });

  it("refuses a damaged snapshot", async () => {
    const data = join(folder, "damaged");
    writeData(data, 4);
    writeFileSync(join(data, "snapshot.bin"), snapshot.subarray(0, snapshot.length - 1));
    await assert.rejects(make(join(folder, "never"), data), { code: "truncated" });
  });
});

describe("html", () => {
  it("escapes what is filled in, unless it is HTML already", () => {
    assert.equal(
      html`<p title="${'"'}">${hostile}${html`<b>`}${[1, "<"]}${undefined}${null}${false}${0}</p>`.text,
      '<p title="&quot;">&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;<b>1&lt;0</p>',
    );
    assert.equal(dataBlock("x/y", { a: hostile }).text.match(/<\/script>/g)?.length, 1);
  });
});
