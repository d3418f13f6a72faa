/** From this size on an allocation of its own costs little beside the copy. */
const POOLED_BYTES_MAX = 4_096
const SLAB_BYTES = 32_768

/**
 * Copies short-lived bytes into slabs, because an allocation of a kilobyte costs more than writing it. Only for what
 * leaves soon and stays in the house, such as frames in an outbox: one that is kept keeps its whole slab.
 */
export class FramePool {
  #slab: Uint8Array = new Uint8Array(0)
  #used = 0

  /** A copy of the first `size` bytes. */
  copy(bytes: Uint8Array, size: number): Uint8Array {
    if (size > POOLED_BYTES_MAX) return bytes.slice(0, size)
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + size)
    copy.set(size === bytes.length ? bytes : bytes.subarray(0, size))
    this.#used += size
    return copy
  }
}
