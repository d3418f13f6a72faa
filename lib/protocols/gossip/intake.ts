import { ErrorCode } from '../../contracts/errors.ts'
import type { P2PMessage } from '../../contracts/message.ts'
import type { Verdict } from '../../contracts/pubsub.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { EQUIVOCATION, FAULTS_OF_HOP, INVALID_ITEM, type Core } from './core.ts'
import { PUBLICATION, type Item } from './definition.ts'
import { Entry, type Copy } from './entry.ts'
import { keyOf, partsOf, saltOf, type FrameParts } from './item-id.ts'
import { ALTERNATES_MAX, FRAME_BYTES_MAX } from './limits.ts'
import type { Peer } from './peer.ts'
import { SCORE } from './score.ts'
import { spare, spread } from './spread.ts'
import type { Topic } from './topic.ts'
import { slotInTopic } from './wire-slot.ts'

const STALE = ErrorCode.WIRE_STALE
/** From this share of the seen set on, those who send more than most are refused. */
const SEEN_SHARE = 7 / 8

/** PROTOCOL.md, What happens to an item: steps 2 to 6. */
export function takeItem(core: Core, peer: Peer, item: Item): void {
  const { frame } = item
  const parts = frame.length > FRAME_BYTES_MAX ? null : partsOf(frame)
  if (parts === null) return core.chargeItem(peer, item.topic, INVALID_ITEM) // step 2
  const topic = core.topics.get(item.topic)
  if (topic?.subscribed !== true) return core.count('unknown-topic') // step 3
  const same = core.cache.withFrame(frame, saltOf(frame, parts)) // step 4
  if (same !== undefined) return takeDuplicate(core, peer, same, item)
  const id = core.ids.idOf(frame, parts)
  const key = keyOf(id)
  const known = core.cache.get(key)
  if (known !== undefined) return takeOtherCopy(core, peer, known, item) // step 5
  if (core.seen.has(id)) return noteDuplicate(core, peer)
  if (isKnownBad(core, peer, item, id, parts)) return
  check(core, { from: peer, frame, hops: item.hops, path: item.path }, item.topic, id, key, parts)
}

function isKnownBad(core: Core, peer: Peer, item: Item, id: Uint8Array, parts: FrameParts): boolean {
  if (core.invalid.size + core.stale.size === 0) return false
  const copy = core.ids.copyOf(id, item.frame, parts)
  const isInvalid = core.invalid.has(copy)
  if (isInvalid) core.chargeItem(peer, item.topic, INVALID_ITEM)
  return isInvalid || core.stale.has(copy)
}

/** Step 6, and on to 7 by way of the handler. */
function check(core: Core, copy: Copy, topic: string, id: Uint8Array, key: string, parts: FrameParts): void {
  const { from } = copy
  if (!mayCheck(core, from)) return
  const entry = new Entry(id, key, topic, copy, parts, core.nowMs, core.wants.isSynced(key))
  core.cache.addChecking(entry)
  from.checking++
  core.checking++
  core.out.push({ kind: 'verify', entry })
}

function mayCheck(core: Core, peer: Peer): boolean {
  const { checkingPerPeerMax, checkingMax, seenMax } = core.parameters
  if (peer.checking >= checkingPerPeerMax || core.checking >= checkingMax) {
    core.count('queue-full')
    return false
  }
  const isBusy = peer.checking * 2 >= checkingPerPeerMax || core.checking * 2 >= checkingMax
  if (isBusy && core.random() >= core.earlyDrop.chanceOf(peer.record, core.nowMs)) {
    core.count('early-drop')
    return false
  }
  if (core.seen.size < seenMax * SEEN_SHARE || peer.record.good <= meanGood(core)) return true
  core.count('seen-nearly-full')
  return false
}

function meanGood(core: Core): number {
  let sum = 0
  for (const peer of core.peers.values()) sum += peer.record.good
  return sum / Math.max(1, core.peers.size)
}

function noteDuplicate(core: Core, peer: Peer): void {
  peer.record.duplicate++
  core.count('duplicate')
}

/** The very bytes we have. */
function takeDuplicate(core: Core, peer: Peer, entry: Entry, item: Item): void {
  noteDuplicate(core, peer)
  const isNews = entry.addHolder(peer)
  if (isNews && core.nowMs - entry.arrivedAtMs <= SCORE.nearMs) credit(core, peer, entry.topic)
  if (item.hops >= entry.hops) return
  entry.hops = item.hops
  entry.path = item.path
  const topic = core.topics.get(entry.topic)
  if (entry.state === 'held' && entry.heldBack && topic !== undefined) spread(core, topic, entry, entry.author)
}

/** The same words under another proof: as good as the one we have, once that has been verified. */
function takeOtherCopy(core: Core, peer: Peer, entry: Entry, item: Item): void {
  if (entry.state !== 'verifying') return takeDuplicate(core, peer, entry, item)
  entry.alternates ??= []
  if (entry.alternates.length < ALTERNATES_MAX) entry.alternates.push({ from: peer, frame: item.frame, hops: item.hops, path: item.path })
  else core.count('alternate-dropped')
}

function credit(core: Core, peer: Peer, topic: string): void {
  if (core.topics.get(topic)?.mesh.has(peer)) peer.score.topic(topic).near++
}

