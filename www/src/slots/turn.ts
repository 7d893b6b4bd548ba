/**
 * A page's slots take turns: each does its part in a task of its own, so that the page answers the hand in between.
 *
 * Invariant: turns come in the order in which they were asked for.
 */

let last: Promise<unknown> = Promise.resolve();

/** Settles in a task in which no other turn has settled. */
export function turn(): Promise<unknown> {
  return (last = last.then(() => window.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve))));
}

declare global {
  interface Window {
    /** https://wicg.github.io/scheduling-apis/; absent where the browser does not have it. */
    readonly scheduler?: { yield?(): Promise<void> };
  }
}
