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
import { leaveAll, make, takeAll, type Change } from "./changes.js";
import { coded } from "../coded.js";
import { decide, readGpc } from "./consent.js";
import { now } from "../ranking/ranker.js";
import { oldest, RETENTION_DAYS } from "../ranking/rows.js";
import { eraseAll, eraseModels, find, Newer, persistent, place, toText, type Kept, type Place } from "./storage.js";
import { join, type Said } from "./tabs.js";
import { warnOnce } from "../warn.js";

const UNSTORED = "this device does not store, the profile ends with the page";
const NO: Choice = { mode: "contextual" };
/** How long what another tab does may wait until this one does its part, in milliseconds: many tabs may record at once. */
const PATIENCE = 100;

export class Visitor {
  mode: Choice["mode"] = "contextual";
  /** What holds: the visitor's choice, or what a source's yes stands for. */
  choice: Choice | undefined;
  /** What each source of consent says, bits as in `Signals.answers`. */
  readonly answers = new Map<string, number>();
  /** Whether a source's yes is for the profile that lasts. */
  lasting = false;
  /** For how many days is kept what the visitor did. */
  days = RETENTION_DAYS;
  /** Whether a choice that the visitor makes while the browser sends Global Privacy Control overrides it. */
  gpcOverride = false;
  /** Told after every change of consent or profile. */
  changed: () => void = () => undefined;
  /** Ends what stores models: from the call on nothing begins to, and once it has settled nothing does. */
  leaving: () => Promise<void> = async () => undefined;

  #profile = new Profile();
  /** When what is too old was forgotten last, a day since 1970-01-01. */
  #day = 0;
  /** What the visitor chose here or in another tab; a no holds until a source has a new yes. */
  #chosen: Choice | undefined;
  /** What they chose while a source was awaited: it comes before what is kept. */
  #pending: Choice | undefined;
  /** Whether they chose so while the browser sent Global Privacy Control. */
  #isDespite = false;
  #grant: Grant | undefined;
  #capsuleGrant: CapsuleGrant | undefined;
  /** Where something was kept when it was looked at last: where it is gone since, it has been erased. */
  #keptIn: Place | undefined;
  /** Whether this page does without storage. */
  #inMemory = false;
  /** How often another tab has told that consent has changed. */
  #changes = 0;
  /** What is not written yet, oldest first. */
  #unwritten: Change[] = [];
  /** Writes one after the other, in the order of the changes. */
  #writes: Promise<unknown> = Promise.resolve();
  /** The write that takes what is recorded until it begins. */
  #next: Promise<void> | undefined;
  #isReading = false;
  /** Erases the models that an earlier yes has left. A yes that lasts waits for it; what is recorded does not, for the page may be left. */
  #leftovers: Promise<unknown> = Promise.resolve();
  readonly #tell = join((said) => this.#hear(said));

