/**
 * Where the visitor's choice and profile are kept: the tab's sessionStorage or IndexedDB, as the visitor chose.
 *
 * Invariant: nothing is created by looking; what is written is written under a choice that was made, and `erase` leaves no
 * trace, not even an empty database. There is no third place; models, which say nothing of the visitor, have a database of their own.
 */
import { createStore, get, set } from "idb-keyval";
import type { UseStore } from "idb-keyval";
import type { Choice } from "../element.js";

/** All that is kept. */
export interface Kept {
  choice: Choice;
  /** The encoded profile. */
  profile: Uint8Array;
}

/** A place that keeps one visitor. */
export interface Place {
  read(): Promise<Kept | undefined>;
  /** Writes for the first time. */
  create(kept: Kept): Promise<void>;
  /** Writes again; false, with nothing written, where it has been erased since, by another tab for instance. */
  replace(kept: Kept): Promise<boolean>;
  erase(): Promise<void>;
}

/** Name of the sessionStorage item and of the database. */
const NAME = "pocketrank";
/** Name of the database of models. */
export const MODELS = "pocketrank-models";
const KEY = "visitor";

function toText(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function toBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** The tab: gone when it closes. Throws where the browser forbids storage. */
export const session: Place = {
  async read() {
    const text = sessionStorage.getItem(NAME);
    if (text === null) return undefined;
    const { choice, profile } = JSON.parse(text) as { choice: Choice; profile: string };
    return { choice, profile: toBytes(profile) };
  },
  async create({ choice, profile }) {
    sessionStorage.setItem(NAME, JSON.stringify({ choice, profile: toText(profile) }));
  },
  async replace(kept) {
    if (sessionStorage.getItem(NAME) === null) return false;
    await session.create(kept);
    return true;
  },
  async erase() {
    if (sessionStorage.getItem(NAME) !== null) sessionStorage.removeItem(NAME);
  },
};

/** The device. A connection is never kept open, so that another tab can erase at any time. */
export const persistent: Place = {
  async read() {
    return (await exists(NAME)) ? connected((store) => get<Kept>(KEY, store)) : undefined;
  },
  create(kept) {
    return connected((store) => set(KEY, kept, store));
  },
  async replace(kept) {
    if (!(await exists(NAME))) return false;
    await persistent.create(kept);
    return true;
  },
  erase() {
    return eraseDatabase(NAME);
  },
};

async function eraseDatabase(name: string): Promise<void> {
  if (!(await exists(name))) return;
  await new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
}

/** Opening a database makes it, so its name is looked up first. */
async function exists(name: string): Promise<boolean> {
  const databases = await indexedDB.databases();
  return databases.some((database) => database.name === name);
}

async function connected<T>(use: (store: UseStore) => Promise<T>): Promise<T> {
  const store = createStore(NAME, NAME);
  try {
    return await use(store);
  } finally {
    const database = await store("readonly", ({ transaction }) => transaction.db);
    database.close();
  }
}

/** The place of a mode. */
export function place(mode: Choice["mode"]): Place | undefined {
  return { contextual: undefined, session, persistent }[mode];
}

/** What is kept anywhere. A browser that forbids storage keeps nothing. */
export async function find(): Promise<Kept | undefined> {
  return permitted(async () => (await session.read()) ?? (await persistent.read()));
}

/** Erases in every place. */
export async function eraseAll(): Promise<void> {
  await permitted(() => session.erase());
  await permitted(() => persistent.erase());
}

/** Erases what was stored of models, unless a visitor is kept on this device: in another tab there may be a yes that lasts. */
export async function eraseModels(): Promise<void> {
  await permitted(async () => {
    if (!(await exists(NAME))) await eraseDatabase(MODELS);
  });
}

/** Runs what reads storage; undefined where the browser forbids it to the page. */
async function permitted<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DOMException && error.name === "SecurityError") return undefined;
    throw error;
  }
}
