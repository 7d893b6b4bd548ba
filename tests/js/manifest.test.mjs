/** The golden manifest, read by a second program that follows docs/FORMAT.md alone and checks signatures by Node's own Ed25519. */
import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/process.mjs";

const fixture = (/** @type {string} */ name) => readFileSync(join(root, "tests/fixtures", name));
const sha256 = (/** @type {Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest();
const bytes = fixture("random-v1.manifest");
const count = bytes[6] ?? 0;
const payload = bytes.subarray(8 + 72 * count);

/** Public keys of the seeds of one byte repeated, as OpenSSL makes them. @param {number} byte */
function publicKey(byte) {
  const seed = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, byte)]);
  const key = createPublicKey(createPrivateKey({ key: seed, format: "der", type: "pkcs8" }));
  return { key, raw: key.export({ format: "der", type: "spki" }).subarray(-32) };
}
const keys = [publicKey(1), publicKey(2)];

/** Reads postcard values one after another. @param {Buffer} from */
function reader(from) {
  let at = 0;
  const take = (/** @type {number} */ length) => from.subarray(at, (at += length));
  const varint = () => {
    for (let number = 0, unit = 1; ; unit *= 128) {
      const byte = take(1)[0] ?? assert.fail("cut short");
      number += (byte % 128) * unit;
      if (byte < 128) return number;
    }
  };
  const text = () => take(varint()).toString();
  const blob = () => ({ sha256: take(32), bytes: varint(), transfer: varint(), url: text() });
  /** @template T @param {() => T} read */
  const list = (read) => Array.from({ length: varint() }, read);
  return { take, varint, text, blob, list, ended: () => at === from.length };
}

test("both keys have signed the head and the payload", () => {
  assert.equal(bytes.toString("latin1", 0, 8), "PKRM\x01\0\x02\0");
  const message = Buffer.concat([bytes.subarray(0, 6), payload]);
  for (const [at, { key, raw }] of keys.entries()) {
    const entry = bytes.subarray(8 + 72 * at, 8 + 72 * (at + 1));
    assert.deepEqual(entry.subarray(0, 8), sha256(raw).subarray(0, 8));
    assert.ok(verify(null, message, key, entry.subarray(8)));
    assert.ok(!verify(null, payload, key, entry.subarray(8)));
  }
});

test("the payload says what is current", () => {
  const { take, varint, text, blob, list, ended } = reader(payload);
  assert.deepEqual([text(), varint(), varint(), varint()], ["shop.example/production", 7, 1_700_000_000, 1_700_604_800]);
  const snapshot = { id: take(16), blob: blob() };
  const deltas = list(() => ({ base: take(16), target: take(16), blob: blob() }));
  const files = list(() => ({ name: text(), ttl: varint(), blob: blob() }));
  const named = list(() => take(32));
  assert.ok(ended());
  const delta = fixture("random-changed-v1.delta");
  // The hashes in the headers of base and delta, of which the ids are the beginning.
  const base = fixture("random-v1.bin").subarray(16, 32);
  assert.equal(deltas.length, 1);
  assert.deepEqual(deltas[0]?.base, base);
  assert.deepEqual(deltas[0]?.target, snapshot.id);
  assert.deepEqual(delta.subarray(48, 64), snapshot.id);
  assert.deepEqual(deltas[0]?.blob.sha256, sha256(delta));
  assert.equal(deltas[0]?.blob.bytes, delta.length);
  assert.equal(snapshot.blob.bytes, delta.readUInt32LE(8));
  assert.deepEqual(
    files.map(({ name, ttl }) => [name, ttl]),
    [
      ["candidates/home.json", 3_600],
      ["candidates/sale.json", 3_600],
    ],
  );
  assert.deepEqual(files[1]?.blob.sha256, sha256(Buffer.from("[]")));
  assert.deepEqual(named, [keys[1]?.raw]);
});
