/**
 * Pocketrank: reranks cached candidates with signals that stay on the visitor's device.
 *
 * Every function but {@link init} needs `await init()` first. Errors are `Error` objects whose `code` is stable and whose
 * text says what is wrong, where, and what to do.
 *
 * ```js
 * import { init, Consent, Profile, Ranker } from "pocketrank";
 * await init();
 * const ranker = await Ranker.load(await fetch("/pocketrank/snapshot.bin"));
 * const grant = new Consent({ choice: { mode: "session" } }).grant();
 * const profile = new Profile();
 * if (grant) profile.record(grant, "sku-1", "view_item", Math.floor(Date.now() / 1000));
 * ranker.setProfile(profile);
 * for (const { index } of ranker.rerank(ranker.candidates(ids), { count: 12 })) console.log(ids[index]);
 * ```
 */

/** What the runtime's wasm can be loaded from. */
export type WasmSource =
  BufferSource | WebAssembly.Module | Response | PromiseLike<BufferSource | WebAssembly.Module | Response>;

/**
 * Loads the runtime, once however often it is called. Without an argument the browser fetches `pocketrank_bg.wasm`
 * from beside the module, Node reads that file, and workerd takes it as a module of the worker. A module that `pocketrank compile` made
 * is loaded alike; {@link Ranker.embedded} then ranks by the snapshot in it. The script that `compile --js` writes finds that module beside
 * it (in Node from 20.16 on), and in workerd takes what the worker imports: `import model from "./model.wasm"; await init(model)`.
 * @throws with code `not_initialised` where the wasm cannot be loaded; a later call tries again
 */
export function init(wasm?: WasmSource): Promise<void>;

/** An error of the runtime. */
export interface PocketrankError extends Error {
  /** Stable name of the kind of error, such as `truncated`, `checksum`, `version` or `invalid_option`. */
  readonly code: string;
}

/** How much of the visitor may be used. */
export type Mode = "contextual" | "session" | "persistent";

/** What the visitor chose when asked. */
export interface Choice {
  /** How much may be used. */
  mode: Mode;
  /** Whether the capsule may go with page requests to the page's own edge; off if not given. */
  capsule?: boolean;
}

/** All that speaks for or against. */
export interface Signals {
  /** Global Privacy Control: `null` where there is a signal that cannot be understood, which counts as an objection. */
  gpc?: boolean | null;
  /** The visitor's choice; absent while none was made. */
  choice?: Choice | undefined;
  /** Whether the shop lets a choice override Global Privacy Control; off if not given. */
  gpcOverride?: boolean;
}

/** The decision about what the visitor allows: without a yes that can be read it is `contextual`. */
export class Consent {
  /**
   * @param answers what sources of consent say that the shop has wired up, a set of bits, for all must allow: 1 one has a yes, 2 one has not
   * answered yet, 4 one has a no or cannot be read; and 8 where the shop takes their yes for `persistent`, else it is for `session`. 0, without
   * such sources, if not given
   * @throws with code `invalid_option` where the signals cannot be understood
   */
  constructor(signals: Signals, answers?: number);
  /** What follows from the signals. */
  readonly mode: Mode;
  /** Permission to read and write a profile; `undefined` in `contextual`. */
  grant(): Grant | undefined;
  /** Permission to make and read capsules, a purpose of its own. */
  capsuleGrant(): CapsuleGrant | undefined;
  /** Gives its memory back; without a call the garbage collector does. */
  free(): void;
}

/** Permission to read and write a profile. Only {@link Consent} makes it. */
export class Grant {
  private constructor();
  /** Gives its memory back. */
  free(): void;
}

/** Permission to make and read capsules. Only {@link Consent} makes it. */
export class CapsuleGrant {
  private constructor();
  /** Gives its memory back. */
  free(): void;
}

/** The kind of an event: GA4's e-commerce names, and `dismiss`. */
export type EventKind =
  | "view_item_list"
  | "select_item"
  | "view_item"
  | "add_to_wishlist"
  | "add_to_cart"
  | "remove_from_cart"
  | "begin_checkout"
  | "purchase"
  | "dismiss";

