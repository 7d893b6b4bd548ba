/** What the whole build's ranker has beside the slim one's. */
import * as glue from "../../dist/npm/pocketrank.js";
import type { Explanation, LoadOptions, Meta, SnapshotSource } from "../index.js";
import { Ranker as Slim, memory } from "./ranker.js";

export class Ranker extends Slim {
  static override load(source: SnapshotSource, options?: LoadOptions): Promise<Ranker> {
    return super.load(source, options) as Promise<Ranker>;
  }

  static embedded(): Ranker {
    memory();
    return new Ranker(glue.Ranker.embedded());
  }

  get meta(): Meta {
    return this.inner.meta() as Meta;
  }

  explain(row: number): Explanation {
    return this.inner.explain(row) as Explanation;
  }
}
