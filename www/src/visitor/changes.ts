/**
 * What a page has done to the profile and what is not written yet.
 *
 * Invariant: a change is made to the profile that is kept, whoever has written to it since, and never twice: those that a page was left with
 * may have been written all the same, and are made only where they do not show.
 */
import type { EventKind } from "../../element.js";
import type { Grant } from "../ranking/api.js";
import { itemHash, Profile } from "../ranking/api.js";
import { leave, takeLeft, toBytes } from "./storage.js";
import { warnOnce } from "../warn.js";

/** An event, what the lot was assigned to, or an encoded profile of another device, which counts once however often it is taken in. */
export type Change = { item: string; kind: EventKind; at: number; again?: true } | { draw: number[] } | { other: string };

/** Makes a change to a profile. */
export function make(change: Change, profile: Profile, grant: Grant): void {
  if ("draw" in change) return profile.keep(grant, Uint8Array.from(change.draw));
  if ("other" in change) return profile.merge(grant, Profile.decode(grant, toBytes(change.other)));
  const { item, kind, at, again } = change;
  if (!again || !isKnown(profile, itemHash(item), kind, at)) profile.record(grant, item, kind, at);
}

/** The page is left: what is not written goes to the tab's own storage, at once, for the next page to write; the lot's is made again. Gives it as it goes. */
export function leaveAll(unwritten: Change[]): Change[] {
  const left = unwritten.flatMap((change) => ("draw" in change ? [] : [{ ...change, again: true as const }]));
  if (left.length > 0) leave(left);
  return left;
}

/** What the page before was left with. Whatever it is: what cannot be made is left out. */
export function takeAll(grant: Grant): Change[] {
  try {
    const changes = takeLeft<Change>();
    const scratch = new Profile();
    for (const change of changes) make(change, scratch, grant);
    return changes;
  } catch (error) {
    warnOnce("what the page before was left with is not recorded", error);
    return [];
  }
}

function isKnown(profile: Profile, item: string, kind: EventKind, at: number): boolean {
  const events = profile.events() as { item: string; kind: EventKind; at: number }[];
  return events.some((event) => event.item === item && event.kind === kind && event.at === at);
}
