/**
 * What is decided for a visitor before ranking: features and experiments, which `pocketrank` compiles of GrowthBook's payload into the
 * snapshot (docs/EXPERIMENTS.md). A wasm of its own, for pages that decide by themselves and not at the edge.
 *
 * ```js
 * import { init, Experiments } from "pocketrank/decide";
 * await init();
 * const experiments = new Experiments(ranker.experiments);
 * experiments.begin({ attributes: { country: "de" }, draw: profile.draw });
 * const { value } = experiments.feature("pocketrank.slot.home-hero.template");
 * if (grant) profile.keep(grant, experiments.draw);
 * ```
 */
import type { WasmSource } from "./index.js";

export type { WasmSource } from "./index.js";

/** Loads the wasm, once however often it is called. @throws with code `not_initialised` where it cannot be loaded; a later call tries again */
export function init(wasm?: WasmSource): Promise<void>;

/** Who asks for features. */
export interface Asking {
  /** What conditions are about: plain values, as JSON can write them. The visitor's number is not among them, and nothing that names anybody. */
  attributes?: Record<string, unknown>;
  /** `profile.draw`: lot and assignments. Without, or without a lot, nobody is in an experiment. */
  draw?: Uint8Array | undefined;
  /** Variations by experiment key, whatever else holds: for previews. */
  forcedVariations?: Record<string, number>;
  /** Values by feature key, likewise. */
  forcedValues?: Record<string, unknown>;
  /** Whether assignments that are kept count, and new ones are to be kept; on if not given. */
  sticky?: boolean;
}

/** A feature's value. */
export interface FeatureResult {
  /** The value, null where there is none. */
  value: unknown;
  /** Where it is from. */
  source: "unknownFeature" | "defaultValue" | "force" | "override" | "experiment" | "prerequisite" | "cyclicPrerequisite";
  /** Id of the rule that gives it, or empty. */
  ruleId: string;
  /** The experiment that gives it. */
  experimentResult?: ExperimentResult;
}

/** What an experiment gives. */
export interface ExperimentResult {
  /** The experiment's key. */
  experiment: string;
  /** Its name, if it has one. */
  experimentName?: string;
  /** Name of the variation, if it has one. */
  name?: string;
  /** Key of the variation. */
  key: string;
  /** Its number; 0, the control, for who is not in the experiment. */
  variationId: number;
  /** Its value. */
  value: unknown;
  /** Whether the visitor is in the experiment. */
  inExperiment: boolean;
  /** Whether lot or kept assignment decided: only these count in its evaluation. */
  hashUsed: boolean;
  /** Whether an assignment that was kept decided. */
  stickyBucketUsed: boolean;
  /** Whether the feature's next rules apply nevertheless. */
  passthrough: boolean;
}

/** Features and experiments, and who asks: a contextual visitor until {@link Experiments.begin}. */
export class Experiments {
  /** @param section `ranker.experiments`; none of an empty or missing one @throws with the code of what is wrong with it */
  constructor(section?: Uint8Array);
  /** The keys of the features, ascending. */
  readonly features: string[];
  /** The lot and what it has assigned, also since {@link Experiments.begin}: for `profile.keep`. */
  readonly draw: Uint8Array;
  /** Says who asks from now on. @throws with code `invalid_option` or `corrupt` where the attributes are no plain values or nest over 30 deep */
  begin(asking: Asking): void;
  /** The value of a feature. */
  feature(key: string): FeatureResult;
  /** What an experiment of the payload's own list gives; `undefined` where there is none of that key. */
  run(key: string): ExperimentResult | undefined;
  /** Gives its memory back. */
  free(): void;
}
