import { gossipParameters, type GossipParameters } from './parameters.ts'

/** Tables are made by these at the start; what they hold cannot be made to fit others later. */
const FIXED = ['seenMs', 'seenMax', 'retentionMs', 'retentionBytesMax', 'validatorMs', 'validatorsMax', 'validatorsPerAuthorMax'] as const satisfies readonly (keyof GossipParameters)[]

/** Changes parameters in place, so that everybody who reads them has the new ones from now on. Throws RangeError or TypeError and changes nothing. */
export function tune(parameters: GossipParameters, changes: Partial<GossipParameters>): void {
  const fixed = FIXED.find(name => changes[name] !== undefined && changes[name] !== parameters[name])
  if (fixed !== undefined) throw new RangeError(`${fixed} is chosen when gossip is made and cannot change while it runs`)
  Object.assign(parameters, gossipParameters({ ...parameters, ...changes }))
}

/** Seed 000's setMaxPeers: so many at most, and that is what is aimed at; the rest is cut down to fit. */
export function withMaxPeers(parameters: GossipParameters, count: number): Partial<GossipParameters> {
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`at most how many peers: a whole number from 1, got ${count}`)
  const { meshMin, meshBest, meshOutbound, feedPeers } = parameters
  return { meshMax: count, meshTarget: count, meshMin: Math.min(meshMin, count), meshBest: Math.min(meshBest, count), meshOutbound: Math.min(meshOutbound, count), feedPeers: Math.min(feedPeers, count) }
}
