/** What a source of consent says: bits of `Signals.answers`, and 0 where it does not apply to the visitor. */
export const ALLOWED = 1;
export const AWAITED = 2;
export const OBJECTED = 4;
/** Not from a source: their yes is for the profile that lasts. */
export const LASTING = 8;
