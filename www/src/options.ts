/** Options as callers give them, JavaScript's as well: what is not known or not what it must be is refused by name, with what was got. */
import { coded } from "./coded.js";

/** What an option must be, in words, and whether it is. */
type Rule = readonly [must: string, is: (value: unknown) => boolean];

export const FLAG: Rule = ["true or false", (value) => typeof value === "boolean"];
const COUNT: Rule = ["a whole number from 0 on", (value) => value === (value as number) >>> 0];
const SHARE: Rule = ["a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1];
export const BYTES: Rule = ["a Uint8Array", (value) => value instanceof Uint8Array];

export const OPENING = { verify: FLAG };
export const LOADING = { ...OPENING, maxBytes: COUNT };
export const RANKING = { count: COUNT, diversity: SHARE, excludePurchased: FLAG, excludeOutOfStock: FLAG };

/** A value as messages show it. */
export function got(value: unknown): string {
  return typeof value === "string" ? `"${value.slice(0, 40)}"` : typeof value === "object" && value ? "an object" : String(value);
}

/** The options, if there is nothing wrong with them; one that is `undefined` counts as not given. */
export function checked<T extends object>(options: T, rules: Record<string, Rule>): T {
  for (const [name, value] of Object.entries(options)) {
    const [must, is] = rules[name] ?? [];
    if (!is) throw coded("invalid_option", `there is no option \`${name}\`: ${Object.keys(rules).join(", ")} are known`);
    if (value !== undefined && !is(value)) throw coded("invalid_option", `\`${name}\` must be ${must}; it is ${got(value)}`);
  }
  return options;
}

/** A time in seconds since 1970-01-01 UTC: milliseconds would be cut to a wrong day. */
export function seconds(at: number): number {
  if (!(at >= 0 && at < 2 ** 32)) throw coded("invalid_option", `a time must be in seconds; it is ${got(at)}`);
  return at;
}

/** The shop's ids of items. */
export function idsOf(items: readonly (string | { id: string })[]): string[] {
  return items.map((item, at) => {
    const id = typeof item === "string" ? item : (item?.id as unknown);
    if (typeof id !== "string") throw coded("invalid_option", `item ${at} must be an id, or have \`id\`, that is a string; it is ${got(id)}`);
    return id;
  });
}
