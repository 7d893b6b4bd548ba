/** The entry `pocketrank/decide` for workerd, which takes the wasm as a module of the worker. */
import compiled from "./pocketrank_decide_bg.wasm";
import { once } from "./decide/wasm.js";

export * from "./decide/api.js";

export const init = once(() => compiled);
