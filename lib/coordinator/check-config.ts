import type { PeerId } from '../contracts/message.ts'
import { checkedName, isPeerId } from '../peers/name-book.ts'
import type { P2PConfig } from './config.ts'

/** The caller's name for this node. Throws RangeError for one that looks like another key. */
export function ownNameOf(peerId: PeerId, id: PeerId): string {
  if (isPeerId(peerId)) throw new RangeError(`peerId ${peerId} is not the id of the given identity (${id}); leave it out, or give a name`)
  return checkedName(peerId)
}

/** The caller's names, with its own among them. Throws RangeError where that is taken. */
export function withOwnName(names: P2PConfig['names'], ownName: string, id: PeerId): Record<string, PeerId> {
  const other = names?.[ownName]
  if (other !== undefined && other !== id) throw new RangeError(`peerId is '${ownName}', but names.${ownName} is ${other}, which is not this node's key`)
  return { ...names, [ownName]: id }
}

/** Throws TypeError or RangeError for a configuration that cannot work. */
export function checkConfig(config: P2PConfig): void {
  if (typeof config !== 'object' || config === null) throw new TypeError(`expected a configuration object, got ${config === null ? 'null' : typeof config}`)
  const { network, bootstrap, transports, outboundTarget } = config
  if (network !== undefined && network !== 'public' && network !== 'private') throw new RangeError(`network must be 'public' or 'private', got ${JSON.stringify(network)}`)
  if (bootstrap !== undefined && !Array.isArray(bootstrap)) throw new TypeError('bootstrap must be an array of URLs')
  if (outboundTarget !== undefined && (!Number.isInteger(outboundTarget) || outboundTarget < 0)) throw new RangeError(`outboundTarget must be a whole number of links, got ${String(outboundTarget)}`)
  if (transports !== undefined && !Array.isArray(transports)) throw new TypeError('transports must be an array')
}