/** Steps 8 to 10, and on to 12. */
export function takeVerified(core: Core, entry: Entry, message: P2PMessage, wallMs: number): void {
  const topic = core.topics.get(entry.topic)
  if (topic?.subscribed !== true) return finish(core, entry)
  if (!isPublication(message, entry.topic)) return refuse(core, entry, INVALID_ITEM, true) // step 8
  const ageMs = wallMs - message.timestamp
  const { ageMsMax, leadMsMax } = core.parameters
  if (ageMs > (entry.synced ? topic.retentionMs : ageMsMax) || ageMs < -leadMsMax) return refuse(core, entry, STALE, false) // step 9
  core.wants.arrived(entry.key)
  if (isSecondStatement(core, entry, message)) return finish(core, entry)
  entry.state = 'validating'
  entry.timestampMs = message.timestamp
  entry.author = message.from
  entry.message = message
  entry.body = (message.payload as { body: unknown }).body
  for (const { from } of entry.alternates ?? []) entry.addHolder(from)
  entry.alternates = undefined
  spare(core, topic, entry)
  core.out.push({ kind: 'validate', entry }) // step 12
}

/**
 * What its author has said otherwise before, in this slot or under this id, is neither delivered nor passed on. That is the author's doing, and told only
 * with both frames at hand; relays cannot know what we have heard.
 */
function isSecondStatement(core: Core, entry: Entry, message: P2PMessage): boolean {
  const name = core.statements.nameOf(entry.topic, message.from, message)
  const firstKey = core.statements.first(name)
  if (firstKey === undefined) core.statements.add(name, entry.key)
  if (firstKey === undefined || firstKey === entry.key) return false
  core.seen.add(entry.id, core.nowMs)
  if (entry.from !== undefined) entry.from.record.ignored++
  const first = core.cache.get(firstKey)
  if (first?.state !== 'held' || equalBytes(payloadOf(first), payloadOf(entry))) {
    core.count('said-before')
    return true
  }
  core.count('equivocation')
  core.chargeAuthor(message.from, entry.topic)
  if (core.noteEquivocator(message.from)) core.out.push({ kind: 'blame', peerId: message.from, code: EQUIVOCATION, evidence: [first.frame.slice(), entry.frame.slice()] })
  return true
}

function payloadOf({ frame, parts }: Entry): Uint8Array {
  return frame.subarray(parts.payloadStart)
}

function isPublication({ protocol, type, to, inReplyTo, payload, slot }: P2PMessage, topic: string): boolean {
  if (slot !== undefined && slotInTopic(topic, slot) === null) return false
  if (protocol !== 'gossip' || type !== PUBLICATION || to !== undefined || inReplyTo !== undefined) return false
  if (typeof payload !== 'object' || payload === null) return false
  return (payload as { topic?: unknown }).topic === topic && Object.hasOwn(payload, 'body') && Object.keys(payload).length === 2
}

/** Step 7 went wrong. */
export function takeUnverified(core: Core, entry: Entry, code: ErrorCode, fault: boolean): void {
  refuse(core, entry, code, fault || FAULTS_OF_HOP.has(code))
}

/** This copy is bad. Another that waited may be the true one. */
function refuse(core: Core, entry: Entry, code: ErrorCode, fault: boolean): void {
  const { from, topic, id, key, alternates } = entry
  const copy = core.ids.copyOf(id, entry.frame, entry.parts)
  if (fault) core.invalid.add(copy, core.nowMs)
  else if (code === STALE) core.stale.add(copy, core.nowMs)
  finish(core, entry)
  if (from !== undefined && fault) core.chargeItem(from, topic, code)
  else if (from !== undefined) from.record.ignored++
  core.count(fault ? 'invalid' : 'ignored')
  for (const other of alternates ?? []) {
    const parts = partsOf(other.frame)
    const known = core.cache.get(key)
    if (known !== undefined && known.state === 'verifying') (known.alternates ??= []).push(other)
    else if (parts !== null && known === undefined) check(core, other, topic, id, key, parts)
  }
}

/** The end of checking, whatever came of it. */
function finish(core: Core, entry: Entry): void {
  leaveQueue(core, entry)
  core.cache.drop(entry)
}

function leaveQueue(core: Core, entry: Entry): void {
  core.checking--
  if (entry.from !== undefined) entry.from.checking--
}

/** Steps 11 and 13, once the validators have spoken. */
export function takeVerdict(core: Core, entry: Entry, verdict: Verdict | 'busy'): void {
  const topic = core.topics.get(entry.topic)
  const { message, from } = entry
  if (topic?.subscribed !== true || message === undefined || from === undefined) return finish(core, entry)
  if (verdict === 'busy') {
    core.count('validators-busy')
    return finish(core, entry)
  }
  if (!core.seen.add(entry.id, core.nowMs)) {
    core.count('seen-full')
    return finish(core, entry)
  }
  if (verdict === 'accept') accept(core, topic, entry, message, from)
  else turnDown(core, entry, verdict, message, from)
}

function accept(core: Core, topic: Topic, entry: Entry, message: P2PMessage, from: Peer): void {
  leaveQueue(core, entry)
  from.record.good++
  from.score.topic(topic.name).first++
  credit(core, from, topic.name)
  topic.brought++
  const { body } = entry
  entry.message = undefined
  entry.body = undefined
  core.cache.hold(entry, topic)
  core.out.push({ kind: 'deliver', entry, message, body })
  if (entry.state === 'held') spread(core, topic, entry, message.from)
}

/** A lie is its author's; whoever passed it on may not have been able to tell. */
function turnDown(core: Core, entry: Entry, verdict: 'reject' | 'ignore', message: P2PMessage, from: Peer): void {
  finish(core, entry)
  core.count(verdict === 'reject' ? 'rejected' : 'validator-ignored')
  if (verdict === 'ignore') {
    from.record.ignored++
    return
  }
  from.record.rejected++
  core.chargeAuthor(message.from, entry.topic)
}
