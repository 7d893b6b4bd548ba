/** `pocketrank/sync` in Node: what is asked for, stored and in use, whatever origin, storage and process do. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Ranker, init } from "../../dist/npm/node.js";
import { follow } from "../../dist/npm/sync-node.js";
import { root } from "../../scripts/process.mjs";
import { codeOf, faults, openOrigin } from "./support/origin.mjs";

/** @typedef {import("../../www/sync.js").Following<Ranker>} Following */

before(() => init());

/**
 * An origin, a folder, and hosts that follow the one and store in the other.
 * @param {import("node:test").TestContext} t
 */
async function start(t) {
  const origin = await openOrigin();
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-follow-"));
  /** @type {Following[]} */
  const running = [];
  t.after(async () => {
    await Promise.all(running.map((models) => models.stop()));
    await origin.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  /** A host that asks each second at least. @param {Partial<import("../../www/sync.js").Options<Ranker>>} [options] */
  async function host(options = {}) {
    /** @type {string[]} */
    const codes = [];
    const models = await follow(origin.manifest, {
      ...origin.quick,
      open: (snapshot) => new Ranker(snapshot),
      storage: folder,
      onReport: ({ code, kind, status }) => codes.push([code, kind, status].filter(Boolean).join(" ")),
      ...options,
    });
    running.push(models);
    return { models, codes };
  }
  /** Asserts that one release is in use, all of it. @param {Following} models @param {number} at */
  async function assertUses(models, at) {
    assert.deepEqual([models.ranker?.id, models.snapshot, await list(models)], [origin.ids[at], origin.ids[at], at]);
  }
  return { origin, folder, host, assertUses };
}

/** @param {() => unknown} holds */
async function until(holds, most = 15_000) {
  const end = Date.now() + most;
  while (!holds()) {
    assert.ok(Date.now() < end, `not within ${most} ms: ${holds}`);
    await sleep(20);
  }
}

/** @param {Following} models */
async function list(models) {
  const bytes = await models.file("candidates/home.json");
  return bytes && JSON.parse(Buffer.from(bytes).toString()).snapshot;
}

// They wait most of the time.
describe("a host in Node", { concurrency: 4 }, () => {
  it("has in use what was published, and goes on from its folder without asking", async (t) => {
    const { origin, host, assertUses } = await start(t);
    origin.publish(0);
    const { models, codes } = await host({ interval: 3_600 });
    await assertUses(models, 0);
    assert.deepEqual([models.sequence, models.files, codes], [1, ["candidates/home.json"], ["updated"]]);
    await models.stop();
    const [manifest, ...rest] = origin.asked();
    assert.equal(manifest, "manifest.pkrm");
    assert.deepEqual(rest.map((path) => path.split("/")[0]), ["snapshots", "files"]);
    const again = await host({ interval: 3_600 });
    await assertUses(again.models, 0);
    await again.models.check();
    assert.deepEqual(origin.asked(), []);
  });

  it("follows by deltas: the snapshot is not asked for again", async (t) => {
    const { origin, folder, host, assertUses } = await start(t);
    origin.publish(0);
    const { models } = await host();
    origin.asked();
    for (const at of [1, 2]) {
      origin.publish(at);
      const swapped = new Promise((resolve) => models.addEventListener("swap", resolve, { once: true }));
      await swapped;
      await assertUses(models, at);
    }
    assert.deepEqual(origin.kinds(), ["deltas", "files", "deltas", "files"]);
    await models.stop();
    // What was made by deltas is stored as it was published.
    const names = readdirSync(folder).filter((name) => name.length === 64);
    assert.ok(names.some((name) => readFileSync(join(folder, name)).equals(origin.snapshots[2] ?? Buffer.alloc(0))));
    // The list, the snapshot, and no more.
    assert.equal(names.length, 2);
  });

  it("asks for no delta where it is told so", async (t) => {
    const { origin, host, assertUses } = await start(t);
    origin.publish(0);
    const { models } = await host({ deltas: false, files: [] });
    origin.publish(1);
    await until(() => models.sequence === 2);
    assert.deepEqual(origin.kinds(), ["snapshots", "snapshots"]);
    // A file that was not wanted ahead is fetched when it is asked for.
    await assertUses(models, 1);
    assert.deepEqual(origin.kinds(), ["files"]);
  });

  for (const fault of ["answered by 404", "the first half", "other bytes", "10 GB long", "led in circles"]) {
    it(`takes the whole snapshot at once where the delta is ${fault}`, async (t) => {
      const { origin, host, assertUses } = await start(t);
      origin.publish(0);
      const { models } = await host();
      origin.asked();
      origin.faulty.set("/deltas/", faults[fault] ?? assert.fail());
      origin.publish(1);
      await until(() => models.sequence === 2);
      await assertUses(models, 1);
      assert.deepEqual(new Set(origin.kinds()), new Set(["deltas", "snapshots", "files"]));
    });
  }

  for (const [fault, answer] of Object.entries(faults)) {
    for (const part of /** @type {const} */ (["manifest", "snapshot", "file"])) {
      it(`keeps what is in use while the ${part} is ${fault}, and goes on after that`, async (t) => {
        const { origin, host, assertUses } = await start(t);
        origin.publish(0);
        const { models, codes } = await host({ deltas: false, ...(fault === "stalled" && { timeout: 1_000 }) });
        origin.faulty.set(part === "manifest" ? part : `/${part}s/`, answer);
        origin.publish(1);
        await until(() => codes.length >= 2);
        await assertUses(models, 0);
        assert.equal(codes[1]?.split(" ")[0], codeOf(fault, part), codes.join());
        origin.faulty.clear();
        await until(() => models.sequence === 2);
        await assertUses(models, 1);
      });
    }
  }

  it("refuses what others signed, what is for others, and what is older", async (t) => {
    const { origin, host, assertUses } = await start(t);
    origin.publish(0);
    origin.publish(1);
    const { models, codes } = await host();
    for (const [code, publish] of Object.entries(origin.strangers)) {
      publish();
      await until(() => codes.includes(`${code} manifest`) || codes.includes(code));
      await assertUses(models, 1);
    }
    await models.stop();
    // Neither does a new start go back.
    const again = await host();
    await assertUses(again.models, 1);
    await until(() => again.codes.some((code) => code.startsWith("older")));
    await assertUses(again.models, 1);
  });

  it("goes on with the keys that it was told of where others store what is older", async (t) => {
    const { origin, folder, host, assertUses } = await start(t);
    origin.publish(0);
    const { models, codes } = await host();
    await models.check();
    const stored = join(folder, "manifest");
    const older = readFileSync(stored);
    const { secret, hex } = origin.makeKey("next");
    origin.publish(1, { secret: [origin.key.secret, secret], trust: hex });
    await until(() => models.sequence === 2);
    await models.check();
    // What names the new key cannot be had again.
    origin.faulty.set("manifest", faults["answered by 500"] ?? assert.fail());
    writeFileSync(stored, older);
    await until(() => codes.some((code) => code.startsWith("older")));
    await assertUses(models, 1);
    origin.publish(0, { secret });
    origin.faulty.clear();
    await until(() => models.sequence === 3);
    await assertUses(models, 0);
  });

  it("serves what came with the program, and reaches nobody", async (t) => {
    const { origin, host, assertUses } = await start(t);
    const embedded = { snapshot: origin.snapshots[0] ?? Buffer.alloc(0), sequence: 1 };
    const { models, codes } = await host({ embedded });
    assert.equal(models.ranker?.id, origin.ids[0]);
    await until(() => codes.includes("status manifest 404"));
    origin.publish(0);
    await until(() => models.sequence === 1);
    origin.publish(1);
    await until(() => models.sequence === 2);
    await assertUses(models, 1);
    assert.ok(!origin.kinds().includes("snapshots"));
  });

  it("uses memory where the folder cannot be written", async (t) => {
    const { origin, folder, host, assertUses } = await start(t);
    const file = join(folder, "file");
    writeFileSync(file, "");
    origin.publish(0);
    const { models, codes } = await host({ storage: join(file, "below") });
    await assertUses(models, 0);
    assert.ok(codes.includes("not_stored"), codes.join());
    origin.publish(1);
    await until(() => models.sequence === 2);
    await assertUses(models, 1);
  });

  it("fetches again what was damaged in the folder", async (t) => {
    const { origin, folder, host, assertUses } = await start(t);
    origin.publish(0);
    const { models } = await host();
    await models.stop();
    for (const name of readdirSync(folder).filter((name) => name.length === 64)) writeFileSync(join(folder, name), "{}");
    const again = await host();
    await until(() => again.codes.includes("lost"));
    await until(() => again.models.ranker);
    await assertUses(again.models, 0);
    await again.models.check();
    await again.models.stop();
    origin.faulty.set("/", faults["answered by 500"] ?? assert.fail());
    await assertUses((await host()).models, 0);
  });

  it("is refused without a key, and with one that is none", async (t) => {
    const { host } = await start(t);
    await assert.rejects(host({ keys: [] }), { code: "invalid_option" });
    await assert.rejects(host({ keys: ["00"] }), { code: "invalid_option" });
    // As long as a key, and no point of the curve.
    await assert.rejects(host({ keys: ["9f".repeat(32)] }), { code: "corrupt" });
  });

  it("stops when it is told to, also while an answer stalls", async (t) => {
    const { origin, host } = await start(t);
    origin.faulty.set("manifest", faults.stalled ?? assert.fail());
    const stop = new AbortController();
    const started = Date.now();
    const waiting = host({ signal: stop.signal, timeout: 60_000 });
    await until(() => origin.asked().length > 0);
    stop.abort();
    const { models } = await waiting;
    await models.stop();
    assert.ok(Date.now() - started < 10_000);
    assert.equal(models.ranker, undefined);
  });
});

describe("processes that share a folder", () => {
  it("fetch once for both", async (t) => {
    const { origin, host, assertUses } = await start(t);
    origin.publish(0);
    const [one, two] = await Promise.all([host({ interval: 3_600 }), host({ interval: 3_600 })]);
    await Promise.all([assertUses(one.models, 0), assertUses(two.models, 0)]);
    assert.equal(origin.asked().length, 3);
  });

  /** Another process, as it is killed. @param {Awaited<ReturnType<typeof start>>} setting */
  function spawnHost({ origin, folder }) {
    const program = `
      import { Ranker, init } from ${JSON.stringify(join(root, "dist/npm/node.js"))};
      import { follow } from ${JSON.stringify(join(root, "dist/npm/sync-node.js"))};
      await init();
      setInterval(() => {}, 1000);
      await follow(${JSON.stringify(origin.manifest)}, {
        ...${JSON.stringify(origin.quick)}, storage: ${JSON.stringify(folder)},
        open: (snapshot) => new Ranker(snapshot),
        onReport: ({ code }) => console.log(code),
      });`;
    return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  }

  it("are killed at any time, and what is held is whole: the old or the new", async (t) => {
    const setting = await start(t);
    const { origin, folder, host } = setting;
    origin.publish(0, { files: bulk(0) });
    let last = 0;
    let behind = 0;
    for (let round = 0; round < 12; round += 1) {
      const at = round % 2;
      const { sequence } = origin.publish(at, { files: bulk(at, round) });
      origin.asked();
      const child = spawnHost(setting);
      const ended = new Promise((resolve) => child.once("exit", resolve));
      // From the first of the files on each is fetched and written, then comes the manifest, and what nobody needs is deleted.
      await until(() => origin.asked().some((path) => path.startsWith("files/")));
      await sleep(round === 0 ? 1_000 : round * 12);
      child.kill("SIGKILL");
      await ended;

      origin.faulty.set("/", faults["answered by 500"] ?? assert.fail());
      const { models } = await host();
      if (models.ranker) {
        assert.ok((models.sequence ?? 0) >= last, `${models.sequence} after ${last}`);
        last = models.sequence ?? 0;
        behind += Number(last < sequence);
        const held = await list(models);
        assert.equal(models.ranker.id, origin.ids[held]);
        for (const name of models.files) assert.equal(JSON.parse(Buffer.from((await models.file(name)) ?? "null").toString())?.snapshot, held, name);
      }
      await models.stop();
      origin.faulty.clear();
    }
    assert.ok(last > 1 && behind > 0, `sequence ${last}; ${behind} times before the end`);
    const { models } = await host();
    await until(() => models.sequence === 13);
    await models.check();
    await models.stop();
    assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith(".new-") || name === "lock"), []);
  });

  /** Files enough that a process is killed between them. */
  function bulk(/** @type {number} */ snapshot, round = 0) {
    const names = ["home", ..."abcdefghijklmnop"];
    return Object.fromEntries(names.map((name) => [`candidates/${name}.json`, { snapshot, name, round }]));
  }
});
