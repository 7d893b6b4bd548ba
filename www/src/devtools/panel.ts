/**
 * The overlay itself: a panel at the foot of the page, in a shadow root of its own.
 *
 * Invariant: nothing of the page moves, is written or is sent. It shows what the page's own Pocketrank gives, anew after each change; what is
 * open, and where the focus is, stays.
 */
import type { Experiments, init } from "../../decide.js";
import type { Pocketrank, Slot } from "../../element.js";
import { fromFragment } from "../replay.js";
import { find, type Experiment } from "./arms.js";
import { button, day, fold, make, terms, type Child } from "./dom.js";
import { again, capsuleOf, carried, linkOf, save } from "./replays.js";
import { legend, read, scores, type Reading } from "./scores.js";
import { consent, profile } from "./visitor.js";

/** What decides, loaded where there is something to decide. */
type Decide = () => Promise<{ Experiments: typeof Experiments; init: typeof init }>;

const DAY = 86_400;
const SECTIONS = ["Slots", "Experiments", "Profile", "Consent", "Snapshot", "Replay"] as const;
type Section = (typeof SECTIONS)[number];

export class Panel {
  readonly host = make("aside", { id: "pocketrank-devtools", "aria-label": "Pocketrank devtools" });
  readonly #root = this.host.attachShadow({ mode: "open" });
  readonly #decide: Decide;
  readonly #close = button("Close", "close", () => this.hide());
  readonly #status = make("p", { role: "status" });
  readonly #folds: Record<Section, HTMLDetailsElement>;
  readonly #outcome = make("div", { role: "status" });
  /** Hidden until there is something in it, so that nothing moves. */
  readonly #sections = make("div", { class: "sections", hidden: "" });
  #bodies = new Map<Section, HTMLElement>();
  #page: Pocketrank | undefined;
  #following: Promise<Pocketrank> | undefined;
  #isStale = false;
  #drawing: Promise<void> | undefined;
  #before: Element | null = null;

  constructor(css: string, decide: Decide) {
    this.#decide = decide;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    this.#root.adoptedStyleSheets = [sheet];
    const folds = SECTIONS.map((name) => {
      const body = make("div", { class: "body" });
      this.#bodies.set(name, body);
      return [name, fold(name, name, [body])] as const;
    });
    this.#folds = Object.fromEntries(folds) as Record<Section, HTMLDetailsElement>;
    this.#folds.Slots.open = true;
    const title = make("h2", { id: "title" }, ["Pocketrank"]);
    this.#root.append(make("header", {}, [title, this.#status, this.#close]), this.#sections);
    this.#sections.append(...Object.values(this.#folds));
    this.#body("Replay").append(this.#loader(), this.#outcome);
    this.#root.addEventListener("keydown", (event) => (event as KeyboardEvent).key === "Escape" && this.hide());
  }

  /** Comes, takes the focus, and reads the page. */
  async show(): Promise<void> {
    if (!this.host.isConnected) {
      this.#before = document.activeElement;
      document.body.append(this.host);
      this.#close.focus();
    }
    try {
      this.#following ??= this.#follow();
      const page = await this.#following;
      await this.#refresh();
      await this.#replayAddress(page);
    } catch (error) {
      this.#following = undefined;
      this.#status.textContent = `Pocketrank does not run here: ${String(error)}`;
    }
  }

  /** Goes, and gives the focus back. */
  hide(): void {
    this.host.remove();
    if (this.#before instanceof HTMLElement) this.#before.focus();
  }

  /** Reads the page anew; what is asked for meanwhile is done once more when that is done. */
  #refresh(): Promise<void> {
    this.#isStale = true;
    this.#drawing ??= this.#drawAll();
    return this.#drawing;
  }