/** One thing that the visitor did with one item. */
export interface ProfileEvent {
  /** {@link itemHash} of the item's id. */
  item: string;
  /** Seconds since 1970-01-01 UTC; ranking uses the day only. */
  at: number;
  /** What. */
  kind: EventKind;
}

/** What is left of events that a profile had no room for: how many of one kind there were with one item. */
export interface Aggregate {
  /** {@link itemHash} of the item's id. */
  item: string;
  /** What. */
  kind: EventKind;
  /** The first second of the day of the first of them, since 1970-01-01 UTC. */
  first: number;
  /** That of the last; the aggregate decays by it. */
  last: number;
  /** How many, from 1 to 64. */
  count: number;
}

/** All that a profile holds, as {@link Profile.toJSON} gives it. `profileBytes` of `pocketrank/replay` reads it back, on another device. */
export interface HeldProfile {
  /** The events, oldest first. */
  events: ProfileEvent[];
  /** What was folded, the one that ended first at the front. */
  aggregates: Aggregate[];
  /** The number by which experiments assign; absent where none is drawn. */
  lot?: number;
  /** What the lot has assigned, the oldest first: hashes (FNV32a) of experiment and variation. */
  assignments?: { experiment: number; variation: number }[];
}

/**
 * The visitor's own signals: at most 256 events, and at most 256 aggregates of those before them; 6,805 bytes encoded at most. When there are more,
 * the oldest impression falls out; where there is none the oldest event is folded into the aggregate of its item and kind, and of aggregates
 * falls out which ended first. Both decay alike, by the day of the newest event. The empty profile is the contextual visitor.
 */
export class Profile {
  constructor();
  /**
   * Takes an event in.
   * @param item the shop's id of the item
   * @param at seconds since 1970-01-01 UTC
   * @throws with code `unknown_name` for another kind, `invalid_option` for a time that is none, such as milliseconds
   */
  record(grant: Grant, item: string, kind: EventKind, at: number): void;
  /** The encoded form, for storage on the device. Equal encodings rank alike. */
  encode(grant: Grant): Uint8Array;
  /**
   * Takes in what another profile has of the same visitor, such as that of another device. Equal events are one; where aggregates of both may be of
   * the same events the greater counts, and what there is no room for falls out as ever. To take the same in once more changes nothing. The lot
   * stays once it has assigned something; else it is the other's, if that has one.
   */
  merge(grant: Grant, other: Profile): void;
  /**
   * Reads the encoded form back, without what is older than it may be kept: events go, aggregates that ended before go, and those that only
   * began before count as much less as the share of their days that is gone. So it is gone from what is written next. What a clock that was wrong
   * has put after `now` is of now from then on.
   * @param now seconds since 1970-01-01 UTC; the clock's if not given
   * @param days for how many days before `now` is kept, a part of one counting as a whole; 365 if not given, `Infinity` for all
   * @throws with code `invalid_option` where a time or `days` is none; where the bytes are not a whole, sound profile
   */
  static decode(grant: Grant, bytes: Uint8Array, now?: number, days?: number): Profile;
  /**
   * Takes what {@link Profile.held} gave, or `profileBytes` of `pocketrank/replay` made of the visitor's export, with the same retention as
   * {@link Profile.decode}. @throws where the bytes are not that of a whole, sound profile
   */
  static restore(grant: Grant, bytes: Uint8Array, now?: number, days?: number): Profile;
  /** The events, oldest first. */
  events(): ProfileEvent[];
  /** What was folded, the one that ended first at the front. */
  aggregates(): Aggregate[];
  /** All of it in plain words, for the visitor's export: `JSON.stringify(profile)`. */
  toJSON(): HeldProfile;
  /** All of it encoded without a check, for `pocketrank/decide` and {@link Profile.restore}. */
  readonly held: Uint8Array;
  /** The number of events. */
  readonly length: number;
  /**
   * Draws the number of 12 bits by which experiments assign: when consent is given, and each time that it is renewed. What the number before
   * it has assigned is forgotten.
   * @param seed random, such as `crypto.getRandomValues(new Uint32Array(1))[0]`; its low 12 bits count
   */
  drawLot(grant: Grant, seed: number): void;
  /** The lot and what it has assigned, for `pocketrank/decide`. */
  readonly draw: Uint8Array;
  /** Keeps what the lot was assigned to since, by `pocketrank/decide`; that of another lot changes nothing. @throws where it is none */
  keep(grant: Grant, draw: Uint8Array): void;
  /** Forgets everything, the lot as well. */
  erase(): void;
  /** The capsule at `now` (seconds since 1970-01-01 UTC): the newest 30 events but impressions as at most 480 characters of base64url. */
  capsule(grant: CapsuleGrant, now: number): string;
  /** The profile that a capsule carries. @throws where the capsule is damaged or has expired */
  static fromCapsule(grant: CapsuleGrant, text: string, now: number): Profile;
  /** Gives its memory back. */
  free(): void;
}

