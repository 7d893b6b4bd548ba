/** Products, quantizing and the bounded heap, over typed arrays: what the twin and the bare product share. */

const fround = Math.fround;

/**
 * Eight products at a time: of a plain loop, four sums, doubles and this, the fastest in V8. `dims` is a multiple of 8. Sums are
 * whole numbers of 32 bits, so that their order does not matter.
 */
export function dot(a: Int16Array | Int8Array, b: Int8Array, at: number, dims: number): number {
  let sum = 0;
  for (let i = 0, j = at; i < dims; i += 8, j += 8) {
    sum =
      (sum +
        Math.imul(a[i] as number, b[j] as number) +
        Math.imul(a[i + 1] as number, b[j + 1] as number) +
        Math.imul(a[i + 2] as number, b[j + 2] as number) +
        Math.imul(a[i + 3] as number, b[j + 3] as number) +
        Math.imul(a[i + 4] as number, b[j + 4] as number) +
        Math.imul(a[i + 5] as number, b[j + 5] as number) +
        Math.imul(a[i + 6] as number, b[j + 6] as number) +
        Math.imul(a[i + 7] as number, b[j + 7] as number)) |
      0;
  }
  return sum;
}

/** Quantizes to 16 bits and gives the worth of a unit. */
export function quantize(values: Float64Array, to: Int16Array): number {
  const unit = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 32767;
  values.forEach((value, at) => (to[at] = roundHalfToEven(value / unit)));
  return fround(unit);
}

function roundHalfToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** Whether candidate `a` is worse than `b`: a lower score, or a later place in the list. */
function worse(scores: Float32Array, a: number, b: number): boolean {
  const x = scores[a] as number;
  const y = scores[b] as number;
  return x < y || (x === y && a > b);
}

export function sink(heap: Uint32Array, scores: Float32Array, at: number, size: number): void {
  const moved = heap[at] as number;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && worse(scores, heap[child + 1] as number, heap[child] as number)) child++;
    if (!worse(scores, heap[child] as number, moved)) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = moved;
}

export function heapify(heap: Uint32Array, scores: Float32Array, size: number): void {
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(heap, scores, at, size);
}
