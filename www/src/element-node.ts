/** The entry `pocketrank/element` where there is no page, as where a framework renders on its server: importing it does nothing. */
import { coded } from "./coded.js";

export const pocketrank: Promise<never> = Promise.reject(coded("not_initialised", "there is no page here: pocketrank/element runs in browsers"));
// Only who waits for it is to hear of it.
pocketrank.catch(() => undefined);
