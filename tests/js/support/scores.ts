/** The section "Scores" of docs/FORMAT.md, on what `format.ts` reads: plain and slow, to be compared with the runtime. */
import type { PartName } from "../../../www/index.d.ts";
import type { Snapshot } from "./format.ts";

/** An event of the visitor: the item's hash, the number of its kind, and seconds since 1970. */
export type Event = { item: bigint; kind: number; at: number };
/** Of one kind with one item: how many events there were, the last of them on a day (in seconds since 1970). */
export type Folded = { item: bigint; kind: number; last: number; count: number };
type Met = { row: number | undefined; weight: number; own: number };
type Part = { name: PartName; value: number };

const f32 = Math.fround;
const DAY = 86_400;

/** What each scorer adds for any row. @param events from the oldest to the newest @param folded from the one that ended first to the last */
export function scorer(snapshot: Snapshot, events: Event[], folded: Folded[], now: number): (row: number) => Part[] {
  const { blend, prior, attributes, neighbours, factors, content } = snapshot;
  const today = Math.floor(now / DAY);
  const rows = [...folded, ...events.map(({ item, kind, at }) => ({ item, kind, last: at, count: 1 }))];
  const counted = rows.reverse().filter(({ kind }) => blend.kinds[kind] !== 0);
  const items = [...new Set(counted.map(({ item }) => item))];
  const { weights, recency, repeatRecency } = blend.rows.filter(({ minHistory }) => minHistory <= items.length).at(-1) ?? missing();
  const history = items.map((item, position): Met => {
    const own = counted.filter((event) => event.item === item);
    const times = add(own.map(({ count }) => count));
    const sum = add(own.map(({ kind, count }) => count * (blend.kinds[kind] ?? missing())));
    const age = Math.max(0, today - Math.floor((own[0]?.last ?? missing()) / DAY));
    const weight = (byTimes: number[], byPosition: number[]) => {
      const most = 2_047 * 4_096;
      const k = Math.max(-most, Math.min(most, Math.floor((sum * entry(byTimes, times - 1)) / times)));
      // Whole numbers have one zero.
      return Math.floor((k * entry(byPosition, position) * entry(blend.decay, age)) / 2 ** 37) + 0;
    };
    return { row: snapshot.row(item), weight: weight(blend.times, recency), own: weight(blend.repeatTimes, repeatRecency) };
  });
  const total = add(history.map(({ weight }) => Math.abs(weight)));
  const share = total > 0 ? f32(1 / f32(total)) : 0;
  const known = history.flatMap(({ row, weight }) => (row === undefined ? [] : [{ row, weight }]));
  const taste = factors && quantize(factorsVisitor(factors, known, blend.factorUnit, share));
  const liking = content && quantize(contentVisitor(content, known));

  const parts: Record<PartName, (row: number, w: number) => number> = {
    neighbours: (row, w) => {
      const edge = (source: number) => neighbours?.[source]?.find(({ target }) => target === row)?.weight ?? 0;
      return product(add(known.map((met) => met.weight * edge(met.row))), blend.neighbourUnit, share, w);
    },
    repeat: (row, w) => {
      const met = history.find((met) => met.row === row);
      return met ? product(met.own, share, w) : 0;
    },
    factors: (row, w) => {
      const item = factors?.rows[row];
      if (!taste || !item) return 0;
      return product(dot(taste.numbers, item.vector) * item.scale, taste.unit, blend.factorUnit, w);
    },
    content: (row, w) => {
      if (!liking) return 0;
      const cold = f32(entry(blend.cold, Math.floor((prior?.[row]?.popularity ?? 0) / 16)) / 32_768);
      const numbers = dot(liking.numbers, content?.rows[row] ?? missing());
      return product(numbers, liking.unit, blend.contentUnit, blend.contentUnit, share, w, cold);
    },
    category: (row, w) => alike("category", row, w),
    brand: (row, w) => alike("brand", row, w),
    price_band: (row, w) => alike("priceBand", row, w),
    popularity: (row, w) => product(prior?.[row]?.popularity ?? 0, f32(w / 255)),
    trend: (row, w) => product(prior?.[row]?.trend ?? 0, f32(w / 255)),
    newness: (row, w) => {
      const days = prior && Math.max(0, today - (prior[row]?.firstSeen ?? missing()));
      return days === undefined ? 0 : product(entry(blend.newness, days), f32(w / 32_768));
    },
  };
  const alike = (attribute: "category" | "brand" | "priceBand", row: number, w: number) => {
    const code = (at: number) => attributes?.rows[at]?.[attribute] ?? 0;
    return product(code(row) === 0 ? 0 : add(known.filter((met) => code(met.row) === code(row)).map(({ weight }) => weight)), share, w);
  };
  const names = Object.keys(parts) as PartName[];
  return (row) => names.map((name) => ({ name, value: weights[name] === 0 ? 0 : parts[name](row, weights[name]) }));
}

