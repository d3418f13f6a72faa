/** Reads fixed-width fields one after the other; a body too short gives null at the end, never an exception. */
export class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) {
      this.#failed = true
      return new Uint8Array(length)
    }
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  u8(): number {
    return this.take(1)[0]!
  }

  u16(): number {
    const [a, b] = this.take(2)
    return a! * 256 + b!
  }

  u32(): number {
    const [a, b, c, d] = this.take(4)
    return ((a! * 256 + b!) * 256 + c!) * 256 + d!
  }

  /** A big-endian u64; bigint, since amounts are compared exactly. */
  u64(): bigint {
    return BigInt(this.u32()) * 2n ** 32n + BigInt(this.u32())
  }

  counted(): Uint8Array {
    return this.take(this.u8())
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** True when all that was asked for was there and nothing is left over. */
  get isDone(): boolean {
    return !this.#failed && this.#at === this.#bytes.length
  }

  get hasFailed(): boolean {
    return this.#failed
  }
}
