/**
 * What outlives an instance of the wasm. A panic ends the instance with all that it was about to do; another takes its place at once, and here,
 * in JavaScript, is what the pages under way need from then on: their bodies, their handlers, and who waits for an answer.
 *
 * Invariant: what is called of an instance is called through `entries`, which are always those of the living one, and whoever waits for it is told
 * when it ends. No handler throws, because that would cut the page off.
 */
// @ts-expect-error wasm-bindgen puts this file three folders below what it makes.
import { __wbg_reset_state as renew } from "../../../index.js";
import { isRenewable } from "./nonce.mjs";

/**
 * @typedef {object} Entries what an instance does
 * @property {(request: Request, env: object, context: Context) => Promise<[Response | Promise<Response>]>} answer in an array of its own, so that
 *   what was passed on is waited for here
 * @property {(request: Request, error: unknown) => Response} failed what a request gets that was passed on in vain
 * @property {(request: Request, env: object, filled: Set<string>, lang: string, element: Element) => Promise<void> | undefined} slot nothing if
 *   there was nothing to wait for
 * @property {(filled: Set<string>, end: object) => undefined} end
 */
/** @typedef {{ waitUntil: (promise: Promise<unknown>) => void }} Context */
/** @typedef {{ on: (selector: string, handlers: object) => Rewriter, onDocument: (handlers: object) => Rewriter, transform: (response: Response) => Response }} Rewriter */

/** What comes instead of a result if the instance ended before. */
const lost = Symbol("lost");
/** How many wait at most; more than requests that an isolate has at a time. */
const most = 10_000;
/** How long a request waits at most, in milliseconds: longer than all that it waits for. */
const longest = 600_000;
/** The largest page that is kept, in bytes. */
const largest = 1 << 23;
/** How often a request is begun that has no body, so that it can be: others may panic more than once. */
const tries = 10;

/** @type {Entries | undefined} */
let entries;
/** @type {Set<() => void>} */
const waiting = new Set();

/**
 * Writes a line of the log, as `log.rs` does; docs/DEPLOY.md has the events. What was thrown may name an address, which is left out.
 * @param {string} event
 * @param {string} reason
 * @param {string} message
 * @param {unknown} [error]
 */
function warn(event, reason, message, error) {
  const thrown = error === undefined ? "" : `: ${String(error).replaceAll(/\S*:\/\/\S*/g, "(address)")}`;
  console.warn(JSON.stringify({ level: "warn", event, reason, message: `${message}${thrown}` }));
}

/** An instance has begun; those who wait for the one before wait for nothing. @param {Entries} living */
export function begin(living) {
  entries = living;
  for (const giveUp of waiting) giveUp();
  waiting.clear();
}

/** Whether an instance ends with that: with a trap, or a stack without end, also where wasm-bindgen has wrapped it. @param {unknown} error */
function isFatal(error) {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof WebAssembly.RuntimeError || cause instanceof RangeError) return true;
  }
  return false;
}

/**
 * Replaces an instance that has ended, before anything is called that belonged to it: wasm-bindgen would give it to the next instance.
 * @param {unknown} error
 */
function replace(error) {
  if (!isFatal(error)) return false;
  warn("instance", "ended", "a fault of the worker ended its instance, and another took its place; report it", error);
  renew();
  // worker-build's shim would replace it once more when the next request comes.
  /** @type {any} */ (globalThis).__worker_init_state.criticalError = false;
  return true;
}

// What runs in no call of ours, as futures do, ends here. Heard before the shim, which would only take note.
addEventListener("error", (event) => {
  if (replace(/** @type {ErrorEvent} */ (event).error)) event.stopImmediatePropagation();
});

/**
 * The result of a call, or `lost`. Who waits has a timer running: the platform ends a request that waits for nothing of its own, and that the instance
 * has ended is heard from another request.
 * @template T
 * @param {(living: Entries) => Promise<T>} call
 * @returns {Promise<T | typeof lost>}
 */
function outlive(call) {
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(lost);
    const awake = setTimeout(() => undefined, longest);
    waiting.add(giveUp);
    const leave = () => {
      clearTimeout(awake);
      waiting.delete(giveUp);
    };
    // Who has left never comes back to be taken out.
    for (const oldest of waiting) if (waiting.size > most) waiting.delete(oldest);
      else break;
    try {
      call(/** @type {Entries} */ (entries)).then(resolve, reject).finally(leave);
    } catch (error) {
      leave();
      if (replace(error)) giveUp();
      else reject(error);
    }
  });
}

