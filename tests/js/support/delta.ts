/**
 * Applies a delta of version 1 as docs/FORMAT.md says: written from that document alone, so that it has to be enough. It is plain and
 * slow, and checks what it needs to read, that everything is used up, and the hashes.
 */
import { createHash } from "node:crypto";
import { check, Cursor, times } from "./cursor.ts";
import { readMeta, readRow, readSections, TAGS } from "./format.ts";

/** A table as it was or will be, with its number of items. */
interface Table {
  bytes: Uint8Array;
  n: number;
}

/** What a delta says of itself: the hashes of base and target, the target's items, and what makes its sections. */
export function readDelta(bytes: Uint8Array) {
  const header = new Cursor(bytes, "delta");
  check(header.text(4) === "PKRD", "delta: no delta");
  check(header.u16() === 1, "delta: not version 1");
  const [count, length, items] = [header.u16(), header.u32(), header.u32()];
  const [base, target] = [hex(header.take(32)), hex(header.take(32))];
  const table = times(count, () => ({ tag: header.text(4), kind: header.u8(), length: header.u32(), size: header.u32() }));
  const patches = table.map((entry) => ({ ...entry, patch: header.take(entry.size) }));
  check(header.left === 0, "delta: bytes behind the last patch");
  return { base, target, length, items, patches };
}

/** @throws {Error} that says what does not fit */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
  const { hash, sections } = readSections(base);
  const { base: made, target, length, items, patches } = readDelta(delta);
  check(hash === made, "delta: made for another base");
  const n = readMeta(new Cursor(sections.get("META") ?? new Uint8Array(), "META")).items;

  const out = new Uint8Array(length);
  const head = new DataView(out.buffer);
  out.set(new TextEncoder().encode("PKRK"));
  head.setUint16(4, 1, true);
  head.setUint16(6, patches.length, true);
  head.setUint32(8, length, true);
  let [entry, end, last] = [48, 48 + 12 * patches.length, -1];
  for (const { tag, kind, length: long, patch } of patches) {
    check(TAGS.indexOf(tag) > last, `${tag}: unknown or out of order`);
    last = TAGS.indexOf(tag);
    const section = patched(tag, kind, { bytes: sections.get(tag) ?? new Uint8Array(), n }, patch, items);
    check(section.length === long, `${tag}: ${section.length} bytes and not ${long}`);
    const start = Math.ceil(end / 8) * 8;
    out.set(new TextEncoder().encode(tag), entry);
    head.setUint32(entry + 4, start, true);
    head.setUint32(entry + 8, long, true);
    check(start + long <= length, `${tag}: does not fit the target`);
    out.set(section, start);
    [entry, end] = [entry + 12, start + long];
  }
  check(end === length, "delta: the target does not end with its last section");
  check(createHash("sha256").update(out.subarray(0, 16)).update(out.subarray(48)).digest("hex") === target, "delta: not the target");
  out.set(Buffer.from(target, "hex"), 16);
  return out;
}

function patched(tag: string, kind: number, old: Table, patch: Uint8Array, items: number): Uint8Array {
  if (kind === 1) return patch;
  check(old.bytes.length > 0, `${tag}: not in the base`);
  const from = new Cursor(patch, `patch of ${tag}`);
  const patches: Record<string, (old: Table, from: Cursor, n: number) => Uint8Array> = { INDX: patchIndex, NEIB: patchNeighbours };
  const section = kind === 0 ? old.bytes : kind === 3 ? patchSpan(old.bytes, from) : (patches[tag] ?? patchRows(tag))(old, from, items);
  check(from.left === 0, `patch of ${tag}: ${from.left} bytes left over`);
  return section;
}

function patchSpan(old: Uint8Array, from: Cursor): Uint8Array {
  const [before, behind] = [from.varint(), from.varint()];
  check(before + behind <= old.length, "span: longer than what was");
  return Buffer.concat([old.subarray(0, before), from.take(from.left), old.subarray(old.length - behind)]);
}

