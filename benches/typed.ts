/** The bare product by typed arrays: the peer of `product.mjs`. */
import { dot, heapify, sink } from "./arrays.ts";

export { factors, sections } from "./packed.ts";

/** The best of a product, by a bounded heap. Its buffers are kept. */
export class Best {
  readonly #heap: Uint32Array;
  #scores = new Float32Array(0);

  constructor(count: number) {
    this.#heap = new Uint32Array(count);
  }

  /** Indices of the best rows, the best first; ties keep the order of the rows. */
  of(vector: Int8Array, rows: Int8Array, scales: Uint16Array): Uint32Array {
    const dims = vector.length;
    const heap = this.#heap;
    if (this.#scores.length < scales.length) this.#scores = new Float32Array(scales.length);
    const scores = this.#scores;
    let size = 0;
    for (let row = 0; row < scales.length; row++) {
      const score = dot(vector, rows, row * dims, dims) * (scales[row] as number);
      scores[row] = score;
      if (size < heap.length) {
        heap[size++] = row;
        if (size === heap.length) heapify(heap, scores, size);
      } else if (score > (scores[heap[0] as number] as number)) {
        heap[0] = row;
        sink(heap, scores, 0, size);
      }
    }
    return heap.subarray(0, size).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  }
}
