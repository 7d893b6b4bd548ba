/**
 * From compiled templates and values to HTML: what src/template/render.rs and escape.rs do at the edge, in a third of the bytes that they
 * take as wasm.
 *
 * Invariant: both make the same text of the same values. Values are JSON's.
 */
import { coded } from "../coded.js";
import { corrupt, INVERTED, SECTION, VALUE, type Step, type Templates } from "./templates.js";

/** The most steps. */
const MAX_STEPS = 1 << 18;
/** The most that is made, in UTF-16 units; the edge counts bytes. */
const MAX_OUTPUT = 1 << 20;

/** References to the characters that would end a text or an attribute. */
export const REFERENCES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const encoder = new TextEncoder();

/** Writes a character as bytes of an address. */
function percent(char: string): string {
  return encoder.encode(char).reduce((text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, "0")}`, "");
}

/** The address if it is relative or of the web, else nothing: `safe_url`. */
function safe(url: string): string {
  const head = url.split(/[/?#]/, 1)[0] ?? "";
  return /[:\p{Cc}\p{White_Space}]/u.test(head) && !/^https?:$/i.test(head) ? "" : url;
}

/** By their numbers: text, address, part of one, address of a list, HTML. */
const ESCAPES = [
  (text: string) => text,
  safe,
  (text: string) => text.replace(/[^\w.~-]/gu, percent),
  (text: string) => safe(text).replace(/[^\w.~:/?#[\]@!$&()*+;=%-]/gu, percent),
];

function write(escape: number, text: string): string {
  // What is HTML stays.
  return ESCAPES[escape]?.(text).replace(/[&<>"'\0]/g, (char) => REFERENCES[char] ?? "") ?? text;
}

/** A field's value, undefined where it is not there. */
function field(value: unknown, name: string): unknown {
  const has = typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name);
  return has ? (value as Record<string, unknown>)[name] : undefined;
}

/** What a placeholder shows of a value. */
export function shown(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/**
 * The HTML of a template; with `item` what its section `items` makes of that one.
 * @throws with code `unknown_name` if there is no such template or section, `limit` where it makes too much of the values
 */
export function fill(templates: Templates, name = "slot", data: unknown, item?: unknown): string {
  let steps = templates.get(name);
  if (steps && item !== undefined) {
    const at = steps.findIndex(({ kind, path }) => kind === SECTION && path.length === 1 && path[0] === "items");
    steps = steps[at] && steps.slice(at + 1, at + 1 + steps[at].number);
  }
  if (!steps) throw coded("unknown_name", `template: \`${name.slice(0, 64)}\` is not known, or shows no items`);
  const stack = item === undefined ? [data] : [data, item];
  let [out, done] = ["", 0];

  const find = ([first, ...others]: string[]): unknown => {
    if (first === undefined) return stack.at(-1);
    let value: unknown;
    for (let at = stack.length; value === undefined && at > 0; ) value = field(stack[--at], first);
    return others.reduce(field, value);
  };
  const within = (body: Step[], value: unknown): void => {
    stack.push(value);
    walk(body);
    stack.pop();
  };
  const walk = (steps: Step[]): void => {
    for (let at = 0; at < steps.length; ) {
      const { kind, number, text, path } = steps[at++] as Step;
      const value = find(path);
      const next = text ?? (kind === VALUE ? shown(value) : "");
      if (++done > MAX_STEPS || out.length + next.length > MAX_OUTPUT) throw coded("limit", "a template makes too much of the values");
      if (text !== undefined) out += text;
      else if (kind === VALUE) out += write(number, next);
      else {
        const body = steps.slice(at, (at += number));
        if (body.length < number) throw corrupt();
        const counts = Array.isArray(value) ? value.length > 0 : Boolean(value);
        if (kind === INVERTED || value === true) {
          if (counts !== (kind === INVERTED)) walk(body);
        } else if (Array.isArray(value)) {
          for (const each of value) within(body, each);
        } else if (counts) {
          within(body, value);
        }
      }
    }
  };
  walk(steps);
  return out;
}
