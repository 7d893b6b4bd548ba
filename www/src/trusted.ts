/**
 * Addresses of scripts for workers, which Trusted Types want to come from a policy.
 *
 * Invariant: no address but one of the page's own origin, made by this program and not from a text of the page or the network, becomes one.
 */

declare global {
  interface Window {
    /** https://www.w3.org/TR/trusted-types/; absent where the browser does not have it. */
    readonly trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(text: string): string }): { createScriptURL(text: string): string } };
  }
}

/** Policies by their names: a page that lists those that it allows lets each be made once. */
const policies = new Map<string, ReturnType<NonNullable<typeof window.trustedTypes>["createPolicy"]> | undefined>();

/** @param policy its name, for pages that list in `trusted-types` what they allow @throws where the page does not allow it */
export function scriptUrl(policy: string, url: URL): string {
  if (url.origin !== location.origin) throw new Error(`${url.origin} is not the page's own origin`);
  if (!policies.has(policy)) policies.set(policy, window.trustedTypes?.createPolicy(policy, { createScriptURL: (text) => text }));
  const own = policies.get(policy);
  return own ? own.createScriptURL(url.href) : url.href;
}
