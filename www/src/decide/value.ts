/** Values as they cross to the wasm: as docs/FORMAT.md, "Values", says, numbers with their text, so that the wasm prints none. */
import { coded } from "../coded.js";

/** A value of JSON; what JSON cannot write is left out, or null, as in `JSON.stringify`. */
export function encode(value: unknown): Uint8Array {
  const bytes: number[] = [];
  const number = (value: number): void => {
    for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
    bytes.push(value);
  };
  const text = (value: string): void => {
    const encoded = new TextEncoder().encode(value);
    number(encoded.length);
    for (const byte of encoded) bytes.push(byte);
  };
  const write = (value: unknown): void => {
    if (typeof value === "boolean") bytes.push(1, Number(value));
    else if (typeof value === "number" && Number.isFinite(value)) {
      bytes.push(2, ...new Uint8Array(new Float64Array([value]).buffer));
      text(String(value));
    } else if (typeof value === "string") {
      bytes.push(3);
      text(value);
    } else if (Array.isArray(value)) {
      bytes.push(4);
      number(value.length);
      value.forEach(write);
    } else if (value !== null && typeof value === "object") {
      const fields = Object.entries(value).filter(([, value]) => value !== undefined);
      bytes.push(5);
      number(fields.length);
      for (const [name, value] of fields) {
        text(name);
        write(value);
      }
    } else bytes.push(0);
  };
  try {
    write(value);
  } catch (error) {
    throw coded("invalid_option", "attributes must be plain values that end, as JSON can write them", error);
  }
  return Uint8Array.from(bytes);
}
