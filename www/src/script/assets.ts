/**
 * What the browser script ranks with: the models that it follows, the lists and the directory of items that go with them. What a page
 * carries itself, its own model, is not fetched, and without need nothing is followed.
 *
 * Invariant: requests carry no credentials and no referrer, and depend on the page and on what is stored, never on the profile. Models are
 * stored under a yes that lasts, as is the runtime for visits without a network, and there only; without any yes no delta is asked for, so that requests follow from the page alone.
 */
import type { CandidateItem, Choice } from "../../element.js";
import type { Following, Report } from "../../sync.js";
import { coded } from "../coded.js";
import { idle } from "../slots/near.js";
import { Ranker } from "../ranking/ranker.js";
import { opened } from "../ranking/scoring.js";
import { MODELS } from "../visitor/storage.js";

/** Where the manifest is, and what is trusted. */
export interface Source {
  manifest: URL;
  audience: string;
  keys: string[];
  /** Where the Service Worker is, if the shop wants one. */
  offline?: URL | undefined;
}

/** Name and address by hash of the item's id. */
export type Directory = ReadonlyMap<string, { name: string; url: string }>;

/** What goes well. */
const FINE: ReadonlySet<string> = new Set(["updated", "expired", "not_stored", "lost", "storage"]);

export class Assets {
  readonly #source: Source;
  readonly #swapped: () => void;
  #mode: Choice["mode"] = "contextual";
  #models: Promise<Following<Ranker>> | undefined;
  /** What has something in use: what is followed, or until then what was followed before. */
  #current: Following<Ranker> | undefined;
  #stopping = new AbortController();
  /** What is kept for visits without a network, and what ends that. */
  #keeping: Promise<void> | undefined;
  #away = new AbortController();
  /** What went wrong last. */
  #failed: Report | undefined;
  #directory: Promise<Directory> | undefined;
  readonly #lists = new Map<string, Promise<CandidateItem[]>>();
  /** Other models than the usual one, by their names. */
  readonly #others = new Map<string, Promise<Ranker>>();
  /** By the elements that carry them; `undefined` for one that cannot be read. */
  readonly #carried = new Map<Element, Ranker | undefined>();

  /** @param swapped is told when other models, lists and names are in use */
  constructor(source: Source, swapped: () => void) {
    this.#source = source;
    this.#swapped = swapped;
  }

