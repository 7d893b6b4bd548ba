/**
 * What the demo shop publishes for hosts that follow it: snapshot, deltas, lists and directory of items, by the CLI, as a shop would.
 *
 * Invariant: the secret key is outside of what is served; what was published stays between runs, so that hosts of an earlier run follow
 * by a delta to a newer sequence.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { cli } from "../build.mjs";
import { root, run } from "../process.mjs";

/** For whom the demo shop publishes. */
export const AUDIENCE = "demo";
/** Snapshots that hosts get deltas from, and `rollback` goes back to. */
const KEEP = "5";
/** What `pocketrank serve` and web servers hand out compressed; the edge compresses by itself. */
const SIBLING = /\.(br|gz)$/;

/** Where the demo shop's models are published to, and the key that signs them. */
export const demo = { place: join(root, "dist/models"), key: join(root, "dist/keys/demo.pem") };

/**
 * The public key of what signs, as the CLI names it. Where there is no secret key one is made, and nothing is left that others have signed:
 * it could not be gone on from.
 * @param {typeof demo} models
 */
export async function publicKey({ place, key }) {
  mkdirSync(dirname(key), { recursive: true });
  const isNew = !existsSync(key);
  if (isNew) rmSync(place, { recursive: true, force: true });
  const hex = (await run(cli(), isNew ? ["keys", "--out", key] : ["keys", key], { collect: true })).trim();
  writeFileSync(`${key}.pub`, `${hex}\n`);
  return hex;
}

/** The public key of the demo shop, once it was published; without, nothing is trusted. */
export function demoKey() {
  const file = `${demo.key}.pub`;
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
}

/**
 * Publishes, and copies what is live to where it is served from.
 * @param {typeof demo} models
 * @param {string} snapshot
 * @param {Record<string, { path: string, ttl: number } | { text: string, ttl: number }>} files by the names by which hosts ask for them
 * @param {string} served
 */
export async function publish({ place, key }, snapshot, files, served) {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-files-"));
  try {
    const named = Object.entries(files).flatMap(([name, file]) => {
      const path = "path" in file ? file.path : join(folder, basename(name));
      if ("text" in file) writeFileSync(path, file.text);
      return ["--file", `${name}=${path}:${file.ttl}`];
    });
    mkdirSync(place, { recursive: true });
    await run(cli(), ["publish", snapshot, "--to", place, "--audience", AUDIENCE, "--key", key, "--keep", KEEP, ...named]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const name of ["manifest.pkrm", "snapshots", "deltas", "files"]) {
    const from = join(place, name);
    if (existsSync(from)) cpSync(from, join(served, name), { recursive: true, filter: (path) => !SIBLING.test(path) });
  }
}
