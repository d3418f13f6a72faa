import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { GossipEffect } from '../../../lib/protocols/gossip/events.ts'
import type { SyncAnswer, SyncQuestion } from '../../../lib/protocols/gossip/sync.ts'
import { delivered, idOf, pushedTo, Rig, sends, TOPIC } from './support/rig.ts'

const sync = suite('gossip: range sync')

interface Asked { to: string; ref: string; payload: SyncQuestion & { topic: string } }
const asked = (effects: readonly GossipEffect[]): Asked[] => effects.filter(effect => effect.kind === 'request') as never
const answered = (effects: readonly GossipEffect[]): SyncAnswer => effects.find(effect => effect.kind === 'answer')!.reply
const wanted = (effects: readonly GossipEffect[]): number => sends(effects, 'want').reduce((sum, { payload }) => sum + (payload as { ids: Uint8Array }).ids.length / 32, 0)

/** What `other` answers to a question of `rig`. */
function answerOf(other: Rig, question: Asked, from: string): SyncAnswer {
  return answered(other.take({ kind: 'sync', from, topic: question.payload.topic, question: question.payload }))
}

/** Two states that know each other as `left` and `right`, with items of their own. */
function pair(ofLeft: number, ofRight: number, common = 0): { left: Rig; right: Rig; toRight: Asked } {
  const left = new Rig()
  const right = new Rig({ seed: 2 })
  const [a] = left.peers(1, {}, 'source')
  const [b] = right.peers(1, {}, 'source')
  const frames = Array.from({ length: common }, () => left.press.frame())
  for (const frame of frames) {
    left.item(a!, frame)
    right.press.made.set(Buffer.from(frame.subarray(98)).toString('latin1'), left.press.made.get(Buffer.from(frame.subarray(98)).toString('latin1'))!)
    right.item(b!, frame)
  }
  for (let count = 0; count < ofLeft; count++) left.good(a!, { body: `left ${count}` })
  for (let count = 0; count < ofRight; count++) right.good(b!, { body: `right ${count}` })
  for (const rig of [left, right]) for (const { ref } of asked(rig.effects)) rig.take({ kind: 'sync-failed', ref })
  left.effects.length = 0
  left.peer('right')
  right.peer('left')
  return { left, right, toRight: asked(left.effects)[0]! }
}

sync('a peer that subscribes is asked at once what it holds', () => {
  const { toRight } = pair(0, 0)
  assert.is(toRight.to, idOf('right'))
})

sync('what is missing is named, asked for, and after its arrival announced, not pushed', () => {
  const { left, right, toRight } = pair(0, 3)
  const answer = answerOf(right, toRight, idOf('left'))
  assert.is(answer.ids.length, 3 * 32)
  assert.is(wanted(left.take({ kind: 'sync-answer', ref: toRight.ref, ...answer })), 3)
  const frame = [...right.press.made.values()][0]!.frame
  left.press.made.set(Buffer.from(frame.subarray(98)).toString('latin1'), right.press.made.get(Buffer.from(frame.subarray(98)).toString('latin1'))!)
  const effects = left.item(idOf('right'), frame)
  assert.is(delivered(effects).length, 1)
  assert.equal(pushedTo(effects), [])
  assert.is(sends(left.pass(30), 'have').length, 1)
})

sync('those who hold the same exchange nothing', () => {
  const { right, toRight } = pair(0, 0, 50)
  assert.is(answerOf(right, toRight, idOf('left')).ids.length, 0)
})

sync('one item more, or another in its place, shows', () => {
  const more = pair(0, 1, 50)
  assert.is(answerOf(more.right, more.toRight, idOf('left')).ids.length, 51 * 32, 'the whole bucket that differs')
  const other = pair(1, 1, 50)
  assert.is(answerOf(other.right, other.toRight, idOf('left')).ids.length, 51 * 32)
})

sync('buckets that are equal are left out', () => {
  const { left, right } = pair(0, 0, 50)
  right.nowMs += 20_000
  right.good(idOf('source-0'), { body: 'later' })
  left.take({ kind: 'left', from: idOf('right') })
  left.effects.length = 0
  left.peer('right')
  assert.is(answerOf(right, asked(left.effects)[0]!, idOf('left')).ids.length, 32)
})

