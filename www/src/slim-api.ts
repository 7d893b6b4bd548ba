/** What every host's slim entry gives away besides its own `init`; scripts/build.mjs gives these entries the slim build's glue. */
export { Ranker, memoryBytes, type Candidates } from "./ranker.js";
export { Consent, Grant, Profile } from "../../dist/npm/pocketrank.js";