type Known = { row: number; weight: number };

function contentVisitor({ dims, rows }: NonNullable<Snapshot["content"]>, known: Known[]): number[] {
  return range(dims).map((i) => add(known.map(({ row, weight }) => weight * (rows[row]?.[i] ?? missing()))));
}

function factorsVisitor({ dims, rows, ...table }: NonNullable<Snapshot["factors"]>, known: Known[], unit: number, share: number): number[] {
  const liked = known.filter(({ weight }) => weight > 0);
  const solved = table.ridges.length > 0;
  const ridge = entry(table.ridges, Math.max(0, liked.length - 1));
  const a = table.gram.map((row, i) => row.map((value, j) => (i === j ? value + ridge : value)));
  const b = range(dims).map(() => 0);
  for (const { row, weight } of liked) {
    const { scale, vector } = rows[row] ?? missing();
    const q = vector.map((value) => value * (scale * unit));
    const c = table.confidence * (weight / 8_192);
    q.forEach((value, i) => (b[i] = at(b, i) + (solved ? 1 + c : weight * share) * value));
    a.forEach((line, i) => q.forEach((value, j) => (line[j] = at(line, j) + c * at(q, i) * value)));
  }
  return solved ? solve(a, b) : b;
}

/** Solves `a x = b` by Cholesky's method in the order of the document; nothing where a pivot is not above 0. */
function solve(a: number[][], b: number[]): number[] {
  const u = a.map((line) => [...line]);
  const cell = (i: number, j: number) => at(u[i] ?? missing(), j);
  for (const i of range(b.length)) {
    const line = u[i] ?? missing();
    for (let j = i; j < b.length; j++) for (let k = 0; k < i; k++) line[j] = at(line, j) - cell(k, i) * cell(k, j);
    if (!(at(line, i) > 0)) return [];
    const root = Math.sqrt(at(line, i));
    for (let j = i; j < b.length; j++) line[j] = at(line, j) / root;
  }
  const x = [...b];
  for (const i of range(b.length)) {
    for (let k = 0; k < i; k++) x[i] = at(x, i) - at(x, k) * cell(k, i);
    x[i] = at(x, i) / cell(i, i);
  }
  for (const i of range(b.length).reverse()) {
    for (let j = i + 1; j < b.length; j++) x[i] = at(x, i) - cell(i, j) * at(x, j);
    x[i] = at(x, i) / cell(i, i);
  }
  return x;
}

/** A visitor's vector in 16 bits and what 1 is worth; nothing where the part is 0. */
function quantize(vector: number[]): { numbers: number[]; unit: number } | undefined {
  const unit = Math.max(0, ...vector.map(Math.abs)) / 32_767;
  if (!(unit > 0 && f32(unit) <= 1e6)) return undefined;
  return { numbers: vector.map((value) => halvesToEven(value / unit)), unit: f32(unit) };
}

function halvesToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** In single precision: the first with the product of the others. */
function product(first: number, ...others: number[]): number {
  return f32(f32(first) * others.reduce((left, right) => f32(left * right)));
}

/** Of a table whose last entry holds for all beyond. */
function entry(table: number[], index: number): number {
  return table[Math.min(index, table.length - 1)] ?? 0;
}

const range = (length: number) => Array.from({ length }, (_, index) => index);
const add = (values: number[]) => values.reduce((left, right) => left + right, 0);
const dot = (left: number[], right: number[]) => add(left.map((value, index) => value * at(right, index)));
const at = (values: number[], index: number) => values[index] ?? missing();

function missing(): never {
  throw new Error("an index outside");
}
