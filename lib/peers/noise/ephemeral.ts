import type { IClock } from '../../contracts/clock.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { RandomBytes } from '../../contracts/random.ts'
import { drawScalar } from '../../crypto/draw-scalar.ts'
import { wipe } from '../../foundation/bytes.ts'
import { deferOn } from '../../foundation/clock.ts'
import { toHex } from '../../foundation/hex.ts'

/** A key for one handshake. Whoever holds it wipes the secret. */
export interface Ephemeral {
  readonly secret: Uint8Array
  /** 33 bytes, compressed. */
  readonly point: Uint8Array
}

export function drawEphemeral(backend: ICryptoBackend, random: RandomBytes): Ephemeral {
  const secret = drawScalar(random)
  return { secret, point: backend.publicKeyOf(secret) }
}

/** A spare that nobody needed for so long is forgotten: no secret of a session to come should lie about. */
const SPARE_MS_MAX = 10_000

/** One key that was drawn while there was nothing else to do, so that the next handshake need not wait for it. */
export class SpareEphemeral {
  readonly #crypto: () => ICryptoBackend
  readonly #random: RandomBytes
  readonly #clock: IClock
  #spare: Ephemeral | undefined
  #expiry: Disposable | undefined
  #closed = false

  constructor(crypto: () => ICryptoBackend, random: RandomBytes, clock: IClock) {
    this.#crypto = crypto
    this.#random = random
    this.#clock = clock
  }

  /** The spare, or a key drawn now. Its secret is the caller's to wipe. */
  take(): Ephemeral {
    const spare = this.#spare
    this.#spare = undefined
    this.#expiry?.[Symbol.dispose]()
    return spare ?? drawEphemeral(this.#crypto(), this.#random)
  }

  /** A handshake is done: draws the next key once this turn's work is. */
  refill(): void {
    deferOn(this.#clock, () => {
      if (this.#closed || this.#spare !== undefined) return
      this.#spare = drawEphemeral(this.#crypto(), this.#random)
      this.#expiry = this.#clock.schedule(SPARE_MS_MAX, () => this.#drop())
    })
  }

  /** Forgets the spare, and makes no more. */
  wipe(): void {
    this.#closed = true
    this.#drop()
  }

  #drop(): void {
    wipe(this.#spare?.secret)
    this.#spare = undefined
    this.#expiry?.[Symbol.dispose]()
  }
}

/** Sockets between their upgrade and their handshake; past it the first to be named is forgotten, and that handshake draws another. */
const NAMED_MAX = 64

/**
 * Ephemeral keys that a listener names with its answer to a dial, before the dialler's first act is here: the dialler
 * then does its part of the curve while the listener does its own.
 */
export class NamedEphemerals {
  readonly #spare: SpareEphemeral
  readonly #named = new Map<string, Ephemeral>()

  constructor(spare: SpareEphemeral) {
    this.#spare = spare
  }

  get size(): number {
    return this.#named.size
  }

  /** A fresh key's point, 33 bytes. */
  name(): Uint8Array {
    const ephemeral = this.#spare.take()
    if (this.#named.size >= NAMED_MAX) this.#forget(this.#named.keys().next().value!)
    this.#named.set(toHex(ephemeral.point), ephemeral)
    return ephemeral.point
  }

  /** The key of this point, once; its secret is the caller's to wipe. */
  take(point: Uint8Array): Ephemeral | undefined {
    const id = toHex(point)
    const ephemeral = this.#named.get(id)
    this.#named.delete(id)
    return ephemeral
  }

  /** Forgets all of them. */
  wipe(): void {
    for (const id of [...this.#named.keys()]) this.#forget(id)
  }

  #forget(id: string): void {
    wipe(this.#named.get(id)?.secret)
    this.#named.delete(id)
  }
}
