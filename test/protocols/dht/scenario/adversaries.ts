import type { PeerId } from '../../../../lib/contracts/message.ts'
import type { PeerInfo } from '../../../../lib/contracts/peer.ts'
import type { Receivers, Responders } from '../../../../lib/contracts/protocol.ts'
import { dhtProtocol, type DhtProtocol } from '../../../../lib/protocols/dht/index.ts'
import { compareDistance, positionFrom, type Position, type Positions } from '../../../../lib/protocols/dht/position.ts'
import { joinRows, rowOf } from '../../../../lib/protocols/dht/referral.ts'
import { ProtocolHandler } from '../../../../lib/protocol-kit/protocol-handler.ts'

const NOTHING = new Uint8Array(0)

/** Those who work together: each names the nearest of them. */
export class Gang {
  readonly #members: { id: PeerId; position: Position; row: Uint8Array }[] = []
  readonly #positions: Positions

  constructor(positions: Positions) {
    this.#positions = positions
  }

  add(id: PeerId, group: number): void {
    this.#members.push({ id, position: this.#positions.of(id), row: rowOf({ id, group }) })
  }

  nearest(target: Position, count: number): Uint8Array {
    const best: { position: Position; row: Uint8Array }[] = []
    for (const member of this.#members) {
      if (best.length >= count && compareDistance(target, member.position, best[best.length - 1]!.position) >= 0) continue
      let at = best.length
      while (at > 0 && compareDistance(target, member.position, best[at - 1]!.position) < 0) at--
      best.splice(at, 0, member)
      if (best.length > count) best.pop()
    }
    return joinRows(best)
  }
}

/** Answers at once and politely: names its own kind, takes records and forgets them, carries for nobody but them. */
export class Liar extends ProtocolHandler<DhtProtocol> {
  readonly #gang: Gang
  readonly #kin: ReadonlySet<PeerId>
  protected readonly receive: Receivers<DhtProtocol> = { here: () => {}, changed: () => {} }
  protected override readonly answer: Responders<DhtProtocol> = {
    find: ({ target }) => ({ closer: this.#gang.nearest(positionFrom(target), 20), token: new Uint8Array(8), count: 0, split: false, frames: [] }),
    put: () => ({ verdict: 'stored', waitMs: 0, seq: 0, split: false }),
    list: () => ({ rows: NOTHING, split: false }),
    fetch: () => ({ frames: [] }),
    where: () => ({ records: [] }),
    watch: () => ({ forMs: 600_000 }),
    carry: carried => this.#carry(carried),
  }

  constructor(gang: Gang, kin: ReadonlySet<PeerId>) {
    super(dhtProtocol)
    this.#gang = gang
    this.#kin = kin
  }

  async onPeerConnected({ peerId }: PeerInfo): Promise<void> {
    if (!this.#kin.has(peerId)) await this.context.send(peerId, { type: 'here', payload: { serves: true, record: new Uint8Array(1) } })
  }

  /** As one of the gang would answer, under that one's own name: they share their keys with each other. */
  async #carry({ route, nonce, find, put }: { route: Uint8Array; nonce: Uint8Array; find?: { target: Uint8Array }; put?: unknown }): Promise<{ frame: Uint8Array }> {
    if (route.length > 0) return await this.#pass(route, nonce, find, put)
    const body = find !== undefined
      ? { closer: this.#gang.nearest(positionFrom(find.target), 20), token: new Uint8Array(8), count: 0, split: false, frames: [] }
      : { verdict: 'stored', waitMs: 0, seq: 0, split: false }
    return { frame: await this.context.author({ type: 'answer', payload: { question: find !== undefined ? 'find' : 'put', nonce, body } }) }
  }

  async #pass(route: Uint8Array, nonce: Uint8Array, find: unknown, put: unknown): Promise<{ frame: Uint8Array }> {
    const next = Buffer.from(route.subarray(0, 32)).toString('hex')
    if (!this.#kin.has(next) || !this.context.peers().some(({ peerId }) => peerId === next)) return { frame: NOTHING }
    const payload = { route: route.slice(32), nonce, ...(find === undefined ? { put } : { find }) }
    return (await this.context.request(next, { type: 'carry', payload }, { timeoutMs: 3_000 })).payload as { frame: Uint8Array }
  }
}
