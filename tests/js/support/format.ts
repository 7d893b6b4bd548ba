/**
 * A whole snapshot of version 1, read as docs/FORMAT.md says: written from that document alone, so that it has to be enough.
 * It checks what it needs to read; that values are within the limits is the runtime's to check.
 */
import { createHash } from "node:crypto";
import { check, Cursor, times } from "./cursor.ts";
import { readExperiments, readRules } from "./experiments.ts";

export type Snapshot = ReturnType<typeof readSnapshot>;

export const TAGS = ["META", "BLND", "INDX", "PRIR", "ATTR", "LABL", "NEIB", "FACT", "CONT", "EXPR", "RULE", "TMPL"];

/**
 * The hash in the header, which is right, and the bytes of each section.
 * @throws {Error} that says what is wrong and in which section
 */
export function readSections(bytes: Uint8Array) {
  const header = new Cursor(bytes, "header");
  check(header.text(4) === "PKRK", "header: no snapshot");
  check(header.u16() === 1, "header: not version 1");
  const count = header.u16();
  check(header.u32() === bytes.length && header.u32() === 0, "header: not as long as it says");
  const hash = createHash("sha256").update(bytes.subarray(0, 16)).update(bytes.subarray(48)).digest("hex");
  check(Buffer.from(header.take(32)).toString("hex") === hash, "header: the hash does not match");

  const sections = new Map<string, Uint8Array>();
  let [end, last] = [48 + 12 * count, -1];
  for (let section = 0; section < count; section++) {
    const [tag, start, length] = [header.text(4), header.u32(), header.u32()];
    check(TAGS.indexOf(tag) > last, `${tag}: unknown or out of order`);
    check(start === Math.ceil(end / 8) * 8 && start + length <= bytes.length, `${tag}: at the wrong place`);
    check(bytes.subarray(end, start).every((byte) => byte === 0), `${tag}: padding that is not zero`);
    sections.set(tag, bytes.subarray(start, start + length));
    [end, last] = [start + length, TAGS.indexOf(tag)];
  }
  check(end === bytes.length, "header: bytes behind the last section");
  return { hash, sections };
}

/** @throws {Error} that says what is wrong and in which section */
export function readSnapshot(bytes: Uint8Array) {
  const { hash, sections } = readSections(bytes);
  const read = <T>(tag: string, table: (from: Cursor) => T): T | undefined => {
    const section = sections.get(tag);
    const from = section && new Cursor(section, tag);
    const value = from && table(from);
    check(!from?.left, `${tag}: ${from?.left} bytes left over`);
    return value;
  };
  const must = <T>(tag: string, table: (from: Cursor) => T): T => {
    check(sections.has(tag), `${tag}: missing`);
    return read(tag, table) as T;
  };
  const meta = must("META", readMeta);
  const n = meta.items;
  return {
    id: hash.slice(0, 32),
    meta,
    blend: must("BLND", readBlend),
    row: must("INDX", (from) => readIndex(from, n)),
    prior: read("PRIR", (from) => readPrior(from, n)),
    attributes: read("ATTR", (from) => readAttributes(from, n)),
    labels: read("LABL", (from) => {
      const names = () => from.list(() => from.string());
      return { categories: names(), brands: names(), priceBands: names() };
    }),
    neighbours: read("NEIB", (from) => readNeighbours(from, n)),
    factors: read("FACT", (from) => readFactors(from, n)),
    content: read("CONT", (from) => {
      const dims = from.u16();
      return { dims, rows: times(n, () => from.vector(dims)) };
    }),
    experiments: read("EXPR", readExperiments),
    rules: read("RULE", readRules),
    templates: read("TMPL", (from) => ({ names: from.list(() => from.string()), templates: from.list(() => readTemplate(from)) })),
  };
}

const ESCAPES = ["text", "url", "part", "listed", "raw"];

function readTemplate(from: Cursor) {
  const [name, text] = [from.string(), from.string()];
  const bytes = Buffer.from(text);
  const path = () => from.list(() => from.varint());
  const steps = from.list(() => {
    const kind = from.varint();
    if (kind === 0) {
      const at = from.varint();
      const length = from.varint();
      check(at + length <= bytes.length, "TMPL: a run of text beyond it");
      return { text: bytes.toString("utf8", at, at + length) };
    }
    if (kind === 1) return { escape: ESCAPES[from.varint()], path: path() };
    check(kind === 2 || kind === 3, "TMPL: an unknown step");
    return { inverted: kind === 3, steps: from.varint(), path: path() };
  });
  return { name, steps };
}

export function readMeta(from: Cursor) {
  const [items, model, trainedUntil] = [from.varint(), from.string(), from.varint()];
  return { items, model, trainedUntil, minCustomers: from.varint(), currency: from.string() };
}

