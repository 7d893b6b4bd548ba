/**
 * Nonces of a Content-Security-Policy on pages that are cached: each visitor gets others, in the header and wherever the page has them.
 *
 * Invariant: a page is kept only if all of its nonces are those of its header, and each is long enough to be found in the page without
 * being mistaken for something else. What a nonce is replaced by has its length.
 */

const headers = ["Content-Security-Policy", "Content-Security-Policy-Report-Only"];
/** Shorter ones could be words of the page; 64 bits are 16 digits. */
const least = 16;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The nonces in a response's header. @param {Response} response */
function nonces(response) {
  const policies = headers.map((name) => response.headers.get(name) ?? "").join();
  return new Set([...policies.matchAll(/'nonce-([^']*)'/gi)].map(([, nonce = ""]) => nonce));
}

/** Whether a page can be kept: the nonces that are in it are those of its header. @param {Response} response @param {Blob} body */
export async function isRenewable(response, body) {
  const known = nonces(response);
  if ([...known].some((nonce) => nonce.length < least || !/^[\w+/=-]+$/.test(nonce))) return false;
  // Where one begins with another, or letters take two bytes, they would not be found as they are.
  if ([...known].some((nonce) => [...known].some((other) => other !== nonce && other.startsWith(nonce)))) return false;
  if (known.size > 0 && /charset\s*=\s*["']?utf-16/i.test(response.headers.get("Content-Type") ?? "")) return false;
  // In attributes, and in the policy of a <meta>. What only looks like one keeps the page from the cache, which does no harm.
  const text = new TextDecoder("latin1").decode(await body.arrayBuffer());
  const found = [...text.matchAll(/(?:[\s"'/]nonce\s*=\s*["']?|(?:'|&#0*39;|&#x0*27;|&apos;)nonce-)([^\s"'<>&;]+)/gi)];
  return found.every(([, nonce = ""]) => known.has(nonce));
}

/** A nonce of that length that nobody knows. @param {number} length */
function fresh(length) {
  return [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => alphabet[byte & 63]).join("");
}

/** The response with nonces of its own. @param {Response} response */
export function renew(response) {
  const renewed = [...nonces(response)].map((nonce) => ({ nonce, other: fresh(nonce.length) }));
  if (renewed.length === 0) return response;
  const others = new Map(renewed.map(({ nonce, other }) => [nonce, other]));
  const answer = new Response(response.body?.pipeThrough(replacing(renewed)), response);
  for (const name of headers) {
    const policy = answer.headers.get(name);
    if (policy) answer.headers.set(name, policy.replace(/'nonce-([^']*)'/gi, (text, /** @type {string} */ nonce) => (others.has(nonce) ? `'nonce-${others.get(nonce)}'` : text)));
  }
  return answer;
}

/**
 * Replaces texts by others of the same length as bytes stream through, and holds back only what may be the beginning of one.
 * @param {{ nonce: string, other: string }[]} renewed
 * @returns {TransformStream<Uint8Array, Uint8Array>}
 */
function replacing(renewed) {
  const encoder = new TextEncoder();
  const pairs = renewed.map(({ nonce, other }) => ({ old: encoder.encode(nonce), other: encoder.encode(other) }));
  let held = new Uint8Array();
  return new TransformStream({
    transform(piece, controller) {
      const bytes = new Uint8Array(held.length + piece.length);
      bytes.set(held);
      bytes.set(piece, held.length);
      let end = bytes.length;
      for (const { old, other } of pairs) {
        for (let at = bytes.indexOf(old[0] ?? 0); at !== -1; at = bytes.indexOf(old[0] ?? 0, at + 1)) {
          const same = old.findIndex((byte, n) => bytes[at + n] !== byte);
          if (same === -1) bytes.set(other, at);
          else if (at + same === bytes.length) end = Math.min(end, at);
        }
      }
      held = bytes.slice(end);
      if (end > 0) controller.enqueue(bytes.subarray(0, end));
    },
    flush(controller) {
      if (held.length > 0) controller.enqueue(held);
    },
  });
}
