/** Where a host keeps what it follows: the manifest, and blobs under their SHA-256. */
import type { Held } from "./plan.js";

/**
 * Invariant: the manifest is replaced as a whole or not at all, and nothing else is asked of it. What fails throws.
 */
export interface Storage {
  /** What is there. */
  held(): Promise<Held>;
  /** A blob, by its SHA-256 in hexadecimal; whoever reads it checks it. */
  read(sha256: string): Promise<Uint8Array | undefined>;
  write(sha256: string, bytes: Uint8Array): Promise<void>;
  commit(manifest: Uint8Array): Promise<void>;
  /** Keeps when the manifest was last found to be current. */
  check(at: number): Promise<void>;
  /** Deletes all blobs but those. */
  keep(blobs: ReadonlySet<string>): Promise<void>;
  /** Runs while no other tab or process that shares the storage runs. */
  alone<T>(run: () => Promise<T>, stopped: AbortSignal): Promise<T>;
  /** Hears what others that share the storage say, where they can be heard. */
  listen?(hear: (said: Said) => void): { say(said: Said): void; close(): void };
}

/** What those that share a storage tell one another after having asked the origin. */
export interface Said {
  /** Whether something else is stored now. */
  stored: boolean;
  /** When they ask again, in milliseconds. */
  until: number;
}

/** Ends with the page or the process. */
export class Memory implements Storage {
  readonly #blobs = new Map<string, Uint8Array>();
  #manifest: Uint8Array | undefined;
  #checked: number | undefined;

  async held(): Promise<Held> {
    return { manifest: this.#manifest, blobs: [...this.#blobs.keys()], checked: this.#checked };
  }

  async read(sha256: string): Promise<Uint8Array | undefined> {
    return this.#blobs.get(sha256);
  }

  async write(sha256: string, bytes: Uint8Array): Promise<void> {
    this.#blobs.set(sha256, bytes);
  }

  async commit(manifest: Uint8Array): Promise<void> {
    this.#manifest = manifest;
  }

  async check(at: number): Promise<void> {
    this.#checked = at;
  }

  async keep(blobs: ReadonlySet<string>): Promise<void> {
    for (const sha256 of this.#blobs.keys()) if (!blobs.has(sha256)) this.#blobs.delete(sha256);
  }

  alone<T>(run: () => Promise<T>): Promise<T> {
    return run();
  }
}
