/**
 * Where the visitor's choice and profile are kept: the tab's sessionStorage or IndexedDB, as the visitor chose.
 *
 * Invariant: nothing is created by looking; what is written is written under a choice that was made, and `eraseAll` leaves no
 * trace, not even an empty database. There is no third place; models, which say nothing of the visitor, have a database of their own.
 * A change reads and writes in one step, so that tabs lose nothing of each other's; what a newer release has written is left as it is.
 */
import { promisifyRequest } from "idb-keyval";
import type { Choice } from "../../element.js";
import { warnOnce } from "../warn.js";

/** All that is kept. */
export interface Kept {
  choice: Choice;
  /** The sources whose yes it is, where the visitor chose nothing here. */
  by?: string | undefined;
  /** The encoded profile. */
  profile: Uint8Array;
  /** The one before it, for when that is damaged. */
  before?: Uint8Array | undefined;
  /** Whether the visitor chose while the browser sent Global Privacy Control. */
  despite?: boolean | undefined;
}

/** A place that keeps one visitor. Each method throws {@link Newer}, or what the browser throws that forbids storage or has no room. */
export interface Place {
  read(): Promise<Kept | undefined>;
  /**
   * Writes what a function makes of what is kept, in one step; nothing where it makes nothing. Without `make` nothing happens where nothing is: it has been erased.
   * @returns whether it has written
   */
  update(change: (kept: Kept | undefined) => Kept | undefined, make?: boolean): Promise<boolean>;
  erase(): Promise<void>;
}

/** A record of a release after this one, which that can still read. */
export class Newer extends Error {}

const DAMAGED = "what is kept on this device is damaged";
/** Name of the sessionStorage item, of the database and of its store. */
export const NAME = "pocketrank";
/** Name of the database of models. */
export const MODELS = "pocketrank-models";
/** Name of the sessionStorage item of what a page was left with before it could be written. */
const LEFT = "pocketrank-left";
const KEY = "visitor";
/** The record before it. */
const BEFORE = "before";
/** The newest version of a record; the first had none. */
const VERSION = 1;

export function toText(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

export function toBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** A record, if it is one. */
function read(record: unknown): Kept | undefined {
  const { version = VERSION, choice, by, profile, despite } = Object(record) as Partial<Kept> & { version?: number };
  if (version > VERSION) throw new Newer("a newer release of Pocketrank has written what is kept on this device");
  const isSound = (choice?.mode === "session" || choice?.mode === "persistent") && profile instanceof Uint8Array;
  return isSound ? { choice, by, profile, despite } : undefined;
}

/** The tab: gone when it closes. */
export const session: Place = {
  async read() {
    const text = sessionStorage.getItem(NAME);
    if (text === null) return undefined;
    try {
      const { profile, before, ...record } = JSON.parse(text) as Record<"profile" | "before", string>;
      const kept = read({ ...record, profile: toBytes(profile) });
      return kept && { ...kept, before: before === undefined ? undefined : toBytes(before) };
    } catch (error) {
      if (error instanceof Newer) throw error;
      // Its message may quote the text.
      warnOnce(DAMAGED, (error as Error).name);
      return undefined;
    }
  },
  async update(change, make = false) {
    const kept = await session.read();
    if (!kept && !make && sessionStorage.getItem(NAME) === null) return false;
    const next = change(kept);
    if (!next) return false;
    const { profile, before, ...record } = next;
    const text = { version: VERSION, ...record, profile: toText(profile), before: before && toText(before) };
    sessionStorage.setItem(NAME, JSON.stringify(text));
    return true;
  },
  async erase() {
    for (const name of [NAME, LEFT]) if (sessionStorage.getItem(name) !== null) sessionStorage.removeItem(name);
  },
};

/** The device. A connection is never kept open, so that another tab can erase at any time. */
export const persistent: Place = {
  async read() {
    if (!(await mayExist(NAME))) return undefined;
    let kept: Kept | undefined;
    await transact("readonly", false, (last, before) => void (kept = together(last, before)));
    return kept;
  },
  update(change, make = false) {
    return transact("readwrite", make, (last, before, store) => {
      const kept = together(last, before);
      if (!kept && !make && last === undefined) return false;
      const changed = change(kept);
      if (!changed) return false;
      const { before: sound, ...next } = changed;
      store.put({ version: VERSION, ...next }, KEY);
      if (sound) store.put({ version: VERSION, ...next, profile: sound }, BEFORE);
      return true;
    });
  },
  erase() {
    return eraseDatabase(NAME);
  },
};

/** The record, or the one before it where it is damaged. */
function together(last: unknown, before: unknown): Kept | undefined {
  const [kept, older] = [read(last), read(before)];
  if (!kept && last !== undefined) warnOnce(DAMAGED, "no record of a visitor");
  return kept ? { ...kept, before: older?.profile } : older;
}

/**
 * Runs in one transaction that has read both records, and waits until it is through.
 * @returns what `use` returns, and false where there is no database
 */
async function transact(
  mode: IDBTransactionMode,
  make: boolean,
  use: (last: unknown, before: unknown, store: IDBObjectStore) => unknown,
): Promise<boolean> {
  const database = await open(NAME, make);
  if (!database) return false;
  try {
    if (!database.objectStoreNames.contains(NAME)) throw new Newer("a newer release of Pocketrank has made the database on this device");
    const transaction = database.transaction(NAME, mode);
    const store = transaction.objectStore(NAME);
    let result: unknown;
    let failure: unknown;
    const last = store.get(KEY);
    const before = store.get(BEFORE);
    before.onsuccess = () => {
      try {
        result = use(last.result, before.result, store);
      } catch (error) {
        failure = error;
        transaction.abort();
      }
    };
    await promisifyRequest(transaction).catch((error: unknown) => {
      throw failure ?? error;
    });
    return Boolean(result);
  } finally {
    database.close();
  }
}

/** A database as it is, of whatever version, if it is there or is to be made. */
export async function open(name: string, make = false): Promise<IDBDatabase | undefined> {
  const request = indexedDB.open(name);
  let isMissing = false;
  request.onupgradeneeded = () => {
    isMissing = !make;
    // What is not made is not left behind either: an aborted upgrade deletes it.
    if (make) request.result.createObjectStore(NAME);
    else request.transaction?.abort();
  };
  try {
    return await promisifyRequest(request);
  } catch (error) {
    if (isMissing) return undefined;
    throw error;
  }
}

/** What a page that is held still, or another release, has open is there until that lets go of it: empty. */
async function eraseDatabase(name: string): Promise<void> {
  const database = (await mayExist(name)) ? await open(name) : undefined;
  if (!database) return;
  const stores = [...database.objectStoreNames];
  if (stores.length > 0) {
    const transaction = database.transaction(stores, "readwrite");
    for (const store of stores) transaction.objectStore(store).clear();
    await promisifyRequest(transaction);
  }
  database.close();
  const request = indexedDB.deleteDatabase(name);
  await new Promise<void>((resolve, reject) => {
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error ?? new Error(name));
  });
}

