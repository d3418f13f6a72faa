import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SEEN_MAX } from '../../../lib/protocols/relay/limits.ts'
import { Core } from '../../../lib/protocols/relay/core.ts'
import { Seeks } from '../../../lib/protocols/relay/seeks.ts'
import { bytesOf, charged, claimBy, idOf, Rig, settled, tagOf, told, WALL_MS } from './support/rig.ts'

const seeking = suite('relay: seeking')

seeking('a search is handed on once, to all but who gave it and its seeker, with one hop less', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol', 'seeker')
  const effects = rig.seek('alice', 1, { hops: 3 })
  assert.equal(told(effects), ['seek>bob', 'seek>carol'])
  const [first] = effects.filter(effect => effect.kind === 'send')
  assert.is(first?.type === 'seek' && first.payload.hops, 2)
  assert.equal(told(rig.seek('bob', 1)), [])
  assert.is(rig.counted('seek-again'), 1)
})

seeking('a target that is a neighbour is asked alone', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'target')
  assert.equal(told(rig.seek('alice', 1)), ['seek>target'])
})

seeking('with its last hop a search goes no farther', () => {
  const rig = new Rig()
  rig.join('alice', 'bob')
  assert.equal(told(rig.seek('alice', 1, { hops: 1 })), [])
  assert.is(rig.counted('hops-over'), 1)
})

seeking('a copy by another way costs no check, and the answer goes back to three of them', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol', 'dave', 'erin')
  rig.seek('alice', 1)
  for (const name of ['bob', 'carol', 'dave', 'bob']) rig.seek(name, 1)
  assert.is(rig.out.filter(({ kind }) => kind === 'check').length, 1)
  assert.equal(told(rig.found('erin', 1)), ['found>alice', 'found>bob', 'found>carol'])
})

seeking('who is sought answers each who asks, with one signature', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol')
  const asked = rig.seek('alice', 1, { target: 'me' })
  assert.equal(told(asked), [])
  rig.seek('bob', 1, { target: 'me' })
  assert.equal(told(rig.signed(asked)), ['found>alice', 'found>bob'])
  assert.equal(told(rig.seek('carol', 1, { target: 'me' })), ['found>carol'])
  assert.is(rig.out.filter(({ kind }) => kind === 'sign').length, 1)
  assert.is(rig.state.stats.routes, 1, 'and knows the way to the seeker')
})

seeking('an answer teaches both ways; the same by a second way makes a second, unchecked', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol')
  rig.seek('alice', 1)
  assert.equal(told(rig.found('bob', 1)), ['found>alice'])
  assert.equal(rig.found('carol', 1).length, 0)
  assert.equal(told(rig.carry('alice', 1)), ['carry>bob'])
  assert.equal(told(rig.carry('alice', 1, { attempt: 1 })), ['carry>carol'])
  assert.equal(told(rig.carry('carol', 2, { to: 'seeker' })), ['carry>alice'])
})

seeking('an answer under another key than the one sought is not even checked', () => {
  const rig = new Rig()
  rig.join('alice', 'mallory')
  rig.seek('alice', 1)
  assert.equal(rig.found('mallory', 1, { target: 'mallory' }), [])
  assert.is(rig.counted('found-unasked'), 1)
})

seeking('an answer with another statement by the same target teaches nothing', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol')
  rig.seek('alice', 1)
  rig.found('bob', 1)
  rig.found('carol', 1, { mark: 9 })
  assert.is(rig.counted('found-again'), 1)
  rig.carry('alice', 1)
  assert.equal(told(rig.carry('alice', 1, { attempt: 1 })), ['lost>alice'])
})

seeking('nothing is learned from a search alone: claiming to be somebody gains nothing', () => {
  const rig = new Rig()
  rig.join('mallory', 'bob')
  rig.seek('mallory', 1, { seeker: 'alice' })
  assert.is(rig.state.stats.routes, 0)
  assert.equal(told(rig.carry('bob', 1, { to: 'alice' })), ['lost>bob'])
})

for (const [what, says] of Object.entries({ id: { id: 'ff' }, target: { target: idOf('other') } })) {
  seeking(`a search whose statement has another ${what} than the word is charged to the hop and not handed on`, () => {
    const rig = new Rig()
    rig.join('mallory', 'bob')
    const effects = rig.seek('mallory', 1, { says })
    assert.equal(charged(effects), ['ERR_RELAY_FORGED mallory'])
    assert.equal(told(effects), [])
    assert.equal(told(rig.seek('bob', 1)), ['seek>mallory'], 'the true one still passes')
  })
}

