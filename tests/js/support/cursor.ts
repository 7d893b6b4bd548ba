/** Reads numbers and words from the front of a run of bytes. */
export class Cursor {
  at = 0;
  private bit = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left() {
    return this.bytes.length - this.at;
  }

  take(count: number): Uint8Array {
    check(count <= this.left, `${this.name}: ends too early`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  private next(count: number): number {
    this.take(count);
    return this.at - count;
  }

  u8 = () => this.view.getUint8(this.next(1));
  u16 = () => this.view.getUint16(this.next(2), true);
  u32 = () => this.view.getUint32(this.next(4), true);
  f32 = () => this.view.getFloat32(this.next(4), true);
  text = (length: number) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(length));
  vector = (dims: number) => Array.from(new Int8Array(this.take(dims)));

  varint(): number {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      const byte = this.u8();
      value += (byte % 128) * place;
      check(value < 2 ** 32, `${this.name}: a number that is too large`);
      if (byte < 128) return value;
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  string = () => this.text(this.varint());
  list = <T>(item: () => T): T[] => times(this.varint(), item);

  /** The next bits as a number, lowest first. */
  bits(count: number): number {
    let value = 0;
    for (let place = 0; place < count; place++) {
      if (this.bit === 0) this.u8();
      value += ((Number(this.bytes[this.at - 1]) >> this.bit) & 1) * 2 ** place;
      this.bit = (this.bit + 1) % 8;
    }
    return value;
  }

  /** An Exp-Golomb code. */
  golomb(order: number): number {
    let width = order;
    while (this.bits(1) === 0) width++;
    return 2 ** width + this.bits(width) - 2 ** order;
  }
}

export function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

export function check(condition: boolean, message: string) {
  if (!condition) throw new Error(message);
}
