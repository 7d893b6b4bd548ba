/**
 * Requests of the plan. Invariant: no more bytes are taken in than the plan allows, whatever the answer announces, and none after its
 * time; what comes of it is an answer to the plan, never an error, unless following was stopped.
 */
import type { Answer, Request } from "./plan.js";

/** How a host asks. */
export interface Asking {
  /** What goes with each request. `fresh`: past what a cache gave before, which was not what the manifest says. */
  init(kind: Request["kind"], fresh: boolean): RequestInit;
  /** Whether it has no cache of its own that revalidates, and may follow redirections by itself. */
  bare: boolean;
}

/** How many redirections are followed, and what is one. */
const MOST = 5;
const REDIRECTIONS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export async function ask(base: URL, request: Request, { init, bare }: Asking, fresh: boolean, stopped: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(request.timeout);
  const signal = AbortSignal.any([timeout, stopped]);
  const own = { ...init(request.kind, fresh), signal, redirect: bare ? ("manual" as const) : ("follow" as const) };
  if (bare && request.etag) own.headers = { "If-None-Match": request.etag };
  try {
    const response = await follow(new URL(request.url, base), own);
    if (!response) return { failed: "redirected" };
    if (response.status === 200) {
      const body = await take(response, request.limit);
      return body ? { body, etag: response.headers.get("etag") ?? "" } : { failed: "too_long" };
    }
    await response.body?.cancel();
    const after = /^\d{1,9}$/.exec(response.headers.get("retry-after") ?? "");
    return { status: response.status, ...(after && { retryAfter: Number(after[0]) }) };
  } catch {
    stopped.throwIfAborted();
    if (timeout.aborted) return { failed: "timeout" };
    // What else `fetch` and the stream of its body throw is a connection that failed.
    return { failed: "network" };
  }
}

/** Follows a few redirections, by itself where the host lets it; nothing for more, or for one that leads away from HTTP. */
async function follow(url: URL, init: RequestInit): Promise<Response | undefined> {
  for (let left = MOST; ; left -= 1) {
    const response = await fetch(url, init);
    const location = response.headers.get("location");
    if (!REDIRECTIONS.has(response.status) || !location) return response;
    await response.body?.cancel();
    const next = new URL(location, url);
    const isSafe = next.protocol === "https:" || next.protocol === url.protocol;
    if (left === 0 || !isSafe) return undefined;
    url = next;
  }
}

/** The body, if it has no more bytes than that. */
async function take(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      return undefined;
    }
    pieces.push(value);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
