import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { BOOK_MAX, CHECKS_MAX, INTAKE_BURST } from '../../../lib/protocols/exchange/limits.ts'
import { claimedOwner } from '../../../lib/protocols/exchange/record.ts'
import { RecordBook } from '../../../lib/protocols/exchange/record-book.ts'
import { charged, idOf, many, newsIn, ownersOf, recordOf, Rig, toWhom } from './support/rig.ts'

const exchanging = suite('exchange: asking and telling')

exchanging('a new peer is asked at once, one that does not speak exchange is not, and once it does it is', () => {
  const rig = new Rig()
  assert.equal(toWhom(rig.join('alice'), 'ask'), ['alice'])
  assert.equal(toWhom(rig.join('bob', { speaks: false }), 'ask'), [])
  assert.equal(toWhom(rig.join('bob'), 'ask'), ['bob'])
})

exchanging('in a round every 30 s those are asked again who were asked ten minutes ago, and nobody sooner', () => {
  const rig = new Rig()
  rig.join('alice')
  rig.join('bob')
  assert.equal(toWhom(rig.rounds(19), 'ask'), [])
  assert.ok(rig.nowMs > 19 * 27_000 && rig.nowMs < 19 * 33_000, `${rig.nowMs}`)
  rig.nowMs = 600_000
  assert.equal(toWhom(rig.rounds(2), 'ask').sort(), ['alice', 'bob'])
})

exchanging('of a hundred peers five are asked in a round, so that all are in ten minutes', () => {
  const rig = new Rig()
  for (const name of many(100)) rig.join(name)
  rig.pass(600_000)
  assert.is(toWhom(rig.fire('round'), 'ask').length, 5)
})

exchanging('what is given are records of peers met, never what was only heard of', () => {
  const rig = new Rig()
  rig.meet('alice')
  rig.join('bob')
  rig.check(rig.list('bob', [recordOf('carol')]))
  rig.join('dave')
  assert.equal(rig.given('dave'), ['alice'])
  rig.join('carol')
  rig.check(rig.ask('carol', recordOf('carol', 2)))
  rig.join('erin')
  assert.equal(rig.given('erin').sort(), ['alice', 'carol'])
})

exchanging('one connection is given a list once in ten minutes, and one key three at once and one in ten minutes', () => {
  const rig = new Rig()
  rig.meet('alice')
  rig.join('bob')
  assert.equal(rig.given('bob'), ['alice'])
  assert.equal(rig.given('bob'), [])
  const again = (): string[] => {
    rig.leave('bob')
    rig.join('bob')
    return rig.given('bob')
  }
  assert.equal([again(), again(), again(), again()], [['alice'], ['alice'], [], []])
  assert.is(rig.counted('asked-too-early'), 3)
  rig.pass(600_000)
  assert.equal([rig.given('bob'), again()], [['alice'], []])
})

exchanging('the tenth question too early is a breach, once', () => {
  const rig = new Rig()
  rig.join('mallory')
  rig.ask('mallory')
  const charges = many(20).map(() => charged(rig.ask('mallory')))
  assert.equal(charges.flat(), ['ERR_EXCHANGE_BREACH mallory'])
  assert.equal(charges[9], ['ERR_EXCHANGE_BREACH mallory'])
})

exchanging('a list holds 23 % of the book, at most 64, and up to 8 in any case', () => {
  for (const [met, expected] of [[5, 5], [8, 8], [20, 8], [50, 11], [100, 23], [400, 64]] as const) {
    const rig = new Rig()
    for (const name of many(met)) rig.meet(name)
    rig.join('asker')
    assert.is(rig.given('asker').length, expected, `of ${met}`)
  }
})

exchanging('for ten minutes all who ask are given of the same draw: many keys learn no more than one', () => {
  const rig = new Rig()
  for (const name of many(100)) rig.meet(name)
  const given = new Set<string>()
  for (const name of many(30, 'sybil')) {
    rig.join(name)
    for (const owner of rig.given(name)) given.add(owner)
  }
  assert.is(given.size, 23)
  rig.pass(600_000)
  rig.join('later')
  assert.ok(rig.given('later').some(owner => !given.has(owner)), 'then it is drawn anew')
})

exchanging('nobody is given its own record', () => {
  const rig = new Rig()
  rig.meet('alice')
  rig.pass(600_000)
  assert.equal(rig.given('alice'), [])
})

exchanging('in a round a peer is told of those met since, three at a time, oldest first', () => {
  const rig = new Rig()
  rig.join('alice')
  for (const name of many(5)) rig.meet(name)
  const told = newsIn(rig.fire('round')).filter(line => line.startsWith('alice'))
  assert.equal(told, ['alice: n0, n1, n2'])
  assert.equal(newsIn(rig.fire('round')).filter(line => line.startsWith('alice')), ['alice: n3, n4'])
  assert.equal(newsIn(rig.fire('round')), [], 'where nothing is new, nothing is said')
})