sync('1,024 ids a page, with a cursor for the next', () => {
  const { left, right, toRight } = pair(0, 2_500)
  const first = answerOf(right, toRight, idOf('left'))
  assert.is(first.ids.length, 1_024 * 32)
  const effects = left.take({ kind: 'sync-answer', ref: toRight.ref, ...first })
  const second = answerOf(right, asked(effects)[0]!, idOf('left'))
  const third = answerOf(right, asked(left.take({ kind: 'sync-answer', ref: toRight.ref, ...second }))[0]!, idOf('left'))
  assert.equal([second.ids.length / 32, third.ids.length / 32, third.next], [1_024, 452, null])
  left.take({ kind: 'sync-answer', ref: toRight.ref, ...third })
  assert.is(left.state.stats.wants, 2_500)
  assert.is(left.state.stats.syncs, 0)
})

sync('of many missing items 1,000 are asked for in a heartbeat, as many as would be served', () => {
  const { left, right, toRight } = pair(0, 2_500)
  let question = toRight
  let inFirst = 0
  for (;;) {
    const answer = answerOf(right, question, idOf('left'))
    const effects = left.take({ kind: 'sync-answer', ref: toRight.ref, ...answer })
    inFirst += wanted(effects)
    if (answer.next === null) break
    question = asked(effects)[0]!
  }
  assert.is(inFirst, 1_000)
  assert.ok(wanted(left.pass(1_200)) >= 1_000)
})

sync('an answer that nobody asked for, or whose ids are no ids, is nothing', () => {
  const { left, toRight } = pair(0, 0)
  assert.is(left.take({ kind: 'sync-answer', ref: 'sync-99', ids: new Uint8Array(32), next: null }).length, 0)
  left.take({ kind: 'sync-answer', ref: toRight.ref, ids: new Uint8Array(33), next: null })
  assert.is(left.counter('sync-malformed'), 1)
  assert.is(left.state.stats.syncs, 0)
})

sync('no answer ends it, and so does the peer\'s leaving', () => {
  const { left, toRight } = pair(0, 0)
  left.take({ kind: 'sync-failed', ref: toRight.ref })
  assert.is(left.state.stats.syncs, 0)
  const other = pair(0, 0)
  other.left.take({ kind: 'left', from: idOf('right') })
  assert.is(other.left.state.stats.syncs, 0)
})

sync('three at once for a topic', () => {
  const rig = new Rig()
  rig.peers(10)
  assert.is(asked(rig.effects).length, 3)
})

sync('four answers a heartbeat to one peer; the fifth is empty, the double a breach', () => {
  const { right, toRight } = pair(0, 3)
  for (let count = 0; count < 4; count++) assert.is(answerOf(right, toRight, idOf('left')).ids.length, 96)
  assert.is(answerOf(right, toRight, idOf('left')).ids.length, 0)
  for (let count = 0; count < 5; count++) answerOf(right, toRight, idOf('left'))
  assert.is(right.counter('sync-breach'), 1)
  right.pass(1_000)
  assert.is(answerOf(right, toRight, idOf('left')).ids.length, 96)
})

sync('a topic we do not know is answered with nothing', () => {
  const { right, toRight } = pair(0, 3)
  assert.is(answered(right.take({ kind: 'sync', from: idOf('left'), topic: 'other', question: toRight.payload })).ids.length, 0)
})

sync('now and then somebody is asked though no link is new; never when that is off', () => {
  const rig = new Rig({ parameters: { syncEveryMs: 5_000 } })
  const [peer] = rig.peers(1)
  for (const { ref } of asked(rig.effects)) rig.take({ kind: 'sync-failed', ref })
  rig.effects.length = 0
  for (let second = 0; second < 60; second++) for (const { ref } of asked(rig.pass(1_000))) rig.take({ kind: 'sync-failed', ref })
  const count = asked(rig.effects).length
  assert.ok(count >= 4 && count <= 25 && asked(rig.effects).every(({ to }) => to === peer), `${count}`)
  const off = new Rig()
  off.peers(1)
  off.effects.length = 0
  assert.is(asked(off.pass(60_000)).length, 0)
})

sync('what a sync named is judged by what the topic keeps, what is pushed by 120 s', () => {
  const rig = new Rig({ topics: { [TOPIC]: { retentionMs: 600_000 } } })
  const [a] = rig.peers(1)
  const [old, other] = [rig.press.frame({ timestampMs: rig.wallMs - 500_000 }), rig.press.frame({ timestampMs: rig.wallMs - 500_000 })]
  const [question] = asked(rig.effects)
  rig.take({ kind: 'sync-answer', ref: question!.ref, ids: rig.idOf(old), next: null })
  assert.is(delivered(rig.item(a!, old)).length, 1)
  assert.is(delivered(rig.item(a!, other)).length, 0)
  rig.pass(301_000)
  assert.is(rig.state.stats.seen, 1, 'and is known as long')
})

sync.run()
