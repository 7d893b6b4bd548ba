/**
 * Replay capsules of the page's slots, and capsules of others made again.
 *
 * Invariant: the page's rankers are left as they were, and a capsule leaves by the hand of whoever presses the button: into a file, or into the
 * clipboard as a fragment, which no request carries.
 */
import type { Pocketrank, Slot } from "../../element.js";
import type { Profile } from "../../index.js";
import { readCapsule, replay, toFragment, writeCapsule } from "../replay.js";
import { make, time, type Child } from "./dom.js";
import { read, scores } from "./scores.js";

/** The capsule of a slot, ranked now for the visitor as they are now. */
export async function capsuleOf(pocketrank: Pocketrank, element: HTMLElement): Promise<string> {
  const { slot, profile, now, slate, options } = await read(pocketrank, element);
  const { ranker, items: candidates, blend } = slot;
  return writeCapsule({ ranker, profile, now, candidates, slate, options, ...(blend && { blend }) });
}

/** This page's address with the capsule as its fragment. */
export function linkOf(capsule: string): string {
  const [page = ""] = location.href.split("#");
  return page + toFragment(capsule);
}

/** The page's own models, each with the lists that it is for and its bytes: a replay elsewhere needs just these. */
export function carried(): { lists: string; bytes: () => Uint8Array<ArrayBuffer> }[] {
  return [...document.querySelectorAll<HTMLElement>("script[data-pocketrank-model]")].map((carrier) => ({
    lists: carrier.dataset.pocketrankLists ?? "",
    bytes: () => Uint8Array.from(atob(carrier.textContent), (character) => character.charCodeAt(0)),
  }));
}

/** Gives a file. */
export function save(content: string | Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([content]));
  make("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** A profile of what a capsule holds. It is nobody's on this page and kept nowhere, so that it needs no yes of the visitor. */
function restore({ Consent, profile }: Pocketrank, held: Uint8Array, at: number): Profile {
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  if (!grant) throw new Error("a choice that allows the session gives a grant");
  // The class of the runtime that the page's rankers are of.
  return (profile.constructor as typeof Profile).restore(grant, held, at, Infinity);
}

/** Makes a capsule again by the ranker of the page that has its snapshot, and says what came of it. */
export async function again(pocketrank: Pocketrank, text: string, slots: Pick<Slot, "ranker" | "blend">[]): Promise<Child[]> {
  try {
    const { snapshot } = readCapsule(text);
    const fitting = slots.find(({ ranker }) => ranker.id === snapshot) ?? slots[0] ?? { ranker: await pocketrank.ranker(), blend: undefined };
    const { ranker, blend } = fitting;
    try {
      const { capsule, slate } = replay(text, ranker, (held, at) => restore(pocketrank, held, at));
      const said = `Same slate, bit for bit: ${slate.length} places of ${capsule.candidates.length} candidates, ranked at ${time(capsule.now)} by snapshot ${snapshot}.`;
      const places = slate.map(({ id, why }) => ({ id, name: id, why, effects: [] }));
      return [make("p", { class: "same" }, [said]), ...scores(places, "Replay", places.map(({ id }) => id))];
    } finally {
      ranker.setBlend(blend);
      ranker.setProfile(pocketrank.profile);
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return [make("p", { class: "differs" }, [`Not the same (${code ?? "error"}): ${message}`])];
  }
}
