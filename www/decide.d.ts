/**
 * What is decided for a visitor before ranking: features and experiments, which `pocketrank` compiles of GrowthBook's payload into the
 * snapshot (docs/EXPERIMENTS.md), and rules (docs/RULES.md). A wasm of its own, for pages and servers that decide by themselves; the browser
 * script loads it where a snapshot has either.
 *
 * ```js
 * import { init, Decisions, pageAttributes } from "pocketrank/decide";
 * await init();
 * const decisions = new Decisions(ranker);
 * const attributes = pageAttributes({ url, referrer, userAgent, country, now });
 * const decision = decisions.make("home-hero", { attributes, profile, now });
 * ranker.setBlend(decision.blend);
 * ranker.setProfile(profile, now);
 * const shifts = decisions.moves(decision.rules, ranker, candidates);
 * const slate = ranker.rerank(candidates, { count: 12, diversity: decision.diversity, shifts });
 * if (grant) profile.keep(grant, decision.draw);
 * ```
 */
import type { Candidates, PartName, Profile, Ranker, WasmSource } from "./index.js";

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
  forcedVariations?: Readonly<Record<string, number>> | undefined;
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
  /** What the features give that mean something to the runtime (`pocketrank...`). */
  settings(): Settings;
  /** The candidates lists that features may give to the slot, whoever asks: to be fetched for everyone alike. */
  lists(slot: string): string[];
  /** Gives its memory back. */
  free(): void;
}

/** What features give that mean something to the runtime; what is not there stays as it is. */
export interface Settings {
  /** The name of another model than the usual one. */
  model?: string;
  /** For {@link Ranker.setBlend}. */
  blend?: Partial<Record<PartName, number>>;
  /** By the names of slots: another template, another candidates list, another diversity. */
  slots: Map<string, { template?: string; list?: string; diversity?: number }>;
  /** Ids of rules that are switched off. */
  off: string[];
  /** The experiments that the visitor is in by them; those with `hashUsed` are to be counted. */
  assignments: ExperimentResult[];
}

/** What a host knows of a page request; what is missing is as if it were empty. */
export interface PageRequest {
  /** The page's whole address. */
  url?: string;
  /** The header `Referer`, or `document.referrer`. */
  referrer?: string;
  /** The header `User-Agent`, of which the kind of device is kept. */
  userAgent?: string;
  /** The header `Sec-CH-UA-Mobile`: `?1` or `?0`. */
  mobile?: string;
  /** ISO 3166-1 code of the country. */
  country?: string;
  /** Seconds since 1970-01-01 UTC. */
  now?: number;
  /** Minutes by which the visitor's clock is ahead of UTC. */
  utcOffset?: number;
}

/** The attributes that conditions ask of a page: country, device, hour, weekday, path, referrer, campaign, source, medium (docs/RULES.md). */
export function pageAttributes(request: PageRequest): Record<string, unknown>;

/** What rules ask of a snapshot: its ranker answers. */
export type Catalogue = Pick<Ranker, "labels" | "codes" | "candidatesOfItems" | "candidatesOfRows">;

/** Who asks for a decision. */
export interface DecisionAsking {
  /** What conditions are about: {@link pageAttributes}, and what else is known of the page. */
  attributes?: Record<string, unknown>;
  /** The visitor's profile; without, or without consent, an empty one. */
  profile?: Profile | undefined;
  /** Seconds since 1970-01-01 UTC; now if not given. */
  now?: number | undefined;
  /** Variations by experiment key, whatever else holds: for previews. They are neither counted nor kept. */
  forcedVariations?: Readonly<Record<string, number>> | undefined;
}

/** Who asks for rules. */
export interface RuleAsking extends DecisionAsking {
  /** The slot's name. */
  slot: string;
  /** The ranker of the usual model, by whose names conditions ask what the visitor likes. */
  ranker: Catalogue;
  /** Ids of rules that are switched off. */
  off?: readonly string[];
}

/** What rules say. */
export interface Orders {
  /** Ids of those that apply, the most important first. */
  rules: string[];
  /** Another template. */
  template?: string;
  /** Another candidates list. */
  list?: string;
}

/** What rules do to a list. */
export interface Moves {
  /** For {@link Ranker.rerank}. */
  shifts: Uint8Array;
  /** What rules name and the snapshot does not know: rule, and name or hash of the item. */
  unknown: [rule: string, name: string][];
}

/** What a rule does to an item. */
export interface Effect {
  /** The rule's id. */
  rule: string;
  /** What. */
  action: "pin" | "boost" | "bury" | "exclude";
  /** Of `boost` and `bury` by how much of the range of scores; of `pin` the place, from 0; else 0. */
  by: number;
}

/** Rules. */
export class Rules {
  /** @param section `ranker.rules`; none of an empty or missing one @throws with the code of what is wrong with it as a whole */
  constructor(section?: Uint8Array);
  /** Positions in the section of rules that cannot be read, and do nothing. */
  readonly broken: number[];
  /** The candidates lists that rules may give to the slot, whoever asks and whenever: to be fetched for everyone alike. */
  lists(slot: string): string[];
  /** The rules that apply. @throws with code `invalid_option` or `corrupt` where the attributes are no plain values or nest over 30 deep */
  orders(asking: RuleAsking): Orders;
  /** What rules do to candidates. @param rules {@link Orders.rules} @param ranker that of the candidates */
  moves(rules: readonly string[], ranker: Catalogue, candidates: Candidates): Moves;
  /** What rules do to a row of the ranker's snapshot, to be shown beside its explanation. */
  effects(rules: readonly string[], ranker: Catalogue, row: number): Effect[];
  /** Gives its memory back. */
  free(): void;
}

/** What experiments and rules make of a slot; what is not there stays as the page has it. */
export interface Decision {
  /** The name of another model, the manifest's file `models/NAME.pkr`. */
  model?: string | undefined;
  /** For {@link Ranker.setBlend}. */
  blend?: Partial<Record<PartName, number>> | undefined;
  /** The name of another template. */
  template?: string;
  /** The name of another candidates list. */
  list?: string;
  /** How much the items are to differ. */
  diversity?: number;
  /** Ids of the rules that apply, the most important first. */
  rules: string[];
  /** The experiments that the visitor is in by chance: what a shop's analytics counts as seen. */
  assignments: ExperimentResult[];
  /** Lot and assignments, for `profile.keep`. */
  draw: Uint8Array;
}

/** Experiments and rules of one snapshot together: a rule that applies comes before an arm, and an arm before what the page says. */
export class Decisions {
  /**
   * @param ranker that of the usual model
   * @param report is told once of each rule or section that cannot be read, and of each name that is not known; `console.warn` if not given
   * @param whole false for a slice, which does not know what is in no list of its page: names are not reported then
   */
  constructor(ranker: Ranker, report?: (text: string) => void, whole?: boolean);
  /** The candidates lists that the slot may get beside its own, whoever asks. */
  lists(slot: string): string[];
  /** Decides. */
  make(slot: string, asking: DecisionAsking): Decision;
  /** What the rules of a decision do to candidates, for {@link Ranker.rerank}. @param ranker that of the candidates */
  moves(rules: readonly string[], ranker: Catalogue, candidates: Candidates): Uint8Array;
  /** What they do to a row. */
  effects(rules: readonly string[], ranker: Catalogue, row: number): Effect[];
  /** Gives its memory back. */
  free(): void;
}
