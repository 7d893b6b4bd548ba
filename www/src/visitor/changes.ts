/**
 * What a page has done to the profile and what is not written yet.
 *
 * Invariant: a change is made to the profile that is kept, whoever has written to it since, and never twice: those that a page was left with
 * may have been written all the same, and are made only where they do not show.
 */
import type { EventKind } from "../../element.js";
import type { Grant, Profile } from "../ranking/api.js";
import { itemHash } from "../ranking/api.js";

/** An event, or what the lot was assigned to. */
export type Change = { item: string; kind: EventKind; at: number; again?: true } | { draw: number[] };

/** Makes a change to a profile. */
export function make(change: Change, profile: Profile, grant: Grant): void {
  if ("draw" in change) return profile.keep(grant, Uint8Array.from(change.draw));
  const { item, kind, at, again } = change;
  if (!again || !isKnown(profile, itemHash(item), kind, at)) profile.record(grant, item, kind, at);
}

function isKnown(profile: Profile, item: string, kind: EventKind, at: number): boolean {
  const events = profile.events() as { item: string; kind: EventKind; at: number }[];
  return events.some((event) => event.item === item && event.kind === kind && event.at === at);
}