  constructor() {
    window.addEventListener("pagehide", () => this.#leave());
  }

  /** What is held, as old as it may be today. */
  get profile(): Profile {
    const today = oldest(now(), 0);
    if (this.#grant && today !== this.#day) this.profile = this.#decode(this.#profile.encode(this.#grant), this.#grant);
    return this.#profile;
  }

  set profile(profile: Profile) {
    this.#day = oldest(now(), 0);
    this.#profile = profile;
  }

  /** Takes what is kept, as consent stands now. */
  async refresh(): Promise<void> {
    const found = await this.#find();
    const [kept] = found;
    if (kept) {
      this.#chosen = this.#pending ?? (kept.by === undefined ? kept.choice : undefined);
      if (!this.#pending) this.#isDespite = kept.despite === true;
    } else if (this.#keptIn && !this.#inMemory) return this.#forget();
    this.#decide();
    const grant = this.#grant;
    if (kept && !grant && !this.#isAwaited()) return this.#end();
    // The page where consent ended may have been left before the models were erased.
    if (this.mode !== "persistent") this.#leftovers = this.#warned(this.#modelsErasure()());
    const isNew = this.#pending !== undefined;
    if (grant && !this.#inMemory && (isNew || kept?.choice.mode !== this.mode || found.length > 1)) return this.#begin(grant, isNew);
    this.#keptIn = kept && grant && place(this.mode);
    if (!this.#inMemory || !grant) this.profile = new Profile();
    if (kept && grant) {
      this.#unwritten = [...takeAll(grant), ...this.#unwritten];
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
    decide(chosen, 0, false);
    this.#chosen = chosen;
    this.#isDespite = readGpc() !== false;
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
    await this.#end();
  }

  /** Erases all, and has other tabs look: there the visitor may have said yes meanwhile, or the signal may not be known. */
  async #end(): Promise<void> {
    await this.#forget();
    this.#tell("changed");
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

  /** Takes in what another device has, encoded. @throws with code `no_consent` without a grant, or what is wrong with the bytes */
  async take(encoded: Uint8Array): Promise<void> {
    const grant = this.#grant;
    if (!grant) throw coded("no_consent", "nothing is imported before the visitor has agreed: call setConsent() first");
    const written = this.#change([{ other: toText(this.#decode(encoded, grant).encode(grant)) }]);
    this.changed();
    await written;
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
      if (!grant || this.#inMemory || !this.#keptIn) return void (this.#unwritten = []);
      // What is on its way to another place goes there with the rest.
      if (this.#keptIn !== place(this.mode)) return;
      const changes = this.#unwritten;
      let { profile } = this;
      let written = 0;
      const isThere = await this.#keptIn.update((kept) => {
        if (changes !== this.#unwritten) return undefined;
        const made = this.#make(kept, grant);
        profile = made.profile;
        written = this.#unwritten.length;
        return this.#record(profile, grant, made.before);
      });
      // Meanwhile all may have been erased: it stays so.
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
    const there = place(mode);
    this.#pending = undefined;
    const drawLot = (profile: Profile): void => {
      if (isRenewed || profile.draw.length === 0) profile.drawLot(grant, seed);
    };
    drawLot(this.profile);
    const eraseModels = mode === "persistent" ? undefined : this.#modelsErasure();
    await this.#turn(async () => {
      await this.#leftovers;
      // What cannot be read is left out.
      const found = this.#inMemory ? [] : await find().catch(() => []);
      // Taken back, or chosen anew: that has its turn.
      if (grant !== this.#grant) return;
      for (const kept of found) if (kept.choice.mode !== mode) this.#takeIn(this.#make(kept, grant).profile, grant);
      await eraseAll(there);
      const change = (kept: Kept | undefined): Kept | undefined => {
        if (grant !== this.#grant) return undefined;
        const { profile, before } = this.#make(kept, grant);
        this.#takeIn(profile, grant);
        drawLot(this.profile);
        this.#unwritten = [];
        return this.#record(this.profile, grant, before);
      };
      try {
        const isThere = !this.#inMemory && (await there?.update(change, true));
        if (isThere && grant === this.#grant) this.#keptIn = there;
      } catch (error) {
        this.#doWithout(error);
      }
      await eraseModels?.();
    });
    eraseCapsule();
    this.#writeCapsule();
    this.#tell("changed");
    this.changed();
  }

  /** Has a profile that is kept, with what this page has besides. */
  #takeIn(profile: Profile, grant: Grant): void {
    if (profile !== this.profile) profile.merge(grant, this.profile);
    this.profile = profile;
  }

  #record(profile: Profile, grant: Grant, before: Uint8Array | undefined): Kept {
    const by = this.#chosen ? undefined : [...this.answers.keys()].join(" ");
    return { choice: this.choice ?? NO, by, profile: profile.encode(grant), before, ...(this.#isDespite && { despite: true }) };
  }

  /** @param patience milliseconds that another tab, which erases, has to tell that it has, or that there is a new yes */
  async #forget(patience = 0): Promise<void> {
    const changes = this.#changes;
    this.#chosen = NO;
    this.#pending = undefined;
    this.#decide();
    this.profile = new Profile();
    this.#unwritten = [];
    this.#keptIn = undefined;
    this.#inMemory = false;
    eraseCapsule();
    const eraseModels = this.#modelsErasure();
    await this.#turn(async () => {
      if (patience > 0) await new Promise((resolve) => setTimeout(resolve, patience));
      await eraseAll(changes === this.#changes ? undefined : persistent);
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
    const consent = decide(this.#chosen, this.#bits(), this.#overrides());
    this.mode = consent.mode;
    this.#grant = consent.grant();
    // Nothing is sent against the signal, whatever the shop lets be kept: the edge would not use it.
    this.#capsuleGrant = readGpc() === false ? consent.capsuleGrant() : undefined;
    this.choice = this.#grant && (this.#chosen ?? { mode: this.mode });
  }

  #overrides(): boolean {
    return this.gpcOverride && this.#isDespite;
  }

  /** What is kept, as no write of this page changes it any more; where it cannot be read, the page does without. */
  async #find(): Promise<Kept[]> {
    for (;;) {
      const writes = this.#writes;
      await writes;
      if (this.#inMemory) return [];
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
        const profile = this.#decode(before, grant);
        for (const change of this.#unwritten) make(change, profile, grant);
        return { profile, before };
      } catch (error) {
        if ((error as { code?: string }).code === "version") throw new Newer("a newer release of Pocketrank has written the profile");
        warnOnce("the profile on this device is damaged, and not used", error);
      }
    }
    return { profile: this.profile, before: undefined };
  }

  #decode(encoded: Uint8Array, grant: Grant): Profile {
    return Profile.decode(grant, encoded, now(), this.days);
  }

  /** Whether a source has yet to speak, and nobody has said no: what is kept waits for it. */
  #isAwaited(): boolean {
    const bits = this.#bits();
    return Boolean(bits & AWAITED) && !(bits & OBJECTED) && (readGpc() === false || this.#overrides()) && this.#chosen?.mode !== "contextual";
  }

  #writeCapsule(): void {
    if (this.#capsuleGrant) writeCapsule(this.profile, this.#capsuleGrant, this.mode === "persistent" ? this.days : undefined);
  }

  #hear(said: Said | undefined): void {
    if (said === "withdrawn") void this.#forget(PATIENCE);
    else if (said === "changed") {
      this.#changes += 1;
      void this.refresh();
    } else if (said === "recorded") this.#readSoon();
    else if (said && this.answers.has(said.source)) void this.answer(said.source, said.answer, false);
  }

  #readSoon(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    setTimeout(() => {
      this.#isReading = false;
      void this.refresh();
    }, PATIENCE);
  }

  #leave(): void {
    if (this.mode !== "persistent" || !this.#keptIn) return;
    try {
      this.#unwritten = leaveAll(this.#unwritten);
    } catch (error) {
      warnOnce(UNSTORED, error);
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
