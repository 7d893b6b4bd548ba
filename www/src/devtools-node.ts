/** The entry `pocketrank/devtools` where there is no page: there is nothing to show. */
export async function show(): Promise<void> {
  // No page, no overlay.
}

export function hide(): void {
  // It was never shown.
}
