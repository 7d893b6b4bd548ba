/**
 * Says what is wrong with the words that a page gives. Loaded when such a page is idle.
 *
 * Invariant: it changes nothing. In the place of a word that is not known or no text stands the English one; a placeholder that is not known stays as it is.
 */
import { coded } from "../coded.js";
import { got } from "../options.js";
import { CAROUSEL, SOURCE, WHY } from "./words.js";

const ENGLISH: Readonly<Record<string, string>> = { ...CAROUSEL, ...WHY };

function placeholders(text: string): string[] {
  return text.match(/\{\w+\}/g) ?? [];
}

/** What is wrong with a word, if anything is. */
function fault(name: string, text: unknown): string | undefined {
  const english = Object.hasOwn(ENGLISH, name) ? ENGLISH[name] : undefined;
  if (english === undefined) return `there is no word \`${name}\`: ${Object.keys(ENGLISH).join(", ")} are known`;
  if (typeof text !== "string") return `\`${name}\` must be a text; it is ${got(text)}`;
  const known = placeholders(english);
  const unknown = placeholders(text).find((placeholder) => !known.includes(placeholder));
  return unknown && `\`${name}\` has no ${unknown}: ${known.join(" and ") || "no placeholder"} can be in it`;
}

function faults({ textContent }: Element): string[] {
  try {
    const words: unknown = JSON.parse(textContent);
    if (typeof words !== "object" || words === null || Array.isArray(words)) return ["they must be an object"];
    return Object.entries(words).flatMap(([name, text]) => fault(name, text) ?? []);
  } catch (error) {
    return [`they must be JSON: ${String(error)}`];
  }
}

/** Warns of each fault. */
export function proofread(): void {
  for (const text of [...document.querySelectorAll(SOURCE)].flatMap(faults)) console.warn("pocketrank: words of the page are wrong", coded("invalid_option", `data-pocketrank-words: ${text}`));
}
