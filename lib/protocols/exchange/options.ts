import type { PeerId } from '../../contracts/message.ts'
import { BOOTSTRAP_MAX } from './limits.ts'

export interface ExchangeOptions {
  /**
   * Links this node makes itself, however many others make to it: those an attacker cannot fill by dialling. By default an eighth of
   * `maxConnections` (12 of 96), at least 4 and at most half of it. 0 turns dialling off: then records are exchanged, no more.
   */
  outboundTarget?: number
  /** As given to the coordinator, whose default is 50. */
  maxConnections?: number
  /** URLs dialled whenever this node has no link of its own making; `url#id` pins the key. `parseBootstrap` reads seed 001's form. */
  bootstrap?: readonly string[]
  /** What else is known of a peer, such as `id => gossip.scoreOf(id)`: below 0 it is neither asked nor told nor heeded. */
  scoreOf?: (peerId: PeerId) => number
}

/** What the plugin tells. */
export interface ExchangeEvents {
  /** A record told us of somebody new, whom we may dial; `through` is who handed it over. */
  peerFound: (event: { peerId: PeerId; through: PeerId }) => void
}

const MAX_CONNECTIONS = 50
/** 12 of 96 (peers.md). */
const OUTBOUND_SHARE = 1 / 8
const OUTBOUND_MIN = 4

/** Throws RangeError or TypeError for options that cannot work. */
export function checkedOptions(options: ExchangeOptions): { outboundTarget: number; bootstrap: readonly string[] } {
  const { maxConnections = MAX_CONNECTIONS, bootstrap = [] } = options
  if (!(Number.isInteger(maxConnections) && maxConnections > 0)) throw new RangeError(`maxConnections must be a whole number above 0, got ${String(maxConnections)}`)
  const outboundTarget = options.outboundTarget ?? defaultTarget(maxConnections)
  if (!(Number.isInteger(outboundTarget) && outboundTarget >= 0 && outboundTarget <= maxConnections)) {
    throw new RangeError(`outboundTarget must be a whole number from 0 to maxConnections (${maxConnections}), got ${String(outboundTarget)}`)
  }
  if (!Array.isArray(bootstrap) || !bootstrap.every(url => typeof url === 'string')) throw new TypeError('bootstrap must be an array of URLs; parseBootstrap(text) makes one')
  if (bootstrap.length > BOOTSTRAP_MAX) throw new RangeError(`at most ${BOOTSTRAP_MAX} bootstrap addresses are heeded, got ${bootstrap.length}`)
  return { outboundTarget, bootstrap }
}

/** Room is left for those who dial us, or nobody could join. */
function defaultTarget(maxConnections: number): number {
  return Math.min(Math.max(Math.round(maxConnections * OUTBOUND_SHARE), OUTBOUND_MIN), Math.ceil(maxConnections / 2))
}
