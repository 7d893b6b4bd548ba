/**
 * What the browser fetches: manifest, snapshot, candidates lists, the directory of items. What a page carries itself, its own model,
 * is not fetched.
 *
 * Invariant: requests carry no credentials and no referrer, and depend on the page alone, never on the profile; each
 * is made once a page.
 */
import type { CandidateItem } from "../element.js";
import { coded } from "./coded.js";
import { Ranker } from "./ranker.js";

interface Manifest {
  snapshot: { id: string; url: string };
  candidates?: Record<string, { url: string }>;
  items?: { url: string };
}

/** Name and address by hash of the item's id. */
export type Directory = ReadonlyMap<string, { name: string; url: string }>;

export class Assets {
  readonly #manifestUrl: URL;
  #whole: Promise<Ranker> | undefined;
  #manifest: Promise<Manifest> | undefined;
  #directory: Promise<Directory> | undefined;
  readonly #lists = new Map<string, Promise<CandidateItem[]>>();
  /** By the elements that carry them; `undefined` for one that cannot be read. */
  readonly #carried = new Map<Element, Ranker | undefined>();

  constructor(manifestUrl: URL) {
    this.#manifestUrl = manifestUrl;
  }

  /**
   * What ranks a list: the page's own model where it covers the list, else the whole snapshot, which is fetched then. The page's own
   * is a slice: it ranks the list as the whole does, factors apart, and what it lacks of a visitor's history counts as unknown.
   */
  ranker(list?: string): Promise<Ranker> {
    const carried = list && this.#carriedRanker(list);
    if (carried) return Promise.resolve(carried);
    this.#whole ??= this.#loadRanker();
    return this.#whole;
  }

  candidates(list: string): Promise<CandidateItem[]> {
    const items = this.#lists.get(list) ?? this.#loadList(list);
    this.#lists.set(list, items);
    return items;
  }

  directory(): Promise<Directory> {
    this.#directory ??= this.#loadDirectory();
    return this.#directory;
  }

  #loadManifest(): Promise<Manifest> {
    this.#manifest ??= this.#json<Manifest>(this.#manifestUrl);
    return this.#manifest;
  }

  /** The element that the edge has put at the end of the page, if it covers the list (`page_model` in src/edge.rs). */
  #carrier(list: string): Element | null {
    return document.querySelector(`script[data-pocketrank-model][data-pocketrank-lists~="${CSS.escape(list)}"]`);
  }

  #carriedRanker(list: string): Ranker | undefined {
    const carrier = this.#carrier(list);
    if (!carrier || this.#carried.has(carrier)) return carrier ? this.#carried.get(carrier) : undefined;
    let ranker;
    try {
      ranker = new Ranker(Uint8Array.from(atob(carrier.textContent), (character) => character.charCodeAt(0)));
    } catch (error) {
      console.warn("pocketrank: the page's own model cannot be read, the whole is fetched", error);
    }
    this.#carried.set(carrier, ranker);
    return ranker;
  }

  async #loadRanker(): Promise<Ranker> {
    const { snapshot } = await this.#loadManifest();
    const response = await this.#fetch(this.#resolve(snapshot.url));
    const ranker = await Ranker.load(response);
    if (ranker.id !== snapshot.id) {
      throw coded(
        "mismatch",
        `${response.url} is snapshot ${ranker.id}, the manifest says ${snapshot.id}: publish again`,
      );
    }
    return ranker;
  }

  async #loadList(list: string): Promise<CandidateItem[]> {
    return (await this.#json<{ items: CandidateItem[] }>(await this.#listUrl(list))).items;
  }

  /** Where the edge has a list from, it is for the browser too; the manifest need not say. */
  async #listUrl(list: string): Promise<URL> {
    const path = `candidates/${list}.json`;
    if (this.#carriedRanker(list)) return new URL(`/pocketrank/${path}`, location.href);
    const { candidates } = await this.#loadManifest();
    return this.#resolve(candidates?.[list]?.url ?? path);
  }

  async #loadDirectory(): Promise<Directory> {
    const { items } = await this.#loadManifest();
    if (!items) return new Map();
    const entries = await this.#json<Record<string, [name: string, url: string]>>(this.#resolve(items.url));
    return new Map(Object.entries(entries).map(([hash, [name, url]]) => [hash, { name, url }]));
  }

  #resolve(url: string): URL {
    return new URL(url, this.#manifestUrl);
  }

  async #json<T>(url: URL): Promise<T> {
    return (await this.#fetch(url)).json() as Promise<T>;
  }

  async #fetch(url: URL): Promise<Response> {
    const response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) throw coded("fetch", `${url.pathname} answers ${response.status}: is it published?`);
    return response;
  }
}
