/**
 * The capsule's cookie: the last few events, for the page's own edge.
 *
 * Invariant: it is there only while the visitor allows that purpose; the name's prefix makes the browser refuse it on
 * other paths, hosts and plain connections (http://localhost counts as secure).
 */
import type { CapsuleGrant, Profile } from "../ranking/api.js";
import { now } from "../ranking/ranker.js";

const COOKIE = "__Host-pocketrank";
const ATTRIBUTES = "; Secure; SameSite=Lax; Path=/";
/** As long as a capsule is valid. */
const MAX_AGE = 30 * 86_400;

/** A document of no origin, as in a sandboxed frame, has no cookies: to look for them throws. */
const hasCookies = self.origin !== "null";

/** Writes the profile's capsule; with the session, or for as long as it is valid. */
export function writeCapsule(profile: Profile, grant: CapsuleGrant, keep: boolean): void {
  if (!hasCookies) return;
  const age = keep ? `; Max-Age=${MAX_AGE}` : "";
  document.cookie = `${COOKIE}=${profile.capsule(grant, now())}${ATTRIBUTES}${age}`;
}

/** Whether the cookie is there. */
export function hasCapsule(): boolean {
  return hasCookies && document.cookie.split(";").some((pair) => pair.split("=")[0]?.trim() === COOKIE);
}

/** Removes the cookie, if there is one: where there is none, nothing is written. */
export function eraseCapsule(): void {
  if (hasCapsule()) document.cookie = `${COOKIE}=${ATTRIBUTES}; Max-Age=0`;
}
