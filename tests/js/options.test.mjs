/** Options as JavaScript gives them: what is wrong is refused by name, by the whole entry and by the slim one alike. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as whole from "../../dist/npm/node.js";
import * as slim from "../../dist/npm/slim-node.js";
import { follow } from "../../dist/npm/sync-node.js";
import { root } from "../../scripts/process.mjs";

const bytes = readFileSync(join(root, "tests/fixtures/random-v1.bin"));
const ids = Array.from({ length: 20 }, (_, n) => `sku-${n}`);
const refused = (/** @type {RegExp} */ text) => (/** @type {any} */ error) => {
  assert.equal(error.code, "invalid_option");
  assert.match(error.message, text);
  return true;
};

for (const [name, entry] of /** @type {[string, any][]} */ (Object.entries({ whole, slim }))) {
  describe(`the ${name} entry`, () => {
    before(() => entry.init());

    for (const [option, values] of Object.entries({
      count: [-1, 1.5, NaN, 2 ** 32, "12", null],
      diversity: [-0.1, 1.1, NaN, "0.3", null],
      excludePurchased: [1, "yes", null],
      excludeOutOfStock: [0, {}],
    })) {
      it(`refuses another \`${option}\` by its name, and says what it got`, () => {
        const ranker = new entry.Ranker(bytes);
        const list = ranker.candidates(ids);
        for (const value of values) {
          const shown = typeof value === "string" ? `"${value}"` : typeof value === "object" && value ? "an object" : String(value);
          assert.throws(() => ranker.rerank(list, { [option]: value }), refused(new RegExp(`\`${option}\` must be .* it is ${shown.replace(".", "\\.")}$`)));
        }
        assert.deepEqual(ranker.rerank(list, { [option]: undefined }), ranker.rerank(list));
      });
    }

    it("refuses an option that it does not know, and says which it does", () => {
      const ranker = new entry.Ranker(bytes);
      assert.throws(() => ranker.rerank(ranker.candidates(ids), { cuont: 3 }), refused(/no option `cuont`: count, diversity, /));
      assert.throws(() => new entry.Ranker(bytes, { verfiy: false }), refused(/no option `verfiy`: verify are known/));
    });

    it("takes the ends of what an option may be", () => {
      const ranker = new entry.Ranker(bytes);
      const list = ranker.candidates(ids);
      assert.equal(ranker.rerank(list, { count: 0 }).length, 0);
      assert.equal(ranker.rerank(list, { count: 2 ** 32 - 1 }).length, 20);
      for (const diversity of [0, 1]) assert.equal(ranker.rerank(list, { diversity, count: 20 }).length, 20);
    });

    it("refuses wrong options of a load before it takes anything in", async () => {
      const source = () => new Response(bytes);
      await assert.rejects(entry.Ranker.load(source(), { maxBytes: -1 }), refused(/`maxBytes` must be .* it is -1$/));
      await assert.rejects(entry.Ranker.load(source(), { verify: "no" }), refused(/`verify` must be true or false; it is "no"$/));
    });

    it("refuses milliseconds and other times that are none", () => {
      const grant = new entry.Consent({ choice: { mode: "session" } }).grant();
      const [profile, ranker] = [new entry.Profile(), new entry.Ranker(bytes)];
      for (const at of [Date.UTC(2026, 0, 1), -1, NaN, 2 ** 32, undefined]) {
        assert.throws(() => profile.record(grant, "a", "view_item", at), refused(new RegExp(`^a time must be in seconds; it is ${at}$`)));
        if (at !== undefined) assert.throws(() => ranker.setProfile(profile, at), refused(/^a time must/));
        if (at !== undefined) assert.throws(() => entry.Profile.decode(grant, profile.encode(grant), at), refused(/^a time must/));
      }
      assert.equal(profile.length, 0);
      profile.record(grant, "a", "view_item", 2 ** 32 - 0.5);
      assert.equal(profile.length, 1);
    });

    it("refuses a retention that is none, by which everything would be kept", () => {
      const grant = new entry.Consent({ choice: { mode: "session" } }).grant();
      const profile = new entry.Profile();
      profile.record(grant, "old", "view_item", 0);
      const encoded = profile.encode(grant);
      for (const days of [NaN, -1, -Infinity, "a month"]) {
        assert.throws(() => entry.Profile.decode(grant, encoded, 1e9, days), refused(/^`days` must be a number from 0 on; it is /));
      }
      assert.equal(entry.Profile.decode(grant, encoded, 1e9, Infinity).length, 1);
      assert.equal(entry.Profile.decode(grant, encoded, 1e9, 0).length, 0);
    });

    it("refuses to record what is no id, and no kind of event", () => {
      const grant = new entry.Consent({ choice: { mode: "session" } }).grant();
      const profile = new entry.Profile();
      for (const id of [7, undefined, null]) assert.throws(() => profile.record(grant, id, "view_item", 1), refused(/^item 0 must be an id/));
      for (const kind of [7, undefined]) assert.throws(() => profile.record(grant, "a", kind, 1), { code: "unknown_name" });
      assert.equal(profile.length, 0);
    });

    it("loads from what is still being asked for, and refuses what is no source", async () => {
      assert.equal((await entry.Ranker.load(Promise.resolve(new Response(bytes)))).items, new entry.Ranker(bytes).items);
      for (const source of [undefined, "snapshot.bin", bytes, 7]) await assert.rejects(entry.Ranker.load(source), refused(/^`source` must be a Response or stream; it is /));
    });

    it("refuses items without an id, and says which", () => {
      const ranker = new entry.Ranker(bytes);
      assert.throws(() => ranker.candidates(["a", 7]), refused(/^item 1 .* it is undefined$/));
      assert.throws(() => ranker.candidates([{ id: "a" }, "b", { id: 7 }]), refused(/^item 2 .* it is 7$/));
      assert.throws(() => ranker.candidates([null]), refused(/^item 0 /));
    });
  });
}

