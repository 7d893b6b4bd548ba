/**
 * The capsule's cookie: the last few events, for the page's own edge.
 *
 * Invariant: it is there only while the visitor allows that purpose; the name's prefix makes the browser refuse it on
 * other paths, hosts and plain connections (http://localhost counts as secure).
 */
import type { CapsuleGrant, Profile } from "../ranking/api.js";
import { now } from "../ranking/ranker.js";
import { DAY, oldest } from "../ranking/rows.js";

const COOKIE = "__Host-pocketrank";
const ATTRIBUTES = "; Secure; SameSite=Lax; Path=/";
/** Days for which a capsule is valid, and the most events in it. */
const [VALID, EVENTS] = [30, 30];

/** A document of no origin, as in a sandboxed frame, has no cookies: to look for them throws. */
const hasCookies = self.origin !== "null";

/** Writes the profile's capsule; with the session, or for as long as it is valid and each event in it may be kept for so many days. */
export function writeCapsule(profile: Profile, grant: CapsuleGrant, days: number | undefined): void {
  if (!hasCookies) return;
  const at = now();
  let age = "";
  if (days !== undefined) {
    const [first] = profile.events().filter(({ kind }) => kind !== "view_item_list").slice(-EVENTS);
    const end = first && ((oldest(first.at, 0) + days + 1) * DAY - at);
    age = `; Max-Age=${Math.min(VALID * DAY, end ?? Infinity)}`;
  }
  document.cookie = `${COOKIE}=${profile.capsule(grant, at)}${ATTRIBUTES}${age}`;
}

/** Whether the cookie is there. */
export function hasCapsule(): boolean {
  return hasCookies && document.cookie.split(";").some((pair) => pair.split("=")[0]?.trim() === COOKIE);
}

/** Removes the cookie, if there is one: where there is none, nothing is written. */
export function eraseCapsule(): void {
  if (hasCapsule()) document.cookie = `${COOKIE}=${ATTRIBUTES}; Max-Age=0`;
}