/** Looks up the name first, for opening makes a database, where the browser has such a list. */
export async function mayExist(name: string): Promise<boolean> {
  const databases = await (indexedDB as Partial<IDBFactory>).databases?.();
  return databases?.some((database) => database.name === name) ?? true;
}

/** The place of a mode. */
export function place(mode: Choice["mode"]): Place | undefined {
  return { contextual: undefined, session, persistent }[mode];
}

/**
 * What is kept anywhere, what counts first: to choose the session erases what lasts, so where there is both, that which lasts was chosen after
 * it, in another tab. A browser that forbids storage keeps nothing.
 */
export async function find(): Promise<Kept[]> {
  const found = [await permitted(() => persistent.read()), await permitted(() => session.read())];
  return found.filter((kept) => kept !== undefined);
}

/** Erases in every place but one. */
export async function eraseAll(but?: Place): Promise<void> {
  for (const place of [session, persistent]) if (place !== but) await permitted(() => place.erase());
}

/** Keeps for the next page of this tab what could not be written before this one was left. Storage of the tab is written at once. */
export function leave(changes: unknown[]): void {
  sessionStorage.setItem(LEFT, JSON.stringify(changes));
}

/** What the page before was left with. */
export function takeLeft<T>(): T[] {
  const text = sessionStorage.getItem(LEFT);
  if (text === null) return [];
  sessionStorage.removeItem(LEFT);
  return JSON.parse(text) as T[];
}

/**
 * Erases what was stored of models, with the caches and workers that serve them offline, unless a visitor is kept on this device: in
 * another tab there may be a yes that lasts.
 */
export async function eraseModels(): Promise<void> {
  await permitted(async () => {
    if (await isKept()) return;
    await eraseDatabase(MODELS);
    for (const name of await ownCaches()) await caches.delete(name);
    for (const worker of await ownWorkers()) await worker.unregister();
  });
}

async function isKept(): Promise<boolean> {
  const databases = await (indexedDB as Partial<IDBFactory>).databases?.();
  return databases ? databases.some(({ name }) => name === NAME) : (await persistent.read()) !== undefined;
}

/** Caches are there over TLS alone. */
export async function ownCaches(): Promise<string[]> {
  const names = "caches" in window ? await caches.keys() : [];
  return names.filter((name) => name.startsWith("pocketrank-"));
}

/** Service Workers whose script has a name of ours. */
export async function ownWorkers(): Promise<readonly ServiceWorkerRegistration[]> {
  const workers = "serviceWorker" in navigator ? await navigator.serviceWorker.getRegistrations() : [];
  return workers.filter(({ installing, waiting, active }) => /\/pocketrank[^/?#]*(\?|$)/.test((installing ?? waiting ?? active)?.scriptURL ?? ""));
}

/** Runs what reads or erases storage; undefined where the browser forbids it to the page, or has none. */
async function permitted<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Newer || !isForbidden(error)) throw error;
    return undefined;
  }
}

function isForbidden(error: unknown): boolean {
  return (error instanceof DOMException && error.name === "SecurityError") || !window.indexedDB;
}
