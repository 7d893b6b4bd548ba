/**
 * Node's storage: one folder, shared by all processes of the machine.
 *
 * Invariant: under its name a file is there whole or not at all: it is written aside, synced, and renamed, and then the folder is synced. A
 * process that is killed leaves at most a file aside, which the next `keep` deletes.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Held } from "./plan.js";
import type { Storage } from "./storage.js";

const MANIFEST = "manifest";
const CHECKED = "checked";
const LOCK = "lock";
const ASIDE = ".new-";
const HASH = /^[0-9a-f]{64}$/;
/** A lock that its holder has not touched for so long is nobody's, in milliseconds. */
const STALE = 60_000;
const TOUCH = 10_000;
const RETRY = 250;
/** The locks that this process holds. */
const held = new Set<string>();

export class Folder implements Storage {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async held(): Promise<Held> {
    await mkdir(this.#path, { recursive: true });
    const [names, manifest, checked] = await Promise.all([readdir(this.#path), this.#read(MANIFEST), this.#read(CHECKED)]);
    const at = checked && Number(new TextDecoder().decode(checked));
    return { manifest, blobs: names.filter((name) => HASH.test(name)), checked: Number.isFinite(at) ? at : undefined };
  }

  read(sha256: string): Promise<Uint8Array | undefined> {
    return this.#read(sha256);
  }

  write(sha256: string, bytes: Uint8Array): Promise<void> {
    return this.#replace(sha256, bytes);
  }

  commit(manifest: Uint8Array): Promise<void> {
    return this.#replace(MANIFEST, manifest);
  }

  check(at: number): Promise<void> {
    return this.#replace(CHECKED, new TextEncoder().encode(String(at)));
  }

  async keep(blobs: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#path);
    const unwanted = names.filter((name) => name.startsWith(ASIDE) || (HASH.test(name) && !blobs.has(name)));
    await Promise.all(unwanted.map((name) => rm(join(this.#path, name), { force: true })));
  }

  /**
   * By a lock file. Two that take over the same stale lock at the same moment could both hold it; then what one deletes the other
   * fetches again, and nothing worse.
   */
  async alone<T>(run: () => Promise<T>, stopped: AbortSignal): Promise<T> {
    const path = join(this.#path, LOCK);
    const name = `${hostname()} ${process.pid} ${randomBytes(8).toString("hex")}`;
    held.add(name);
    let touch;
    try {
      while (!(await create(path, name))) {
        stopped.throwIfAborted();
        if (await isStale(path)) await rm(path, { force: true });
        else await sleep(RETRY);
      }
      // Where the lock cannot be touched, it has been taken over.
      touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), TOUCH).unref();
      return await run();
    } finally {
      clearInterval(touch);
      held.delete(name);
      if ((await readFile(path, "utf8").catch(missing)) === name) await rm(path, { force: true });
    }
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    return readFile(join(this.#path, name)).catch(missing);
  }

  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const aside = join(this.#path, ASIDE + randomBytes(8).toString("hex"));
    try {
      const file = await open(aside, "wx");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, join(this.#path, name));
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
    await this.#sync();
  }

  /** Writes the names down; Windows neither needs nor has it. */
  async #sync(): Promise<void> {
    if (process.platform === "win32") return;
    const folder = await open(this.#path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Makes the lock; false where it is there already. */
async function create(path: string, name: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(name);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** Whether whoever made the lock is gone. */
async function isStale(path: string): Promise<boolean> {
  const [holder, state] = await Promise.all([readFile(path, "utf8").catch(missing), stat(path).catch(missing)]);
  if (holder === undefined || !state) return false;
  if (Date.now() - state.mtimeMs > STALE) return true;
  const [host, pid] = holder.split(" ");
  if (host !== hostname() || !pid) return false;
  // In a container every process may have the number that this one has.
  if (Number(pid) === process.pid) return !held.has(holder);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return isCode(error, "ESRCH");
  }
}

function missing(error: unknown): undefined {
  if (isCode(error, "ENOENT")) return undefined;
  throw error;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
