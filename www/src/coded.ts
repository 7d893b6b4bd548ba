/** An `Error` with a stable `code`, as those that come from the wasm. */
export function coded(code: string, message: string, cause?: unknown): Error & { code: string } {
  return Object.assign(new Error(message, { cause }), { code });
}