exchanging('who was given a list is told what is met after it', () => {
  const rig = new Rig()
  rig.meet('alice')
  rig.join('bob')
  rig.given('bob')
  rig.meet('carol')
  assert.equal(newsIn(rig.fire('round')).filter(line => line.startsWith('bob')), ['bob: carol'])
})

exchanging('our own record is news to those linked when it says something new, and not where a question has carried it', () => {
  const rig = new Rig()
  rig.join('alice')
  rig.feed({ kind: 'own', record: recordOf('me', 1), isNew: true })
  rig.join('bob')
  assert.equal(newsIn(rig.fire('round')), ['alice: me'])
  rig.feed({ kind: 'own', record: recordOf('me', 2), isNew: false })
  assert.equal(newsIn(rig.fire('round')), [])
  rig.feed({ kind: 'own', record: null, isNew: true })
  assert.equal(newsIn(rig.fire('round')), [])
})

exchanging('two words of news a round are heeded; more are dropped, and beyond the double a breach', () => {
  const rig = new Rig()
  rig.join('mallory')
  const heeded = many(5).map(name => {
    const effects = rig.news('mallory', [recordOf(name)])
    return [effects.filter(({ kind }) => kind === 'check').length, charged(effects)]
  })
  assert.equal(heeded, [[1, []], [1, []], [0, []], [0, []], [0, ['ERR_EXCHANGE_BREACH mallory']]])
  rig.fire('round')
  assert.is(rig.news('mallory', [recordOf('x')]).filter(({ kind }) => kind === 'check').length, 1)
})

exchanging('100 records of one peer are taken at once and 0.1 a second, also when it comes anew; known ones count for nothing', () => {
  const rig = new Rig()
  rig.join('mallory')
  const records = many(INTAKE_BURST + 20).map(name => recordOf(name))
  const checks = [...rig.list('mallory', records.slice(0, 64)), ...rig.list('mallory', records.slice(64))]
  assert.is(checks.filter(({ kind }) => kind === 'check').length, INTAKE_BURST)
  assert.is(rig.counted('over-intake'), 20)
  rig.leave('mallory')
  rig.join('mallory')
  assert.equal(rig.list('mallory', [recordOf('more')]), [])
  rig.pass(10_000)
  assert.is(rig.list('mallory', [recordOf('one'), recordOf('two')]).filter(({ kind }) => kind === 'check').length, 1)

  const other = new Rig()
  other.meet('alice')
  other.join('bob')
  for (let count = 0; count < 300; count++) other.list('bob', [recordOf('alice')])
  assert.equal([other.counted('known'), other.counted('over-intake')], [300, 0])
})

exchanging(`${CHECKS_MAX} records wait to be checked, no more`, () => {
  const rig = new Rig()
  const names = many(CHECKS_MAX / 64 + 1)
  for (const [index, name] of names.entries()) {
    rig.join(name)
    rig.list(name, many(64, `r${index}-`).map(owner => recordOf(owner)))
  }
  assert.equal([rig.state.stats.checking, rig.counted('too-much-to-check')], [CHECKS_MAX, 64])
})

exchanging('an hour old, or two minutes ahead, a record is dropped and nobody is charged', () => {
  const rig = new Rig()
  rig.join('alice')
  const wallMs = 1_700_000_000_000
  for (const [index, statedAtMs] of [wallMs - 3_600_001, wallMs + 120_001].entries()) {
    assert.equal(charged(rig.check(rig.list('alice', [recordOf(`n${index}`)]), { statedAtMs })), [])
  }
  assert.equal([rig.counted('stale'), rig.state.stats.hearsay], [2, 0])
  for (const [index, statedAtMs] of [wallMs - 3_600_000, wallMs + 120_000].entries()) rig.check(rig.list('alice', [recordOf(`m${index}`)]), { statedAtMs })
  assert.is(rig.state.stats.hearsay, 2)
})

exchanging('what the address book does not take is not handed on, whether its owner is linked or dialled', () => {
  const rig = new Rig({ outboundTarget: 4 })
  rig.join('alice')
  rig.check(rig.ask('alice', recordOf('alice')), { usable: false })
  assert.equal([rig.counted('unusable'), rig.state.stats.book], [1, 0])
  assert.equal(toWhom(rig.check(rig.list('alice', [recordOf('local')])), 'dial'), ['local'])
  rig.dialled('local', 'unusable')
  assert.equal([rig.counted('unusable'), rig.state.stats.hearsay, rig.state.stats.book], [2, 0, 0])
  assert.is(rig.list('alice', [recordOf('more')]).length, 1, 'and says nothing against who named it')
})

