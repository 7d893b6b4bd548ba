/** Compiles only if every entry is what `index.d.ts` says it is; nothing of it is built. */
import type * as declared from "../index.js";
import * as browser from "./browser.js";
import * as node from "./node.js";
import * as workerd from "./workerd.js";

type Api = typeof declared;

export const entries: Api[] = [browser, node, workerd];
