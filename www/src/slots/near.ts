/**
 * When a slot's model is worth its bytes: the slot comes near the viewport, or the page has loaded and has nothing else to do.
 *
 * Invariant: it follows from page, viewport and time, not from the visitor.
 */

/** How far from the viewport is near. */
const MARGIN = "600px 0px";
/** Where the browser does not tell when it is idle, in milliseconds after the page has loaded. */
const REST = 300;

let resting: Promise<void> | undefined;

/** Settles when the page has loaded and is idle, or `signal` ends it. */
export function idle(signal: AbortSignal): Promise<void> {
  const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  return Promise.race([ended, rest()]);
}

function rest(): Promise<void> {
  resting ??= new Promise((resolve) => {
    const wait = () => void ("requestIdleCallback" in window ? requestIdleCallback(() => resolve()) : setTimeout(resolve, REST));
    if (document.readyState === "complete") wait();
    else window.addEventListener("load", wait, { once: true });
  });
  return resting;
}

/** Settles when the slot is near, or the page idle, or `signal` ends it. */
export async function near(slot: Element, signal: AbortSignal): Promise<void> {
  await Promise.race([stands(slot, ({ isIntersecting }) => isIntersecting, MARGIN), idle(signal)]);
}

/** Settles when the slot is below what is in view: what changes its height then moves nothing that anybody sees. */
export function below(slot: Element): Promise<void> {
  return stands(slot, ({ isIntersecting, boundingClientRect }) => !isIntersecting && boundingClientRect.top > 0);
}

/** Settles when the slot stands so, to the viewport with that margin. */
function stands(slot: Element, holds: (entry: IntersectionObserverEntry) => boolean, rootMargin?: string): Promise<void> {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.slice(-1).some(holds)) return;
        observer.disconnect();
        resolve();
      },
      { rootMargin },
    );
    observer.observe(slot);
  });
}
