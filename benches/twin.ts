/**
 * The runtime's algorithm in TypeScript, written to be fast: the peer that the wasm is measured against.
 *
 * Everything that does not depend on the candidates is computed in `setProfile`; the hot call reads typed arrays only, allocates
 * nothing, keeps the best in a bounded heap instead of sorting all, and uses `Math.fround` so that V8 adds in single
 * precision, as the runtime does. Sums over history rows are whole numbers below 2^53, so doubles hold them exactly. Unlike the
 * runtime it may keep dense arrays over the catalogue, which is the fastest that JavaScript has.
 */

import { dot, heapify, quantize, sink } from "./arrays.ts";
import { content, factors, neighbours, Postcard, sections, type Factors, type Vectors } from "./packed.ts";

const NO_ROW = 0xffffffff;
const POOL = 4;
const DAY = 86_400;
const PURCHASE = 7;
const fround = Math.fround;

export interface Place {
  index: number;
  row: number;
  score: number;
}

interface BlendRow {
  minHistory: number;
  recency: Uint16Array;
  repeatRecency: Uint16Array;
  weights: number[];
}

/** Tables by place in a list. */
interface List {
  of: Uint32Array;
  popularity: Uint8Array;
  trend: Uint8Array;
  firstSeen: Uint16Array;
  category: Uint16Array;
  brand: Uint16Array;
  band: Uint8Array;
  scales: Uint16Array;
  vectors: Int8Array;
  contents: Int8Array;
}

interface Options {
  count: number;
  diversity: number;
  excludePurchased: boolean;
}

export class Twin {
  readonly #items: number;
  readonly #bits: bigint;
  readonly #kinds: number[];
  readonly #decay: Uint16Array;
  readonly #newnessTable: Uint16Array;
  readonly #times: Uint16Array;
  readonly #repeatTimes: Uint16Array;
  readonly #cold: Uint16Array;
  readonly #unit: number;
  readonly #factorUnit: number;
  readonly #contentUnit: number;
  readonly #blend: BlendRow[];
  readonly #rows = new Map<bigint, number>();
  readonly #popularity: Uint8Array;
  readonly #trend: Uint8Array;
  readonly #firstSeen: Uint16Array;
  readonly #category: Uint16Array;
  readonly #brand: Uint16Array;
  readonly #band: Uint8Array;
  readonly #scales: Uint16Array;
  readonly #ends: Uint32Array;
  readonly #targets: Uint32Array;
  readonly #levels: Uint16Array;
  readonly #factors: Factors;
  readonly #content: Vectors;

  // What depends on the profile.
  readonly #sums: Float64Array;
  readonly #touched: Uint32Array;
  readonly #personal: Float32Array;
  readonly #purchased: Uint8Array;
  readonly #categoryParts: Float32Array;
  readonly #brandParts: Float32Array;
  readonly #bandParts: Float32Array;
  readonly #popularityParts = new Float32Array(256);
  readonly #trendParts = new Float32Array(256);
  readonly #newnessParts: Float32Array;
  readonly #taste: Int16Array;
  readonly #like: Int16Array;
  readonly #coldUnits = new Float32Array(16);
  #tasteUnit = 0;
  #touchedCount = 0;
  #today = 0;

  // Buffers of the hot call.
  #list: List;
  #scores = new Float32Array(0);
  #heap = new Uint32Array(0);
  #pool = new Pool(0);
  readonly slate: Place[] = [];

  constructor(snapshot: Uint8Array) {
    const found = sections(snapshot);
    const section = (tag: string): Uint8Array => {
      const bytes = found.get(tag);
      if (!bytes) throw new Error(`the snapshot has no section ${tag}`);
      return bytes;
    };
    const meta = new Postcard(section("META"));
    this.#items = meta.varint();
    const blend = new Postcard(section("BLND"));
    this.#kinds = Array.from({ length: 9 }, () => blend.signed());
    const table = (): Uint16Array => Uint16Array.from(blend.list(() => blend.varint()));
    [this.#decay, this.#newnessTable, this.#times, this.#repeatTimes] = [table(), table(), table(), table()];
    this.#cold = table();
    [this.#unit, this.#factorUnit, this.#contentUnit] = [blend.f32(), blend.f32(), blend.f32()];
    this.#blend = blend.list(() => ({
      minHistory: blend.varint(),
      recency: table(),
      repeatRecency: table(),
      weights: Array.from({ length: 10 }, () => blend.f32()),
    }));

