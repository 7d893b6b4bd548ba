/** Ranking that takes long, in Chromium: a module worker does it, with the same slate, and where there is none the page does. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";
import { launchChromium, watchRequests } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { POLICY, agree, carousel, expected, observed, openPages, stands, viewed, visit } from "./support/slots.mjs";

const [browser, pages] = await share(launchChromium(), openPages(), init());

const low = { viewport: { width: 900, height: 120 } };

/** Runs in the page: by its clock everything takes 6 ms. */
function slow() {
  let now = 0;
  performance.now = () => (now += 6);
}

describe("ranking that takes long", () => {
  it("is done by a worker from then on, with the page's slate, under a strict policy", async () => {
    const page = await visit(browser, pages.write(carousel()), { ...low, before: slow });
    // The first one was slow here.
    assert.equal(page.workers().length, 0);
    const requests = watchRequests(page.context());
    await agree(page);
    await stands(page, expected(viewed));
    // The profile is told by message alone.
    const asked = requests.map(({ url, method, body }) => `${method} ${url.slice(pages.url.length)} ${body ?? ""}`);
    const harmless = /^GET \/(models\/[\w./]+|thing\.svg|(events|offload|scorer)\.js|pocketrank_bg\.wasm) $/;
    assert.deepEqual(asked.filter((text) => !harmless.test(text)), []);
    assert.deepEqual(page.workers().map((worker) => new URL(worker.url()).pathname), ["/scorer.js"]);
    assert.deepEqual((await observed(page)).refused, []);
    // Who withdraws is ranked as nobody by the same worker.
    await page.evaluate(async () => void (await (await window.pocketrank)?.erase()));
    await stands(page, expected([]));
    await page.context().close();
  });

  it("is done on the page where it is quick", async () => {
    const page = await visit(browser, pages.write(carousel()), { ...low, before: () => void (performance.now = () => 1) });
    await agree(page);
    await stands(page, expected(viewed));
    assert.equal(page.workers().length, 0);
    await page.context().close();
  });

  it("is done on the page where its policy wants no worker", async () => {
    const page = await visit(browser, pages.write(carousel(), { policy: `${POLICY}; worker-src 'none'` }), { ...low, before: slow });
    await agree(page);
    await stands(page, expected(viewed));
    assert.equal(page.workers().length, 0);
    await page.context().close();
  });

  it("gives the same scores, bit for bit, whatever the profile, the weights and the list", async () => {
    copyFileSync(join(root, "tests/fixtures/random-v1.bin"), join(pages.site, "random.bin"));
    const page = await visit(browser, pages.write(""));
    const pairs = await page.evaluate(
      async ({ browser, offload }) => {
        const { Consent, Profile, Ranker, init } = await import(browser);
        const { score } = await import(offload);
        await init();
        const snapshot = new Uint8Array(await (await fetch("/random.bin")).arrayBuffer());
        const grant = new Consent({ choice: { mode: "session" } }).grant();
        const list = Array.from({ length: 500 }, (_, at) => ({ id: `sku-${at % 90}`, in_stock: at % 7 !== 0 }));
        const ranker = new Ranker(snapshot);
        const pairs = [];
        for (let n = 0; n < 20; n += 1) {
          const profile = new Profile();
          for (let at = 0; at < n; at += 1) profile.record(grant, `sku-${(at * n * 7) % 90}`, ["view_item", "purchase", "add_to_cart"][at % 3], 1_290_000_000 + at * 9999);
          const blend = n % 2 ? { popularity: 0.5 + n / 7, neighbours: 1.3 } : undefined;
          const state = { mode: n ? "session" : "contextual", profile: n ? profile.encode(grant) : undefined, at: 1_290_000_000 + n * 86_400, blend };
          const items = list.slice(n, n + 20 * n + 20);
          const options = { count: 5 + n, diversity: (n % 5) / 4, shifts: undefined };
          ranker.setBlend(blend);
          ranker.setProfile(profile, state.at);
          const candidates = ranker.candidates(items);
          const out = items.flatMap(({ in_stock }, at) => (in_stock ? [] : [at]));
          pairs.push([ranker.rerank(candidates, options), await score({ ranker, snapshot, state, rows: candidates.rows, out, options })]);
          candidates.free();
        }
        return pairs;
      },
      { browser: "/browser.js", offload: "/offload.js" },
    );
    for (const [own, other] of pairs) assert.deepEqual(other, own);
    assert.ok(new Set(pairs.map(([own]) => JSON.stringify(own))).size > 15, "they are all alike");
    await page.context().close();
  });
});