/** What the visitor chose, according to a capsule. @throws where the capsule is damaged or has expired */
export function capsuleChoice(text: string, now: number): Required<Choice>;

/** The hash by which profiles name an item: 16 hexadecimal digits. */
export function itemHash(id: string): string;

/** An item of a candidates list, as `pocketrank candidates` writes it. Only `id` is needed to rank. */
export interface CandidateItem {
  /** The shop's id. */
  id: string;
  /** Part of the address of the item's page. */
  slug?: string;
  /** The item's name. */
  name?: string;
  /** Where the item's page is. */
  url?: string;
  /** Where its picture is. */
  image?: string;
  /** The price as a number in text, such as `2.10`. */
  price?: string;
  /** ISO 4217 code. */
  currency?: string;
  /** The price as it is shown. */
  price_text?: string;
  /** The category's name. */
  category?: string;
  /** The category's name in addresses. */
  category_slug?: string;
  /** The brand. */
  brand?: string | null;
  /** Whether it can be bought now; yes if not given. */
  in_stock?: boolean;
}

/** Items to rank, resolved once and ranked often. They belong to the snapshot of the {@link Ranker} that made them. */
export interface Candidates {
  /** How many there are. */
  readonly length: number;
  /** Their rows in the snapshot (a copy); `0xffffffff` where the snapshot does not know the item. */
  readonly rows: Uint32Array;
  /** Marks one as out of stock, or back in. */
  setOutOfStock(index: number, out?: boolean): void;
  /** Gives its memory back. */
  free(): void;
}

/** How to rerank. */
export interface Options {
  /** The length of the slate; 12 if not given. */
  count?: number;
  /** From 0 (by score alone) to 1 (unlike one another above all); 0.3 if not given. */
  diversity?: number;
  /** Leave out what the profile has a purchase of; off if not given. */
  excludePurchased?: boolean;
  /** Leave out what is out of stock; on if not given. */
  excludeOutOfStock?: boolean;
  /** What rules do to these candidates, as `pocketrank/decide` gives it; nothing if not given. */
  shifts?: Uint8Array | undefined;
}

/** One place of the slate. */
export interface Ranked {
  /** Position in the candidates. */
  index: number;
  /** Row in the snapshot. */
  row: number;
  /** The score; diversity changes places, not scores. */
  score: number;
}

/** Why an item has its score. */
export interface Explanation {
  /** The sum of the parts in their order, in single precision. */
  score: number;
  /** What each scorer adds. */
  parts: { name: PartName; value: number }[];
  /** The items of the history that speak for it, each with its row and its share in the part `neighbours`. */
  because: { item: string; row: number; kind: EventKind; share: number }[];
}

/** Scorers, in the order in which they are added up. */
export type PartName =
  "neighbours" | "repeat" | "factors" | "content" | "category" | "brand" | "price_band" | "popularity" | "trend" | "newness";

/** What a snapshot says of itself. */
export interface Meta {
  /** The content id. */
  id: string;
  /** The newest version of the format that this runtime reads. */
  version: number;
  /** The number of rows. */
  items: number;
  /** The model, in words: family and parameters. */
  model: string;
  /** Last second of the day of the newest event of the training data, seconds since 1970-01-01 UTC. */
  trainedUntil: number;
  /** The fewest customers that stand behind each edge and row. */
  minCustomers: number;
  /** ISO 4217 code of the prices; empty when there are none. */
  currency: string;
}

