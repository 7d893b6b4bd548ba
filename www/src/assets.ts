/**
 * What the browser fetches: manifest, snapshot, candidates lists, the directory of items.
 *
 * Invariant: requests carry no credentials and no referrer, and depend on the page alone, never on the profile; each
 * is made once a page.
 */
import type { CandidateItem } from "../element.js";
import { coded } from "./ranker.js";
import { Ranker } from "./whole.js";

interface Manifest {
  snapshot: { id: string; url: string };
  candidates?: Record<string, { url: string }>;
  items?: { url: string };
}

/** Name and address by hash of the item's id. */
export type Directory = ReadonlyMap<string, { name: string; url: string }>;

export class Assets {
  readonly #manifestUrl: URL;
  #ranker: Promise<Ranker> | undefined;
  #manifest: Promise<Manifest> | undefined;
  #directory: Promise<Directory> | undefined;
  readonly #lists = new Map<string, Promise<CandidateItem[]>>();

  constructor(manifestUrl: URL) {
    this.#manifestUrl = manifestUrl;
  }

  ranker(): Promise<Ranker> {
    this.#ranker ??= this.#loadRanker();
    return this.#ranker;
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
    const { candidates } = await this.#loadManifest();
    const url = this.#resolve(candidates?.[list]?.url ?? `candidates/${list}.json`);
    return (await this.#json<{ items: CandidateItem[] }>(url)).items;
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
