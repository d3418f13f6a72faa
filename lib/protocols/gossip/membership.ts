import type { PeerId } from '../../contracts/message.ts'
import type { Core } from './core.ts'
import { PEERS_MAX, RETAINED_SCORES_MAX, TOPICS_PER_PEER_MAX } from './limits.ts'
import { compareDistance, type EvictionReason } from './mesh.ts'
import { Peer, type PeerFacts } from './peer.ts'
import { isOver } from './pull.ts'
import { PeerScore, SCORE } from './score.ts'
import { endSync, startSync } from './syncing.ts'
import type { Topic } from './topic.ts'

// Peers.

/** A link stands: tell what we subscribe to. */
export function takeJoined(core: Core, facts: PeerFacts): void {
  if (core.peers.has(facts.peerId)) return
  if (core.peers.size >= PEERS_MAX) return core.count('peers-full')
  const isDirect = core.options.direct?.includes(facts.peerId) === true
  const record = core.earlyDrop.recordOf(facts.netgroup ?? facts.peerId, core.nowMs)
  const peer = new Peer(facts, restoredScore(core, facts.peerId), record, isDirect)
  core.peers.set(peer.id, peer)
  countNetgroup(core, peer.netgroup)
  core.revalue(peer)
  const topics = [...core.topics.values()].filter(topic => topic.subscribed).map(topic => topic.name)
  for (let at = 0; at < topics.length; at += TOPICS_PER_PEER_MAX) core.say(peer, 'subscribe', { topics: topics.slice(at, at + TOPICS_PER_PEER_MAX) })
}

function restoredScore(core: Core, peerId: PeerId): PeerScore {
  const retained = core.retained.get(peerId)
  if (retained === undefined) return new PeerScore()
  core.retained.delete(peerId)
  retained.score.decay(core.nowMs - retained.leftAtMs)
  return retained.score
}

/** Its score stays, so that leaving and coming back washes nothing off. */
export function takeLeft(core: Core, peer: Peer): void {
  core.peers.delete(peer.id)
  for (const topic of core.topics.values()) {
    if (topic.mesh.has(peer)) removeFromMesh(core, topic, peer, 'left')
    topic.members.delete(peer)
    topic.fed.delete(peer)
  }
  for (const [ref, sync] of core.syncs) if (sync.peer === peer) endSync(core, ref)
  core.wants.left(peer, core.nowMs)
  countNetgroup(core, peer.netgroup)
  if (core.retained.size >= RETAINED_SCORES_MAX) core.retained.delete(core.retained.keys().next().value!)
  core.retained.set(peer.id, { score: peer.score, leftAtMs: core.nowMs })
}

/** P6: what comes from one address block beyond a household. */
function countNetgroup(core: Core, netgroup: string | undefined): void {
  if (netgroup === undefined) return
  const group = [...core.peers.values()].filter(peer => peer.netgroup === netgroup)
  for (const peer of group) peer.score.colocated = Math.max(0, group.length - SCORE.colocationFree)
}

// Topics.

export function takeSubscribe(core: Core, peer: Peer, names: readonly string[]): void {
  for (const name of names) {
    if (peer.topics.has(name)) continue
    if (peer.topics.size >= TOPICS_PER_PEER_MAX) return core.chargeBreach(peer, 'topics-breach')
    peer.topics.add(name)
    const topic = core.topics.get(name)
    if (topic === undefined) continue
    topic.members.add(peer)
    if (!topic.subscribed) continue
    if (isWelcome(core, topic, peer) && mayGraft(core, topic, peer)) graft(core, topic, peer)
    startSync(core, topic, peer)
  }
}

/**
 * A mesh need not wait for the heartbeat to get its first peers. Whoever dialled begins, up to its quota of such links, so
 * that two who meet do not both; where nobody knows who dialled, up to the minimum.
 */
function isWelcome(core: Core, { mesh }: Topic, { outbound }: Peer): boolean {
  const { meshMin, meshOutbound } = core.parameters
  if (outbound === undefined) return mesh.size < meshMin
  if (!outbound) return false
  let dialled = 0
  for (const peer of mesh.keys()) if (peer.outbound) dialled++
  return dialled < meshOutbound || mesh.size === 0
}

export function takeUnsubscribe(core: Core, peer: Peer, names: readonly string[]): void {
  for (const name of names) {
    peer.topics.delete(name)
    const topic = core.topics.get(name)
    if (topic === undefined) continue
    if (topic.mesh.has(peer)) removeFromMesh(core, topic, peer, 'unsubscribed')
    topic.members.delete(peer)
    topic.fed.delete(peer)
  }
}

/** We subscribe. */
export function takeJoin(core: Core, name: string): void {
  const topic = core.ensureTopic(name)
  if (topic === undefined || topic.subscribed) return
  topic.subscribed = true
  for (const peer of core.peers.values()) core.say(peer, 'subscribe', { topics: [name] })
  for (const peer of topic.members) {
    if (topic.mesh.size >= core.parameters.meshTarget) break
    if (mayGraft(core, topic, peer)) graft(core, topic, peer)
  }
  for (const peer of topic.members) startSync(core, topic, peer)
}

