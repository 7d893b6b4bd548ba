/** Compiles only if every entry is what the hand-written declarations say it is; nothing of it is built. */
import type * as declared from "../index.js";
import type * as declaredElement from "../element.js";
import type * as declaredRender from "../render.js";
import type * as declaredSlim from "../slim.js";
import type * as declaredSync from "../sync.js";
import * as browser from "./browser.js";
import type { Carousel } from "./carousel.js";
import * as compiled from "./compiled.js";
import * as element from "./element.js";
import * as node from "./node.js";
import * as render from "./render.js";
import * as slimNode from "./slim-node.js";
import * as slimWorkerd from "./slim-workerd.js";
import * as slim from "./slim.js";
import * as syncNode from "./sync-node.js";
import * as syncWorkerd from "./sync-workerd.js";
import * as sync from "./sync.js";
import * as workerd from "./workerd.js";

export const entries: (typeof declared)[] = [browser, compiled, node, workerd];
export const slimEntries: Omit<typeof declaredSlim, "Grant">[] = [slim, slimNode, slimWorkerd];
export const syncEntries: (typeof declaredSync)[] = [sync, syncNode, syncWorkerd];
export const renderEntry: typeof declaredRender = render;
export const script: typeof declaredElement = element;
export const carousel = (made: Carousel): declaredElement.PocketrankCarousel => made;