/** Bytes before the rows, and those of a row in each of the table's parts. */
function shape(tag: string, table: Uint8Array): { head: number; parts: number[] } {
  const from = new Cursor(table, tag);
  if (tag === "PRIR") return { head: 1, parts: [from.u8()] };
  if (tag === "ATTR") return { head: 5, parts: [5] };
  if (tag === "CONT") return { head: 2, parts: [from.u16()] };
  check(tag === "FACT", `${tag}: has no rows`);
  const [d, r] = [from.u16(), from.u16()];
  return { head: 8 + (r > 0 ? 4 * r + 2 * d * (d + 1) : 0), parts: [2, d] };
}

const patchRows = (tag: string) => (old: Table, from: Cursor, n: number) => {
  const { head, parts } = shape(tag, old.bytes);
  const was = new Cursor(old.bytes, tag);
  const header = was.take(head).slice();
  const columns = parts.map((width) => times(old.n, () => Array.from(was.take(width))));
  const width = parts.reduce((sum, part) => sum + part, 0);
  const rows = times(n, (row) => (row < old.n ? columns.flatMap((part) => part[row] ?? []) : times(width, () => 0)));

  const count = from.varint();
  const differences = stream(from);
  if (differences.left > 0) for (let at = 0; at < head; at++) header[at] = Number(header[at]) + differences.u8();
  const numbers = changedRows(stream(from), count, old.n, n);
  for (let at = 0; at < width; at++) {
    for (const row of numbers) {
      const bytes = rows[row] ?? [];
      bytes[at] = (Number(bytes[at]) + from.u8()) % 256;
    }
  }
  spent(differences);
  let start = 0;
  const tables = parts.map((part) => {
    start += part;
    return Uint8Array.from(rows.flatMap((row) => row.slice(start - part, start)));
  });
  return Buffer.concat([header, ...tables]);
};

function patchIndex(old: Table, from: Cursor, n: number): Uint8Array {
  const number = (items: number, table: Cursor) => (items <= 65_536 ? table.u16() : table.u32());
  const was = new Cursor(old.bytes, "INDX");
  const bits = was.u32();
  const ends = times(2 ** bits + 1, () => was.u32());
  const prints = times(old.n, () => was.u32());
  const entries = prints.map((print, at) => ({ bucket: ends.findIndex((end) => end > at) - 1, print, row: number(old.n, was) }));

  const [added, removed] = [from.varint(), from.varint()];
  const [gaps, buckets, rows] = [stream(from), stream(from), stream(from)];
  const out = new Set(ascending(gaps, removed));
  let [bucket, row] = [0, 0];
  const more = times(added, () => {
    bucket += buckets.varint();
    row += rows.signed();
    return { bucket, print: from.u32(), row };
  });
  spent(gaps, buckets, rows);
  const left = entries.filter((_, at) => !out.has(at));
  const all = [...left, ...more].sort((a, b) => a.bucket - b.bucket || a.print - b.print);
  check(all.length === n, `INDX: ${all.length} entries for ${n} items`);
  const counts = times(2 ** bits + 1, (at) => all.filter((entry) => entry.bucket < at).length);
  return Buffer.concat([
    u32s([bits, ...counts, ...all.map(({ print }) => print)]),
    (n <= 65_536 ? u16s : u32s)(all.map((entry) => entry.row)),
  ]);
}

