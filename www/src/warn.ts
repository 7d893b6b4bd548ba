/** Warnings of one page. Invariant: each text is said once, however often its cause returns. */
const said = new Set<string>();

export function warnOnce(text: string, error: unknown): void {
  if (!said.has(text)) console.warn(`pocketrank: ${text}`, error);
  said.add(text);
}
