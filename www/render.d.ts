/**
 * Slots and their items as HTML, by the templates of a snapshot, as the edge worker makes them: for pages that are made beforehand.
 * Works with the runtime of every host, and needs no wasm of its own.
 */
import type { CandidateItem, Ranker } from "./index.js";

/** How a template is rendered. What is `undefined` counts as not given. */
export interface RenderOptions {
  /** Its name; `slot` if not given. */
  template?: string | undefined;
  /** BCP 47 tag of the page's language, for prices. */
  lang?: string | undefined;
  /** The name that the page greets. */
  visitor?: string | undefined;
  /** The page's offset from UTC, `Z` or such as `+01:00`, for the time of day. */
  utcOffset?: string | undefined;
  /** The time, in seconds since 1970-01-01 UTC; now if not given. */
  at?: number | undefined;
}

/** Renders items of a list for the profile that the ranker has. The list's items, in all of it, are what can speak for one another. */
export class Renderer {
  /** Reads the ranker's templates once. @throws with code `corrupt` where a snapshot that was not verified has none that can be read */
  constructor(ranker: Pick<Ranker, "templates" | "candidates" | "explain">, items: readonly CandidateItem[]);
  /**
   * A slot's content: all items of the list, in their order.
   * @throws with code `unknown_name` for a template that there is not, `limit` where it makes too much of the items
   */
  slot(options?: RenderOptions): string;
  /**
   * One of the items as {@link Renderer.slot} shows it. `place` is where, from 0, of `count`.
   * @throws as {@link Renderer.slot}; with code `invalid_option` where there is no such item
   */
  item(index: number, options?: RenderOptions & { place?: number | undefined; count?: number | undefined }): string;
}
