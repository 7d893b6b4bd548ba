/** What every host's entry `pocketrank/decide` gives away besides its own `init`. */
import type { PageRequest } from "../../decide.js";
import { buffer, failed, readJson, runtime, write } from "./wasm.js";
import { encode } from "./value.js";

export { Decisions } from "./decisions.js";
export { Experiments } from "./experiments.js";
export { Rules } from "./rules.js";

export function pageAttributes(request: PageRequest): Record<string, unknown> {
  write(encode(request));
  if (!runtime().page_attributes(buffer)) failed();
  return readJson();
}
