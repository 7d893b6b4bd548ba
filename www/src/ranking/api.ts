/** What every host's entry gives away besides its own `init`. */
import * as glue from "../../../dist/npm/pocketrank.js";
import type { Aggregate, Choice, EventKind, HeldProfile, Mode, ProfileEvent } from "../../index.js";
import { idsOf, seconds } from "../options.js";
import { now } from "./ranker.js";
import { RETENTION_DAYS, aggregates, events, oldest, plain } from "./rows.js";

export { Ranker, memoryBytes, type Candidates } from "./ranker.js";
export { CapsuleGrant, Grant, itemHash } from "../../../dist/npm/pocketrank.js";

/** The glue knows `mode` as a string; the runtime writes one of three. */
export const Consent = glue.Consent as new (signals: unknown, answers?: number) => glue.Consent & { readonly mode: Mode };
export type Consent = InstanceType<typeof Consent>;

/** The glue makes what is of its own class. */
function own(profile: glue.Profile): Profile {
  return Object.setPrototypeOf(profile, Profile.prototype) as Profile;
}

export class Profile extends glue.Profile {
  static override decode(grant: glue.Grant, bytes: Uint8Array, at = now(), days = RETENTION_DAYS): Profile {
    return own(super.decode(grant, bytes, oldest(seconds(at), days), at));
  }

  static override restore(grant: glue.Grant, bytes: Uint8Array, at = now(), days = RETENTION_DAYS): Profile {
    return own(super.restore(grant, bytes, oldest(seconds(at), days), at));
  }

  static override fromCapsule(grant: glue.CapsuleGrant, text: string, at: number): Profile {
    return own(super.fromCapsule(grant, text, seconds(at)));
  }

  override record(grant: glue.Grant, item: string, kind: EventKind, at: number): void {
    super.record(grant, idsOf([item])[0] as string, String(kind) as EventKind, seconds(at));
  }

  override merge(grant: glue.Grant, other: Profile): void {
    super.merge(grant, other);
  }

  events(): ProfileEvent[] {
    return events(this.held);
  }

  aggregates(): Aggregate[] {
    return aggregates(this.held);
  }

  toJSON(): HeldProfile {
    return plain(this.held);
  }
}

export function capsuleChoice(text: string, at: number): Required<Choice> {
  // Nothing is in a capsule without a yes to it.
  return { mode: glue.capsuleChoice(text, seconds(at)) as Mode, capsule: true };
}
