import type { ProtocolContext } from '../../contracts/protocol.ts'
import { OWN_RECORD_MS } from './limits.ts'

/** Our own signed record, signed anew when it is ten minutes old or we can be reached elsewhere. */
export class OwnRecord {
  readonly #context: ProtocolContext
  #record: Uint8Array | null = null
  #signedAtMs = Number.NEGATIVE_INFINITY
  #said = ''

  constructor(context: ProtocolContext) {
    this.#context = context
  }

  /** Null while we listen nowhere. `isNew` where it names other addresses than the last. */
  async get(): Promise<{ record: Uint8Array | null; isFresh: boolean; isNew: boolean }> {
    const { clock, localPeer, addresses } = this.#context
    const says = JSON.stringify(localPeer.addresses)
    const isNew = says !== this.#said
    if (!isNew && clock.elapsedMs() - this.#signedAtMs < OWN_RECORD_MS) return { record: this.#record, isFresh: false, isNew: false }
    this.#said = says
    this.#signedAtMs = clock.elapsedMs()
    this.#record = Object.keys(localPeer.addresses).length === 0 ? null : await addresses.own()
    return { record: this.#record, isFresh: true, isNew }
  }
}
