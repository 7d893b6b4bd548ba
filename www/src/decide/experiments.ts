/** Features and experiments, over the functions of `src/decide.rs`. */
import type { Asking, ExperimentResult, FeatureResult, Settings } from "../../decide.js";
import { buffer, failed, read, readJson, runtime, write, writeText } from "./wasm.js";
import { encode } from "./value.js";

export class Experiments {
  #inner: number;

  constructor(section?: Uint8Array) {
    write(section ?? new Uint8Array());
    this.#inner = runtime().experiments_open(buffer) || failed();
  }

  get features(): string[] {
    runtime().experiments_features(this.#inner, buffer);
    return readJson();
  }

  get draw(): Uint8Array {
    runtime().experiments_draw(this.#inner, buffer);
    return read();
  }

  begin({ draw = new Uint8Array(), ...asking }: Asking): void {
    write(draw, encode({ sticky: true, ...asking }));
    if (!runtime().experiments_begin(this.#inner, buffer, draw.length)) failed();
  }

  feature(key: string): FeatureResult {
    writeText(key);
    runtime().experiments_feature(this.#inner, buffer);
    return readJson();
  }

  run(key: string): ExperimentResult | undefined {
    writeText(key);
    runtime().experiments_run(this.#inner, buffer);
    return read().length > 0 ? readJson() : undefined;
  }

  settings(): Settings {
    runtime().experiments_settings(this.#inner, buffer);
    const { slots, ...settings } = readJson<Omit<Settings, "slots"> & { slots: [slot: string, what: string, value: unknown][] }>();
    const bySlot: Settings["slots"] = new Map();
    for (const [slot, what, value] of slots) bySlot.set(slot, { ...bySlot.get(slot), [what]: value });
    return { ...settings, slots: bySlot };
  }

  lists(slot: string): string[] {
    writeText(slot);
    runtime().experiments_lists(this.#inner, buffer);
    return readJson();
  }

  free(): void {
    const inner = this.#inner;
    this.#inner = 0;
    if (inner) runtime().experiments_free(inner);
  }
}
