/** Reads the packed model into plain arrays, once, for the twin. `docs/FORMAT.md` is the norm. */

/** Reads `postcard`: varints, zigzag, floats and lists of them. */
export class Postcard {
  #at = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  varint(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#view.getUint8(this.#at++);
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  f32(): number {
    this.#at += 4;
    return this.#view.getFloat32(this.#at - 4, true);
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.varint() }, read);
  }

  skipText(): void {
    const length = this.varint();
    this.#at += length;
  }
}

/** Sections of a snapshot by tag. */
export function sections(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<string, Uint8Array>();
  for (let entry = 0; entry < view.getUint16(6, true); entry++) {
    const at = 48 + entry * 12;
    const tag = String.fromCharCode(...bytes.subarray(at, at + 4));
    const start = view.getUint32(at + 4, true);
    // A copy of its own: tables are then read from offset 0.
    found.set(tag, Uint8Array.from(bytes.subarray(start, start + view.getUint32(at + 8, true))));
  }
  return found;
}

/** Lists of neighbours one behind the other: item `i` has the entries from `ends[i]` to before `ends[i + 1]`. */
export interface Lists {
  scales: Uint16Array;
  ends: Uint32Array;
  targets: Uint32Array;
  levels: Uint16Array;
}

export function neighbours(bytes: Uint8Array, items: number): Lists {
  const view = new DataView(bytes.buffer);
  const entries = view.getUint32(0, true);
  const bits = view.getUint8(4);
  const rowScales = 8 + 2 * 2 ** bits;
  let at = rowScales + 512 + 4 * Math.ceil(items / 8);
  const lists = {
    scales: new Uint16Array(items),
    ends: new Uint32Array(items + 1),
    targets: new Uint32Array(entries),
    levels: new Uint16Array(entries),
  };
  let entry = 0;
  for (let source = 0; source < items; source++) {
    let length = view.getUint8(at++);
    if (length >= 128) length += (view.getUint8(at++) - 1) * 128;
    if (length > 0) {
      lists.scales[source] = view.getUint16(rowScales + 2 * view.getUint8(at), true);
      const stream = new Bits(bytes.subarray(at + 1, at + length));
      const count = stream.expGolomb(4) + 1;
      const order = stream.take(4);
      for (let i = 0; i < count; i++) lists.levels[entry + i] = view.getUint16(8 + 2 * stream.take(bits), true);
      let target = source;
      for (let i = 0; i < count; i++) {
        const gap = stream.expGolomb(order) + 1;
        const first = gap % 2 === 0 ? gap / 2 : -(gap + 1) / 2;
        target += i === 0 ? first : gap;
        lists.targets[entry + i] = target;
      }
      entry += count;
    }
    lists.ends[source + 1] = entry;
    at += length;
  }
  return lists;
}

/** A vector of `dims` numbers an item, one behind the other. */
export interface Vectors {
  dims: number;
  rows: Int8Array;
}

/** Vectors of taste, and what a visitor's is solved with. */
export interface Factors extends Vectors {
  confidence: number;
  ridges: Float32Array;
  /** The upper triangle, row by row. */
  gram: Float32Array;
  scales: Uint16Array;
}

export function factors(bytes: Uint8Array, items: number): Factors {
  const view = new DataView(bytes.buffer);
  const [dims, ridges] = [view.getUint16(0, true), view.getUint16(2, true)];
  const floats = (at: number, length: number): Float32Array => Float32Array.from({ length }, (_, i) => view.getFloat32(at + 4 * i, true));
  const triangle = ridges > 0 ? (dims * (dims + 1)) / 2 : 0;
  const scales = 8 + 4 * (ridges + triangle);
  return {
    dims,
    confidence: view.getFloat32(4, true),
    ridges: floats(8, ridges),
    gram: floats(8 + 4 * ridges, triangle),
    scales: Uint16Array.from({ length: items }, (_, i) => view.getUint16(scales + 2 * i, true)),
    rows: Int8Array.from(new Int8Array(bytes.buffer, scales + 2 * items)),
  };
}

export function content(bytes: Uint8Array): Vectors {
  return { dims: new DataView(bytes.buffer).getUint16(0, true), rows: Int8Array.from(new Int8Array(bytes.buffer, 2)) };
}

/** A run of bits, the lowest of each byte first. */
class Bits {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(width: number): number {
    let value = 0;
    for (let bit = 0; bit < width; bit++, this.#at++) {
      value += (((this.#bytes[this.#at >> 3] as number) >> (this.#at & 7)) & 1) * 2 ** bit;
    }
    return value;
  }

  expGolomb(order: number): number {
    let width = order;
    while (this.take(1) === 0) width++;
    return this.take(width) + 2 ** width - 2 ** order;
  }
}