for (const [what, says] of Object.entries({ id: { id: 'ff' }, seeker: { seeker: idOf('other') }, author: { by: idOf('mallory') } })) {
  seeking(`an answer whose statement has another ${what} is charged to the hop; the true one still passes`, () => {
    const rig = new Rig()
    rig.join('alice', 'mallory', 'bob')
    rig.seek('alice', 1)
    const effects = rig.found('mallory', 1, { says })
    assert.equal(charged(effects), ['ERR_RELAY_FORGED mallory'])
    assert.equal([told(effects), rig.state.stats.routes], [[], 0])
    assert.equal(told(rig.found('bob', 1)), ['found>alice'])
  })
}

seeking('nobody can use up an id for somebody else: a search is known by its id and its seeker', () => {
  const rig = new Rig()
  rig.join('mallory', 'alice', 'bob')
  rig.seek('mallory', 1, { seeker: 'mallory', target: 'nobody' })
  assert.equal(told(rig.seek('alice', 1)), ['seek>mallory', 'seek>bob'])
  assert.equal(told(rig.found('bob', 1)), ['found>alice'])
})

seeking('what does not verify is charged to the hop', () => {
  const rig = new Rig()
  rig.join('mallory')
  const effects = rig.feed({ kind: 'misstated', stated: { word: 'seek', from: idOf('mallory'), payload: { id: tagOf(1), target: bytesOf('target'), hops: 3, statement: claimBy('seeker') } } })
  assert.equal(charged(effects), ['ERR_RELAY_FORGED mallory'])
})

seeking('a statement too short to have an author is charged to the hop', () => {
  const rig = new Rig()
  rig.join('mallory')
  const effects = rig.feed({ kind: 'word', stated: { word: 'seek', from: idOf('mallory'), payload: { id: tagOf(1), target: bytesOf('target'), hops: 3, statement: new Uint8Array(10) } } })
  assert.equal(charged(effects), ['ERR_RELAY_FORGED mallory'])
})

seeking('a search under our own name is dropped', () => {
  const rig = new Rig()
  rig.join('mallory', 'bob')
  assert.equal(rig.seek('mallory', 1, { seeker: 'me' }), [])
  assert.is(rig.counted('own-seek'), 1)
})

seeking('two minutes old or half a minute ahead a search is dropped, and nobody is charged', () => {
  for (const wallMs of [WALL_MS + 120_001, WALL_MS - 30_001]) {
    const rig = new Rig()
    rig.join('alice', 'bob')
    assert.equal(rig.seek('alice', 1, { wallMs }), [])
    assert.is(rig.counted('stale'), 1)
  }
  for (const wallMs of [WALL_MS + 120_000, WALL_MS - 30_000]) {
    const rig = new Rig()
    rig.join('alice', 'bob')
    assert.equal(told(rig.seek('alice', 1, { wallMs })), ['seek>bob'])
  }
})

seeking('a captured search let loose again within three minutes is known; after that it is too old by far', () => {
  const rig = new Rig()
  rig.join('alice', 'mallory', 'bob')
  rig.seek('alice', 1)
  rig.pass(179_000)
  rig.fire('sweep')
  assert.equal(rig.state.stats.seen, 0, 'it is forgotten in the fourth minute')
  const again = new Rig()
  again.join('alice', 'mallory', 'bob')
  again.seek('alice', 1)
  again.pass(170_000)
  again.fire('sweep')
  assert.equal([told(again.seek('mallory', 1)), again.state.stats.seen], [[], 1])
})

seeking('of one neighbour 8 searches are heeded at once and 2 a second; the others lose nothing', () => {
  const rig = new Rig()
  rig.join('mallory', 'alice', 'bob')
  for (let tag = 0; tag < 10; tag++) rig.seek('mallory', tag)
  assert.is(rig.counted('seeks-over'), 2)
  rig.pass(1_000)
  for (let tag = 10; tag < 13; tag++) rig.seek('mallory', tag)
  assert.is(rig.counted('seeks-over'), 3)
  assert.equal(told(rig.seek('alice', 20)), ['seek>mallory', 'seek>bob'])
})

seeking('more than any honest node hands on is a breach', () => {
  const rig = new Rig()
  rig.join('mallory', 'bob')
  for (let tag = 0; tag < 24; tag++) assert.equal(charged(rig.seek('mallory', tag)), [])
  assert.equal(charged(rig.seek('mallory', 24)), ['ERR_RELAY_BREACH mallory'])
})

