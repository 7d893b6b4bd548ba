/**
 * What this device holds of the visitor, told and proved empty. A module of its own, loaded when somebody asks.
 *
 * Invariant: it looks in every place where the browser script writes, and makes nothing by looking.
 */
import { promisifyRequest } from "idb-keyval";
import type { Choice, Erased, HeldProfile, Kept } from "../../element.js";
import { ALLOWED, AWAITED } from "./answers.js";
import { hasCapsule } from "./capsule.js";
import { coded } from "../coded.js";
import { mayExist, MODELS, NAME, open, ownCaches, ownWorkers, toBytes, toText } from "./storage.js";

/** How long a database may take to open, in milliseconds. */
const PATIENCE = 2000;

/** What it needs of the visitor. */
interface Visitor {
  readonly mode: Choice["mode"];
  readonly choice: Choice | undefined;
  readonly answers: ReadonlyMap<string, number>;
  readonly profile: { toJSON(): HeldProfile };
  readonly encoded: Uint8Array | undefined;
}

/** Everything that is held. */
export async function describe(visitor: Visitor, gpc: boolean | null): Promise<Kept> {
  const { mode, choice, answers, profile } = visitor;
  const encoded = visitor.encoded;
  const places = await look();
  const sources = [...answers].map(([source, answer]) => [source, inWords(answer)] as const);
  return {
    mode,
    choice,
    gpc,
    sources: Object.fromEntries(sources),
    ...profile.toJSON(),
    places,
    // Without a yes nothing of it was read: what has not been erased waits for one.
    unread: !encoded && places.some(({ entries }) => entries > 0),
    profile: encoded && toText(encoded),
  };
}

/** The encoded profile of what {@link describe} gave, or of its text. @throws with code `invalid_option` where it is neither */
export function readProfile(kept: unknown): Uint8Array {
  try {
    const { profile } = Object(typeof kept === "string" ? JSON.parse(kept) : kept) as Partial<Kept>;
    if (typeof profile === "string") return toBytes(profile);
  } catch (error) {
    throw coded("invalid_option", "import(): it is neither what export() has given nor the JSON text of it", error);
  }
  throw coded("invalid_option", "import(): `profile` must be a text, as export() gives it under consent");
}

function inWords(answer: number): Kept["sources"][string] {
  if (answer === 0) return "does not apply";
  return answer === ALLOWED ? "yes" : answer === AWAITED ? "not yet" : "no";
}

/** Looks everywhere. @throws with code `not_erased` where anything is left */
export async function prove(): Promise<Erased[]> {
  const places = await look();
  const left = places.flatMap(({ place, entries }) => (entries > 0 ? [`${place} (${entries})`] : []));
  if (left.length === 0) return places;
  throw coded("not_erased", `still held on this device: ${left.join(", ")}; erase again, or clear this site's data in the browser`);
}

async function look(): Promise<Erased[]> {
  const databases = await names();
  const stores = databases.map(async (name) => ({ place: `indexedDB ${name}`, entries: await count(name) }));
  return [
    { place: "cookie", entries: Number(hasCapsule()) },
    { place: "sessionStorage", entries: ofTab() },
    ...(await Promise.all(stores)),
    { place: "caches", entries: await permitted(ownCaches) },
    { place: "service workers", entries: await permitted(ownWorkers) },
  ];
}

/** Items of the tab's storage; none where the browser forbids it. */
function ofTab(): number {
  try {
    return Object.keys(sessionStorage).filter((key) => key.startsWith(NAME)).length;
  } catch {
    // Forbidden, and therefore empty.
    return 0;
  }
}

/** Names of databases: those that this release makes, and whatever else has such a name. */
async function names(): Promise<string[]> {
  let all: IDBDatabaseInfo[] | undefined;
  try {
    all = await (indexedDB as Partial<IDBFactory>).databases?.();
  } catch {
    // Forbidden, and therefore empty.
  }
  const found = (all ?? []).flatMap(({ name }) => (name?.startsWith(NAME) ? [name] : []));
  return [...new Set([NAME, MODELS, ...found])];
}

/** Records in a database; one that is empty counts as one, for it is there. */
async function count(name: string): Promise<number> {
  let database: IDBDatabase | undefined;
  try {
    if (!(await mayExist(name))) return 0;
    const opening = open(name);
    const isHeld = await Promise.race([opening.then(() => false), new Promise<boolean>((resolve) => setTimeout(resolve, PATIENCE, true))]);
    // It is being erased, once another page, or another release, lets go of it.
    if (isHeld) {
      void opening.then((late) => late?.close());
      return 1;
    }
    database = await opening;
    if (!database) return 0;
    const stores = [...database.objectStoreNames];
    if (stores.length === 0) return 1;
    const transaction = database.transaction(stores);
    const counts = await Promise.all(stores.map((store) => promisifyRequest(transaction.objectStore(store).count())));
    return Math.max(1, counts.reduce((sum, records) => sum + records, 0));
  } catch {
    // What the browser does not let a page open, it has not let it write.
    return 0;
  } finally {
    database?.close();
  }
}

async function permitted(list: () => Promise<readonly unknown[]>): Promise<number> {
  try {
    return (await list()).length;
  } catch {
    // Forbidden, and therefore empty.
    return 0;
  }
}
