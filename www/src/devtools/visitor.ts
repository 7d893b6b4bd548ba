/** What is known of the visitor, and what consent says. It shows what `export()` gives, and no more. */
import type { Kept, Pocketrank } from "../../element.js";
import { day, make, table, terms, time, type Child } from "./dom.js";

type Names = Awaited<ReturnType<Pocketrank["items"]>>;

export function profile({ events, aggregates, lot }: Kept, names: Names): Child[] {
  const nameOf = (item: string) => names.get(item)?.name ?? item;
  const did = [...events].reverse().map(({ item, kind, at }) => [nameOf(item), kind, time(at)]);
  const folded = aggregates.map(({ item, kind, first, last, count }) => [nameOf(item), kind, String(count), day(first), day(last)]);
  return [
    table(`Events, the newest first: ${events.length}`, ["Item", "Kind", "When"], did, "No events."),
    table(`Aggregates of older events: ${aggregates.length}`, ["Item", "Kind", "How many", "First", "Last"], folded, "No aggregates."),
    terms([["Lot", lot === undefined ? "none drawn" : `${lot} of 4096`]]),
  ];
}

export function consent({ mode, choice, gpc, sources, places }: Kept): Child[] {
  const said = choice ? `${choice.mode}${choice.capsule ? ", with the capsule" : ""}` : "none, or no";
  const signal = gpc === null ? "cannot be understood: counts as an objection" : gpc ? "objects" : "is not sent";
  return [
    terms([["Mode", mode], ["Choice that holds", said], ["Global Privacy Control", signal], ...Object.entries(sources)]),
    Object.keys(sources).length === 0 ? make("p", { class: "none" }, ["The script tag names no other source of consent."]) : "",
    table("What is held on this device", ["Place", "Entries"], places.map(({ place, entries }) => [place, String(entries)]), "Nothing."),
  ];
}
