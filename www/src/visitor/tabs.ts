/** What tabs of one site tell each other. Invariant: a channel stores nothing, and nobody hears what was recorded. */

/** That consent has changed or has ended, that something was recorded, or what a source says. */
export type Said = "changed" | "withdrawn" | "recorded" | { source: string; answer: number };

/**
 * Gives what tells other tabs; where the browser has no such thing, a tab sees what others did when it reads or writes next.
 * @param hear is told what they say, or what another script of the site has put on the channel
 */
export function join(hear: (said: Said | undefined) => void): (said: Said) => void {
  if (!window.BroadcastChannel) return () => undefined;
  const tabs = new BroadcastChannel("pocketrank");
  tabs.onmessage = ({ data }) => hear(data as Said | undefined);
  return (said) => tabs.postMessage(said);
}
