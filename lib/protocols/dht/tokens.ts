import type { PeerId } from '../../contracts/message.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { TOKEN_BYTES, TOKEN_MS } from './limits.ts'
import type { Targets } from './position.ts'

/**
 * Leave to write, given with an answer and good for one to two times five minutes: bound to who asked and for which key. Who wants to
 * write somewhere has to ask there first.
 */
export class WriteTokens {
  readonly #targets: Targets
  readonly #draw: () => Uint8Array
  #secret: Uint8Array
  #secretBefore: Uint8Array
  #sinceMs = 0

  constructor(targets: Targets, draw: () => Uint8Array) {
    this.#targets = targets
    this.#draw = draw
    this.#secret = draw()
    this.#secretBefore = draw()
  }

  give(peer: PeerId, target: Uint8Array, nowMs: number): Uint8Array {
    this.#turn(nowMs)
    return this.#token(this.#secret, peer, target)
  }

  isGood(token: Uint8Array, peer: PeerId, target: Uint8Array, nowMs: number): boolean {
    this.#turn(nowMs)
    return equalBytes(token, this.#token(this.#secret, peer, target)) || equalBytes(token, this.#token(this.#secretBefore, peer, target))
  }

  #token(secret: Uint8Array, peer: PeerId, target: Uint8Array): Uint8Array {
    return this.#targets.token(secret, peer, target).slice(0, TOKEN_BYTES)
  }

  #turn(nowMs: number): void {
    const passed = nowMs - this.#sinceMs
    if (passed < TOKEN_MS) return
    this.#secretBefore = passed < 2 * TOKEN_MS ? this.#secret : this.#draw()
    this.#secret = this.#draw()
    this.#sinceMs = nowMs - passed % TOKEN_MS
  }
}
