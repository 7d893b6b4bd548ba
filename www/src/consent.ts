/**
 * The signals that the browser gives about consent. Invariant: this file only reads them; the runtime's `Consent` decides.
 */
import type { Choice } from "../element.js";
import { Consent } from "./api.js";

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

/** What follows from the browser's signal and the visitor's choice, if one was made. */
export function decide(choice: Choice | undefined): Consent {
  return new Consent({ gpc: readGpc(), choice });
}