/** How to open a snapshot. */
export interface OpenOptions {
  /**
   * Whether every byte is checked first, in time that grows with the snapshot; on if not given. Leave it out only where the bytes are
   * known to be whole, such as those of your own build: bytes that nobody checked can rank wrongly, and do no other harm.
   */
  verify?: boolean;
}

/** How to load a snapshot. */
export interface LoadOptions extends OpenOptions {
  /** The most bytes to take in; 67,108,864 (64 MB) if not given. A larger snapshot is refused when its header is there. */
  maxBytes?: number;
}

/** Where a snapshot can come from, piece by piece. */
export type SnapshotSource = Response | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Bytes of memory that the runtime holds. It grows with the largest need so far, and never shrinks. */
export function memoryBytes(): number;

/** Ranks candidates with one snapshot for one profile; with none set, for the contextual visitor. */
export class Ranker {
  /** Opens and verifies a snapshot. @throws with the code of what is wrong: `magic`, `version`, `truncated`, ... */
  constructor(snapshot: Uint8Array | ArrayBuffer, options?: OpenOptions);
  /**
   * Opens and verifies a snapshot that is still arriving, as by `Ranker.load(fetch("snapshot.bin"))`: each piece goes straight to where it stays, so that memory holds it once.
   * @throws as the constructor; with code `limit` beyond `maxBytes`, `not_loaded` for a response that is no success; `invalid_option` for what is no source; and what the source throws
   */
  static load(source: SnapshotSource | PromiseLike<SnapshotSource>, options?: LoadOptions): Promise<Ranker>;
  /**
   * The ranker of the snapshot that `pocketrank compile` put into the wasm: used where it lies, and verified when it was compiled.
   * @throws with code `not_embedded` where the wasm is the plain runtime
   */
  static embedded(): Ranker;
  /** The snapshot's content id, 32 hexadecimal digits. */
  readonly id: string;
  /** The snapshot's number of rows: its items, and rows that are free since their items are gone. */
  readonly items: number;
  /** What the snapshot says of itself. */
  readonly meta: Meta;
  /** Resolves ids, or items of a candidates list with their stock. Unknown items stay, without a score. */
  candidates(items: Iterable<string | CandidateItem>): Candidates;
  /** Candidates of rows that are known to belong to this snapshot. */
  candidatesOfRows(rows: Iterable<number>): Candidates;
  /** Candidates of items by their hashes, 8 bytes each, little-endian: for `pocketrank/decide`. */
  candidatesOfItems(items: Uint8Array): Candidates;
  /** What candidates are of, 5 bytes each: codes of category and brand, 2 bytes little-endian, and of price band; 0 where not known. For `pocketrank/decide`. */
  codes(candidates: Candidates): Uint8Array;
  /** Computes what depends on the profile; once per change. `now` is in seconds since 1970-01-01 UTC. */
  setProfile(profile: Profile, now?: number): void;
  /** Ranks. Equal snapshot, profile, date, candidates and options give equal slates on every host. */
  rerank(candidates: Candidates, options?: Options): Ranked[];
  /**
   * Multiplies the weights of the snapshot's blend by factors from 0 to 100, as the value of a feature `pocketrank.blend` says, or puts them
   * back. Holds when the profile is set next.
   * @throws with code `weight` where a name is no part's or a number no factor; the factors before it hold
   */
  setBlend(factors?: Partial<Record<PartName, number>>): void;
  /** The snapshot's features and experiments, for `pocketrank/decide`; empty where it has none. */
  readonly experiments: Uint8Array;
  /** The snapshot's rules, for `pocketrank/decide`; empty where it has none. */
  readonly rules: Uint8Array;
  /** The names behind codes, as docs/FORMAT.md has them, for `pocketrank/decide`; empty where there are none. */
  readonly labels: Uint8Array;
  /** Why a row has its score. */
  explain(row: number): Explanation;
  /** The snapshot's compiled templates, or those that are built in: what `pocketrank/render` reads (a copy). */
  readonly templates: Uint8Array;
  /** Gives its memory back. */
  free(): void;
}
