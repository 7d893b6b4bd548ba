/**
 * The entry that `pocketrank compile --js` writes beside the module it makes: one script for browsers and Node, which find the wasm
 * beside it, and for workerd, which can compile none at run time and takes what the worker imports.
 */
import load from "../../dist/npm/pocketrank.js";
import type { WasmSource } from "../index.js";
import { loaded } from "./ranking/ranker.js";

export * from "./ranking/api.js";

const privately = { credentials: "omit", referrerPolicy: "no-referrer" } as const;

export function init(wasm?: WasmSource): Promise<void> {
  return loaded(async () => load({ module_or_path: wasm ?? (await beside()) }));
}

async function beside(): Promise<BufferSource | Response> {
  if (globalThis.navigator?.userAgent === "Cloudflare-Workers") {
    throw new Error('a worker hands it over: import model from "./pocketrank_bg.wasm"; await init(model)');
  }
  const url = new URL("pocketrank_bg.wasm", import.meta.url);
  // An import of a module of Node would not get through every bundler for browsers.
  const files = url.protocol === "file:" ? globalThis.process?.getBuiltinModule?.("node:fs/promises") : undefined;
  return files ? files.readFile(url) : fetch(url, privately);
}