    const index = section("INDX");
    const indexView = new DataView(index.buffer);
    const buckets = 2 ** indexView.getUint32(0, true);
    const bits = Math.log2(buckets);
    const fingerprints = 4 + 4 * (buckets + 1);
    for (let bucket = 0; bucket < buckets; bucket++) {
      const end = indexView.getUint32(4 + 4 * (bucket + 1), true);
      for (let entry = indexView.getUint32(4 + 4 * bucket, true); entry < end; entry++) {
        const fingerprint = indexView.getUint32(fingerprints + 4 * entry, true);
        const row = indexView.getUint16(fingerprints + 4 * this.#items + 2 * entry, true);
        this.#rows.set((BigInt(bucket) << 32n) | BigInt(fingerprint), row);
      }
    }
    this.#bits = BigInt(bits);

    const each = <T extends { [n: number]: number }>(array: T, read: (row: number) => number): T => {
      for (let row = 0; row < this.#items; row++) array[row] = read(row);
      return array;
    };
    const prior = new DataView(section("PRIR").buffer);
    this.#popularity = each(new Uint8Array(this.#items), (row) => prior.getUint8(1 + row * 4));
    this.#trend = each(new Uint8Array(this.#items), (row) => prior.getUint8(2 + row * 4));
    this.#firstSeen = each(new Uint16Array(this.#items), (row) => prior.getUint16(3 + row * 4, true));
    const attributes = new DataView(section("ATTR").buffer);
    this.#category = each(new Uint16Array(this.#items), (row) => attributes.getUint16(5 + row * 5, true));
    this.#brand = each(new Uint16Array(this.#items), (row) => attributes.getUint16(7 + row * 5, true));
    this.#band = each(new Uint8Array(this.#items), (row) => attributes.getUint8(9 + row * 5));

    const lists = neighbours(section("NEIB"), this.#items);
    [this.#scales, this.#ends, this.#targets, this.#levels] = [lists.scales, lists.ends, lists.targets, lists.levels];

    this.#factors = factors(section("FACT"), this.#items);
    this.#content = content(section("CONT"));
    this.#taste = new Int16Array(this.#factors.dims);
    this.#like = new Int16Array(this.#content.dims);

    this.#sums = new Float64Array(this.#items);
    this.#touched = new Uint32Array(this.#items);
    this.#personal = new Float32Array(this.#items);
    this.#purchased = new Uint8Array(this.#items);
    this.#categoryParts = new Float32Array(attributes.getUint16(0, true) + 1);
    this.#brandParts = new Float32Array(attributes.getUint16(2, true) + 1);
    this.#bandParts = new Float32Array(attributes.getUint8(4) + 1);
    this.#newnessParts = new Float32Array(this.#newnessTable.length);
    this.#list = this.#gather(new Uint32Array(0));
  }

  #row(item: bigint): number {
    const bucket = this.#bits === 0n ? 0n : item >> (64n - this.#bits);
    return this.#rows.get((bucket << 32n) | (item & 0xffffffffn)) ?? NO_ROW;
  }

  /** `profile` as `Profile.encode` writes it; `now` in seconds since 1970-01-01 UTC. */
  setProfile(profile: Uint8Array, now: number): void {
    const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
    const items = new Map<bigint, { row: number; kinds: number; events: number; day: number }>();
    this.#purchased.fill(0);
    for (let event = view.getUint16(6, true) - 1; event >= 0; event--) {
      const item = view.getBigUint64(8 + event * 13, true);
      const kind = view.getUint8(20 + event * 13);
      const weight = this.#kinds[kind] ?? 0;
      const row = this.#row(item);
      if (kind === PURCHASE && row !== NO_ROW) this.#purchased[row] = 1;
      if (weight === 0) continue;
      const known = items.get(item);
      if (known) {
        known.kinds += weight;
        known.events++;
      } else items.set(item, { row, kinds: weight, events: 1, day: Math.floor(view.getUint32(16 + event * 13, true) / DAY) });
    }
    const today = Math.floor(now / DAY);
    const factor = (table: Uint16Array, at: number): number => table[Math.min(at, table.length - 1)] ?? 0;
    let norm = 0;
    const blend = this.#blend.findLast(({ minHistory }) => minHistory <= items.size) as BlendRow;
    const history = [...items.values()].map(({ row, kinds, events, day }, position) => {
      const decay = factor(this.#decay, Math.max(0, today - day));
      const weigh = (times: Uint16Array, recency: Uint16Array): number => {
        const mean = Math.floor((kinds * factor(times, events - 1)) / events);
        const clamped = Math.max(-2047 * 4096, Math.min(2047 * 4096, mean));
        return Math.floor((clamped * factor(recency, position) * decay) / 2 ** 37);
      };
      const weight = weigh(this.#times, blend.recency);
      norm += Math.abs(weight);
      return { row, weight, own: weigh(this.#repeatTimes, blend.repeatRecency) };
    });
    const share = norm > 0 ? fround(1 / fround(norm)) : 0;
    const [wNeighbours, wRepeat, wFactors, wContent, wCategory, wBrand, wBand, wPopularity, wTrend, wNewness] = blend.weights as [
      number, number, number, number, number, number, number, number, number, number,
    ];

    for (let i = 0; i < this.#touchedCount; i++) {
      const row = this.#touched[i] as number;
      this.#sums[row] = 0;
      this.#personal[row] = 0;
    }
    const touched = new Set<number>();
    const [categories, brands, bands] = [this.#categoryParts, this.#brandParts, this.#bandParts].map(
      ({ length }) => new Float64Array(length),
    ) as [Float64Array, Float64Array, Float64Array];
    const known = history.filter(({ row }) => row !== NO_ROW);
    for (const { row, weight } of known) {
      touched.add(row);
      const scaled = weight * (this.#scales[row] as number);
      for (let entry = this.#ends[row] as number; entry < (this.#ends[row + 1] as number); entry++) {
        const target = this.#targets[entry] as number;
        touched.add(target);
        (this.#sums[target] as number) += scaled * (this.#levels[entry] as number);
      }
      (categories[this.#category[row] as number] as number) += weight;
      (brands[this.#brand[row] as number] as number) += weight;
      (bands[this.#band[row] as number] as number) += weight;
    }
    const unit = fround(fround(fround(this.#unit) * share) * wNeighbours);
    const repeat = fround(share * wRepeat);
    for (const row of touched) this.#personal[row] = fround(fround(this.#sums[row] as number) * unit);
    for (const { row, own } of known) {
      this.#personal[row] = fround((this.#personal[row] as number) + fround(own * repeat));
    }
    this.#touchedCount = touched.size;
    [...touched].forEach((row, i) => (this.#touched[i] = row));
    const parts = (to: Float32Array, sums: Float64Array, weight: number): void => {
      const one = fround(share * weight);
      for (let code = 0; code < to.length; code++) to[code] = code === 0 ? 0 : fround((sums[code] as number) * one);
    };
    parts(this.#categoryParts, categories, wCategory);
    parts(this.#brandParts, brands, wBrand);
    parts(this.#bandParts, bands, wBand);
    const [popularity, trend, newness] = [fround(wPopularity / 255), fround(wTrend / 255), fround(wNewness / 32768)];
    for (let code = 0; code < 256; code++) {
      this.#popularityParts[code] = fround(code * popularity);
      this.#trendParts[code] = fround(code * trend);
    }
    this.#newnessTable.forEach((value, age) => (this.#newnessParts[age] = fround(value * newness)));
    this.#today = today;
    this.#setVectors(known, share, wFactors, wContent);
  }

  /** Folds the history into the visitor's vectors: of taste by Cholesky's method, of content by a sum. */
  #setVectors(known: { row: number; weight: number }[], share: number, wFactors: number, wContent: number): void {
    const { dims, confidence, ridges, gram, scales, rows } = this.#factors;
    const liked = known.filter(({ weight }) => weight > 0);
    const a = Float64Array.from(gram);
    const ridge = ridges[Math.min(Math.max(liked.length - 1, 0), ridges.length - 1)] as number;
    for (let i = 0, at = 0; i < dims; at += dims - i, i++) (a[at] as number) += ridge;
    const x = new Float64Array(dims);
    const q = new Float64Array(dims);
    for (const { row, weight } of liked) {
      const c = confidence * (weight / 8192);
      const scale = (scales[row] as number) * this.#factorUnit;
      for (let i = 0; i < dims; i++) q[i] = (rows[row * dims + i] as number) * scale;
      for (let i = 0, at = 0; i < dims; i++) {
        const cq = c * (q[i] as number);
        for (let j = i; j < dims; j++, at++) (a[at] as number) += cq * (q[j] as number);
      }
      for (let i = 0; i < dims; i++) (x[i] as number) += (1 + c) * (q[i] as number);
    }
    for (let k = 0, top = 0; k < dims; top += dims - k, k++) {
      const root = Math.sqrt(a[top] as number);
      for (let j = 0; j < dims - k; j++) (a[top + j] as number) /= root;
      for (let i = 1, at = top + dims - k; i < dims - k; i++) {
        const factor = a[top + i] as number;
        for (let j = i; j < dims - k; j++, at++) (a[at] as number) -= factor * (a[top + j] as number);
      }
    }
    for (let i = 0, at = 0; i < dims; at += dims - i, i++) {
      const value = ((x[i] as number) /= a[at] as number);
      for (let j = 1; j < dims - i; j++) (x[i + j] as number) -= value * (a[at + j] as number);
    }
    for (let i = dims - 1, at = a.length - 1; i >= 0; i--, at -= dims - i) {
      let left = x[i] as number;
      for (let j = 1; j < dims - i; j++) left -= (a[at + j] as number) * (x[i + j] as number);
      x[i] = left / (a[at] as number);
    }
    this.#tasteUnit = fround(fround(quantize(x, this.#taste) * fround(this.#factorUnit)) * wFactors);

    const { dims: length, rows: vectors } = this.#content;
    const sums = new Float64Array(length);
    for (const { row, weight } of known) {
      for (let i = 0; i < length; i++) (sums[i] as number) += weight * (vectors[row * length + i] as number);
    }
    const unit = fround(this.#contentUnit);
    const like = fround(fround(fround(fround(quantize(sums, this.#like) * unit) * unit) * share) * wContent);
    for (let at = 0; at < 16; at++) {
      const cold = this.#cold[Math.min(at, this.#cold.length - 1)] as number;
      this.#coldUnits[at] = fround(like * fround(cold / 32768));
    }
  }

  /** Ranks rows; the slate is left in `this.slate`, its length is returned. */
  rerank(rows: Uint32Array, { count, diversity, excludePurchased }: Options): number {
    const n = rows.length;
    if (this.#scores.length < n) this.#scores = new Float32Array(n);
    const pool = diversity > 0 ? count * POOL : count;
    if (this.#heap.length < pool) {
      this.#heap = new Uint32Array(pool);
      this.#pool = new Pool(pool);
    }
    const scores = this.#scores;
    const heap = this.#heap;
    const personal = this.#personal;
    const purchased = this.#purchased;
    const [categoryParts, brandParts, bandParts] = [this.#categoryParts, this.#brandParts, this.#bandParts];
    if (this.#list.of !== rows) this.#list = this.#gather(rows);
    const { popularity, trend, firstSeen, category, brand, band, scales, vectors, contents } = this.#list;
    const [popularityParts, trendParts, newnessParts] = [this.#popularityParts, this.#trendParts, this.#newnessParts];
    const today = this.#today;
    const oldest = newnessParts.length - 1;
    const [dims, contentDims] = [this.#factors.dims, this.#content.dims];
    const [taste, tasteUnit, like, coldUnits] = [this.#taste, this.#tasteUnit, this.#like, this.#coldUnits];
    let size = 0;
    for (let index = 0; index < n; index++) {
      const row = rows[index] as number;
      let score = personal[row] as number;
      score = fround(score + fround(fround(dot(taste, vectors, index * dims, dims) * (scales[index] as number)) * tasteUnit));
      const code = (popularity[index] as number) >> 4;
      score = fround(score + fround(fround(dot(like, contents, index * contentDims, contentDims)) * (coldUnits[code] as number)));
      score = fround(score + (categoryParts[category[index] as number] as number));
      score = fround(score + (brandParts[brand[index] as number] as number));
      score = fround(score + (bandParts[band[index] as number] as number));
      score = fround(score + (popularityParts[popularity[index] as number] as number));
      score = fround(score + (trendParts[trend[index] as number] as number));
      let age = today - (firstSeen[index] as number);
      if (age < 0) age = 0;
      if (age > oldest) age = oldest;
      score = fround(score + (newnessParts[age] as number));
      scores[index] = score;
      if (excludePurchased && purchased[row] === 1) continue;
      // A heap with the worst of the best on top; later candidates lose ties.
      if (size < pool) {
        heap[size++] = index;
        if (size === pool) heapify(heap, scores, size);
      } else if (score > (scores[heap[0] as number] as number)) {
        heap[0] = index;
        sink(heap, scores, 0, size);
      }
    }
    const best = heap.subarray(0, size);
    best.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
    if (diversity > 0) this.#diversify(best, rows, count, diversity);
    const length = Math.min(count, size);
    for (let place = 0; place < length; place++) {
      const index = best[place] as number;
      const to = (this.slate[place] ??= { index: 0, row: 0, score: 0 });
      to.index = index;
      to.row = rows[index] as number;
      to.score = scores[index] as number;
    }
    return length;
  }

  /** What is known of the items of a list, side by side: once for a list that is ranked again and again. */
  #gather(rows: Uint32Array): List {
    const each = <T extends Uint8Array | Uint16Array>(table: T): T => {
      const of = table.slice(0, rows.length) as T;
      rows.forEach((row, index) => (of[index] = table[row] as number));
      return of;
    };
    const vectors = ({ dims, rows: table }: Vectors): Int8Array => {
      const of = new Int8Array(rows.length * dims);
      rows.forEach((row, index) => of.set(table.subarray(row * dims, row * dims + dims), index * dims));
      return of;
    };
    return {
      of: rows,
      popularity: each(this.#popularity),
      trend: each(this.#trend),
      firstSeen: each(this.#firstSeen),
      category: each(this.#category),
      brand: each(this.#brand),
      band: each(this.#band),
      scales: each(this.#factors.scales),
      vectors: vectors(this.#factors),
      contents: vectors(this.#content),
    };
  }

  #diversify(pool: Uint32Array, rows: Uint32Array, count: number, diversity: number): void {
    const size = pool.length;
    if (size === 0) return;
    const { order, relevance, similarity, category, brand, band } = this.#pool;
    const scores = this.#scores;
    const low = scores[pool[size - 1] as number] as number;
    const range = fround((scores[pool[0] as number] as number) - low);
    const lambda = fround(diversity);
    const scale = range > 0 ? fround(fround(1 - lambda) / range) : 0;
    for (let at = 0; at < size; at++) {
      const index = pool[at] as number;
      const row = rows[index] as number;
      order[at] = index;
      relevance[at] = fround(fround((scores[index] as number) - low) * scale);
      similarity[at] = 0;
      category[at] = this.#category[row] as number;
      brand[at] = this.#brand[row] as number;
      band[at] = this.#band[row] as number;
    }
    for (let place = 0; place < Math.min(count, size); place++) {
      let chosen = 0;
      let highest = -Infinity;
      for (let at = 0; at < size; at++) {
        const marginal = fround((relevance[at] as number) - fround(lambda * (similarity[at] as number)));
        if (marginal > highest) {
          highest = marginal;
          chosen = at;
        }
      }
      pool[place] = order[chosen] as number;
      relevance[chosen] = -Infinity;
      const [c, b, p] = [category[chosen] as number, brand[chosen] as number, band[chosen] as number];
      for (let at = 0; at < size; at++) {
        let like = 0;
        if (c !== 0 && category[at] === c) like += 0.5;
        if (b !== 0 && brand[at] === b) like += 0.25;
        if (p !== 0 && band[at] === p) like += 0.25;
        if (like > (similarity[at] as number)) similarity[at] = like;
      }
    }
  }
}

/** Buffers of diversity, as long as the pool. */
class Pool {
  readonly order: Uint32Array;
  readonly relevance: Float32Array;
  readonly similarity: Float32Array;
  readonly category: Uint16Array;
  readonly brand: Uint16Array;
  readonly band: Uint8Array;

  constructor(size: number) {
    this.order = new Uint32Array(size);
    this.relevance = new Float32Array(size);
    this.similarity = new Float32Array(size);
    this.category = new Uint16Array(size);
    this.brand = new Uint16Array(size);
    this.band = new Uint8Array(size);
  }
}
