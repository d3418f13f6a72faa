/** Bytes and waiting, for the second implementation of docs/wire.md. Nothing in this folder imports lib. */

export const EMPTY: Uint8Array = new Uint8Array(0)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** A big-endian integer of so many bytes. */
export function uint(value: number | bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let rest = BigInt(value)
  for (let at = size - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

export function readUint(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let index = at; index < at + size; index++) value = value * 256 + bytes[index]!
  return value
}

export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf8'))
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** A copy with one byte, or a run of them, replaced. */
export function patched(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice()
  copy.set(values, at)
  return copy
}

/** A copy with one bit turned. */
export function flipped(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  return patched(bytes, at, bytes[at]! ^ (1 << bit))
}

/** Rejects where the promise takes longer than it may. */
export async function within<T>(promise: Promise<T>, what: string, ms = 5_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until it is so; rejects where that takes longer than it may. */
export async function until(isSo: () => boolean, what: string | (() => string), ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain until ${typeof what === 'string' ? what : what()}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** What arrives, in order, for one reader who may wait. */
export class Inbox<T> {
  readonly all: T[] = []
  #read = 0
  #waiting: (() => void)[] = []
  #ended = false

  push(item: T): void {
    this.all.push(item)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  get unread(): number {
    return this.all.length - this.#read
  }

  /** The next item; undefined after the end. */
  async next(what: string, ms?: number): Promise<T | undefined> {
    while (this.#read === this.all.length) {
      if (this.#ended) return undefined
      await within(new Promise<void>(resolve => this.#waiting.push(resolve)), what, ms)
    }
    return this.all[this.#read++]
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
