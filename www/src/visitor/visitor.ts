/**
 * The visitor as this device knows them: choice, consent and profile, kept in step with storage, other tabs and the capsule.
 *
 * Invariant: without a grant the profile is empty and nothing is kept; a choice that no longer holds (another tab withdrew, a source of
 * consent objects, the browser now sends Global Privacy Control) erases what was kept under it. While a source is awaited nothing is read
 * of what is kept, and nothing erased. Where the device does not store, the profile lives in memory, for this page.
 */
import type { Choice, EventKind } from "../../element.js";
import { ALLOWED, AWAITED, LASTING, OBJECTED } from "./answers.js";
import type { CapsuleGrant, Grant } from "../ranking/api.js";
import { Profile } from "../ranking/api.js";
import { eraseCapsule, writeCapsule } from "./capsule.js";
import { make, type Change } from "./changes.js";
import { coded } from "../coded.js";
import { decide, readGpc } from "./consent.js";
import { now } from "../ranking/ranker.js";
import { eraseAll, eraseModels, find, leave, Newer, place, takeLeft, type Kept } from "./storage.js";
import { warnOnce } from "../warn.js";

const UNSTORED = "this device does not store, the profile ends with the page";
const NO: Choice = { mode: "contextual" };
/** How long another tab's events may wait until they are read here, in milliseconds: many tabs may record at once. */
const PATIENCE = 100;

/** What tabs tell each other: that consent has changed or has ended, that something was recorded, or what a source says. */
type Said = "changed" | "withdrawn" | "recorded" | { source: string; answer: number };

export class Visitor {
  profile = new Profile();
  mode: Choice["mode"] = "contextual";
  /** What holds: the visitor's choice, or what a source's yes stands for. */
  choice: Choice | undefined;
  /** What each source of consent says, bits as in `Signals.answers`. */
  readonly answers = new Map<string, number>();
  /** Whether a source's yes is for the profile that lasts. */
  lasting = false;
  /** Told after every change of consent or profile. */
  changed: () => void = () => undefined;
  /** Ends what stores models: from the call on nothing begins to, and once it has settled nothing does. */
  leaving: () => Promise<void> = async () => undefined;

  /** What the visitor chose here or in another tab; a no holds until a source has a new yes. */
  #chosen: Choice | undefined;
  /** What they chose while a source was awaited: it comes before what is kept. */
  #pending: Choice | undefined;
  #grant: Grant | undefined;
  #capsuleGrant: CapsuleGrant | undefined;
  /** Whether something was kept when it was looked at last: where it is gone since, it has been erased. */
  #isKept = false;
  /** Whether this page does without storage. */
  #inMemory = false;
  /** What is not written yet, oldest first. */
  #unwritten: Change[] = [];
  /** Writes one after the other, in the order of the changes. */
  #writes: Promise<unknown> = Promise.resolve();
  /** The write that takes what is recorded until it begins. */
  #next: Promise<void> | undefined;
  #isReading = false;
  /** Erases the models that an earlier yes has left. A yes that lasts waits for it; what is recorded does not, for the page may be left. */
  #leftovers: Promise<unknown> = Promise.resolve();
  /** Tells other tabs of this site. A channel stores nothing. */
  readonly #tabs = new BroadcastChannel("pocketrank");

