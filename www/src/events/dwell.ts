/**
 * How long the visitor stays with an item: the time that its page is visible, by Page Visibility.
 *
 * Invariant: time in the background does not count, and nothing is kept of the time but that it was long enough.
 */

/**
 * How long is long, in milliseconds. 30 s of dwell are the field's usual sign of satisfaction (Fox et al., "Evaluating implicit measures to
 * improve web search", TOIS 2005).
 */
export const LONG = 30_000;

export class Dwell {
  readonly #long: (item: string) => void;
  #item: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #since = 0;
  #rest = 0;

  /** @param long is told once of an item that was long in view */
  constructor(long: (item: string) => void) {
    this.#long = long;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#pause() : this.#run()));
  }

  /** The visitor is with an item now, or still; with none, if not given. */
  start(item?: string): void {
    if (item !== undefined && item === this.#item) return;
    clearTimeout(this.#timer);
    this.#item = item;
    this.#rest = LONG;
    if (!document.hidden) this.#run();
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#rest -= performance.now() - this.#since;
  }

  #run(): void {
    const item = this.#item;
    if (item === undefined) return;
    this.#since = performance.now();
    this.#timer = setTimeout(() => {
      this.#item = undefined;
      this.#long(item);
    }, Math.max(0, this.#rest));
  }
}
