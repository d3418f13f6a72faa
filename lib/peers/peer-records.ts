import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerAddresses, PeerInfo } from '../contracts/peer.ts'
import type { LocalNode } from './local-node.ts'
import type { PeerManager } from './peer-manager.ts'
import { randomFraction } from '../foundation/random.ts'
import { transportFor } from './dialer.ts'
import { isLocalHost } from './network-address.ts'

/** A record is its owner's signed frame under these words: anyone can check it, nobody can change it. */
const RECORD_PROTOCOL = 'peer'
const RECORD_TYPE = 'record'
const ADDRESSES_MAX = 4
const ADDRESS_BYTES_MAX = 128

/** Signed statements of where peers can be reached: ours to give, others' to keep. */
export class PeerRecordBook {
  readonly #node: LocalNode
  readonly #manager: PeerManager

  constructor(node: LocalNode, manager: PeerManager) {
    this.#node = node
    this.#manager = manager
  }

  /** Our own record, signed now. */
  own(): Promise<Uint8Array> {
    const addresses = this.#manager.listenAddresses().slice(0, ADDRESSES_MAX)
    return new Promise((resolve, reject) => {
      this.#node.author.sign({ protocol: RECORD_PROTOCOL, type: RECORD_TYPE, payload: { addresses } }, (error, signed) => {
        if (signed === null) reject(error as Error)
        else resolve(signed.frame)
      })
    })
  }

  /** Keeps another's record. False when it says nothing we can dial, or nothing newer than what we know. Rejects with ERR_WIRE_* for one that does not verify. */
  async add(record: Uint8Array): Promise<boolean> {
    const message = this.#node.intake.verify(record)
    if (message.protocol !== RECORD_PROTOCOL || message.type !== RECORD_TYPE) {
      throw new P2PError(ErrorCode.WIRE_MALFORMED, `expected a peer record, got ${message.protocol ?? 'no protocol'}/${message.type}`)
    }
    const addresses = this.#dialable(message.payload)
    if (message.from === this.#node.id || Object.keys(addresses).length === 0) return false
    const peer = this.#manager.table.ensure(message.from, this.#node.clock.elapsedMs())
    // Anybody may hand in what a peer said long ago.
    if (message.timestamp <= peer.recordedAtMs) return false
    peer.recordedAtMs = message.timestamp
    peer.addAddresses(addresses)
    return true
  }

  /** Up to `count` peers with an address, drawn at random. */
  sample(count: number): PeerInfo[] {
    const known = [...this.#manager.table].filter(record => record.hasAddress)
    const drawn: PeerInfo[] = []
    while (drawn.length < count && known.length > 0) {
      const [record] = known.splice(Math.floor(randomFraction(this.#node.random) * known.length), 1)
      drawn.push(record!.room)
    }
    return drawn
  }

  #dialable(payload: unknown): PeerAddresses {
    const claimed: unknown = (payload as { addresses?: unknown } | null)?.addresses
    const found: Record<string, string> = {}
    if (!Array.isArray(claimed) || claimed.length > ADDRESSES_MAX) return found
    for (const address of claimed as unknown[]) {
      if (typeof address !== 'string' || address.length > ADDRESS_BYTES_MAX) continue
      // Else a stranger could have us knock at doors inside our own network.
      if (!this.#manager.isPrivate && isLocalHost(address)) continue
      const transport = transportFor(address, this.#manager.transports)
      if (transport) found[transport.name] ??= address
    }
    return found
  }
}
