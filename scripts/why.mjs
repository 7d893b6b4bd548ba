/**
 * What takes the room in a wasm: for each function the bytes of gzip that the whole has more than it would have without it. Two functions
 * that resemble one another weigh little each, so the parts need not add up to the whole.
 */
import { gzipSync } from "node:zlib";

const sectionNames = ["custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count"];
const IMPORT = 2;
const CODE = 10;

/** Reads numbers and names of a wasm one after another. */
class Reader {
  /** @param {Buffer} bytes @param {number} at */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A whole number: 7 bits a byte, the lowest first. */
  number() {
    for (let number = 0, scale = 1; ; scale *= 128) {
      const byte = this.bytes.readUInt8(this.at++);
      number += (byte & 127) * scale;
      if (byte < 128) return number;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
}

/** @typedef {{ id: number, start: number, body: number, end: number }} Section */

/** @param {Buffer} bytes @returns {Section[]} */
function readSections(bytes) {
  const sections = [];
  for (let at = 8; at < bytes.length; ) {
    const reader = new Reader(bytes, at + 1);
    const length = reader.number();
    sections.push({ id: bytes.readUInt8(at), start: at, body: reader.at, end: reader.at + length });
    at = reader.at + length;
  }
  return sections;
}

/** The number of imported functions, which are numbered before the others. wasm-bindgen imports nothing else. @param {Buffer} bytes @param {Section[]} sections */
function countImports(bytes, sections) {
  const section = sections.find(({ id }) => id === IMPORT);
  return section ? new Reader(bytes, section.body).number() : 0;
}

/** The functions' names by their numbers. @param {Buffer} bytes @param {Section[]} sections */
function readNames(bytes, sections) {
  /** @type {Map<number, string>} */
  const names = new Map();
  for (const { body, end } of sections.filter(({ id }) => id === 0)) {
    const reader = new Reader(bytes, body);
    if (reader.text() !== "name") continue;
    while (reader.at < end) {
      const kind = bytes.readUInt8(reader.at++);
      const next = reader.number() + reader.at;
      if (kind === 1) for (let left = reader.number(); left > 0; left -= 1) names.set(reader.number(), reader.text());
      reader.at = next;
    }
  }
  return names;
}

const weigh = (/** @type {Buffer[]} */ parts) => gzipSync(Buffer.concat(parts), { level: 9 }).length;

/**
 * @param {Buffer} bytes a wasm with names
 * @returns {{ total: number, sections: { name: string, raw: number }[], functions: { name: string, raw: number, gzip: number }[] }} in bytes, the
 *   largest functions first; names are not counted
 */
export function room(bytes) {
  const all = readSections(bytes);
  const names = readNames(bytes, all);
  const sections = all.filter(({ id }) => id !== 0);
  const code = sections.find(({ id }) => id === CODE);
  if (!code) return { total: bytes.length, sections: [], functions: [] };
  const before = bytes.subarray(sections[0]?.start, code.body);
  const [head, tail] = [before, bytes.subarray(code.end, sections.at(-1)?.end)];
  const total = weigh([head, bytes.subarray(code.body, code.end), tail]);
  const reader = new Reader(bytes, code.body);
  const first = countImports(bytes, all);
  const functions = Array.from({ length: reader.number() }, (_, number) => {
    const start = reader.at;
    const length = reader.number();
    reader.at += length;
    const without = weigh([head, bytes.subarray(code.body, start), bytes.subarray(reader.at, code.end), tail]);
    return { name: tidy(names.get(first + number) ?? `function ${first + number}`), raw: length, gzip: total - without };
  });
  return {
    total,
    sections: sections.map(({ id, body, end }) => ({ name: sectionNames[id] ?? String(id), raw: end - body })),
    functions: functions.sort((a, b) => b.gzip - a.gzip),
  };
}

/** A function's name as it is written in Rust, without the hashes that the compiler adds. @param {string} name */
export function tidy(name) {
  return readable(name)
    .replace(/::h[0-9a-f]{16}$/, "")
    .replaceAll(/\[[0-9a-f]{16}\]/g, "");
}

const escapes = /** @type {Record<string, string>} */ ({ LT: "<", GT: ">", RF: "&", BP: "*", LP: "(", RP: ")", C: ",", u20: " " });

/**
 * The identifiers of a symbol in their order, of Rust's older mangling or its version 0; of the latter without types, which nobody here
 * looks for. A name that wasm-bindgen has made readable stays.
 * @param {string} name
 */
function readable(name) {
  if (!/^(_R|_ZN)/.test(name)) return name;
  const isOld = name.startsWith("_ZN");
  const words = [];
  for (let at = isOld ? 3 : 2; at < name.length; ) {
    const [digits] = /^[1-9]\d*/.exec(name.slice(at)) ?? [];
    if (digits) {
      at += digits.length + Number(!isOld && name[at + digits.length] === "_");
      words.push(name.slice(at, at + Number(digits)));
      at += Number(digits);
    } else {
      // Version 0: references and disambiguators end with `_`.
      at = !isOld && /[Bs]/.test(name.charAt(at)) ? name.indexOf("_", at) + 1 || name.length : at + 1;
    }
  }
  const path = words.join("::");
  return isOld ? path.replace(/(^|::)_\$/g, "$1$").replaceAll("..", "::").replaceAll(/\$(\w+?)\$/g, (all, escape) => escapes[escape] ?? all) : path;
}
