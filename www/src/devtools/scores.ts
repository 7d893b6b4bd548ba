/**
 * What a slot would show now, and why: each place with the parts of its score, as bars and as a table.
 *
 * Invariant: it is ranked by the page's own ranker, list and options, as the slot itself ranks; the page's cards are not touched.
 */
import type { Effect, Pocketrank, Slot } from "../../element.js";
import type { Explanation, Options, Profile, Ranked } from "../../index.js";
import { cardsOf, isTemplated, itemOf } from "../slots/card.js";
import { make, table, type Child } from "./dom.js";

/** As slots have it. */
const [COUNT, MAX_COUNT] = [12, 48];

/** A place of a slate. */
export interface Place {
  id: string;
  name: string;
  why: Explanation;
  effects: Effect[];
}

/** A slot, ranked now. */
export interface Reading {
  element: HTMLElement;
  name: string;
  slot: Slot;
  /** For whom it was ranked. */
  profile: Profile;
  /** With which everything was ranked, in seconds since 1970-01-01 UTC. */
  now: number;
  options: Options;
  slate: Ranked[];
  places: Place[];
  /** What the page shows. */
  shown: string[];
}

/** Ranks a slot. */
export async function read(pocketrank: Pocketrank, element: HTMLElement): Promise<Reading> {
  const slot = await pocketrank.slot(element);
  const { ranker, items, diversity } = slot;
  const { profile } = pocketrank;
  const now = Math.floor(Date.now() / 1000);
  const turned = new Set(profile.events().flatMap(({ item, kind }) => (kind === "dismiss" ? [item] : [])));
  const wanted = Math.min(Number(element.dataset.pocketrankCount ?? COUNT), MAX_COUNT) + turned.size;
  const candidates = ranker.candidates(items);
  try {
    // As the page has set it, with a time that a replay can name.
    ranker.setProfile(profile, now);
    const options = { count: isTemplated(element) ? wanted : items.length, diversity: diversity ?? 0.3, shifts: slot.shifts(candidates) ?? new Uint8Array() };
    const slate = ranker.rerank(candidates, options);
    const places = slate.map(({ index, row }) => {
      const { id = "", name = id } = items[index] ?? {};
      return { id, name, why: ranker.explain(row), effects: slot.effects(row) };
    });
    return { element, profile, name: element.dataset.pocketrankSlot ?? "", slot, now, options, slate, places, shown: cardsOf(element).map(itemOf) };
  } finally {
    candidates.free();
  }
}

/** The names of parts, with the colours that they have. */
export function legend(): HTMLElement {
  const named = PARTS.map((part) => make("li", {}, [make("span", { class: `swatch ${part}` }), words(part)]));
  return make("ul", { class: "legend", "aria-label": "Parts of scores" }, named);
}

/** Bars of parts one after the other, what speaks against to the left of zero; and the same in numbers. */
export function scores(places: Place[], title: string, shown: string[]): Child[] {
  const sum = (sign: number) => (place: Place) => place.why.parts.reduce((all, { value }) => all + Math.max(0, sign * value), 0);
  const [against, most] = [-1, 1].map((sign) => Math.max(0, ...places.map(sum(sign)))) as [number, number];
  const width = against + most || 1;
  const bars = places.map((place) => {
    const ends = { 1: against, [-1]: against } as Record<number, number>;
    const parts = place.why.parts.filter(({ value }) => value !== 0).map(({ name, value }) => {
      const sign = Math.sign(value);
      const end = ends[sign] ?? 0;
      ends[sign] = end + value;
      const part = make("span", { class: name, title: `${words(name)} ${value.toFixed(4)}` });
      part.style.left = `${(Math.min(end, end + value) / width) * 100}%`;
      part.style.width = `${(Math.abs(value) / width) * 100}%`;
      return part;
    });
    const zero = make("span", { class: "zero" });
    zero.style.left = `${(against / width) * 100}%`;
    const bar = make("span", { class: "bar", "aria-hidden": "true" }, [...parts, zero]);
    const at = shown.indexOf(place.id);
    const note = [...place.effects.map(({ action, rule }) => `${action} by rule ${rule}`), ...(at < 0 ? ["not on the page"] : [])].join(", ");
    const name = make("span", { class: "name", title: place.name }, [place.name]);
    return make("li", {}, [name, bar, make("span", { class: "score" }, [place.why.score.toFixed(3)]), note && make("small", {}, [` ${note}`])]);
  });
  const rows = places.map(({ name, why }) => [name, why.score.toFixed(4), ...why.parts.map(({ value }) => value.toFixed(4))]);
  const numbers = table(`${title}: scores and their parts`, ["Item", "Score", ...PARTS.map(words)], rows, "Nothing is ranked.");
  return [make("ol", { class: "bars" }, bars), numbers];
}

const PARTS = ["neighbours", "repeat", "factors", "content", "category", "brand", "price_band", "popularity", "trend", "newness"] as const;

function words(part: string): string {
  return part.replace("_", " ");
}
