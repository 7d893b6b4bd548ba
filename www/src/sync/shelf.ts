/**
 * A storage and, for what it does not take, memory. Invariant: nothing is written once following was stopped; nothing here throws but
 * that, and what failed is told by the reports.
 */
import type { Held, Report } from "./plan.js";
import type { Said, Storage } from "./storage.js";

export class Shelf {
  readonly #storage: Storage;
  readonly #stopped: AbortSignal;
  readonly #report: (report: Report) => void;
  /** What could not be stored. */
  readonly #memory = new Map<string, Uint8Array>();

  constructor(storage: Storage, stopped: AbortSignal, report: (report: Report) => void) {
    this.#storage = storage;
    this.#stopped = stopped;
    this.#report = report;
  }

  /** What is stored; nothing where the storage cannot be read. */
  held(): Promise<Held | undefined> {
    return this.#try(() => this.#storage.held());
  }

  async read(sha256: string): Promise<Uint8Array | undefined> {
    return this.#memory.get(sha256) ?? (await this.#try(() => this.#storage.read(sha256)));
  }

  /** Whether it is stored; else it is kept in memory. */
  async write(sha256: string, bytes: Uint8Array): Promise<boolean> {
    const isStored = await this.#do(() => this.#storage.write(sha256, bytes));
    if (!isStored) this.#memory.set(sha256, bytes);
    return isStored;
  }

  commit(manifest: Uint8Array): Promise<boolean> {
    return this.#do(() => this.#storage.commit(manifest));
  }

  check(at: number): Promise<boolean> {
    return this.#do(() => this.#storage.check(at));
  }

  async keep(blobs: ReadonlySet<string>): Promise<void> {
    for (const sha256 of this.#memory.keys()) if (!blobs.has(sha256)) this.#memory.delete(sha256);
    await this.#do(() => this.#storage.keep(blobs));
  }

  /** Runs while no other that shares the storage runs; also where that cannot be had, for then each has its own. */
  async alone<T>(run: () => Promise<T>): Promise<T> {
    let began = false;
    const begin = () => {
      began = true;
      return run();
    };
    try {
      return await this.#storage.alone(begin, this.#stopped);
    } catch (error) {
      if (began) throw error;
      this.#failed(error);
      return run();
    }
  }

  listen(hear: (said: Said) => void): ReturnType<NonNullable<Storage["listen"]>> | undefined {
    return this.#storage.listen?.(hear);
  }

  async #do(run: () => Promise<void>): Promise<boolean> {
    return (await this.#try(async () => (await run(), true))) ?? false;
  }

  async #try<T>(run: () => Promise<T>): Promise<T | undefined> {
    this.#stopped.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    this.#stopped.throwIfAborted();
    this.#report({ code: "storage", text: `the storage failed: ${String(error)}` });
  }
}
