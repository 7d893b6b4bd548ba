/**
 * Compiled templates, read from their section of the snapshot (docs/FORMAT.md, templates).
 *
 * Invariant: names, runs of text and ways of escaping that a step has are there. What the runtime verifies beyond that, such as UTF-8, is
 * not doubted again: an unverified snapshot can show wrong text, but no other.
 */
import { coded } from "../coded.js";

export const [VALUE, SECTION, INVERTED] = [1, 2, 3];
/** How many ways of escaping there are: src/template/escape.rs. */
const ESCAPES = 5;

/** What a template does next. */
export interface Step {
  kind: number;
  /** Of a text: what is written. */
  text?: string;
  /** Of a value: how it is escaped; of a section: how many of the next steps it has. */
  number: number;
  /** The value's name, from the outermost to the innermost. */
  path: string[];
}

export type Templates = Map<string, Step[]>;

export function corrupt(): Error {
  return coded("corrupt", "templates: the section is not as FORMAT.md says");
}

/** @throws with code `corrupt` */
export function readTemplates(bytes: Uint8Array): Templates {
  // A mark of the order of bytes is a character as any other.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let at = 0;
  const varint = (): number => {
    for (let [value, unit] = [0, 1]; ; unit *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || unit > 2 ** 28) throw corrupt();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  const part = (of: Uint8Array, from: number, length: number): Uint8Array => {
    if (from + length > of.length) throw corrupt();
    return of.subarray(from, from + length);
  };
  const run = (): Uint8Array => {
    const length = varint();
    return part(bytes, (at += length) - length, length);
  };
  const list = <T>(read: () => T): T[] => {
    const made: T[] = [];
    for (let left = varint(); left > 0; left -= 1) made.push(read());
    return made;
  };
  const names = list(() => decoder.decode(run()));
  const name = (): string => {
    const name = names[varint()];
    if (name === undefined) throw corrupt();
    return name;
  };
  const templates = list(() => {
    const [title, text] = [decoder.decode(run()), run()] as const;
    const steps = list((): Step => {
      const [kind, number] = [varint(), varint()] as const;
      if (kind > INVERTED || (kind === VALUE && number >= ESCAPES)) throw corrupt();
      if (kind === 0) return { kind, number, text: decoder.decode(part(text, number, varint())), path: [] };
      return { kind, number, path: list(name) };
    });
    return [title, steps] as const;
  });
  if (at < bytes.length) throw corrupt();
  return new Map(templates);
}
