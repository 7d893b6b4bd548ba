/**
 * The signals that the browser and its page give about consent. Invariant: this file only reads them; the runtime's `Consent` decides.
 */
import type { Choice } from "../../element.js";
import { Consent } from "../ranking/api.js";

declare global {
  interface Navigator {
    /** Global Privacy Control, https://www.w3.org/TR/gpc/; absent where the browser does not have it. */
    readonly globalPrivacyControl?: unknown;
  }
}

/** Global Privacy Control: `null` where there is a signal that cannot be understood. */
export function readGpc(): boolean | null {
  const signal = navigator.globalPrivacyControl;
  if (signal === undefined) return false;
  return typeof signal === "boolean" ? signal : null;
}

/** What follows from the browser's signal, the visitor's choice, if one was made, and what sources say. */
export function decide(choice: Choice | undefined, answers: number, gpcOverride: boolean): Consent {
  return new Consent({ gpc: readGpc(), choice, gpcOverride }, answers);
}