function readBlend(from: Cursor) {
  const table = () => from.list(() => from.varint());
  const kinds = times(9, () => from.signed());
  const [decay, newness, timesTable, repeatTimes, cold] = [table(), table(), table(), table(), table()];
  const [neighbourUnit, factorUnit, contentUnit] = [from.f32(), from.f32(), from.f32()];
  const rows = from.list(() => {
    const [minHistory, recency, repeatRecency] = [from.varint(), table(), table()];
    const [neighbours, repeat, factors, content, category] = [from.f32(), from.f32(), from.f32(), from.f32(), from.f32()];
    const [brand, price_band, popularity, trend, newness] = [from.f32(), from.f32(), from.f32(), from.f32(), from.f32()];
    const weights = { neighbours, repeat, factors, content, category, brand, price_band, popularity, trend, newness };
    return { minHistory, recency, repeatRecency, weights };
  });
  return { kinds, decay, newness, times: timesTable, repeatTimes, cold, neighbourUnit, factorUnit, contentUnit, rows };
}

/** The row of an item hash. */
function readIndex(from: Cursor, n: number) {
  const bits = from.u32();
  check(bits <= 21, `INDX: ${bits} bits of a bucket`);
  const ends = times(2 ** bits + 1, () => from.u32());
  const prints = times(n, () => from.u32());
  const rows = times(n, () => (n <= 65_536 ? from.u16() : from.u32()));
  return (hash: bigint): number | undefined => {
    const bucket = Number(hash >> BigInt(64 - bits));
    const at = prints.indexOf(Number(hash & 0xffff_ffffn), ends[bucket]);
    return at >= 0 && at < Number(ends[bucket + 1]) ? rows[at] : undefined;
  };
}

function readPrior(from: Cursor, n: number) {
  const width = from.u8();
  check(width === 1 || width === 4, `PRIR: rows of ${width} bytes`);
  const time = (read: () => number) => (width === 4 ? read() : 0);
  return times(n, () => ({ popularity: from.u8(), trend: time(() => from.u8()), firstSeen: time(() => from.u16()) }));
}

function readAttributes(from: Cursor, n: number) {
  const row = () => ({ category: from.u16(), brand: from.u16(), priceBand: from.u8() });
  return { counts: row(), rows: times(n, row) };
}

/** Per source item the targets and what each edge weighs, in whole numbers. */
function readNeighbours(from: Cursor, n: number) {
  const [entries, bits] = [from.u32(), from.u8()];
  check(bits >= 4 && bits <= 8, `NEIB: codes of ${bits} bits`);
  from.take(3);
  const codebook = times(2 ** bits, () => from.u16());
  const scales = times(256, () => from.u16());
  const offsets = times(Math.ceil(n / 8), () => from.u32());
  const stream = from.at;
  const rows = times(n, (item) => {
    check(item % 8 > 0 || offsets[item / 8] === from.at - stream, `NEIB: row ${item} is not at its offset`);
    const { scale, neighbours } = readRow(from, item, n, bits);
    return neighbours.map(({ target, code }) => ({ target, weight: Number(scales[scale]) * Number(codebook[code]) }));
  });
  check(rows.flat().length === entries, `NEIB: not ${entries} entries`);
  return rows;
}

/** A row of the stream: the number of its scale, 0 where it has no neighbours, and these. */
export function readRow(from: Cursor, item: number, n: number, bits: number) {
  const length = from.varint();
  if (length === 0) return { scale: 0, neighbours: [] };
  const row = new Cursor(from.take(length), `NEIB row ${item}`);
  const scale = row.u8();
  const count = row.golomb(4) + 1;
  const order = row.bits(4);
  const codes = times(count, () => row.bits(bits));
  let target = item;
  const neighbours = codes.map((code, at) => {
    const gap = row.golomb(order) + 1;
    if (at > 0) target += gap;
    else target += gap % 2 === 0 ? gap / 2 : -(gap + 1) / 2;
    check(target >= 0 && target < n, `NEIB row ${item}: a target outside`);
    return { target, code };
  });
  return { scale, neighbours };
}

function readFactors(from: Cursor, n: number) {
  const [dims, count, confidence] = [from.u16(), from.u16(), from.f32()];
  const ridges = times(count, () => from.f32());
  const triangle = count > 0 ? times(dims, (i) => times(dims - i, () => from.f32())) : [];
  const gram = triangle.map((_, i) => times(dims, (j) => Number(triangle[Math.min(i, j)]?.[Math.abs(i - j)])));
  const scales = times(n, () => from.u16());
  return { dims, confidence, ridges, gram, rows: scales.map((scale) => ({ scale, vector: from.vector(dims) })) };
}
