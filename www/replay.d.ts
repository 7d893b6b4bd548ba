/**
 * Replay capsules: what a ranking was made of and what came out, to be made again in JavaScript or by `pocketrank replay FILE --snapshot
 * snapshot.bin`, bit for bit. And a visitor's export, read back on another device.
 *
 * A capsule names items and times of a visitor: it belongs into a file or a URL's fragment, which no request carries, never into a query. Nothing
 * here sends or stores anything.
 *
 * ```js
 * import { Profile } from "pocketrank";
 * import { replay, writeCapsule } from "pocketrank/replay";
 * const text = writeCapsule({ ranker, profile, now, candidates: items, slate: ranker.rerank(candidates, options), options });
 * const { slate } = replay(text, ranker, (held, at) => Profile.restore(grant, held, at, Infinity));
 * ```
 */
import type { CandidateItem, EventKind, Explanation, HeldProfile, Options, PartName, Profile, Ranked, Ranker } from "./index.js";

/** What was seen of a ranking. */
export interface Seen {
  ranker: Ranker;
  /** For whom it ranked. */
  profile: Profile;
  /** What `setProfile` was given, seconds since 1970-01-01 UTC. */
  now: number;
  /** What `ranker.candidates` was given. */
  candidates: readonly (string | CandidateItem)[];
  /** What `rerank` gave. */
  slate: readonly Ranked[];
  /** What `rerank` was given; its defaults are written out. */
  options?: Options;
  /** What `setBlend` was given. */
  blend?: Partial<Record<PartName, number>>;
}

/** A capsule as it is written, one line of JSON. Its schema is `pocketrank-replay/1`. */
export interface Capsule {
  schema: string;
  /** Id of the snapshot. */
  snapshot: string;
  /** Seconds since 1970-01-01 UTC. */
  now: number;
  /** Item, kind, and how many seconds before `now`; oldest first. */
  events: [item: string, kind: EventKind, before: number][];
  /** Item, kind, how many days before today the first and the last event were, and how many there were. */
  aggregates: [item: string, kind: EventKind, first: number, last: number, count: number][];
  /** The number by which experiments assign; what they decided is in `options`. */
  lot: number | null;
  /** Ids. */
  candidates: string[];
  /** Which candidates were out of stock. */
  outOfStock: number[];
  options: {
    count: number;
    diversity: number;
    excludePurchased: boolean;
    excludeOutOfStock: boolean;
    blend: Partial<Record<PartName, number>>;
    /** In hexadecimal. */
    shifts: string;
  };
  slate: [index: number, score: number][];
  /** FNV-1a (32 bits) of the text before this field, in hexadecimal. */
  check: string;
}

/** What came out again. */
export interface Replayed {
  capsule: Capsule;
  /** Each place, with the candidate's id and why it has its score. */
  slate: (Ranked & { id: string; why: Explanation })[];
}

/** The capsule of a ranking: for a file, or for {@link toFragment}. */
export function writeCapsule(seen: Seen): string;

/** Reads a capsule. @throws with code `invalid_capsule` where it is none, `checksum` where it was changed since it was written */
export function readCapsule(text: string): Capsule;

/**
 * Ranks again what a capsule says. The ranker is left with the capsule's blend and profile: set yours again.
 * @param restore makes a profile as it was then: `(held, at) => Profile.restore(grant, held, at, Infinity)`
 * @throws as {@link readCapsule}; with code `other_snapshot` where the ranker has another snapshot, `invalid_profile` where the signals are none,
 *   `differs` where a place or a bit of a score differs
 */
export function replay(text: string, ranker: Ranker, restore: (held: Uint8Array, at: number) => Profile): Replayed;

/** A capsule as the fragment of an address, `#pocketrank-replay=…`. */
export function toFragment(text: string): string;

/** The capsule of an address's fragment (`location.hash`); `undefined` where there is none. @throws with code `invalid_capsule` where it is damaged */
export function fromFragment(hash: string): string | undefined;

/** What `profile.toJSON()` gave, for `Profile.restore` under a grant. @throws with code `invalid_profile`, naming the field that is wrong */
export function profileBytes(held: HeldProfile): Uint8Array;
