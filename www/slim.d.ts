/**
 * Pocketrank's slim entry: consent, profile and ranking, and no more. The same slates as the whole, bit for bit, in fewer bytes and some
 * microseconds later. Explanations, capsules, cards and compiled snapshots are in the entry `pocketrank`.
 *
 * ```js
 * import { init, Consent, Profile, Ranker } from "pocketrank/slim";
 * ```
 */
import type {
  CandidateItem,
  Candidates,
  EventKind,
  Grant,
  LoadOptions,
  Mode,
  OpenOptions,
  Options,
  Ranked,
  Signals,
  SnapshotSource,
} from "./index.js";

export { Grant, init, memoryBytes } from "./index.js";
export type {
  CandidateItem,
  Candidates,
  Choice,
  EventKind,
  LoadOptions,
  Mode,
  OpenOptions,
  Options,
  PocketrankError,
  Ranked,
  Signals,
  SnapshotSource,
  WasmSource,
} from "./index.js";

/** The decision about what the visitor allows: without a yes that can be read it is `contextual`. */
export class Consent {
  /** @throws with code `invalid_option` where the signals cannot be understood */
  constructor(signals: Signals, answers?: number);
  /** What follows from the signals. */
  readonly mode: Mode;
  /** Permission to read and write a profile; `undefined` in `contextual`. */
  grant(): Grant | undefined;
  /** Gives its memory back; without a call the garbage collector does. */
  free(): void;
}

/** The visitor's own signals, as in the whole entry: the encoded form is the same. */
export class Profile {
  constructor();
  /**
   * Takes an event in.
   * @param item the shop's id of the item
   * @param at seconds since 1970-01-01 UTC
   * @throws with code `unknown_name` for another kind
   */
  record(grant: Grant, item: string, kind: EventKind, at: number): void;
  /** The encoded form, for storage on the device. */
  encode(grant: Grant): Uint8Array;
  /** Reads the encoded form back. @throws where the bytes are not a whole, sound profile */
  static decode(grant: Grant, bytes: Uint8Array, now?: number, days?: number): Profile;
  /** The number of events. */
  readonly length: number;
  /** Forgets everything. */
  erase(): void;
  /** Gives its memory back. */
  free(): void;
}

/** Ranks candidates with one snapshot for one profile; with none set, for the contextual visitor. */
export class Ranker {
  /**
   * Opens a snapshot and verifies it by its content id, which covers every byte: what was changed on the way is refused. That the origin
   * packed it by the rules of the format is not checked once more, as the whole entry does. @throws with the code of what is wrong: `magic`, `version`, `truncated`, ...
   */
  constructor(snapshot: Uint8Array | ArrayBuffer, options?: OpenOptions);
  /** Opens and verifies a snapshot that is still arriving, so that memory holds it once. @throws as in the whole entry */
  static load(source: SnapshotSource | PromiseLike<SnapshotSource>, options?: LoadOptions): Promise<Ranker>;
  /** The snapshot's content id, 32 hexadecimal digits. */
  readonly id: string;
  /** The snapshot's number of items. */
  readonly items: number;
  /** Resolves ids, or items of a candidates list with their stock. Unknown items stay, without a score. */
  candidates(items: Iterable<string | CandidateItem>): Candidates;
  /** Candidates of rows that are known to belong to this snapshot. */
  candidatesOfRows(rows: Iterable<number>): Candidates;
  /** Computes what depends on the profile; once per change. `now` is in seconds since 1970-01-01 UTC. */
  setProfile(profile: Profile, now?: number): void;
  /** Ranks. Equal snapshot, profile, date, candidates and options give equal slates on every host. */
  rerank(candidates: Candidates, options?: Options): Ranked[];
  /** Gives its memory back. */
  free(): void;
}
