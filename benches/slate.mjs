/**
 * From an event to a slate, in Node: `record`, `setProfile` and `rerank` of 200 candidates with diversity, by the model that training
 * chose for a real shop, and by one that has every scorer and folds in vectors of 64. Beside them the network alone of a profile that
 * lies in Redis: GET and, after the answer, SET of as many bytes, on this machine's loopback. What a server does with the profile
 * between the two is left out.
 *
 * The client is a bare socket that waits for as many bytes as are due and parses nothing, which no library can undercut.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Failure } from "../scripts/process.mjs";
import { startRedis } from "../scripts/redis.mjs";
import { retail } from "./retail.mjs";
import { byTurns, timed } from "./turns.mjs";

const CANDIDATES = 200;
const EVENTS = 50;
// Rounds of a millisecond: few of them are interrupted, and medians pass over those.
const PER_ROUND = 10;
const TIMES = { rounds: 1_001, warmUp: 300 };
const KINDS = ["view_item", "select_item", "add_to_cart", "add_to_wishlist"];

/**
 * Medians in microseconds.
 * @param {any} pocketrank the package
 * @param {string} folder of the case
 */
export async function measureSlate(pocketrank, folder) {
  await pocketrank.init();
  const { now, profile: events, rows } = JSON.parse(readFileSync(join(folder, "case.json"), "utf8"));
  const grant = new pocketrank.Consent({ choice: { mode: "session" } }).grant();
  const shop = await retail(folder);
  const ids = JSON.parse(readFileSync(shop.list, "utf8")).items.map((/** @type {{ id: string }} */ { id }) => id);
  const trained = new pocketrank.Ranker(readFileSync(shop.snapshot));
  const until = trained.meta.trainedUntil;
  const history = new pocketrank.Profile();
  // Over seven weeks, of 50 of the shop's most popular items.
  for (const [at, id] of ids.slice(0, EVENTS).entries()) history.record(grant, id, KINDS[at % KINDS.length], until - (EVENTS - at) * 86_400);
  const every = new pocketrank.Ranker(readFileSync(join(folder, "snapshot.bin")));
  const spread = Array.from({ length: CANDIDATES }, (_, at) => Math.floor((at * trained.items) / CANDIDATES));
  const all = Array.from({ length: every.items }, (_, item) => `sku-${item}`);
  const redis = await startRedis();
  try {
    const client = await Client.open(redis.port, profileAfter(pocketrank, grant, Uint8Array.from(events), now));
    try {
      return await byTurns(
        {
          trained: eventToSlate(pocketrank, grant, { ranker: trained, rows: spread, encoded: history.encode(grant), ids, now: until }),
          every: eventToSlate(pocketrank, grant, { ranker: every, rows: rows.slice(0, CANDIDATES), encoded: Uint8Array.from(events), ids: all, now }),
          redis: () => client.time(PER_ROUND),
        },
        TIMES,
      );
    } finally {
      client.close();
    }
  } finally {
    await redis.stop();
  }
}

/**
 * Takes events in and ranks: a turn.
 * @param {any} pocketrank @param {unknown} grant
 * @param {{ ranker: any, rows: number[], encoded: Uint8Array, ids: string[], now: number }} case_ the profile before, and what is looked at by turns
 */
function eventToSlate(pocketrank, grant, { ranker, rows, encoded, ids, now }) {
  const list = ranker.candidatesOfRows(rows);
  let item = 0;
  return () => {
    // Made anew before the clock runs, so that no call meets a longer history than another.
    const profiles = Array.from({ length: PER_ROUND }, () => pocketrank.Profile.decode(grant, encoded, now));
    const time = timed(PER_ROUND, (at) => {
      const profile = profiles[at];
      item = (item + 7_919) % ids.length;
      profile.record(grant, ids[item], KINDS[item % KINDS.length], now);
      ranker.setProfile(profile, now);
      ranker.rerank(list);
    });
    for (const profile of profiles) profile.free();
    return time;
  };
}

/** The bytes that a server would have to keep. @param {any} pocketrank @param {unknown} grant @param {Uint8Array} encoded @param {number} now */
function profileAfter(pocketrank, grant, encoded, now) {
  const profile = pocketrank.Profile.decode(grant, encoded, now);
  profile.record(grant, "sku-1", "view_item", now);
  return /** @type {Uint8Array} */ (profile.encode(grant));
}

/** Reads and writes one value, again and again, each request after the answer to the one before. */
class Client {
  /** @type {import("node:net").Socket} */
  #socket;
  #received = Buffer.alloc(64 * 1024);
  #get;
  #set;
  #value;
  #due = 0;
  /** @type {() => void} */
  #then = () => {};

  /** @param {number} port @param {Uint8Array} value @returns {Promise<Client>} */
  static async open(port, value) {
    const client = new Client(port, value);
    await new Promise((resolve, reject) => client.#socket.once("connect", () => resolve(undefined)).once("error", reject));
    await client.#check();
    return client;
  }

  /** @param {number} port @param {Uint8Array} value */
  constructor(port, value) {
    this.#get = request("GET", "profile");
    this.#set = request("SET", "profile", value);
    this.#value = Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from("\r\n")]);
    // One buffer for all answers: the socket makes none.
    const onread = { buffer: this.#received, callback: (/** @type {number} */ bytes) => this.#take(bytes) };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread });
  }

  /** Microseconds of a GET and a SET, of so many. @param {number} times @returns {Promise<number>} */
  time(times) {
    const started = performance.now();
    return new Promise((resolve) => {
      let left = times;
      const read = () => this.#ask(this.#get, this.#value.length, write);
      const write = () => this.#ask(this.#set, OK.length, next);
      const next = () => {
        left -= 1;
        if (left > 0) read();
        else resolve(((performance.now() - started) * 1000) / times);
      };
      read();
    });
  }

  close() {
    this.#socket.destroy();
  }

  /** @param {Buffer} bytes @param {number} due bytes of the answer @param {() => void} then */
  #ask(bytes, due, then) {
    this.#due = due;
    this.#then = then;
    this.#socket.write(bytes);
  }

  /** @param {number} bytes */
  #take(bytes) {
    this.#due -= bytes;
    if (this.#due === 0) this.#then();
    return true;
  }

  /** That the answers are what their lengths are taken for. */
  async #check() {
    const answer = async (/** @type {Buffer} */ bytes, /** @type {Buffer} */ expected) => {
      await new Promise((resolve) => this.#ask(bytes, expected.length, () => resolve(undefined)));
      if (!this.#received.subarray(0, expected.length).equals(expected)) throw new Failure("Redis answers something else than it was given");
    };
    await answer(this.#set, OK);
    await answer(this.#get, this.#value);
  }
}

const OK = Buffer.from("+OK\r\n");

/** A command in Redis' protocol. @param {(string | Uint8Array)[]} words */
function request(...words) {
  const parts = words.map((word) => Buffer.from(word));
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")])]);
}
