/**
 * Which experiments can be met on this page, and their arms.
 *
 * Invariant: nobody is assigned by looking: it asks a second copy of the experiments, with lots of its own.
 */
import type { Experiments } from "../../decide.js";

/** An experiment. */
export interface Experiment {
  key: string;
  name: string;
  /** Names by their numbers. */
  arms: string[];
  /** The number of the visitor's arm by their lot. */
  own: number | undefined;
}

/** Lots from 0 to 4,095; each so many is tried. */
const [LOTS, STEP] = [4096, 8];
/** No experiment has more arms. */
const MAX_ARMS = 100;

/** The experiments that mean something to slots, ascending by their keys. */
export function find(experiments: Experiments, attributes: Record<string, unknown>, draw: Uint8Array): Experiment[] {
  const found = new Map<string, Experiment>();
  for (let lot = 0; lot < LOTS; lot += STEP) {
    experiments.begin({ attributes, draw: Uint8Array.of(lot & 255, lot >> 8, 0), sticky: false });
    for (const { experiment: key, experimentName: name = key, inExperiment } of experiments.settings().assignments) {
      if (inExperiment) found.set(key, { key, name, arms: [], own: undefined });
    }
  }
  for (const { key, arms } of found.values()) {
    while (arms.length < MAX_ARMS) {
      experiments.begin({ attributes, forcedVariations: { [key]: arms.length } });
      const arm = experiments.settings().assignments.find(({ experiment, variationId, inExperiment }) => inExperiment && experiment === key && variationId === arms.length);
      if (!arm) break;
      arms.push(arm.name ?? arm.key);
    }
  }
  experiments.begin({ attributes, draw });
  for (const { experiment, variationId, inExperiment } of experiments.settings().assignments) {
    const known = found.get(experiment);
    if (known && inExperiment) known.own = variationId;
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}