  constructor() {
    this.#tabs.onmessage = ({ data }) => this.#hear(data as Said);
    window.addEventListener("pagehide", () => this.#leave());
  }

  /** Takes what is kept, as consent stands now. */
  async refresh(): Promise<void> {
    const kept = await this.#find();
    if (kept) this.#chosen = this.#pending ?? (kept.by === undefined ? kept.choice : undefined);
    else if (this.#isKept && !this.#inMemory) return this.#forget();
    this.#decide();
    const grant = this.#grant;
    if (kept && !grant && !this.#isAwaited()) return this.#forget();
    // The page where consent ended may have been left before the models were erased.
    if (this.mode !== "persistent") this.#leftovers = this.#warned(this.#modelsErasure()());
    if (grant && !this.#inMemory && (this.#pending || kept?.choice.mode !== this.mode)) return this.#begin(grant, Boolean(this.#pending));
    this.#isKept = kept !== undefined && grant !== undefined;
    if (!this.#inMemory || !grant) this.profile = new Profile();
    if (kept && grant) {
      this.#unwritten = [...this.#takeLeft(grant), ...this.#unwritten];
      try {
        this.profile = this.#make(kept, grant).profile;
      } catch (error) {
        this.#doWithout(error);
      }
      if (this.#unwritten.length > 0) await this.#write();
    }
    this.#writeCapsule();
    this.changed();
  }

  /** Takes the visitor's choice. A no is not kept; it erases what an earlier yes has left. @throws with code `invalid_option` where it is none */
  async setConsent(choice: Choice): Promise<void> {
    // What the page has on it besides is not kept.
    const { mode, capsule } = Object(choice) as Choice;
    const chosen = capsule === undefined ? { mode } : { mode, capsule };
    // Throws before anything has changed.
    decide(chosen, 0);
    this.#chosen = chosen;
    this.#decide();
    if (this.#grant) await this.#begin(this.#grant, true);
    // A yes that a source has yet to join in holds for this page; until then what is kept stays.
    else if (this.#isAwaited()) this.#pending = chosen;
    else await this.withdraw();
  }

  /** Takes what a source of consent says. */
  async answer(source: string, answer: number, isOwn = true): Promise<void> {
    if (this.answers.get(source) === answer) return;
    const isFirst = !this.answers.has(source);
    this.answers.set(source, answer);
    if (isOwn && answer !== AWAITED) this.#tell({ source, answer });
    if (isFirst) return;
    if (answer === ALLOWED && this.#chosen?.mode === "contextual") this.#chosen = undefined;
    await this.refresh();
  }

  /** Erases profile, capsule and choice, here and in other tabs. */
  async withdraw(): Promise<void> {
    this.#tell("withdrawn");
    await this.#forget();
  }

  /** Records what the visitor did with items; without a grant, nothing. */
  async record(kind: EventKind, items: string[]): Promise<void> {
    if (items.length === 0) return;
    const at = now();
    const written = this.#change(items.map((item) => ({ item, kind, at })));
    if (!written) return;
    this.changed();
    await written;
  }

  /** Keeps what the lot was assigned to; nothing happens where that is kept already. */
  async keep(draw: Uint8Array): Promise<void> {
    if (String(draw) !== String(this.profile.draw)) await this.#change([{ draw: [...draw] }]);
  }

  /** Puts another profile in the place of the visitor's. @throws with code `no_consent` without a grant, or what is wrong with the bytes */
  async take(encoded: Uint8Array): Promise<void> {
    const grant = this.#grant;
    if (!grant) throw coded("no_consent", "nothing is imported before the visitor has agreed: call setConsent() first");
    this.profile = Profile.decode(grant, encoded);
    this.#unwritten = [];
    this.#writeCapsule();
    await this.#turn(async () => {
      if (this.#isKept && !this.#inMemory) {
        await place(this.mode)?.update((kept) => {
          // What was recorded since is in it.
          this.#unwritten = [];
          return this.#record(this.profile, grant, kept?.profile);
        });
      }
      this.#tell("recorded");
    });
    this.changed();
  }

  /** Makes changes to the profile, here and where it is kept; `undefined` without a grant. */
  #change(changes: Change[]): Promise<void> | undefined {
    const grant = this.#grant;
    if (!grant) return undefined;
    for (const change of changes) make(change, this.profile, grant);
    this.#unwritten.push(...changes);
    // The cookie at once, for the page may be left before the database has written.
    this.#writeCapsule();
    return this.#write();
  }

  /** Writes what is not written yet to what is kept by then; changes that come until that begins go with it. */
  #write(): Promise<void> {
    this.#next ??= this.#turn(async () => {
      this.#next = undefined;
      const grant = this.#grant;
      if (!grant || this.#inMemory || !this.#isKept) return void (this.#unwritten = []);
      const changes = this.#unwritten;
      let { profile } = this;
      let written = 0;
      const isThere = await place(this.mode)?.update((kept) => {
        const made = this.#make(kept, grant);
        profile = made.profile;
        written = this.#unwritten.length;
        return this.#record(profile, grant, made.before);
      });
      // Meanwhile all may have been erased, or replaced: it stays so.
      if (changes !== this.#unwritten) return;
      if (!isThere) return void this.#forget();
      changes.splice(0, written);
      // What has come meanwhile is made to it as well.
      for (const change of changes) if (profile !== this.profile) make(change, profile, grant);
      this.profile = profile;
      this.#tell("recorded");
    });
    return this.#next;
  }

  /** Begins to keep the visitor in the place of their mode, with what is there already, and nowhere else. */
  async #begin(grant: Grant, isRenewed: boolean): Promise<void> {
    const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
    const { mode } = this;
    this.#pending = undefined;
    const drawLot = (profile: Profile): void => {
      if (isRenewed || profile.draw.length === 0) profile.drawLot(grant, seed);
    };
    drawLot(this.profile);
    const eraseModels = mode === "persistent" ? undefined : this.#modelsErasure();
    await this.#turn(async () => {
      await this.#leftovers;
      // Taken back, or chosen anew: that has its turn.
      if (grant !== this.#grant) return;
      await eraseAll(place(mode));
      if (!this.#inMemory) await this.#create(mode, grant, drawLot);
      await eraseModels?.();
    });
    eraseCapsule();
    this.#writeCapsule();
    this.#tell("changed");
    this.changed();
  }

  async #create(mode: Choice["mode"], grant: Grant, drawLot: (profile: Profile) => void): Promise<void> {
    try {
      await place(mode)?.update((kept) => {
        const { profile, before } = this.#make(kept, grant);
        drawLot(profile);
        if (grant === this.#grant) {
          this.profile = profile;
          this.#unwritten = [];
        }
        return this.#record(profile, grant, before);
      }, true);
      this.#isKept = grant === this.#grant;
    } catch (error) {
      this.#doWithout(error);
    }
  }

  #record(profile: Profile, grant: Grant, before: Uint8Array | undefined): Kept {
    const by = this.#chosen ? undefined : [...this.answers.keys()].join(" ");
    return { choice: this.choice ?? NO, by, profile: profile.encode(grant), before };
  }

  async #forget(): Promise<void> {
    this.#chosen = NO;
    this.#pending = undefined;
    this.#decide();
    this.profile = new Profile();
    this.#unwritten = [];
    this.#isKept = this.#inMemory = false;
    eraseCapsule();
    const eraseModels = this.#modelsErasure();
    await this.#turn(async () => {
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

  /** The profile, encoded; none without a grant. */
  get encoded(): Uint8Array | undefined {
    return this.#grant && this.profile.encode(this.#grant);
  }

  #bits(): number {
    return [...this.answers.values()].reduce((all, answer) => all | answer, this.lasting ? LASTING : 0);
  }

  #decide(): void {
    const consent = decide(this.#chosen, this.#bits());
    this.mode = consent.mode;
    this.#grant = consent.grant();
    this.#capsuleGrant = consent.capsuleGrant();
    this.choice = this.#grant && (this.#chosen ?? { mode: this.mode });
  }

  /** What is kept, as no write of this page changes it any more; where it cannot be read, the page does without. */
  async #find(): Promise<Kept | undefined> {
    for (;;) {
      const writes = this.#writes;
      await writes;
      if (this.#inMemory) return undefined;
      try {
        const kept = await find();
        if (writes === this.#writes) return kept;
      } catch (error) {
        this.#doWithout(error);
      }
    }
  }

  /**
   * The profile as it is kept, or as it was before its last change where that is damaged, with what is not written yet; and its bytes without.
   * @throws {@link Newer} where a newer release can read it
   */
  #make(kept: Kept | undefined, grant: Grant): { profile: Profile; before: Uint8Array | undefined } {
    for (const before of [kept?.profile, kept?.before]) {
      try {
        if (!before) continue;
        const profile = Profile.decode(grant, before);
        for (const change of this.#unwritten) make(change, profile, grant);
        return { profile, before };
      } catch (error) {
        if ((error as { code?: string }).code === "version") throw new Newer("a newer release of Pocketrank has written the profile");
        warnOnce("the profile on this device is damaged: what it was before its last change is used, or what this page has", error);
      }
    }
    return { profile: this.profile, before: undefined };
  }

  /** Whether a source has yet to speak, and nobody has said no: what is kept waits for it. */
  #isAwaited(): boolean {
    const bits = this.#bits();
    return Boolean(bits & AWAITED) && !(bits & OBJECTED) && readGpc() === false && this.#chosen?.mode !== "contextual";
  }

  #writeCapsule(): void {
    if (this.#capsuleGrant) writeCapsule(this.profile, this.#capsuleGrant, this.mode === "persistent");
  }

  #tell(said: Said): void {
    this.#tabs.postMessage(said);
  }