exchanging('whom we have heard of, dialled and found is handed on by what we heard', () => {
  const rig = new Rig({ outboundTarget: 4 })
  rig.join('alice')
  rig.check(rig.list('alice', [recordOf('carol', 3)]))
  rig.feed({ kind: 'taken', owner: idOf('carol') })
  rig.dialled('carol', 'linked')
  rig.join('asker')
  assert.equal(rig.given('asker'), ['carol'])
})

exchanging('a newer record of a peer that is met takes the place of the older; an older one does not, whoever brings it', () => {
  const rig = new Rig()
  const at = 1_700_000_000_000
  rig.join('alice')
  rig.check(rig.ask('alice', recordOf('alice', 1)), { statedAtMs: at })
  rig.join('bob')
  rig.check(rig.list('bob', [recordOf('alice', 3)]), { statedAtMs: at + 5_000 })
  rig.check(rig.list('bob', [recordOf('alice', 2)]), { statedAtMs: at - 5_000 })
  rig.join('carol')
  const [answer] = rig.ask('carol').filter(effect => effect.kind === 'answer')
  assert.is(answer?.kind === 'answer' && answer.records[0]![40], 3)
})

exchanging('whoever was here for a moment is handed on to nobody; whoever was here ten minutes is, for an hour', () => {
  const rig = new Rig()
  rig.meet('moment')
  rig.leave('moment')
  rig.meet('lasting')
  rig.pass(600_000)
  rig.leave('lasting')
  rig.join('asker')
  assert.equal(rig.given('asker'), ['lasting'])
  rig.pass(3_600_000)
  rig.fire('round')
  assert.is(rig.state.stats.book, 0)
})

exchanging(`${BOOK_MAX} records are kept to be handed on; those of peers that have gone make room`, () => {
  const book = new RecordBook(() => 0.5)
  for (let index = 0; index < BOOK_MAX; index++) book.put(idOf(`n${index}`), recordOf('x'), 1, 0)
  book.put(idOf('more'), recordOf('x'), 1, 0)
  assert.equal([book.size, book.has(idOf('more'))], [BOOK_MAX, false])
  book.left(idOf('n7'), 600_000)
  book.put(idOf('more'), recordOf('x'), 1, 0)
  assert.equal([book.size, book.has(idOf('more')), book.has(idOf('n7'))], [BOOK_MAX, true, false])
})

exchanging('a record that its owner did not sign is charged to who handed it over, who is not heeded, asked, told or given anything for an hour', () => {
  const rig = new Rig()
  rig.meet('alice')
  rig.meet('mallory')
  assert.equal(charged(rig.check(rig.list('mallory', [recordOf('carol')]), { fault: true })), ['ERR_EXCHANGE_INVALID_RECORD mallory'])
  assert.equal(rig.list('mallory', [recordOf('dave')]), [])
  assert.equal(rig.given('mallory'), [])
  rig.join('bob')
  assert.equal(rig.given('bob'), ['alice'], 'nor is it handed on')
  rig.pass(600_000)
  rig.meet('erin')
  const round = rig.fire('round')
  assert.not(toWhom(round, 'ask').includes('mallory'))
  assert.not(newsIn(round).some(line => line.startsWith('mallory')))
  assert.ok(rig.counted('told-by-misbehaving') > 0 && rig.counted('asked-by-misbehaving') > 0)
  rig.leave('mallory')
  rig.pass(3_600_000)
  rig.fire('round')
  assert.equal(toWhom(rig.join('mallory'), 'ask'), ['mallory'])
})

exchanging('bytes too short for a record are charged; a check that failed here is not', () => {
  const rig = new Rig()
  rig.join('mallory')
  assert.equal(charged(rig.list('mallory', [new Uint8Array(20)])), ['ERR_EXCHANGE_INVALID_RECORD mallory'])
  const other = new Rig()
  other.join('alice')
  assert.equal(charged(other.check(other.list('alice', [recordOf('bob')]), { fault: false })), [])
  assert.is(other.counted('unchecked'), 1)
  assert.is(claimedOwner(new Uint8Array(34)), undefined)
})

exchanging('a peer below zero by the application\'s own score is left alone', () => {
  const rig = new Rig()
  rig.scores.set('mallory', -1)
  assert.equal(toWhom(rig.join('mallory'), 'ask'), [])
  rig.meet('alice')
  assert.equal(rig.given('mallory'), [])
  assert.equal(rig.list('mallory', [recordOf('bob')]), [])
  assert.equal(newsIn(rig.fire('round')), [])
})

exchanging('our own record, told to us by others, is dropped', () => {
  const rig = new Rig()
  rig.join('alice')
  assert.equal(rig.list('alice', [recordOf('me')]), [])
  assert.is(rig.counted('own-record'), 1)
})

exchanging('words of somebody without a link get nothing', () => {
  const rig = new Rig()
  assert.equal(ownersOf(rig.ask('nobody').flatMap(effect => effect.kind === 'answer' ? effect.records : [])), [])
  assert.equal(rig.news('nobody', [recordOf('x')]), [])
})

exchanging.run()