/**
 * Makes a call of a handler; the rewriter waits for it only if it has something to wait for, which takes the platform a while.
 * @param {string} what
 * @param {(living: Entries) => Promise<void> | undefined} call
 */
function handle(what, call) {
  const told = (/** @type {unknown} */ error) => warn("platform", "thrown", what, error);
  try {
    const promise = call(/** @type {Entries} */ (entries));
    return promise && outlive(() => promise).catch(told);
  } catch (error) {
    return replace(error) ? undefined : told(error);
  }
}

/** The answer to a request. @param {Request} request @param {object} env @param {Context} context */
export async function answer(request, env, context) {
  const isRepeatable = request.method === "GET" || request.method === "HEAD";
  for (let left = isRepeatable ? tries : 1; left > 0; left--) {
    const answered = outlive((living) => living.answer(request, env, context));
    // Also where the visitor has left: what is given up half-way never gives its memory back.
    context.waitUntil(answered);
    const found = await answered;
    if (found === lost) continue;
    try {
      return await found[0];
    } catch (error) {
      // A connection that upstream has closed for being idle ends like one that fails.
      if (isRepeatable && left === tries) continue;
      const failed = await outlive((living) => Promise.resolve(living.failed(request, error)));
      if (failed !== lost) return failed;
    }
  }
  return new Response("This page cannot be had at the moment.\n", { status: 503, headers: { "Retry-After": "1" } });
}

/**
 * The response with its slots filled for the request while it is read, and at its end the model of what fills them if `carries`. A slot that is lost
 * stays as upstream made it.
 * @param {Response} response
 * @param {Request} request
 * @param {object} env
 * @param {boolean} carries
 */
export function rewrite(response, request, env, carries) {
  /** @type {Set<string>} */
  const filled = new Set();
  let lang = "";
  // One handler for both: each is an object of the platform that a garbage collection has to take apart.
  /** @type {Rewriter} */
  const rewriter = new /** @type {any} */ (globalThis).HTMLRewriter().on("html, [data-pocketrank-slot]", {
    element: (/** @type {Element} */ element) => {
      if (element.tagName === "html") lang ||= element.getAttribute("lang") ?? "";
      if (element.hasAttribute("data-pocketrank-slot")) return handle("a slot", (living) => living.slot(request, env, filled, lang, element));
    },
  });
  if (carries) {
    rewriter.onDocument({
      end: (/** @type {object} */ end) => handle("the end of a page", (living) => living.end(filled, end)),
    });
  }
  return rewriter.transform(response);
}

/**
 * Keeps a response in the cache, if it comes to its end. It is read to there first, because the cache takes what was cut off for the whole, and
 * who reads slower than the cache would hold it in memory anyway.
 * @param {string} url
 * @param {Response} response
 */
export async function keep(url, response) {
  try {
    const body = await whole(response);
    const refused = !body || !(await isRenewable(response, body));
    // What was kept before is not what upstream has now.
    if (refused) await /** @type {any} */ (caches).default.delete(url);
    if (!body) warn("cache", "too_large", `a page has more than ${largest} bytes and was not kept`);
    else if (refused) warn("cache", "nonces", "a page with nonces that its header does not have, or short ones, was not kept");
    else await /** @type {any} */ (caches).default.put(url, new Response(body, response));
  } catch (error) {
    warn("cache", "cut_off", "a page was not kept", error);
  }
}

/** The body of a response; nothing if it is too large. @param {Response} response */
async function whole(response) {
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
  const pieces = [];
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces);
    length += value.length;
    if (length > largest) return void (await reader.cancel());
    pieces.push(value);
  }
}

/**
 * The headers of a request but some, with those encodings. An object of plain values: `Headers` would wait for a garbage collection.
 * @param {Request} request
 * @param {string[]} drops in small letters
 * @param {string} encodings
 */
export function headersOf(request, drops, encodings) {
  /** @type {Record<string, string>} */
  const headers = {};
  request.headers.forEach((value, name) => {
    if (!drops.includes(name)) headers[name] = value;
  });
  headers["accept-encoding"] = encodings;
  return headers;
}

/**
 * What comes of a promise, in a list of one, or nothing where the time is over, in milliseconds. The timer ends with the wait: one that is left to
 * itself holds what it waited for until a garbage collection of everything. No closure of an instance stands behind it, so that none stays where the
 * platform gives up the request.
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} promise
 * @returns {Promise<[T] | undefined>}
 */
export function within(milliseconds, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), milliseconds);
    promise.then((value) => resolve([value]), reject).finally(() => clearTimeout(timer));
  });
}
