import type { GossipParameters } from './parameters.ts'
import type { Peer } from './peer.ts'
import { THRESHOLDS } from './score.ts'

/** Why a peer left our mesh. */
export type EvictionReason = 'score' | 'full' | 'farther' | 'pruned-us' | 'unsubscribed' | 'left'

export interface MeshView {
  /** In the mesh now. */
  readonly mesh: Iterable<Peer>
  /** Subscribers outside it that may be grafted: no backoff, not direct. */
  readonly candidates: readonly Peer[]
  /** This topic's own score. */
  topicScoreOf(peer: Peer): number
  /** True at the heartbeats at which the mesh is looked at as a whole. */
  readonly opportunistic: boolean
  /** Ours, x-only. */
  readonly ownKey: Uint8Array
  /** In [0, 1). */
  random(): number
}

export interface MeshPlan {
  readonly graft: Peer[]
  readonly prune: { readonly peer: Peer; readonly reason: EvictionReason }[]
}

/** PROTOCOL.md, Mesh: what a heartbeat changes in one topic. */
export function planMesh(view: MeshView, parameters: GossipParameters): MeshPlan {
  const plan: MeshPlan = { graft: [], prune: [] }
  const mesh: Peer[] = []
  const poor: Peer[] = []
  for (const peer of view.mesh) (isGood(peer, view) ? mesh : poor).push(peer)
  const good = ordered(view.candidates.filter(peer => isGood(peer, view)), view, parameters)
  if (mesh.length < parameters.meshMin) take(parameters.meshTarget - mesh.length, good, mesh, plan)
  if (mesh.length === 0) takeAnybody(poor, view, parameters, mesh, plan)
  for (const peer of poor) if (!mesh.includes(peer)) plan.prune.push({ peer, reason: 'score' })
  if (mesh.length > parameters.meshMax) prune(mesh, view, parameters, plan)
  const outbound = count(mesh, peer => peer.outbound === true)
  const room = parameters.meshMax - mesh.length
  take(Math.min(room, parameters.meshOutbound - outbound), good.filter(peer => peer.outbound === true), mesh, plan)
  if (view.opportunistic) takeBetter(good, mesh, parameters, plan)
  return plan
}

/** In good standing as a whole and, whatever it is elsewhere, in this topic. */
function isGood(peer: Peer, view: MeshView): boolean {
  return peer.value >= 0 && view.topicScoreOf(peer) >= 0
}

function take(wanted: number, from: readonly Peer[], mesh: Peer[], plan: MeshPlan): void {
  let taken = 0
  for (const peer of from) {
    if (taken >= wanted) return
    if (mesh.includes(peer)) continue
    mesh.push(peer)
    plan.graft.push(peer)
    taken++
  }
}

/** Isolation override: with nobody good in reach, the best of the rest is better than nobody. */
function takeAnybody(poor: readonly Peer[], view: MeshView, { meshTarget }: GossipParameters, mesh: Peer[], plan: MeshPlan): void {
  const rest = [...poor, ...view.candidates].filter(peer => peer.value > THRESHOLDS.graylist).sort((a, b) => b.value - a.value)
  for (const peer of rest.slice(0, meshTarget)) {
    mesh.push(peer)
    if (!poor.includes(peer)) plan.graft.push(peer)
  }
}

/** Keeps the best by score, the quota of outbound links, and of the others as many as there is room for. */
function prune(mesh: Peer[], view: MeshView, { meshTarget, meshBest, meshOutbound, nearest }: GossipParameters, plan: MeshPlan): void {
  const drawn = nearest ? byDistance(mesh, view.ownKey) : shuffled(mesh, view.random).sort((a, b) => b.value - a.value)
  const best = drawn.slice(0, nearest ? 0 : meshBest)
  const rest = drawn.slice(best.length)
  const others = nearest ? rest : shuffled(rest, view.random)
  const missing = Math.max(0, meshOutbound - count(best, peer => peer.outbound === true))
  const quota = others.filter(peer => peer.outbound === true).slice(0, missing)
  const kept = new Set([...best, ...quota, ...others.filter(peer => !quota.includes(peer))].slice(0, meshTarget))
  for (const peer of mesh) if (!kept.has(peer)) plan.prune.push({ peer, reason: nearest ? 'farther' : 'full' })
  mesh.splice(0, mesh.length, ...kept)
}

/** When the mesh as a whole is poor, a few that are better than its middle. */
function takeBetter(good: readonly Peer[], mesh: Peer[], { opportunisticScore, opportunisticPeers }: GossipParameters, plan: MeshPlan): void {
  const middle = medianScore(mesh)
  if (mesh.length < 2 || middle >= opportunisticScore) return
  take(opportunisticPeers, good.filter(peer => peer.value > middle), mesh, plan)
}

/** The middle one of the scores; 0 for an empty mesh. */
export function medianScore(mesh: Iterable<Peer>): number {
  const scores = Array.from(mesh, peer => peer.value).sort((a, b) => a - b)
  return scores[Math.floor(scores.length / 2)] ?? 0
}

function ordered(peers: Peer[], view: MeshView, { nearest }: GossipParameters): Peer[] {
  return nearest ? byDistance(peers, view.ownKey) : shuffled(peers, view.random)
}

function byDistance(peers: readonly Peer[], ownKey: Uint8Array): Peer[] {
  return [...peers].sort((a, b) => compareDistance(a.key, b.key, ownKey))
}

/** Negative when `a` is nearer to `own` by XOR than `b`. */
export function compareDistance(a: Uint8Array, b: Uint8Array, own: Uint8Array): number {
  for (let index = 0; index < own.length; index++) {
    const difference = (a[index]! ^ own[index]!) - (b[index]! ^ own[index]!)
    if (difference !== 0) return difference
  }
  return 0
}

/** The same in another order (Fisher and Yates). */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const order = [...list]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}

function count<T>(list: readonly T[], fits: (item: T) => boolean): number {
  let found = 0
  for (const item of list) if (fits(item)) found++
  return found
}
