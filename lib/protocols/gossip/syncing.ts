import type { Core } from './core.ts'
import type { SyncCursor } from './definition.ts'
import { shuffled } from './mesh.ts'
import type { Peer } from './peer.ts'
import { ask, isOver } from './pull.ts'
import { THRESHOLDS } from './score.ts'
import { answerSync, bucketsOf, type SyncQuestion } from './sync.ts'
import type { Topic } from './topic.ts'
import { splitIds } from './wants.ts'

/** Pages of one sync: 65,536 ids. */
const PAGES_MAX = 64

/** Asks a peer what it holds that we do not, unless enough are being asked. */
export function startSync(core: Core, topic: Topic, peer: Peer): void {
  if (!topic.subscribed || topic.retentionMs === 0 || topic.syncs >= core.parameters.syncPeersMax || peer.value < THRESHOLDS.gossip) return
  for (const sync of core.syncs.values()) if (sync.peer === peer && sync.topic === topic) return
  const ref = `sync-${++core.syncCount}`
  topic.syncs++
  core.syncs.set(ref, { peer, topic, key: Math.floor(core.random() * 2 ** 32), pages: 0 })
  askPage(core, ref, null)
}

function askPage(core: Core, ref: string, cursor: SyncCursor | null): void {
  const { peer, topic, key } = core.syncs.get(ref)!
  const payload = { topic: topic.name, key, buckets: bucketsOf(topic, key), cursor }
  core.out.push({ kind: 'request', to: peer.id, type: 'sync', payload, ref, timeoutMs: core.parameters.syncTimeoutMs })
}

/** A page came. What is missing is pulled; the next page is asked for while there is room. */
export function takeSyncAnswer(core: Core, ref: string, ids: Uint8Array, next: SyncCursor | null): void {
  const sync = core.syncs.get(ref)
  if (sync === undefined) return
  const split = splitIds(ids)
  if (split === null) {
    core.chargeBreach(sync.peer, 'sync-malformed')
    return endSync(core, ref)
  }
  core.count('synced', ask(core, sync.peer, split, true))
  if (next === null || split.length === 0 || ++sync.pages >= PAGES_MAX || core.wants.isFull) return endSync(core, ref)
  askPage(core, ref, next)
}

export function endSync(core: Core, ref: string): void {
  const sync = core.syncs.get(ref)
  if (sync === undefined) return
  core.syncs.delete(ref)
  sync.topic.syncs--
}

/** Answers one page; an empty one to whoever asks too often or has no standing. */
export function takeSync(core: Core, peer: Peer, name: string, question: SyncQuestion): void {
  const topic = core.topics.get(name)
  const isRefused = isOver(core, peer, ++peer.brakes.syncs, core.parameters.syncsMax * Math.max(1, peer.topics.size), 'sync')
  const mayAsk = !isRefused && topic?.subscribed === true && peer.value >= THRESHOLDS.gossip
  core.out.push({ kind: 'answer', reply: mayAsk ? answerSync(topic, question) : { ids: new Uint8Array(0), next: null } })
}

/** Now and then with somebody drawn at random: links that never broke can still have lost something. */
export function syncNowAndThen(core: Core, topic: Topic): void {
  const { syncEveryMs, heartbeatMs } = core.parameters
  if (syncEveryMs === 0 || core.random() >= heartbeatMs / syncEveryMs) return
  const [peer] = shuffled([...topic.members].filter(member => member.value >= 0), core.random)
  if (peer !== undefined) startSync(core, topic, peer)
}
