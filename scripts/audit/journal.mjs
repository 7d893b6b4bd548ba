/**
 * What scripts of a page write and whom they tell, at the moment that they do it, so that what is erased again at once is seen as well.
 */
import { inPage, show, weigh } from "./weigh.mjs";

/**
 * @typedef {object} Entry
 * @property {"write" | "message" | "connection"} act `connection`: what goes past HTTP, such as WebRTC
 * @property {string} kind where to: `localStorage`, `cookie`, `BroadcastChannel`, ...
 * @property {string} name key, database, channel
 * @property {number} bytes
 * @property {string} text
 */

/** By this function pages tell. */
const BINDING = "pocketrankAudit";

/**
 * Has all pages of a context keep the journal from now on.
 * @param {import("playwright-core").BrowserContext} context
 * @returns {Promise<Entry[]>} grows
 */
export async function openJournal(context) {
  /** @type {Entry[]} */
  const entries = [];
  await context.exposeBinding(BINDING, (_, entry) => void entries.push(entry));
  await context.addInitScript({ content: inPage(keepJournal, BINDING) });
  return entries;
}

/**
 * Runs in the page before any script of it.
 * @param {string} binding
 */
function keepJournal(binding) {
  /** Without the function this fails, and what was not seen is not taken for nothing. @param {Entry} entry */
  const send = (entry) => Reflect.get(window, binding)(entry);
  /** @param {Entry["act"]} act @param {string} kind @param {unknown} name @param {unknown} value */
  const tell = (act, kind, name, value) => {
    const bytes = act === "write" ? weigh(name) + weigh(value) : weigh(value);
    send({ act, kind, name: String(name), bytes, text: show(value) });
  };
  /**
   * Has a method tell before it does what it does.
   * @param {any} owner
   * @param {string} method
   * @param {(self: any, args: any[]) => void} note
   */
  const wrap = (owner, method, note) => {
    const own = owner?.[method];
    if (typeof own !== "function") return;
    owner[method] = function (/** @type {any[]} */ ...args) {
      note(this, args);
      return Reflect.apply(own, this, args);
    };
  };
  /** @param {any} constructor @param {(made: any, args: any[]) => void} note */
  const watch = (constructor, note) =>
    new Proxy(constructor, {
      construct(target, args, of) {
        const made = Reflect.construct(target, args, of);
        note(made, args);
        return made;
      },
    });
  const scope = /** @type {any} */ (globalThis);

  const [local] = ["localStorage", "sessionStorage"].map((name) => {
    const { get } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(window, name));
    // Where a frame has no storage, asking for it throws as ever.
    const ask = () => /** @type {Storage} */ (get?.call(window));
    // What is written as a property is written by a method that tells.
    const set = (/** @type {Storage} */ storage, /** @type {string} */ key, /** @type {string} */ value) => (storage.setItem(key, value), true);
    const read = (/** @type {Storage} */ storage, /** @type {string} */ key) => {
      const value = Reflect.get(storage, key);
      return typeof value === "function" ? value.bind(storage) : value;
    };
    Object.defineProperty(window, name, { configurable: true, get: () => new Proxy(ask(), { set, get: read }) });
    return ask;
  });
  wrap(Storage.prototype, "setItem", (self, [key, value]) => tell("write", self === local?.() ? "localStorage" : "sessionStorage", key, String(value)));
  const cookie = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(Document.prototype, "cookie"));
  Object.defineProperty(Document.prototype, "cookie", {
    ...cookie,
    set(text) {
      // Erasing writes nothing.
      if (!/;\s*max-age=0\s*(;|$)/i.test(text)) tell("write", "cookie", String(text).split("=")[0], text);
      cookie.set?.call(this, text);
    },
  });
  wrap(scope.CookieStore?.prototype, "set", (_, [first, value]) => tell("write", "cookie", first?.name ?? first, first?.value ?? value));
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = function (/** @type {string} */ name, /** @type {number | undefined} */ version) {
    const request = version === undefined ? open.call(this, name) : open.call(this, name, version);
    request.addEventListener("upgradeneeded", () => tell("write", "indexedDB", name, "made"));
    return request;
  };
  for (const method of ["put", "add"]) {
    wrap(IDBObjectStore.prototype, method, ({ name, transaction }, [value, key]) => tell("write", "indexedDB", `${transaction.db.name}/${name}/${key ?? ""}`, value));
  }
  wrap(scope.IDBCursor?.prototype, "update", ({ source, primaryKey }, [value]) => tell("write", "indexedDB", `${source.name}/${primaryKey}`, value));
  for (const method of ["put", "add", "addAll"]) wrap(scope.Cache?.prototype, method, (_, [request]) => tell("write", "cache", request?.url ?? request, ""));
  wrap(scope.CacheStorage?.prototype, "open", (_, [name]) => tell("write", "cache", name, ""));
  for (const method of ["getFileHandle", "getDirectoryHandle"]) {
    wrap(scope.FileSystemDirectoryHandle?.prototype, method, (_, [name, options]) => options?.create && tell("write", "files", name, ""));
  }
  wrap(scope.ServiceWorkerContainer?.prototype, "register", (_, [script]) => tell("write", "serviceWorker", script, ""));
  for (const method of ["pushState", "replaceState"]) {
    wrap(History.prototype, method, (_, [state]) => state !== null && state !== undefined && tell("write", "history.state", method, state));
  }

  for (const name of ["BroadcastChannel", "Worker", "MessagePort", "ServiceWorker"]) {
    wrap(scope[name]?.prototype, "postMessage", (self, [data]) => tell("message", name, self.name ?? self.scriptURL ?? "", data));
  }
  wrap(window, "postMessage", (_, [data]) => tell("message", "window", location.pathname, data));
  scope.Worker = watch(scope.Worker, (worker, [address]) => {
    worker.addEventListener("message", (/** @type {MessageEvent} */ { data }) => tell("message", "from a Worker", address, data));
  });
  for (const name of ["RTCPeerConnection", "WebTransport", "WebSocket", "EventSource"]) {
    if (scope[name]) scope[name] = watch(scope[name], (_, [address]) => tell("connection", name, typeof address === "string" ? address : "", ""));
  }
  // The proxy is not asked for these.
  const early = (/** @type {Node} */ node) => {
    if (!(node instanceof HTMLLinkElement) || !/\b(dns-prefetch|preconnect)\b/i.test(node.rel)) return;
    if (URL.canParse(node.href) && new URL(node.href).host !== location.host) tell("connection", node.rel, new URL(node.href).host, "");
  };
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) for (const node of [target, ...addedNodes]) early(node);
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["rel", "href"] });
}