/** We no longer do. */
export function takeLeave(core: Core, name: string): void {
  const topic = core.topics.get(name)
  if (topic?.subscribed !== true) return
  for (const peer of [...topic.mesh.keys()]) prune(core, topic, peer, 'unsubscribed', core.parameters.unsubscribeBackoffMs)
  topic.subscribed = false
  topic.fed.clear()
  core.cache.forget(topic)
  for (const peer of core.peers.values()) core.say(peer, 'unsubscribe', { topics: [name] })
}

// The mesh.

export function mayGraft(core: Core, topic: Topic, peer: Peer): boolean {
  return !peer.direct && !topic.mesh.has(peer) && !topic.isBackedOff(peer.id, core.nowMs) && peer.value >= 0 && core.topicScore(peer, topic) >= 0
}

export function graft(core: Core, topic: Topic, peer: Peer): void {
  addToMesh(core, topic, peer)
  core.say(peer, 'graft', { topic: topic.name })
}

export function prune(core: Core, topic: Topic, peer: Peer, reason: EvictionReason, backoffMs: number): void {
  removeFromMesh(core, topic, peer, reason)
  topic.backOff(peer.id, core.nowMs + backoffMs)
  core.say(peer, 'prune', { topic: topic.name, backoffMs })
}

function addToMesh(core: Core, topic: Topic, peer: Peer): void {
  topic.mesh.set(peer, core.nowMs)
  topic.fed.delete(peer)
  peer.score.topic(topic.name).joinMesh(core.nowMs)
  core.out.push({ kind: 'emit', event: { kind: 'grafted', peerId: peer.id, topic: topic.name } })
}

function removeFromMesh(core: Core, topic: Topic, peer: Peer, reason: EvictionReason): void {
  peer.score.topic(topic.name).leaveMesh(core.nowMs, topic.lackFrom(core.parameters.meshMin))
  topic.mesh.delete(peer)
  core.out.push({ kind: 'emit', event: { kind: 'evicted', peerId: peer.id, topic: topic.name, reason } })
}

/** Somebody wants us in its mesh. */
export function takeGraft(core: Core, peer: Peer, name: string): void {
  if (isOver(core, peer, ++peer.brakes.grafts, core.parameters.graftsMax, 'graft')) return
  const topic = core.topics.get(name)
  if (topic?.subscribed !== true || !topic.members.has(peer)) return core.count('graft-ignored')
  if (topic.mesh.has(peer) || peer.direct) return
  if (topic.isBackedOff(peer.id, core.nowMs)) {
    core.chargeBreach(peer, 'graft-under-backoff')
    return refuseGraft(core, topic, peer)
  }
  if (peer.value < 0 || core.topicScore(peer, topic) < 0 || !hasRoom(core, topic, peer)) return refuseGraft(core, topic, peer)
  addToMesh(core, topic, peer)
}

/** At the maximum, only a link that we dialled, or (seed 000) one nearer than the farthest, which then goes. */
function hasRoom(core: Core, topic: Topic, peer: Peer): boolean {
  const { meshMax, nearest, evictFarthest, backoffMs } = core.parameters
  if (topic.mesh.size < meshMax) return true
  if (!nearest || !evictFarthest) return peer.outbound === true && !nearest
  const { ownKey } = core.options
  let farthest = peer
  for (const other of topic.mesh.keys()) if (compareDistance(other.key, farthest.key, ownKey) > 0) farthest = other
  if (farthest === peer) return false
  prune(core, topic, farthest, 'farther', backoffMs)
  return true
}

function refuseGraft(core: Core, topic: Topic, peer: Peer): void {
  const { backoffMs } = core.parameters
  topic.backOff(peer.id, core.nowMs + backoffMs)
  core.say(peer, 'prune', { topic: topic.name, backoffMs })
}

/** Somebody leaves us out of its mesh. A beat more, so that our clocks need not agree. */
export function takePrune(core: Core, peer: Peer, name: string, backoffMs: number): void {
  const topic = core.topics.get(name)
  if (topic?.subscribed !== true || !topic.members.has(peer)) return
  topic.backOff(peer.id, core.nowMs + backoffMs + core.parameters.heartbeatMs)
  if (!topic.mesh.has(peer)) return
  removeFromMesh(core, topic, peer, 'pruned-us')
  if (peer.outbound && dialledIn(topic) < core.parameters.feedPeers) topic.fed.add(peer)
}

/**
 * A mesh that strangers have filled by dialling refuses the honest who come later, and would be pushed to by nobody. So whoever dialled it
 * pushes to it all the same, until it pushes to the minimum of peers that nobody could force upon it.
 */
export function trimFed(core: Core, topic: Topic): void {
  let over = dialledIn(topic) - core.parameters.feedPeers
  for (const peer of topic.fed) if (over-- > 0) topic.fed.delete(peer)
}

/** Of those we push to, how many we have dialled. */
function dialledIn(topic: Topic): number {
  let dialled = topic.fed.size
  for (const peer of topic.mesh.keys()) if (peer.outbound) dialled++
  return dialled
}