it("shifts are bytes, and only of the whole entry", () => {
  const list = (/** @type {any} */ { Ranker }) => {
    const ranker = new Ranker(bytes);
    return [ranker, ranker.candidates(ids)];
  };
  const [wholly, slimly] = [list(whole), list(slim)];
  assert.throws(() => wholly[0].rerank(wholly[1], { shifts: [1] }), refused(/`shifts` must be a Uint8Array; it is an object$/));
  assert.throws(() => slimly[0].rerank(slimly[1], { shifts: new Uint8Array() }), refused(/no option `shifts`/));
});

describe("follow", () => {
  const right = { audience: "shop.example/test", keys: ["9f".repeat(32)], open: String };
  const following = (/** @type {any} */ options) => follow("http://localhost:1/manifest.pkrm", options);

  it("refuses to begin without what must be given, and says what that is", async () => {
    await assert.rejects(following(undefined), refused(/^`audience` must be a text; it is null$/));
    for (const name of ["audience", "keys", "open"]) {
      const others = Object.fromEntries(Object.entries(right).filter(([other]) => other !== name));
      await assert.rejects(following(others), refused(new RegExp(`^\`${name}\` must be .* it is null$`)));
    }
  });

  it("refuses what is not what it must be, by its name", async () => {
    for (const [name, value] of Object.entries({ audience: 7, keys: "9f".repeat(32), open: {}, storage: 7, files: "all", deltas: "no", interval: "1", maxBackoff: NaN, timeout: -1 })) {
      await assert.rejects(following({ ...right, [name]: value }), refused(new RegExp(`^\`${name}\` must be`)));
    }
    for (const keys of [[], ["9f..."], [7]]) await assert.rejects(following({ ...right, keys }), refused(/^`keys` must be as `pocketrank keys` prints them/));
    await assert.rejects(following({ ...right, storrage: "models" }), refused(/no option `storrage`: audience, keys, /));
  });
});
