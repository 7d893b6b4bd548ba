/** worker/src/slot.rs and rewriter.rs: the slate that a visitor gets, and what becomes of a slot that cannot be filled. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { candidates, expected, fallback, items, measured, page, range, readSlots, slot, snapshotId, startEdge, visitor } from "../worker/edge.mjs";

const popular = items(range(0, 60));
const trending = items(range(100, 140));
const contextual = [expected(popular, 5), expected(trending, 3)];

/** @param {import("../worker/edge.mjs").Slot[]} slots */
function contents(slots) {
  return slots.map(({ rows, html }) => ({ rows, html }));
}

describe("slots", () => {
  const hostile = '"><script>alert(1)</script><b data-x=\'';
  const list = items([1, 2]).map((item) => ({ ...item, id: `${item.id}${hostile}`, name: hostile, url: "javascript:alert(1)", category: hostile }));
  const sold = items(range(0, 5)).map((item) => ({ ...item, in_stock: false }));
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    edge = await startEdge({
      lists: {
        hostile: candidates(list),
        sold: candidates(sold),
        strange: candidates([...items([3, 4]), ...items([1000]).map((item) => ({ ...item, id: "no such item" }))]),
      },
      files: {
        "/hostile.html": page(slot("hostile")),
        "/wrong.html": page(
          [
            slot("popular", 0, "none"),
            slot("popular", "many", "word"),
            slot("../manifest", 5, "path"),
            slot("Popular", 5, "upper"),
            `<div data-pocketrank-slot="bare">${fallback}</div>`,
            slot("popular", 5, "right"),
          ].join(""),
        ),
        "/sold.html": page(slot("sold")),
        "/strange.html": page(slot("strange")),
        "/many.html": page(slot("popular", 1_000_000)),
        "/any.html": page('<section data-pocketrank-slot="x" data-pocketrank-candidates="popular"><i>old</i></section>'),
      },
    });
  });
  after(() => edge.stop());

  /** @param {string} path @param {Record<string, string>} [headers] */
  async function slots(path, headers = {}) {
    const response = await edge.fetch(path, { headers });
    assert.equal(response.status, 200);
    return readSlots(await response.text());
  }

  it("are contextual without a capsule", async () => {
    const found = await slots("/");
    assert.deepEqual(contents(found), contextual);
    for (const { by, snapshot } of found) assert.deepEqual([by, snapshot], ["edge", snapshotId]);
  });

  it("follow the capsule as Node would rank them", async () => {
    const { profile, cookie } = visitor([[3, "view_item", 2], [5, "add_to_cart", 1], [105, "purchase", 0]]);
    const ranked = [expected(popular, 5, profile), expected(trending, 3, profile)];
    assert.deepEqual(contents(await slots("/", { cookie })), ranked);
    assert.notDeepEqual(ranked, contextual);
  });

  it("are contextual with Global Privacy Control, whatever the capsule says", async () => {
    const { cookie } = visitor([[3, "view_item", 2]]);
    for (const gpc of ["1", "0", "?1"]) {
      assert.deepEqual(contents(await slots("/", { cookie, "Sec-GPC": gpc })), contextual, gpc);
    }
  });

  it("are contextual with a capsule that cannot be read", async () => {
    const { cookie } = visitor([[3, "view_item", 2], [4, "view_item", 1]]);
    const [name, text = ""] = cookie.split("=");
    const flipped = `${text.slice(0, 20)}${text[20] === "A" ? "B" : "A"}${text.slice(21)}`;
    for (const value of ["", "AAAA", "%00%ff", "=".repeat(100), "x".repeat(6000), text.slice(0, -1), `${text}A`, flipped, `"${text}"`]) {
      assert.deepEqual(contents(await slots("/", { cookie: `${name}=${value}` })), contextual, value.slice(0, 40));
    }
  });

  it("escape what the list says", async () => {
    const html = await (await edge.fetch("/hostile")).text();
    assert.equal(readSlots(html)[0]?.html, expected(list, 5).html);
    assert.doesNotMatch(html, /<script|javascript:|<b /);
  });

  it("are filled in any element, with 12 places by default and 48 at most", async () => {
    const html = await (await edge.fetch("/any")).text();
    assert.match(html, /<section [^>]*data-pocketrank-by="edge"[^>]*><ol class="pr-track">/);
    assert.equal(html.split('<li class="pr-card"').length - 1, 12);
    assert.equal((await slots("/many"))[0]?.rows.length, 48);
  });

  it("name items that the snapshot does not know by the row 4294967295", async () => {
    assert.deepEqual([...((await slots("/strange"))[0]?.rows ?? [])].sort((a, b) => a - b), [3, 4, 0xffffffff]);
  });

  it("keep upstream's content where they are written wrong or have nothing to show", async () => {
    const wrong = await edge.fetch("/wrong").then((response) => response.text());
    assert.equal(wrong.split(fallback).length - 1, 5);
    assert.equal(readSlots(wrong).at(-1)?.by, "edge");
    for (const name of ["none", "word", "path", "upper", "bare"]) {
      assert.equal(edge.warnings.filter((line) => line.includes(`slot \`${name}\``)).length, 1, name);
    }
    const [sold] = await slots("/sold");
    assert.deepEqual([sold?.by, sold?.snapshot, sold?.rows, sold?.html], [undefined, undefined, [], fallback]);
  });
});

