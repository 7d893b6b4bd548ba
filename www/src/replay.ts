/**
 * Replay capsules: what a ranking was made of and what came out, as one line of JSON, to be made again here or by `pocketrank replay`. And the
 * visitor's export read back.
 *
 * Invariant: a capsule is read only as it was written (its check is of the text before it), and a replay is the same only where every place has the same
 * candidate and the same score. Nothing here has wasm of its own, or sends anything. `origin/src/replay.rs` reads the same.
 */
import type { HeldProfile, Profile, Ranker } from "../index.js";
import type { Capsule, Replayed, Seen } from "../replay.js";
import { coded } from "./coded.js";
import { KINDS } from "./ranking/kinds.js";
import { ASSIGNMENT, DAY, FOLDED, HEADER, ROW } from "./ranking/rows.js";

const SCHEMA = "pocketrank-replay/1";
const CHECK = ',"check":"';
const FRAGMENT = "#pocketrank-replay=";
/** Bits of an aggregate's count, and the most days from its first event to its last. */
const [COUNT_BITS, MAX_SPAN] = [6, 1023];

const day = (seconds: number) => Math.floor(seconds / DAY);

/** FNV-1a of 32 bits: against accidents and edits by hand. */
function check(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

export function writeCapsule({ ranker, profile, now, candidates, slate, options = {}, blend = {} }: Seen): string {
  const { events, aggregates, lot } = profile.toJSON();
  const { count = 12, diversity = 0.3, excludePurchased = false, excludeOutOfStock = true, shifts = new Uint8Array() } = options;
  const ids = candidates.map((item) => (typeof item === "string" ? item : item.id));
  const today = day(now);
  const capsule: Omit<Capsule, "check"> = {
    schema: SCHEMA,
    snapshot: ranker.id,
    now,
    events: events.map(({ item, kind, at }) => [item, kind, now - at]),
    aggregates: aggregates.map(({ item, kind, first, last, count }) => [item, kind, today - day(first), today - day(last), count]),
    lot: lot ?? null,
    candidates: ids,
    outOfStock: candidates.flatMap((item, at) => (typeof item !== "string" && item.in_stock === false ? [at] : [])),
    options: {
      count,
      diversity,
      excludePurchased,
      excludeOutOfStock,
      blend,
      shifts: Array.from(shifts, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    },
    slate: slate.map(({ index, score }) => [index, score]),
  };
  const text = JSON.stringify(capsule).slice(0, -1);
  return `${text}${CHECK}${check(text)}"}`;
}

function isWhole({ now, events, aggregates, candidates, outOfStock, slate, options }: Capsule): boolean {
  return [events, aggregates, candidates, outOfStock, slate].every(Array.isArray) && Number.isFinite(now) && typeof options?.shifts === "string";
}

export function readCapsule(text: string): Capsule {
  const whole = text.trimEnd();
  const none = "replay: it is no replay capsule; take a file that the overlay or writeCapsule() wrote";
  let capsule: Capsule;
  try {
    capsule = JSON.parse(whole) as Capsule;
  } catch (error) {
    throw coded("invalid_capsule", none, error);
  }
  if (capsule?.schema !== SCHEMA) throw coded("invalid_capsule", `replay: \`schema\` must be "${SCHEMA}"; update pocketrank`);
  if (check(whole.slice(0, whole.lastIndexOf(CHECK))) !== capsule.check) {
    throw coded("checksum", "replay: it was changed since it was written (its check does not fit); write it again, and edit nothing");
  }
  if (!isWhole(capsule)) throw coded("invalid_capsule", none);
  return capsule;
}

export function replay(text: string, ranker: Ranker, restore: (held: Uint8Array, at: number) => Profile): Replayed {
  const capsule = readCapsule(text);
  if (ranker.id !== capsule.snapshot) {
    throw coded("other_snapshot", `replay: it was ranked by snapshot ${capsule.snapshot}, this is ${ranker.id}; load that snapshot`);
  }
  const { now, options } = capsule;
  const today = day(now);
  const profile = restore(
    profileBytes({
      events: capsule.events.map(([item, kind, before]) => ({ item, kind, at: now - before })),
      aggregates: capsule.aggregates.map(([item, kind, first, last, count]) => ({
        item,
        kind,
        first: (today - first) * DAY,
        last: (today - last) * DAY,
        count,
      })),
    }),
    now,
  );
  const out = new Set(capsule.outOfStock);
  const candidates = ranker.candidates(capsule.candidates.map((id, at) => ({ id, in_stock: !out.has(at) })));
  const shifts = Uint8Array.from(options.shifts.match(/../g) ?? [], (two) => parseInt(two, 16));
  try {
    ranker.setBlend(options.blend);
    ranker.setProfile(profile, now);
    const { count, diversity, excludePurchased, excludeOutOfStock } = options;
    const slate = ranker.rerank(candidates, { count, diversity, excludePurchased, excludeOutOfStock, shifts });
    compare(capsule, slate);
    return { capsule, slate: slate.map((ranked) => ({ ...ranked, id: capsule.candidates[ranked.index] ?? "", why: ranker.explain(ranked.row) })) };
  } finally {
    candidates.free();
    profile.free();
  }
}

function compare({ slate, candidates }: Capsule, now: { index: number; score: number }[]): void {
  const differs = (text: string) => coded("differs", `replay: the slate differs${text}`);
  if (slate.length !== now.length) throw differs(`: it had ${slate.length} places, now there are ${now.length}`);
  for (const [place, { index, score }] of now.entries()) {
    const [wasIndex, wasScore] = slate[place] ?? [];
    if (wasIndex === index && wasScore === score) continue;
    throw differs(` at place ${place + 1}: it had ${candidates[wasIndex ?? -1]} with ${wasScore}, now there is ${candidates[index]} with ${score}`);
  }
}

export function toFragment(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return FRAGMENT + btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function fromFragment(hash: string): string | undefined {
  if (!hash.startsWith(FRAGMENT)) return undefined;
  try {
    const letters = atob(hash.slice(FRAGMENT.length).replace(/-/g, "+").replace(/_/g, "/"));
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
  } catch (error) {
    throw coded("invalid_capsule", "replay: the fragment is cut short or was changed; copy the whole address again", error);
  }
}

export function profileBytes({ events, aggregates = [], lot, assignments = [] }: HeldProfile): Uint8Array {
  const wrong = (text: string) => coded("invalid_profile", `profile: ${text}`);
  const whole = (what: string, value: unknown, least: number, most: number): number => {
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    throw wrong(`\`${what}\` must be a whole number from ${least} to ${most}`);
  };
  const rows = (name: string, list: unknown[]) => {
    if (!Array.isArray(list) || list.length > 256) throw wrong(`\`${name}\` must be a list of at most 256`);
    return list.map((row, at) => [Object(row) as Record<string, unknown>, `${name}[${at}]`] as const);
  };
  const [made, folded, kept] = [rows("events", events), rows("aggregates", aggregates), rows("assignments", assignments)];
  whole("assignments.length", kept.length, 0, 16);
  if (lot === undefined && kept.length > 0) throw wrong("`assignments` need a `lot`");
  const draw = lot === undefined ? 0 : 3 + kept.length * ASSIGNMENT;
  const bytes = new Uint8Array(HEADER + 4 + (made.length + folded.length) * ROW + draw);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("PKPR"));
  view.setUint16(4, FOLDED, true);
  let at = HEADER;
  const list = (each: typeof made, time: (row: Record<string, unknown>, where: string) => number) => {
    view.setUint16(at, each.length, true);
    at += 2;
    for (const [row, where] of each) {
      const { item, kind } = row;
      if (typeof item !== "string" || !/^[0-9a-f]{16}$/.test(item)) throw wrong(`\`${where}.item\` must be 16 hexadecimal digits`);
      const number = (KINDS as readonly unknown[]).indexOf(kind);
      if (number < 0) throw wrong(`\`${where}.kind\` must be one of ${KINDS.join(", ")}`);
      view.setBigUint64(at, BigInt(`0x${item}`), true);
      view.setUint32(at + 8, time(row, where), true);
      view.setUint8(at + 12, number);
      at += ROW;
    }
  };
  list(made, ({ at }, where) => whole(`${where}.at`, at, 0, 0xffff_ffff));
  list(folded, ({ first, last, count }, where) => {
    const end = day(whole(`${where}.last`, last, 0, 0xffff_ffff));
    const span = whole(`${where}: days from \`first\` to \`last\``, end - day(whole(`${where}.first`, first, 0, 0xffff_ffff)), 0, MAX_SPAN);
    return ((end << 16) | (span << COUNT_BITS) | (whole(`${where}.count`, count, 1, 1 << COUNT_BITS) - 1)) >>> 0;
  });
  if (lot !== undefined) {
    view.setUint16(at, whole("lot", lot, 0, 4095), true);
    view.setUint8(at + 2, kept.length);
    for (const [n, [{ experiment, variation }, where]] of kept.entries()) {
      view.setUint32(at + 3 + n * ASSIGNMENT, whole(`${where}.experiment`, experiment, 0, 0xffff_ffff), true);
      view.setUint32(at + 7 + n * ASSIGNMENT, whole(`${where}.variation`, variation, 0, 0xffff_ffff), true);
    }
  }
  return bytes;
}