  /** Goes on as consent stands now. */
  follow(mode: Choice["mode"]): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    if (mode === "persistent") this.#keeping = this.#keep();
    else this.#away.abort();
    const before = this.#models;
    this.#models &&= this.#stop().then(() => this.#follow());
    // What cannot be followed is told to who asks for it.
    if (before) this.#models?.catch(() => undefined);
  }

  /** Goes on without storage, from the call on: whoever asks meanwhile has nothing stored. Once it has settled, nothing is stored any more. */
  async leave(): Promise<void> {
    if (this.#mode !== "persistent") return;
    const before = this.#models;
    this.follow("contextual");
    const models = await before?.catch(() => undefined);
    await Promise.all([models?.stop(), this.#keeping]);
  }

  /** Has the runtime where there is no network, if the shop wants that. */
  async #keep(): Promise<void> {
    const { offline, manifest } = this.#source;
    if (!offline) return;
    const { signal } = (this.#away = new AbortController());
    await idle(signal);
    if (signal.aborted) return;
    const { keep } = await import("./keeping.js");
    await keep(offline, manifest, signal);
  }

  /** Ends what is followed. What is in use stays so. */
  async #stop(): Promise<void> {
    this.#stopping.abort();
    const models = await this.#models?.catch(() => undefined);
    await models?.stop();
  }

  /** Does what was due while the page was away. */
  async wake(): Promise<void> {
    const models = await this.#models?.catch(() => undefined);
    await models?.check();
  }

  /**
   * What ranks a list: the page's own model where it covers the list, else the whole snapshot, which is followed from then on. The page's own
   * is a slice: it ranks the list as the whole does, factors apart, and what it lacks of a visitor's history counts as unknown.
   */
  async ranker(list?: string): Promise<Ranker> {
    const carried = list && this.#carriedRanker(list);
    if (carried) return carried;
    const { ranker } = await this.#following();
    if (ranker) return ranker;
    throw this.#missing("a model");
  }

  /** The usual model, by whose experiments and rules slots are decided: that which the page carries, whatever its lists, else the whole. */
  async deciding(list: string): Promise<Ranker> {
    const carried = this.#carriedRanker(list) ?? this.#read(document.querySelector("script[data-pocketrank-model]"));
    return carried ?? this.ranker();
  }

  /** Whether a ranker has but a slice. */
  isCarried(ranker: Ranker): boolean {
    return [...this.#carried.values()].includes(ranker);
  }

  /** Another model, which an arm of an experiment ranks with: a file of the manifest. */
  model(name: string): Promise<Ranker> {
    const model = this.#others.get(name) ?? this.#loadModel(`models/${name}.pkr`);
    this.#others.set(name, model);
    model.catch(() => this.#others.delete(name));
    return model;
  }

  candidates(list: string): Promise<CandidateItem[]> {
    const items = this.#lists.get(list) ?? this.#loadList(list);
    this.#lists.set(list, items);
    // What could not be had is asked for again, by whoever wants it next.
    items.catch(() => this.#lists.get(list) === items && this.#lists.delete(list));
    return items;
  }

  directory(): Promise<Directory> {
    const directory = (this.#directory ??= this.#loadDirectory());
    directory.catch(() => this.#directory === directory && (this.#directory = undefined));
    return directory;
  }

  /** What has something in use, if there is. */
  async #following(): Promise<Following<Ranker>> {
    const models = (this.#models ??= this.#follow());
    try {
      return this.#current ?? (await models);
    } catch (error) {
      // It was stopped, for the visitor has chosen meanwhile: what has come in its place is asked.
      if (![models, undefined].includes(this.#models)) return this.#following();
      // It is tried again by whoever asks next.
      this.#models = undefined;
      throw error;
    }
  }

  /** A file of the manifest. Where what is asked was stopped, for the visitor has chosen meanwhile, what has come in its place is asked. */
  async #file(path: string): Promise<Uint8Array | undefined> {
    const asked = await this.#following();
    try {
      return await asked.file(path);
    } catch (error) {
      const models = await this.#models;
      if (!models || models === asked) throw error;
      return models.file(path);
    }
  }

  /** Loaded apart, so that a page that carries its own model ranks without. */
  async #follow(): Promise<Following<Ranker>> {
    const { manifest, audience, keys } = this.#source;
    const { signal } = (this.#stopping = new AbortController());
    const { follow } = await import("../sync.js");
    const models = await follow(manifest, {
      audience,
      keys,
      open,
      files: pageLists(),
      signal,
      deltas: this.#mode !== "contextual",
      ...(this.#mode === "persistent" && { storage: MODELS }),
      onReport: (report) => void (FINE.has(report.code) || (this.#failed = report)),
    });
    models.addEventListener("swap", () => this.#use(models));
    if (models.ranker && this.#current) this.#use(models);
    else if (models.ranker) this.#current = models;
    return models;
  }

  /** Has other models, lists and names in use from now on. */
  #use(models: Following<Ranker>): void {
    this.#current = models;
    this.#lists.clear();
    this.#others.clear();
    this.#directory = undefined;
    this.#swapped();
  }

  /** The element that the edge has put at the end of the page, if it covers the list (`page_model` in src/edge.rs). */
  #carrier(list: string): Element | null {
    return document.querySelector(`script[data-pocketrank-model][data-pocketrank-lists~="${CSS.escape(list)}"]`);
  }

  #carriedRanker(list: string): Ranker | undefined {
    return this.#read(this.#carrier(list));
  }

  #read(carrier: Element | null): Ranker | undefined {
    if (!carrier || this.#carried.has(carrier)) return carrier ? this.#carried.get(carrier) : undefined;
    let ranker;
    try {
      ranker = open(Uint8Array.from(atob(carrier.textContent), (character) => character.charCodeAt(0)));
    } catch (error) {
      console.warn("pocketrank: the page's own model cannot be read", error);
    }
    this.#carried.set(carrier, ranker);
    return ranker;
  }

  async #loadModel(path: string): Promise<Ranker> {
    const bytes = await this.#file(path);
    if (!bytes) throw this.#missing(path);
    return open(bytes);
  }

  async #loadList(list: string): Promise<CandidateItem[]> {
    const path = `candidates/${list}.json`;
    // Where the edge has a list from, it is for the browser too; the manifest need not say.
    if (this.#carriedRanker(list)) return (await fetchJson<List>(new URL(`/pocketrank/${path}`, location.href))).items;
    const models = await this.#following();
    if (models.sequence === undefined) throw this.#missing(path);
    // Lists of single products may be too many for a manifest: they lie beside it.
    if (!models.files.includes(path)) return (await fetchJson<List>(new URL(path, this.#source.manifest))).items;
    const found = parse<List>(await this.#file(path));
    if (!found) throw this.#missing(path);
    return found.items;
  }

  /** A page that carries its model needs no other for the names. */
  async #loadNames(): Promise<Names | undefined> {
    if (!this.#models && document.querySelector("script[data-pocketrank-model]")) return fetchJson<Names>(new URL("/pocketrank/items.json", location.href));
    return parse<Names>(await this.#file("items.json"));
  }

  /** Why something cannot be had. */
  #missing(what: string): Error {
    const { code, text } = this.#failed ?? { code: "not_loaded", text: "" };
    return coded(code, `${what} cannot be had: ${code} ${text}`.trim());
  }

  async #loadDirectory(): Promise<Directory> {
    const entries = (await this.#loadNames()) ?? {};
    return new Map(Object.entries(entries).map(([hash, [name, url]]) => [hash, { name, url }]));
  }
}

function open(snapshot: Uint8Array): Ranker {
  return opened(new Ranker(snapshot), snapshot);
}

interface List {
  items: CandidateItem[];
}

/** As `items.json` has them. */
type Names = Record<string, [name: string, url: string]>;

/** The lists of the page's slots, by their names in the manifest. */
function pageLists(): string[] {
  const slots = document.querySelectorAll<HTMLElement>("[data-pocketrank-candidates]");
  return [...slots].map(({ dataset }) => `candidates/${dataset.pocketrankCandidates ?? ""}.json`);
}

function parse<T>(bytes: Uint8Array | undefined): T | undefined {
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as T);
}

async function fetchJson<T>(url: URL): Promise<T> {
  const response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", priority: "low" });
  if (!response.ok) throw coded("fetch", `${url.pathname} answers ${response.status}: is it published?`);
  return response.json() as Promise<T>;
}
