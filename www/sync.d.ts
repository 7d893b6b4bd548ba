/**
 * Following an origin: what `pocketrank publish` made live is in use here too, soon, by few bytes, and whatever fails, what is in use stays.
 *
 * ```js
 * import { init, Ranker } from "pocketrank";
 * import { follow } from "pocketrank/sync";
 * await init();
 * const models = await follow("https://shop.example/models/manifest.pkrm", {
 *   audience: "shop.example/production",
 *   keys: ["9f..."],                        // as `pocketrank keys` prints them
 *   open: (snapshot) => new Ranker(snapshot),
 *   storage: "pocketrank-models",           // a database of the browser; in Node a folder
 *   onReport: ({ code, text }) => console.log(code, text),
 * });
 * models.addEventListener("swap", () => console.log(models.sequence, models.snapshot));
 * ```
 *
 * Manifests must be signed by one of the keys, and all else have the hash that the manifest says. Nothing about a visitor is sent: requests
 * carry no credentials and no referrer, and follow from what is stored alone.
 */
import type { WasmSource } from "./index.js";

export type { WasmSource } from "./index.js";

/** What to follow, and how. */
export interface Options<R> {
  /** For whom manifests must be, as `pocketrank publish --audience` was told. */
  audience: string;
  /** Public keys, 64 hexadecimal digits each; one of them must have signed. They come with the program, not from where the manifest comes from. */
  keys: readonly string[];
  /** Makes the ranker of a snapshot's bytes, which were checked. What it throws is reported as `not_opened`, and the ranker before stays. */
  open: (snapshot: Uint8Array) => R | Promise<R>;
  /**
   * Where all is kept for the next start: in browsers the name of an IndexedDB database, which tabs share; in Node the path of a folder, which
   * processes of the machine share. Without, and in workerd, memory. To erase a database: {@link Following.stop}, then
   * `indexedDB.deleteDatabase`; a tab that still follows does not make it again.
   */
  storage?: string;
  /** What came with the program: in use until there is something newer. `sequence` is the least that is accepted. */
  embedded?: { snapshot: Uint8Array; sequence?: number };
  /** Names of the files to have ahead; one that ends in `/` stands for all that begin so, an empty one for all. All if not given. */
  files?: readonly string[];
  /** Whether deltas are asked for; on if not given. Without, requests tell nothing of what was there before. */
  deltas?: boolean;
  /** The longest time between two questions, in seconds; 3600 if not given. A file's time to live can make it shorter. */
  interval?: number;
  /** The longest backoff after failures, in seconds; 3600 if not given. */
  maxBackoff?: number;
  /** How long an answer may take, in milliseconds; 10,000 if not given. 1 s for each 8 kB is added. */
  timeout?: number;
  /** Is told what happens. */
  onReport?: (report: Report) => void;
  /** Stops, as {@link Following.stop} does. */
  signal?: AbortSignal;
  /** The wasm, where it does not lie beside this module. */
  wasm?: WasmSource;
}

/** What happened: `updated`, `expired`, or what failed. */
export interface Report {
  /**
   * Stable name: `updated` (what the manifest names is in use), `expired` (it should have been replaced); `network`, `timeout`, `status`,
   * `too_long`, `redirected` (not fetched); `unsigned`, `signature`, `audience`, `older` and others (the manifest is refused);
   * `delta_refused`, `snapshot_refused`, `file_refused` (other bytes than the manifest says); `not_stored`, `lost`, `storage`;
   * `not_opened`; `ended` (a fault of this module: it asks no more).
   */
  code: string;
  /** What it was about. */
  kind?: "manifest" | "delta" | "snapshot" | "file";
  /** The HTTP status. */
  status?: number;
  /** What was wrong and what to do, where the code does not say all. */
  text: string;
}

/** What is followed. Fires `swap` whenever another manifest is in use: its ranker and its files at once. */
export interface Following<R> extends EventTarget {
  /** What `open` made of the snapshot in use; `undefined` while there is none. */
  readonly ranker: R | undefined;
  /** The content id of that snapshot, 32 hexadecimal digits. */
  readonly snapshot: string | undefined;
  /** The sequence of the manifest in use. */
  readonly sequence: number | undefined;
  /** The names of its files, sorted. */
  readonly files: string[];
  /**
   * Bytes of a file of the manifest in use, checked: those that are stored, else fetched now. `undefined` where it names no such file or it
   * cannot be had, which is reported.
   * @throws once it was stopped
   */
  file(name: string): Promise<Uint8Array | undefined>;
  /** Does what is due now, and settles when that is done: for hosts whose timers stood still. */
  check(): Promise<void>;
  /** Ends it. Nothing is stored once it has settled; the ranker stays. */
  stop(): Promise<void>;
}

/**
 * Follows the manifest at that address. In Node it does not keep the process alive between two questions. Settles as soon as something is in use, stored, embedded or fetched; or when the first attempt has
 * failed, and then goes on by itself.
 * @param url of the manifest; all that it names lies beside it
 * @throws with code `invalid_option` for an option that is missing, unknown or not what it must be, `corrupt` and others for a key or an embedded
 * snapshot that is none, `not_initialised` where the wasm cannot be loaded
 */
export function follow<R>(url: string | URL, options: Options<R>): Promise<Following<R>>;
