/**
 * The browser's storage: one IndexedDB database, shared by all tabs of the origin.
 *
 * Invariant: the database is made once, by the first look at it. Where it is gone later, the visitor has withdrawn: it is not made again,
 * and nothing is written any more. A connection is never kept open, so that another tab can delete it at any time.
 */
import type { Held } from "./plan.js";
import type { Said, Storage } from "./storage.js";

const STORE = "models";
const MANIFEST = "manifest";
const CHECKED = "checked";
/** Before the SHA-256 of a blob. */
const BLOB = "blob:";

export class Database implements Storage {
  readonly #name: string;
  #made = false;

  constructor(name: string) {
    this.#name = name;
  }

  held(): Promise<Held> {
    return this.#use("readonly", async (store) => {
      const [keys, manifest, checked] = await Promise.all([done(store.getAllKeys()), done(store.get(MANIFEST)), done(store.get(CHECKED))]);
      const blobs = keys.flatMap((key) => (typeof key === "string" && key.startsWith(BLOB) ? [key.slice(BLOB.length)] : []));
      return { manifest: manifest as Uint8Array | undefined, blobs, checked: checked as number | undefined };
    });
  }

  read(sha256: string): Promise<Uint8Array | undefined> {
    return this.#use("readonly", (store) => done(store.get(BLOB + sha256) as IDBRequest<Uint8Array | undefined>));
  }

  async write(sha256: string, bytes: Uint8Array): Promise<void> {
    await this.#use("readwrite", (store) => done(store.put(bytes, BLOB + sha256)));
  }

  async commit(manifest: Uint8Array): Promise<void> {
    await this.#use("readwrite", (store) => done(store.put(manifest, MANIFEST)));
  }

  async check(at: number): Promise<void> {
    await this.#use("readwrite", (store) => done(store.put(at, CHECKED)));
  }

  async keep(blobs: ReadonlySet<string>): Promise<void> {
    await this.#use("readwrite", async (store) => {
      for (const key of await done(store.getAllKeys())) {
        if (typeof key === "string" && key.startsWith(BLOB) && !blobs.has(key.slice(BLOB.length))) store.delete(key);
      }
    });
  }

  /** The lock bears the database's name. Without TLS there is none, and each tab fetches for itself. */
  async alone<T>(run: () => Promise<T>, stopped: AbortSignal): Promise<T> {
    const locks = navigator.locks as LockManager | undefined;
    return locks ? ((await locks.request(this.#name, { signal: stopped }, run)) as T) : run();
  }

  /** Where the browser has no channel, tabs follow each for itself. */
  listen(hear: (said: Said) => void): { say(said: Said): void; close(): void } {
    if (!globalThis.BroadcastChannel) return { say: () => undefined, close: () => undefined };
    const channel = new BroadcastChannel(this.#name);
    channel.onmessage = ({ data }) => hear(data as Said);
    return { say: (said) => channel.postMessage(said), close: () => channel.close() };
  }

  /** Runs in one transaction, and waits until that is through. */
  async #use<T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => Promise<T>): Promise<T> {
    const database = await this.#open();
    try {
      const transaction = database.transaction(STORE, mode);
      const through = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
      });
      const [result] = await Promise.all([run(transaction.objectStore(STORE)), through]);
      return result;
    } finally {
      database.close();
    }
  }

  async #open(): Promise<IDBDatabase> {
    const request = indexedDB.open(this.#name, 1);
    request.onupgradeneeded = () => {
      // What is not made is not left behind either: an aborted upgrade deletes it.
      if (this.#made) request.transaction?.abort();
      else request.result.createObjectStore(STORE);
    };
    const database = await done(request);
    this.#made = true;
    return database;
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}
