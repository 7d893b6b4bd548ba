/**
 * The overlay: what Pocketrank knows of the visitor and does on this page, and why. For developers; it is in no other script.
 *
 * ```js
 * if (location.hash.startsWith("#pocketrank-")) await import("pocketrank/devtools");
 * ```
 *
 * or `<script type="module" src="/pocketrank/devtools.js"></script>` beside `pocketrank.js`. Importing it shows it. It shows the profile, consent
 * and its signals, the snapshot, the parts of each slot's scores; forces arms of experiments for the page view; and saves and makes again replay
 * capsules (`pocketrank/replay`), also that of the page's fragment, `#pocketrank-replay=…`. It writes nothing and sends nothing (docs/BROWSER.md).
 */

/** Shows the panel, as importing does; settles when it has read the page. */
export function show(): Promise<void>;

/** Takes it off the page, as its button "Close" and the Escape key do. */
export function hide(): void;