describe("the switch for the capsule", () => {
  it("is off unless the shop turns it on", async () => {
    const { cookie } = visitor([[3, "view_item", 2], [5, "add_to_cart", 1]]);
    for (const CAPSULE of ["off", ""]) {
      const edge = await startEdge({ vars: { CAPSULE } });
      const html = await (await edge.fetch("/", { headers: { cookie } })).text();
      await edge.stop();
      assert.deepEqual(contents(readSlots(html)), contextual);
    }
  });
});

describe("many visitors at a time", () => {
  it("each get their own slate", async () => {
    const edge = await startEdge();
    const visitors = range(0, 60).map((n) => visitor([[n, "view_item", 3], [(n * 7) % 60, "add_to_cart", 1], [100 + (n % 40), "purchase", 0]]));
    const wanted = visitors.map(({ profile }) => [expected(popular, 5, profile), expected(trending, 3, profile)]);
    const rounds = range(0, 10).flatMap((round) => visitors.map((_, n) => (n * 17 + round) % visitors.length));
    await Promise.all(
      rounds.map(async (n) => {
        const response = await edge.fetch("/", { headers: { cookie: visitors[n]?.cookie ?? "" } });
        assert.deepEqual(contents(readSlots(await response.text())), wanted[n]);
      }),
    );
    assert.ok(new Set(wanted.map((slates) => JSON.stringify(slates))).size > 50);
    await edge.stop();
  });
});

describe("memory", () => {
  for (const PAGE_MODEL of ["off", "on"]) it(`does not grow with the number of requests, read to their end or not, PAGE_MODEL ${PAGE_MODEL}`, async () => {
    const edge = await startEdge({ entry: measured, vars: { PAGE_MODEL } });
    const visitors = range(0, 50).map((n) => visitor(range(0, 30).map((i) => [(n * 31 + i * 13) % 400, "view_item", 30 - i])));
    const visit = async (/** @type {number} */ n) => {
      const abort = new AbortController();
      const response = await edge.fetch("/", { headers: { cookie: visitors[n % 50]?.cookie ?? "" }, signal: abort.signal });
      assert.equal(response.status, 200);
      if (n % 5 === 4) abort.abort();
      else assert.match(await response.text(), /data-pocketrank-by="edge"/);
    };
    const measure = async () => /** @type {number[]} */ (await (await edge.fetch("/memory")).json());
    for (const n of range(0, 200)) await visit(n);
    const warm = await measure();
    assert.equal(warm.length, 1);
    for (const start of range(0, 225)) await Promise.all(range(0, 8).map((i) => visit(start * 8 + i)));
    assert.deepEqual(await measure(), warm);
    await edge.stop();
  });
});
