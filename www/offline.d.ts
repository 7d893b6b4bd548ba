/**
 * The Service Worker that gives the runtime out where there is no network: no module to import, but a file to copy to the root of the shop.
 *
 * ```html
 * <script type="module" src="/pocketrank/pocketrank.js" data-offline="/pocketrank-worker.js" ...></script>
 * ```
 *
 * `data-offline` names the copy, whose name must begin with `pocketrank`. It is registered under a yes that lasts, and gone with it
 * (docs/BROWSER.md).
 */
export {};
