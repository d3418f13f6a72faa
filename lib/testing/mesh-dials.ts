import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { PeerInfo } from '../contracts/peer.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import type { MeshNode } from './mesh-node.ts'

/** What dialling needs of the mesh. */
export interface DialGround {
  readonly maxConnections: number
  /** One way, on average: what a call to a stranger is taken to need. */
  readonly meanLatencyMs: number
  nodeOf(id: PeerId): MeshNode | undefined
  nodeAt(address: string): MeshNode | undefined
  isCut(a: MeshNode, b: MeshNode): boolean
  link(dialler: MeshNode, listener: MeshNode, options: { shortLived: boolean }): void
}

/** Dialling and three acts of a handshake, in one-way trips. */
const HANDSHAKE_TRIPS = 5

/** Who can be dialled by whom, and how that ends: no node knows more addresses than it was told. */
export class MeshDials {
  readonly #ground: DialGround
  readonly #introduced = new Map<MeshNode, Set<MeshNode>>()

  constructor(ground: DialGround) {
    this.#ground = ground
  }

  /** Those that it is linked with, and those whose records it has been given. */
  knownTo(node: MeshNode): Set<MeshNode> {
    return new Set([...[...node.links.values()].map(link => link.other(node)), ...this.#introduced.get(node) ?? []])
  }

  /** Keeps a verified record. False when it says nothing. Throws ERR_WIRE_MALFORMED for what is none. */
  introduce(node: MeshNode, record: P2PMessage): boolean {
    if (record.protocol !== 'peer' || record.type !== 'record') throw new P2PError(ErrorCode.WIRE_MALFORMED, `expected a peer record, got ${record.protocol ?? 'no protocol'}/${record.type}`)
    const known = this.#ground.nodeOf(record.from)
    if (known === undefined || known === node) return false
    let introduced = this.#introduced.get(node)
    if (introduced === undefined) this.#introduced.set(node, introduced = new Set())
    introduced.add(known)
    return true
  }

  forget(node: MeshNode): void {
    this.#introduced.delete(node)
  }

  /** Throws ERR_PEER_UNKNOWN or ERR_PEER_IS_SELF; rejects with ERR_PEER_LIMIT_REACHED, or in time where nobody answers. */
  dial(from: MeshNode, peer: PeerInfo | PeerId, options: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo> {
    const to = typeof peer === 'string' ? this.#known(from, peer) : this.#ground.nodeAt(peer.addresses.memory ?? '') ?? this.#ground.nodeOf(peer.peerId)
    const id = typeof peer === 'string' ? peer : peer.peerId
    if (to === undefined) throw new P2PError(ErrorCode.PEER_UNKNOWN, `no address is known for ${id}`, { peerId: id })
    if (to === from) throw new P2PError(ErrorCode.PEER_IS_SELF, 'a node does not connect to itself')
    const linked = from.links.get(to.id)
    if (linked !== undefined) return Promise.resolve(linked.infoFor(from))
    return withDeadline(from.clock, options, signal => this.#dialled(from, to, options.shortLived ?? false, signal), {
      defaultTimeoutMs: DEFAULT_LIMITS.dialTimeoutMs, what: `dialling ${to.address}`,
    })
  }

  /** By id alone only those can be dialled whose address this node has been told. */
  #known(from: MeshNode, id: PeerId): MeshNode | undefined {
    const node = this.#ground.nodeOf(id)
    if (node === undefined) return undefined
    return from.links.has(id) || this.#introduced.get(from)?.has(node) ? node : undefined
  }

  async #dialled(from: MeshNode, to: MeshNode, shortLived: boolean, signal: AbortSignal): Promise<PeerInfo> {
    const { meanLatencyMs, isCut } = this.#ground
    this.#mustHaveRoom(from, shortLived)
    await new Promise<void>(resolve => from.clock.schedule(HANDSHAKE_TRIPS * meanLatencyMs, resolve))
    signal.throwIfAborted()
    // Who does not answer is waited for until the deadline.
    if (!to.isUp || isCut(from, to)) await new Promise<never>(() => {})
    this.#mustHaveRoom(to, shortLived)
    this.#ground.link(from, to, { shortLived })
    return from.links.get(to.id)!.infoFor(from)
  }

  #mustHaveRoom(node: MeshNode, shortLived: boolean): void {
    const used = [...node.links.values()].filter(link => link.shortLived === shortLived).length
    const max = shortLived ? DEFAULT_LIMITS.shortLivedConnectionsMax : this.#ground.maxConnections
    if (used >= max) throw new P2PError(ErrorCode.PEER_LIMIT_REACHED, `no room at ${node.name}: ${used} of ${max} links are open`, { peerId: node.id })
  }
}