seeking('of all neighbours together 12 searches are handed on at once and 3 a second', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol')
  for (let tag = 0; tag < 14; tag++) rig.seek(tag % 2 === 0 ? 'alice' : 'bob', tag)
  assert.is(rig.counted('forwards-over'), 2)
  rig.pass(1_000)
  for (let tag = 14; tag < 18; tag++) rig.seek('carol', tag)
  assert.is(rig.counted('forwards-over'), 3)
})

seeking('32 who seek us are answered at once and 4 a second', () => {
  const rig = new Rig()
  const names = Array.from({ length: 5 }, (_, index) => `n${index}`)
  rig.join(...names)
  for (let tag = 0; tag < 35; tag++) rig.seek(names[tag % 5]!, tag, { target: 'me' })
  assert.is(rig.counted('answers-over'), 3)
})

seeking('4,096 searches are remembered; then new ones are refused and nothing is forgotten early', () => {
  const core = new Core({ ownId: idOf('me'), carries: true, bytesPerSecond: 1, newId: () => tagOf(0) })
  const seeks = new Seeks(core, () => {})
  for (let tag = 0; tag < SEEN_MAX; tag++) assert.ok(seeks.begin(tagOf(tag), idOf('target'), 4, claimBy('me')))
  assert.not(seeks.begin(tagOf(SEEN_MAX), idOf('target'), 4, claimBy('me')))
  assert.equal([seeks.size, core.counters['seen-full']], [SEEN_MAX, 1])
})

seeking('answers nobody asked for are counted; a stream of them is a breach', () => {
  const rig = new Rig()
  rig.join('mallory')
  for (let tag = 0; tag < 50; tag++) assert.equal(charged(rig.found('mallory', tag)), [])
  assert.equal(charged(rig.found('mallory', 50)), ['ERR_RELAY_BREACH mallory'])
  assert.is(rig.counted('found-unasked'), 51)
})

seeking('a node that carries for nobody hands no search on, and answers those for itself', () => {
  const rig = new Rig({ carries: false })
  rig.join('alice', 'bob')
  assert.equal(rig.seek('alice', 1), [])
  assert.is(rig.counted('not-carrying'), 1)
  assert.equal(told(rig.signed(rig.seek('alice', 2, { target: 'me' }))), ['found>alice'])
})

seeking('our own search goes near, then far, then far again, and then we say that nobody was found', () => {
  const rig = new Rig()
  rig.join('alice', 'bob')
  let effects = rig.send('1')
  for (const [hops, waitMs] of [[4, 1_500], [10, 5_000], [10, 8_000]] as const) {
    const spread = rig.signed(effects)
    assert.equal(told(spread), ['seek>alice', 'seek>bob'])
    assert.ok(spread.every(effect => effect.kind === 'send' && effect.type === 'seek' && effect.payload.hops === hops))
    const before = rig.nowMs
    effects = rig.fire(`seek:${idOf('target')}`)
    assert.is(rig.nowMs - before, waitMs)
  }
  assert.equal(settled(effects), ['1 unreachable'])
  assert.equal([rig.state.stats.sends, rig.state.stats.searches], [0, 0])
})

seeking('two messages for one key share a search', () => {
  const rig = new Rig()
  rig.join('alice')
  const [first, second] = [rig.send('1'), rig.send('2')]
  assert.is(second.filter(({ kind }) => kind === 'sign').length, 0)
  rig.signed(first)
  const sought = rig.out.findLast(effect => effect.kind === 'send' && effect.type === 'seek')
  assert.ok(sought?.kind === 'send' && sought.type === 'seek')
  const tag = new DataView(sought.payload.id.buffer).getUint32(0)
  assert.equal(told(rig.found('alice', tag, { seeker: 'me' })), ['carry>alice', 'carry>alice'])
})

seeking('our own searches wait their turn: 4 at once and one a second', () => {
  const rig = new Rig()
  rig.join('alice')
  for (let ref = 0; ref < 5; ref++) rig.send(String(ref), `target-${ref}`)
  assert.is(rig.out.filter(({ kind }) => kind === 'sign').length, 4)
  assert.is(rig.counted('own-seeks-wait'), 1)
  const effects = rig.fire(`seek:${idOf('target-4')}`)
  assert.is(rig.nowMs, 1_000)
  assert.is(effects.filter(({ kind }) => kind === 'sign').length, 1)
})

seeking('without a neighbour nobody is waited for', () => {
  assert.equal(settled(new Rig().send('1')), ['1 unreachable'])
})

seeking.run()