function patchNeighbours(old: Table, from: Cursor, n: number): Uint8Array {
  const was = new Cursor(old.bytes, "NEIB");
  was.u32();
  const bits = was.u8();
  was.take(3);
  const numbers = times(2 ** bits + 256, () => was.u16());
  was.take(4 * Math.ceil(old.n / 8));

  const [count, entries] = [from.varint(), from.varint()];
  const streams = times(10, () => stream(from));
  const [levels, gaps, removals, changes, additions, removed, changed, differences, added, codes] = streams as Ten;
  if (levels.left > 0) {
    let more = 0;
    numbers.forEach((level, at) => {
      more += levels.signed();
      numbers[at] = (level + more) & 0xffff;
    });
  }
  const edited = new Set(changedRows(gaps, count, old.n, n));

  const bytes: number[] = [];
  const offsets: number[] = [];
  for (let row = 0; row < n; row++) {
    if (row % 8 === 0) offsets.push(bytes.length);
    const start = was.at;
    let { scale, neighbours } = row < old.n ? readRow(was, row, old.n, bits) : { scale: 0, neighbours: [] };
    if (!edited.has(row)) {
      bytes.push(...old.bytes.subarray(start, was.at));
      continue;
    }
    scale = (scale + from.u8()) % 256;
    const out = new Set(ascending(removed, removals.varint()));
    neighbours = neighbours.filter((_, at) => !out.has(at));
    for (const at of ascending(changed, changes.varint())) {
      const entry = neighbours[at];
      if (entry) entry.code = (entry.code + differences.u8()) % 256;
    }
    const more = ascending(added, additions.varint()).map((target) => ({ target, code: codes.u8() }));
    neighbours = [...neighbours, ...more].sort((a, b) => a.target - b.target);
    bytes.push(...writeRow(row, scale, neighbours, bits));
  }
  spent(...streams);
  return Buffer.concat([u32s([entries]), Uint8Array.of(bits, 0, 0, 0), u16s(numbers), u32s(offsets), Uint8Array.from(bytes)]);
}

type Ten = [Cursor, Cursor, Cursor, Cursor, Cursor, Cursor, Cursor, Cursor, Cursor, Cursor];

/** A row as the packer writes it. */
function writeRow(item: number, scale: number, neighbours: { target: number; code: number }[], width: number): number[] {
  if (neighbours.length === 0) return [0];
  let before = item;
  const gaps = neighbours.map(({ target }, at) => {
    const gap = target - before;
    before = target;
    return (at > 0 ? gap : zigzag(gap)) - 1;
  });
  const runs = times(16, (order) => gaps.map((gap) => golomb(gap, order)).join(""));
  const shortest = Math.min(...runs.map((run) => run.length));
  const order = runs.findIndex((run) => run.length === shortest);
  const codes = neighbours.map(({ code }) => bits(code, width)).join("");
  const run = golomb(neighbours.length - 1, 4) + bits(order, 4) + codes + runs[order];
  const body = times(Math.ceil(run.length / 8), (at) => Array.from(run.slice(8 * at, 8 * at + 8)).reduce((byte, bit, place) => byte + Number(bit) * 2 ** place, 0));
  const length = body.length + 1;
  return [...(length < 128 ? [length] : [(length % 128) + 128, Math.floor(length / 128)]), scale, ...body];
}

/** As text, the lowest first. */
const bits = (value: number, count: number) => times(count, (at) => Math.floor(value / 2 ** at) % 2).join("");

function golomb(value: number, order: number): string {
  const y = value + 2 ** order;
  const highest = Math.floor(Math.log2(y));
  return "0".repeat(highest - order) + "1" + bits(y, highest);
}

const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);

/** The run of bytes behind its length. */
const stream = (from: Cursor) => new Cursor(from.take(from.varint()), "stream");

/** Numbers from the gaps between them. */
function ascending(gaps: Cursor, count: number): number[] {
  let next = 0;
  return times(count, () => {
    const number = next + gaps.varint();
    next = number + 1;
    return number;
  });
}

/** Those that the gaps tell, and then all added ones. */
function changedRows(gaps: Cursor, count: number, before: number, n: number): number[] {
  const added = Math.max(n - before, 0);
  const changed = ascending(gaps, count - added);
  spent(gaps);
  check(changed.every((row) => row < Math.min(before, n)), "rows: a changed one that is not there");
  return [...changed, ...times(added, (at) => before + at)];
}

function spent(...streams: Cursor[]) {
  check(streams.every((stream) => stream.left === 0), "a stream that is not used up");
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const u16s = (numbers: number[]) => Buffer.concat(numbers.map((number) => Uint8Array.of(number % 256, number >> 8)));

function u32s(numbers: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  numbers.forEach((number, at) => view.setUint32(4 * at, number, true));
  return new Uint8Array(view.buffer);
}
