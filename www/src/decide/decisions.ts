/**
 * What experiments and rules make of a slot: as `Decision` in src/decision.rs has it at the edge.
 *
 * Invariant: a rule that applies comes before an arm, and an arm before what the page says. What is broken does nothing, and is reported once.
 */
import type { Catalogue, Decision, DecisionAsking, Effect } from "../../decide.js";
import type { Candidates, Ranker } from "../../index.js";
import { Experiments } from "./experiments.js";
import { Rules } from "./rules.js";

export class Decisions {
  readonly #ranker: Ranker;
  readonly #report: (text: string) => void;
  readonly #whole: boolean;
  readonly #experiments: Experiments;
  readonly #rules: Rules;
  readonly #reported = new Set<string>();

  constructor(ranker: Ranker, report: (text: string) => void = (text) => console.warn(text), whole = true) {
    this.#ranker = ranker;
    this.#report = report;
    this.#whole = whole;
    this.#experiments = this.#opened("experiments", Experiments, ranker.experiments);
    this.#rules = this.#opened("rules", Rules, ranker.rules);
    for (const at of this.#rules.broken) this.#warn(`rule ${at} cannot be read, and does nothing`);
  }

  lists(slot: string): string[] {
    return [...new Set([...this.#rules.lists(slot), ...this.#experiments.lists(slot)])];
  }

  make(slot: string, { attributes = {}, profile, now, forcedVariations }: DecisionAsking): Decision {
    this.#experiments.begin({ attributes, draw: profile?.draw, forcedVariations });
    const { model, blend, slots, off, assignments } = this.#experiments.settings();
    const { rules, ...ordered } = this.#rules.orders({ slot, attributes, ranker: this.#ranker, profile, now, off });
    const counted = assignments.filter(({ hashUsed }) => hashUsed);
    return { ...slots.get(slot), ...ordered, model, blend, rules, assignments: counted, draw: this.#experiments.draw };
  }

  moves(rules: readonly string[], ranker: Catalogue, candidates: Candidates): Uint8Array {
    const { shifts, unknown } = this.#rules.moves(rules, ranker, candidates);
    if (this.#whole) for (const [rule, name] of unknown) this.#warn(`rule \`${rule}\` names \`${name}\`, which the model does not know`);
    return shifts;
  }

  effects(rules: readonly string[], ranker: Catalogue, row: number): Effect[] {
    return this.#rules.effects(rules, ranker, row);
  }

  free(): void {
    this.#experiments.free();
    this.#rules.free();
  }

  #opened<T>(what: string, Class: new (section?: Uint8Array) => T, section: Uint8Array): T {
    try {
      return new Class(section);
    } catch (error) {
      this.#warn(`${what} cannot be read, and do nothing: ${String(error)}`);
      return new Class();
    }
  }

  #warn(text: string): void {
    if (this.#reported.has(text)) return;
    this.#reported.add(text);
    this.#report(`pocketrank: ${text}`);
  }
}