  async #drawAll(): Promise<void> {
    try {
      while (this.#isStale && this.#page && this.host.isConnected) {
        this.#isStale = false;
        await this.#draw(this.#page);
      }
    } catch (error) {
      this.#status.textContent = `The page cannot be read: ${String(error)}`;
    } finally {
      this.#drawing = undefined;
    }
  }

  async #draw(page: Pocketrank): Promise<void> {
    const [readings, failed] = await this.#read(page);
    const [kept, names, experiments] = await Promise.all([page.export(), page.items().catch(() => new Map<string, never>()), this.#experiments(page, readings[0]?.slot)]);
    this.#fill("Slots", [legend(), ...readings.map((reading, at) => this.#slot(page, reading, at)), ...failed.map((text) => make("p", { class: "differs" }, [text]))]);
    this.#fill("Experiments", experiments.map((experiment) => this.#experiment(page, experiment)), "No experiment can be met on this page.");
    this.#fill("Profile", profile(kept, names));
    this.#fill("Consent", consent(kept));
    this.#fill("Snapshot", this.#snapshots(readings), "No slot has a snapshot yet.");
    this.#sections.hidden = false;
    const forced = Object.keys(page.forced ?? {});
    this.#status.textContent = `${kept.mode}, ${kept.events.length} events${forced.length > 0 ? `; forced for this page view: ${forced.join(", ")}` : ""}`;
    this.#status.classList.toggle("forced", forced.length > 0);
  }

  /** The slots, and of which it could not be had why not. */
  async #read(page: Pocketrank): Promise<[Reading[], string[]]> {
    const readings: Reading[] = [];
    const failed: string[] = [];
    // One after the other: slots may share a ranker.
    for (const slot of document.querySelectorAll<HTMLElement>("[data-pocketrank-slot]")) {
      try {
        readings.push(await read(page, slot));
      } catch (error) {
        failed.push(`${slot.dataset.pocketrankSlot}: ${String(error)}`);
      }
    }
    return [readings, failed];
  }

  async #follow(): Promise<Pocketrank> {
    if (!window.pocketrank) throw new Error("the page has no Pocketrank script");
    const page = (this.#page = await window.pocketrank);
    page.addEventListener("change", () => void this.#refresh());
    document.addEventListener("pocketrank:slate", () => void this.#refresh());
    window.addEventListener("hashchange", () => void this.#replayAddress(page));
    return page;
  }

  async #experiments(page: Pocketrank, slot: Slot | undefined): Promise<Experiment[]> {
    const { usual, attributes } = slot ?? {};
    if (!usual || !attributes || usual.experiments.length === 0) return [];
    const { Experiments, init } = await this.#decide();
    await init();
    const experiments = new Experiments(usual.experiments);
    try {
      return find(experiments, attributes, page.profile.draw);
    } finally {
      experiments.free();
    }
  }

  #slot(page: Pocketrank, reading: Reading, at: number): HTMLElement {
    const { element, name, slot, places, options, shown } = reading;
    const file = `pocketrank-replay-${name || at}.json`;
    const copy = async () => {
      const link = linkOf(await capsuleOf(page, element));
      try {
        await navigator.clipboard.writeText(link);
        this.#say(`The link that replays ${name} is in the clipboard. It names what the visitor did.`);
      } catch {
        // A page may forbid it: then it is there to be copied by hand.
        const field = make("input", { readonly: "", "aria-label": `Link that replays ${name}`, "data-key": `link ${at}` });
        field.value = link;
        this.#outcome.replaceChildren(field);
        this.#folds.Replay.open = true;
        field.select();
      }
    };
    const keep = async () => {
      save(await capsuleOf(page, element), file);
      this.#say(`${file} is saved. It names what the visitor did.`);
    };
    const about = `${places.length} of ${slot.items.length} candidates, diversity ${options.diversity}, snapshot ${slot.ranker.id}${slot.blend ? `, weights ${JSON.stringify(slot.blend)}` : ""}`;
    return make("section", { "aria-label": `Slot ${name}` }, [
      make("h3", {}, [name]),
      make("p", {}, [about]),
      ...scores(places, name, shown),
      make("p", { class: "actions" }, [button(`Save replay of ${name}`, `save ${at}`, keep), button(`Copy link that replays ${name}`, `copy ${at}`, copy)]),
    ]);
  }

  #experiment(page: Pocketrank, { key, name, arms, own }: Experiment): HTMLElement {
    const lot = own === undefined ? "not in it" : (arms[own] ?? String(own));
    const choice = make("select", { "data-key": `arm ${key}` }, [
      make("option", { value: "" }, [`By lot: ${lot}`]),
      ...arms.map((arm, at) => make("option", { value: String(at) }, [`Force ${at}: ${arm}`])),
    ]);
    const forced = page.forced?.[key];
    choice.value = forced === undefined ? "" : String(forced);
    choice.addEventListener("change", () => {
      const others = Object.entries(page.forced ?? {}).filter(([other]) => other !== key);
      const now = choice.value === "" ? others : [...others, [key, Number(choice.value)]];
      page.forced = now.length > 0 ? (Object.fromEntries(now) as Record<string, number>) : undefined;
      page.dispatchEvent(new Event("change"));
    });
    const note = forced === undefined ? "" : make("strong", { class: "forced" }, [`Forced to ${arms[forced]} for this page view; it is neither kept nor counted`]);
    return make("p", { class: "actions" }, [make("label", {}, [`${name} `, choice]), note]);
  }

  #snapshots(readings: Reading[]): Child[] {
    const rankers = new Set(readings.map(({ slot }) => slot.ranker));
    const now = Date.now() / 1000;
    const models = carried().map(({ lists, bytes }, at) => {
      const name = `pocketrank-page-model-${at}.bin`;
      const keep = () => {
        save(bytes(), name);
        this.#say(`${name} is saved, for pocketrank replay FILE --snapshot ${name}.`);
      };
      return make("p", { class: "actions" }, [button("Save the page's own model", `model ${at}`, keep), `a slice, for the lists ${lists}`]);
    });
    const told = [...rankers].map(({ meta }) => {
      const of = readings.filter(({ slot }) => slot.ranker.id === meta.id).map(({ name }) => name);
      return terms([
        ["Id", meta.id],
        ["Trained on events until", `${day(meta.trainedUntil)}, ${Math.max(0, Math.floor((now - meta.trainedUntil) / DAY))} days ago`],
        ["Rows", String(meta.items)],
        ["Model", meta.model],
        ["Customers behind each row, at least", String(meta.minCustomers)],
        ["Ranks", of.join(", ")],
      ]);
    });
    return [...told, ...models];
  }

  #loader(): HTMLElement {
    const file = make("input", { type: "file", accept: ".json,application/json", "data-key": "file" });
    file.addEventListener("change", () => void this.#load(file));
    return make("p", { class: "actions" }, [make("label", {}, ["Replay a file ", file])]);
  }

  async #load(file: HTMLInputElement): Promise<void> {
    const text = await file.files?.[0]?.text();
    // The same file may be taken again.
    file.value = "";
    if (text !== undefined && this.#page) await this.#replay(this.#page, text);
  }

  async #replayAddress(page: Pocketrank): Promise<void> {
    try {
      const text = fromFragment(location.hash);
      if (text !== undefined) await this.#replay(page, text);
    } catch (error) {
      this.#folds.Replay.open = true;
      this.#outcome.replaceChildren(make("p", { class: "differs" }, [String(error)]));
    }
  }

  async #replay(page: Pocketrank, text: string): Promise<void> {
    const [readings] = await this.#read(page);
    const children = await again(page, text, readings.map(({ slot }) => slot));
    this.#folds.Replay.open = true;
    this.#outcome.replaceChildren(...children);
  }

  #say(text: string): void {
    this.#folds.Replay.open = true;
    this.#outcome.replaceChildren(make("p", {}, [text]));
  }

  #body(section: Section): HTMLElement {
    return this.#bodies.get(section) as HTMLElement;
  }

  /** Shows other children; the focus goes to what has the same key. */
  #fill(section: Section, children: Child[], none = ""): void {
    const body = this.#body(section);
    const focused = this.#root.activeElement;
    const key = focused instanceof HTMLElement && body.contains(focused) ? focused.dataset.key : undefined;
    const top = this.#sections.scrollTop;
    body.replaceChildren(...(children.length > 0 ? children : [make("p", { class: "none" }, [none])]));
    this.#sections.scrollTop = top;
    if (key) body.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }
}

