/** The entry for workerd (Cloudflare Workers): the wasm is a module of the worker, compiled when it is deployed. */
import load from "../../dist/npm/pocketrank.js";
import compiled from "./pocketrank_bg.wasm";
import { once } from "./ranker.js";

export * from "./api.js";

export const init = once((wasm = compiled) => load({ module_or_path: wasm }));
