import { utf8 } from '../foundation/bytes.ts'
import { judgeInbound, type InboundPeer, type InboundVerdict } from './inbound-eviction.ts'
import type { LocalNode } from './local-node.ts'
import { netgroupOf, subnetOf } from './network-address.ts'
import type { PeerRecord, PeerTable } from './peer-table.ts'

export interface InboundGateOptions {
  node: LocalNode
  table: PeerTable
  connectionsMax: number
  /** Of those, kept for links of our own choice. */
  reserved: number
}

/** peers.md: a tenth of the inbound places is for netgroups that nobody here is in. */
const RARE_SHARE = 0.1

/** Judges who may come in on a public network, by what is known of those who are here. */
export class InboundGate {
  readonly #options: InboundGateOptions
  /** Decides which netgroups are protected; drawn when it is first asked for. */
  #secret: Uint8Array | undefined

  constructor(options: InboundGateOptions) {
    this.#options = options
  }

  judge(remoteAddress: string): InboundVerdict {
    const { node, table, connectionsMax, reserved } = this.#options
    // Those that have been said goodbye to have given their places up.
    const links = [...table.open()].filter(record => !record.shortLived)
    const inbound = links.filter(isJudged).map(asInbound)
    return judgeInbound({ group: netgroupOf(remoteAddress), subnet: subnetOf(remoteAddress) }, inbound, {
      inboundMax: connectionsMax - Math.max(reserved, links.length - inbound.length),
      perSubnetMax: node.limits.connectionsPerSubnetMax,
      rareShare: RARE_SHARE,
      rankOf: group => this.#rankOf(group),
    })
  }

  #rankOf(group: string): number {
    const { node } = this.#options
    const [a, b, c, d] = node.crypto().hmacSha256(this.#secret ??= node.secretRandom(32), utf8(group))
    return ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0
  }
}

/** Whom the user asked for never has to go. */
function isJudged({ link, asked }: PeerRecord): boolean {
  return link!.direction === 'inbound' && !asked
}

function asInbound({ id, link, room, novelAtMs, usefulAtMs }: PeerRecord): InboundPeer {
  const { remoteAddress, openedAtMs } = link!
  return { id, group: netgroupOf(remoteAddress), subnet: subnetOf(remoteAddress), sinceMs: openedAtMs, roundTripMs: room.roundTripMs, novelAtMs, usefulAtMs }
}
