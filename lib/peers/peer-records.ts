import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import { PeerState, type PeerAddresses, type PeerInfo } from '../contracts/peer.ts'
import { fromHex } from '../foundation/hex.ts'
import type { LocalNode } from './local-node.ts'
import type { PeerManager } from './peer-manager.ts'

/** A record is its owner's signed frame under these words: anyone can check it, nobody can change it. */
const RECORD_PROTOCOL = 'peer'
const RECORD_TYPE = 'record'
const ADDRESSES_MAX = 4

/** Signed statements of where peers can be reached: ours to give, others' to keep in the address book. */
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

  /**
   * Keeps another's record, told by `from`. False when it says nothing we can dial, nothing newer than what we know, or more than
   * its source may tell. Rejects with ERR_WIRE_* for one that does not verify.
   */
  async add(record: Uint8Array, from?: PeerId): Promise<boolean> {
    const message = this.#node.intake.verify(record)
    if (message.protocol !== RECORD_PROTOCOL || message.type !== RECORD_TYPE) {
      throw new P2PError(ErrorCode.WIRE_MALFORMED, `expected a peer record, got ${message.protocol ?? 'no protocol'}/${message.type}`)
    }
    const { addresses: keeper } = this.#manager.outreach
    const addresses = keeper.dialable((message.payload as { addresses?: unknown } | null)?.addresses)
    if (message.from === this.#node.id || addresses.length === 0) return false
    const outcome = await keeper.hear(message.from, addresses, message.timestamp, this.#whereIs(from))
    return outcome === 'added' || outcome === 'renewed'
  }

  /** Up to `count` peers with an address, drawn at random. */
  sample(count: number): PeerInfo[] {
    const { table, outreach } = this.#manager
    return outreach.addresses.sample(count).map(({ id, addresses, answeredAtMs }) => {
      const known = table.get(id)?.room
      return known === undefined ? strangerAt(id, addresses, answeredAtMs) : { ...known, addresses: { ...known.addresses, ...addresses } }
    })
  }

  #whereIs(id: PeerId | undefined): string | undefined {
    return id === undefined ? undefined : this.#manager.recordOf(id)?.link?.remoteAddress
  }
}

/** Somebody heard of, of whom nothing else is known. */
function strangerAt(peerId: PeerId, addresses: PeerAddresses, lastSeen: number): PeerInfo {
  return { peerId, publicKey: fromHex(peerId), addresses, state: PeerState.DISCONNECTED, lastSeen }
}
