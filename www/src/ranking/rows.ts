/** What a profile holds, read of its bytes as docs/FORMAT.md has them. */
import type { Aggregate, EventKind, HeldProfile, ProfileEvent } from "../../index.js";
import { coded } from "../coded.js";
import { got } from "../options.js";
import { KINDS } from "./kinds.js";

/** Seconds. */
export const DAY = 86_400;
/** Days for which a host keeps what a visitor did, where nothing shorter is said. */
export const RETENTION_DAYS = 365;
/** Bytes before the first list, of a row, and of an assignment. */
export const [HEADER, ROW, ASSIGNMENT] = [6, 13, 8];
/** The first version with aggregates. */
export const FOLDED = 3;

/** The first day that is kept. @throws where `days` says nothing: all would be kept */
export function oldest(now: number, days: number): number {
  if (!(days >= 0)) throw coded("invalid_option", `\`days\` must be a number from 0 on; it is ${got(days)}`);
  return Math.max(0, Math.floor(now / DAY) - days);
}

/** A hash as 16 hexadecimal digits. */
export function hash(view: DataView, at: number): string {
  return view.getBigUint64(at, true).toString(16).padStart(16, "0");
}

/** Events, aggregates and draw of what `Profile.held` gives. */
export function lists(held: Uint8Array): [events: Uint8Array, aggregates: Uint8Array, draw: Uint8Array] {
  const number = (at: number) => (held[at] ?? 0) + 256 * (held[at + 1] ?? 0);
  let end = HEADER;
  const list = () => {
    const start = end + 2;
    end = start + ROW * number(end);
    return held.subarray(start, end);
  };
  const events = list();
  const aggregates = number(4) < FOLDED ? new Uint8Array() : list();
  return [events, aggregates, held.subarray(end)];
}

/** Makes something of each row. */
function rows<T>(bytes: Uint8Array, make: (item: string, time: number, kind: EventKind) => T): T[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: bytes.length / ROW }, (_, n) => {
    const at = n * ROW;
    return make(hash(view, at), view.getUint32(at + 8, true), KINDS[view.getUint8(at + 12)] as EventKind);
  });
}

export function events(held: Uint8Array): ProfileEvent[] {
  return rows(lists(held)[0], (item, at, kind) => ({ item, at, kind }));
}

export function aggregates(held: Uint8Array): Aggregate[] {
  return rows(lists(held)[1], (item, bits, kind) => {
    const last = bits >>> 16;
    return { item, kind, first: (last - ((bits >> 6) & 0x3ff)) * DAY, last: last * DAY, count: (bits & 63) + 1 };
  });
}

/** All of it in plain words. */
export function plain(held: Uint8Array): HeldProfile {
  const [, , draw] = lists(held);
  const view = new DataView(draw.buffer, draw.byteOffset);
  const lot = draw.length > 0 ? view.getUint16(0, true) : undefined;
  const assignments = Array.from({ length: draw[2] ?? 0 }, (_, n) => ({
    experiment: view.getUint32(3 + n * ASSIGNMENT, true),
    variation: view.getUint32(7 + n * ASSIGNMENT, true),
  }));
  return { events: events(held), aggregates: aggregates(held), ...(lot === undefined ? {} : { lot, assignments }) };
}