  #hear(said: Said): void {
    if (said === "withdrawn") void this.#forget();
    else if (said === "changed") void this.refresh();
    else if (said === "recorded") this.#readSoon();
    else if (this.answers.has(said.source)) void this.answer(said.source, said.answer, false);
  }

  #readSoon(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    setTimeout(() => {
      this.#isReading = false;
      void this.refresh();
    }, PATIENCE);
  }

  /** The page is left: what is not written goes to the tab's own storage, at once, for the next page to write. */
  #leave(): void {
    if (this.mode !== "persistent" || !this.#isKept) return;
    this.#unwritten = this.#unwritten.flatMap((change) => ("draw" in change ? [] : [{ ...change, again: true }]));
    try {
      if (this.#unwritten.length > 0) leave(this.#unwritten);
    } catch (error) {
      warnOnce(UNSTORED, error);
    }
  }

  /** What the page before was left with. Whatever it is: what cannot be recorded is left out. */
  #takeLeft(grant: Grant): Change[] {
    try {
      const changes = takeLeft<Change>();
      const scratch = new Profile();
      for (const change of changes) make(change, scratch, grant);
      return changes;
    } catch (error) {
      warnOnce("what the page before was left with is not recorded", error);
      return [];
    }
  }

  /** Where the device cannot store (forbidden, a newer release's), the profile lives in memory, for this page. */
  #doWithout(error: unknown): void {
    this.#inMemory = true;
    warnOnce(UNSTORED, error);
  }

  /** Waits for its turn. */
  #turn(run: () => Promise<void>): Promise<void> {
    const turn = this.#warned(this.#writes.then(run));
    this.#writes = turn;
    return turn;
  }

  /** What could not be written, for the device is full, is written with what comes next. */
  async #warned(write: Promise<unknown>): Promise<void> {
    try {
      await write;
    } catch (error) {
      if (error instanceof Newer) this.#doWithout(error);
      else warnOnce(UNSTORED, error);
    }
  }
}
