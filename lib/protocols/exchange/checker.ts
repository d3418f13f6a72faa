import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { deferOn } from '../../foundation/clock.ts'
import type { ExchangeInput } from './events.ts'
import { groupOf } from './record.ts'

interface Check {
  readonly from: PeerId
  readonly owner: PeerId
  readonly record: Uint8Array
}

/** Checks records one at a time, between which other input is read: a list of 64 costs as many signatures. */
export class Checker {
  readonly #context: ProtocolContext
  readonly #onDone: (input: ExchangeInput) => void
  /** The state bounds how many there can be. */
  #queue: Check[] = []
  #isRunning = false

  constructor(context: ProtocolContext, onDone: (input: ExchangeInput) => void) {
    this.#context = context
    this.#onDone = onDone
  }

  push(check: Check): void {
    this.#queue.push(check)
    if (this.#isRunning) return
    this.#isRunning = true
    deferOn(this.#context.clock, this.#next)
  }

  clear(): void {
    this.#queue = []
  }

  readonly #next = (): void => {
    void this.#checkOne()
  }

  #isLinked(owner: PeerId): boolean {
    return this.#context.peers().some(({ peerId }) => peerId === owner)
  }

  async #checkOne(): Promise<void> {
    const check = this.#queue.shift()
    if (check !== undefined) this.#onDone(await this.#judged(check))
    if (this.#queue.length > 0) deferOn(this.#context.clock, this.#next)
    else this.#isRunning = false
  }

  /** Signed by its owner; and, of somebody linked, taken by the node's address book, which refuses what must not be dialled. */
  async #judged({ from, owner, record }: Check): Promise<ExchangeInput> {
    const { clock, addresses } = this.#context
    try {
      const message = await this.#context.verify(record)
      if (message.protocol !== 'peer' || message.type !== 'record') return { kind: 'unchecked', from, owner, isFault: true }
      const usable = this.#isLinked(message.from) && await addresses.add(record, from)
      return {
        kind: 'checked', from, owner: message.from, record, statedAtMs: message.timestamp, wallMs: clock.now(), usable, group: groupOf(firstAddressOf(message.payload)),
      }
    } catch (error) {
      return { kind: 'unchecked', from, owner, isFault: error instanceof P2PError && error.code.startsWith('ERR_WIRE_') }
    }
  }
}

function firstAddressOf(payload: unknown): string | undefined {
  const addresses: unknown = (payload as { addresses?: unknown } | null)?.addresses
  const first: unknown = Array.isArray(addresses) ? addresses[0] : undefined
  return typeof first === 'string' ? first : undefined
}
