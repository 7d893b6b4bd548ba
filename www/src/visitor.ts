/**
 * The visitor as this device knows them: choice, consent and profile, kept in step with storage and the capsule.
 *
 * Invariant: without a grant the profile is empty and nothing is kept; a choice that no longer holds (another tab withdrew,
 * the browser now sends Global Privacy Control) erases what was kept under it.
 */
import type { Choice, EventKind, Kept, ProfileEvent } from "../element.js";
import type { CapsuleGrant, Grant } from "./api.js";
import { Profile } from "./api.js";
import { eraseCapsule, writeCapsule } from "./capsule.js";
import { decide } from "./consent.js";
import { now } from "./ranker.js";
import { eraseAll, eraseModels, find, place } from "./storage.js";

export class Visitor {
  profile = new Profile();
  choice: Choice | undefined;
  /** Told after every change of consent or profile. */
  changed: () => void = () => undefined;
  /** Ends what stores models: from the call on nothing begins to, and once it has settled nothing does. */
  leaving: () => Promise<void> = async () => undefined;

  #grant: Grant | undefined;
  #capsuleGrant: CapsuleGrant | undefined;
  /** Writes one after the other, in the order of the changes. */
  #writes: Promise<unknown> = Promise.resolve();
  /** Erases the models that an earlier yes has left. A yes that lasts waits for it; what is recorded does not, for the page may be left. */
  #leftovers: Promise<unknown> = Promise.resolve();
  /** Tells other tabs of this site. A channel stores nothing. */
  readonly #tabs = new BroadcastChannel("pocketrank");

  constructor() {
    this.#tabs.onmessage = ({ data }) => void (data === "withdrawn" ? this.#forget() : this.refresh());
  }

  get mode(): Choice["mode"] {
    return this.#grant ? (this.choice?.mode ?? "contextual") : "contextual";
  }

  /** Takes what is kept, as consent stands now. */
  async refresh(): Promise<void> {
    await this.#writes;
    const kept = await find();
    this.#decide(kept?.choice);
    if (kept && !this.#grant) return this.#forget();
    // The page where consent ended may have been left before the models were erased.
    if (this.mode !== "persistent") this.#leftovers = warned(this.#modelsErasure()());
    this.profile = this.#decode(kept?.profile);
    this.#writeCapsule();
    this.changed();
  }

  /** Takes the visitor's choice. A no is not kept; it erases what an earlier yes has left. */
  async choose(choice: Choice): Promise<void> {
    this.#decide(choice);
    const grant = this.#grant;
    if (!grant) return this.withdraw();
    const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
    this.profile.drawLot(grant, seed);
    const kept = { choice, profile: this.profile.encode(grant) };
    const eraseModels = choice.mode === "persistent" ? undefined : this.#modelsErasure();
    await this.#write(async () => {
      await this.#leftovers;
      await eraseAll();
      await place(choice.mode)?.create(kept);
      await eraseModels?.();
    });
    eraseCapsule();
    this.#writeCapsule();
    this.#tabs.postMessage("changed");
    this.changed();
  }

  /** Erases profile, capsule and choice, here and in other tabs. */
  async withdraw(): Promise<void> {
    this.#tabs.postMessage("withdrawn");
    await this.#forget();
  }

  /** Records what the visitor did with items; without a grant, nothing. */
  async record(kind: EventKind, items: string[]): Promise<void> {
    const grant = this.#grant;
    const choice = this.choice;
    if (!grant || !choice || items.length === 0) return;
    for (const item of items) this.profile.record(grant, item, kind, now());
    const written = this.#save(grant, choice);
    this.changed();
    await written;
  }

  /** Keeps what the lot was assigned to; nothing happens where that is kept already. */
  async keep(draw: Uint8Array): Promise<void> {
    const grant = this.#grant;
    const choice = this.choice;
    if (!grant || !choice || String(draw) === String(this.profile.draw)) return;
    this.profile.keep(grant, draw);
    await this.#save(grant, choice);
  }

  /** Writes the profile where it is kept. */
  async #save(grant: Grant, choice: Choice): Promise<void> {
    // The cookie at once, for the page may be left before the database has written.
    this.#writeCapsule();
    const kept = { choice, profile: this.profile.encode(grant) };
    const written = await this.#write(() => place(choice.mode)?.replace(kept));
    if (written === false) await this.#forget();
    else this.#tabs.postMessage("changed");
  }

  /** All that is kept, in plain words. */
  export(): Kept {
    const [low, high = 0] = this.profile.draw;
    const lot = low === undefined ? undefined : low + 256 * high;
    return { choice: this.choice, events: this.profile.events() as ProfileEvent[], lot };
  }

  async #forget(): Promise<void> {
    this.#decide(undefined);
    this.profile = new Profile();
    eraseCapsule();
    const eraseModels = this.#modelsErasure();
    await this.#write(async () => {
      await eraseAll();
      await eraseModels();
    });
    // A record that was under way may have put it back.
    eraseCapsule();
    this.changed();
  }

  /** Begins to end what stores models at once; they are erased when what it gives is run. */
  #modelsErasure(): () => Promise<void> {
    const left = this.leaving();
    return async () => {
      await left;
      await eraseModels();
    };
  }

  #decide(choice: Choice | undefined): void {
    const consent = decide(choice);
    this.choice = consent.mode === "contextual" ? undefined : choice;
    this.#grant = consent.grant();
    this.#capsuleGrant = consent.capsuleGrant();
  }

  #decode(bytes: Uint8Array | undefined): Profile {
    if (!bytes || !this.#grant) return new Profile();
    try {
      return Profile.decode(this.#grant, bytes);
    } catch (error) {
      console.warn("pocketrank: the profile on this device cannot be read, a new one begins", error);
      return new Profile();
    }
  }

  #writeCapsule(): void {
    if (this.#capsuleGrant) writeCapsule(this.profile, this.#capsuleGrant, this.mode === "persistent");
  }

  /** Waits for its turn. */
  #write<T>(run: () => T | Promise<T>): Promise<T | undefined> {
    const write = warned(this.#writes.then(run));
    this.#writes = write;
    return write;
  }
}

/** Where the device cannot store (full, forbidden), the profile lives in memory, for this page. */
function warned<T>(write: Promise<T>): Promise<T | undefined> {
  return write.catch((error: unknown) => {
    console.warn("pocketrank: this device does not store, the profile ends with the page", error);
    return undefined;
  });
}
