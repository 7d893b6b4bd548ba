/** What every host's entry gives away besides its own `init`. */
import * as glue from "../../dist/npm/pocketrank.js";
import type { Mode } from "../index.js";

export { Ranker, memoryBytes, type Candidates } from "./ranker.js";
export { CapsuleGrant, Grant, Profile, capsuleChoice, itemHash } from "../../dist/npm/pocketrank.js";

/** The glue knows `mode` as a string; the runtime writes one of three. */
export const Consent = glue.Consent as new (signals: unknown, answers?: number) => glue.Consent & { readonly mode: Mode };
export type Consent = InstanceType<typeof Consent>;
