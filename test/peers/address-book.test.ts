import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DUELS_MAX } from '../../lib/peers/address-book.ts'
import { isResting, isStale } from '../../lib/peers/address-entry.ts'
import { BUCKET_SIZE, BUCKETS_PER_GROUP, BUCKETS_PER_SOURCE, HEARD_BUCKETS, NAME_GROUPS, TRIED_BUCKETS } from '../../lib/peers/address-places.ts'
import { bookOf, faultOf, groupAt, idOf, inGroup, keyOf, type Shelf } from './support/book.ts'

const test = suite('address book')

const DAY_MS = 86_400_000
const said = (n: number, addresses = [inGroup(n)], saidAtMs = 1) => ({ id: idOf(n), addresses, saidAtMs })

/** Two peers in one netgroup that want the same place among the tried. */
function rivals({ places }: Shelf): [number, number] {
  const seen = new Map<number, number>()
  for (let host = 1; host < 60_000; host++) {
    const place = places.triedPlace({ id: idOf(host), group: groupAt(0) })
    const other = seen.get(place)
    if (other !== undefined) return [other, host]
    seen.set(place, host)
  }
  throw new Error('no two share a place')
}

test('who is heard of is in the book, and among the tried once it has answered', () => {
  const shelf = bookOf()
  const { book, clock } = shelf
  assert.is(book.hear(said(1), groupAt(9)), 'added')
  assert.is(book.hear(said(1), groupAt(9)), 'known')
  assert.equal([book.size, book.tried, book.choose('tried'), book.choose('heard')?.id], [1, 0, undefined, idOf(1)])
  assert.is(book.answered(idOf(1), inGroup(1)), true)
  assert.equal([book.size, book.tried, book.choose('tried')?.id, book.choose('heard')], [1, 1, idOf(1), undefined])
  assert.is(book.get(idOf(1))!.answeredAtMs, clock.now())
  assert.is(faultOf(shelf), undefined)
})

test('whoever answers without having been told of is tried at once', () => {
  const shelf = bookOf()
  assert.is(shelf.book.answered(idOf(1), inGroup(1)), true)
  assert.equal([shelf.book.get(idOf(1))!.addresses, shelf.book.tried, faultOf(shelf)], [[inGroup(1)], 1, undefined])
})

test('what its owner said before counts no more, nor does a word without an address', () => {
  const { book } = bookOf()
  book.hear(said(1, [inGroup(1)], 10), groupAt(9))
  assert.is(book.hear(said(1, [inGroup(2)], 9), groupAt(9)), 'old')
  assert.is(book.hear(said(1, [inGroup(1, 7)], 11), groupAt(9)), 'renewed')
  assert.is(book.hear(said(2, []), groupAt(9)), 'old')
  assert.equal([book.get(idOf(1))!.addresses, book.size, book.counts.old], [[inGroup(1, 7)], 1, 2])
})

test('an address that answered stays in front until it does not; who moves to another netgroup begins anew', () => {
  const shelf = bookOf()
  const { book } = shelf
  book.answered(idOf(1), inGroup(1))
  assert.is(book.hear(said(1, [inGroup(2)], 5), groupAt(9)), 'renewed')
  assert.equal([book.get(idOf(1))!.addresses, book.tried], [[inGroup(1), inGroup(2)], 1], 'a claim does not undo what was seen')
  book.failed(idOf(1))
  assert.is(book.hear(said(1, [inGroup(2)], 6), groupAt(9)), 'renewed')
  assert.equal([book.get(idOf(1))!.addresses, book.get(idOf(1))!.group, book.tried, book.size], [[inGroup(2)], groupAt(2), 0, 1])
  book.answered(idOf(1), inGroup(3))
  assert.equal([book.get(idOf(1))!.addresses[0], book.get(idOf(1))!.group, book.tried], [inGroup(3), groupAt(3), 1], 'sorted by what answered, not by what was claimed')
  assert.is(faultOf(shelf), undefined)
})

test('one source fills no more than its buckets, however much it tells', () => {
  const shelf = bookOf()
  for (let n = 0; n < 6_000; n++) shelf.book.hear(said(n, [inGroup(n)]), groupAt(60_001))
  assert.ok(shelf.book.size <= BUCKETS_PER_SOURCE * BUCKET_SIZE, `${shelf.book.size} entries`)
  assert.ok(shelf.book.size > 0.9 * BUCKETS_PER_SOURCE * BUCKET_SIZE, 'and it can fill those')
  assert.ok(shelf.book.counts.full > 3_500)
  assert.is(faultOf(shelf), undefined)
})

test('all who are told of by nobody known share one source', () => {
  const { book } = bookOf()
  for (let n = 0; n < 6_000; n++) book.hear(said(n, [inGroup(n)]), undefined)
  assert.ok(book.size <= BUCKETS_PER_SOURCE * BUCKET_SIZE, `${book.size} entries`)
})

test('what is told of one netgroup by one source shares one bucket', () => {
  const { book } = bookOf()
  for (let n = 0; n < 500; n++) book.hear(said(n, [inGroup(1, n)]), groupAt(9))
  assert.is(book.size, BUCKET_SIZE)
})

test('the tried of one netgroup fill no more than their buckets', () => {
  const shelf = bookOf()
  for (let n = 0; n < 4_000; n++) shelf.book.answered(idOf(n), inGroup(1, n))
  assert.ok(shelf.book.tried <= BUCKETS_PER_GROUP * BUCKET_SIZE, `${shelf.book.tried} are tried`)
  assert.ok(shelf.book.tried > 0.9 * BUCKETS_PER_GROUP * BUCKET_SIZE)
  assert.is(faultOf(shelf), undefined)
})

for (const sources of [1, 4, 16, 32]) {
  test(`${sources} netgroups that tell fill at most the buckets theory gives them`, () => {
    const { book } = bookOf(sources)
    for (let source = 0; source < sources; source++) for (let n = 0; n < 3_000; n++) book.hear(said(source * 3_000 + n, [inGroup((source * 3_000 + n) % 50_000)]), groupAt(60_000 + source))
    const expected = HEARD_BUCKETS * (1 - (1 - 1 / HEARD_BUCKETS) ** (BUCKETS_PER_SOURCE * sources)) * BUCKET_SIZE
    assert.ok(book.size <= Math.min(HEARD_BUCKETS, BUCKETS_PER_SOURCE * sources) * BUCKET_SIZE, `${book.size} entries`)
    assert.ok(Math.abs(book.size - expected) < 0.12 * expected, `${book.size} entries where ${Math.round(expected)} are expected`)
  })
}

for (const groups of [1, 8, 32]) {
  test(`tried addresses of ${groups} netgroups fill at most the buckets theory gives them`, () => {
    const { book } = bookOf(groups)
    for (let group = 0; group < groups; group++) for (let host = 0; host < 1_500; host++) book.answered(idOf(group * 1_500 + host), inGroup(group, host))
    const expected = TRIED_BUCKETS * (1 - (1 - 1 / TRIED_BUCKETS) ** (BUCKETS_PER_GROUP * groups)) * BUCKET_SIZE
    assert.ok(book.tried <= Math.min(TRIED_BUCKETS, BUCKETS_PER_GROUP * groups) * BUCKET_SIZE)
    assert.ok(Math.abs(book.tried - expected) < 0.25 * expected, `${book.tried} are tried where ${Math.round(expected)} are expected`)
  })
}

test('all names together are sixteen netgroups', () => {
  const shelf = bookOf()
  const { book } = shelf
  for (let n = 0; n < 6_000; n++) book.hear(said(n, [`wss://a.host${n}.org`]), `evil${n}.org`)
  const shares = new Set([...book].map(entry => shelf.places.shareOf(entry.group)))
  assert.is(shares.size, NAME_GROUPS)
  assert.is(faultOf(shelf), undefined)
})

test('a flood of hearsay never takes a tried peer\'s place', () => {
  const { book } = bookOf()
  for (let n = 0; n < 200; n++) book.answered(idOf(n), inGroup(n))
  const tried = [...book].filter(entry => entry.isTried).map(entry => entry.id)
  for (let n = 1_000; n < 25_000; n++) book.hear(said(n, [inGroup(n % 9_000)]), groupAt(n % 4_000))
  assert.equal([...book].filter(entry => entry.isTried).map(entry => entry.id), tried)
})

test('one source may tell 100 at once, and one in ten seconds from then on; others are not made to wait', () => {
  const { book, clock } = bookOf(1, { isRationed: () => true })
  let n = 0
  const tell = (count: number, source: number): number => Array.from({ length: count }, () => book.hear(said(++n), groupAt(source))).filter(outcome => outcome === 'added').length
  assert.equal([tell(150, 1), book.counts.rationed, tell(100, 2)], [100, 50, 100])
  clock.advance(10_000)
  assert.equal([tell(3, 1), book.hear(said(1), groupAt(1))], [1, 'known'], 'what is known costs nothing')
  clock.advance(3_600_000)
  assert.is(tell(200, 1), 100)
})

test('on a private network one source may tell of all', () => {
  const { book } = bookOf(1, { isRationed: () => false })
  for (let n = 0; n < 150; n++) assert.is(book.hear(said(n), groupAt(1)), 'added')
})

test('whoever is told of by several netgroups has several places, and loses those to newcomers first', () => {
  const shelf = bookOf()
  const { book } = shelf
  for (let source = 0; source < 60; source++) book.hear(said(1), groupAt(100 + source))
  const entry = book.get(idOf(1))!
  assert.is(entry.places.length, 4)
  for (let n = 1_000; n < 50_000; n++) book.hear(said(n, [inGroup(n)]), groupAt(n % 3_000))
  assert.is(book.get(idOf(1)), entry)
  assert.is(entry.places.length, 1)
  assert.is(faultOf(shelf), undefined)
})

// Ageing.

test('what was not heard of for a month, or does not answer, is stale and makes room', () => {
  const { book, clock } = bookOf()
  book.hear(said(1), groupAt(9))
  const entry = book.get(idOf(1))!
  const isIt = (): boolean => isStale(entry, clock.now())
  assert.not.ok(isIt())
  for (let n = 0; n < 3; n++) {
    book.dialled(idOf(1))
    book.failed(idOf(1))
  }
  assert.not.ok(isIt(), 'a dial a moment ago may still be answered')
  clock.advance(60_001)
  assert.ok(isIt(), 'three in vain and never an answer')
  book.answered(idOf(1), inGroup(1))
  for (let n = 0; n < 12; n++) book.failed(idOf(1))
  assert.not.ok(isIt(), 'it answered within a week')
  clock.advance(7 * DAY_MS + 1)
  assert.ok(isIt(), 'ten in vain and no answer for a week')
  book.answered(idOf(1), inGroup(1))
  clock.advance(30 * DAY_MS)
  assert.not.ok(isIt())
  clock.advance(1)
  assert.ok(isIt(), 'nobody spoke of it for a month')
  assert.ok(isStale({ ...entry, heardAtMs: clock.now() + 11 * 60_000 }, clock.now()), 'heard of in the future')
})

test('a full bucket lets go of a stale entry, and of no other', () => {
  const shelf = bookOf()
  const { book, clock } = shelf
  for (let n = 0; n < BUCKET_SIZE; n++) book.hear(said(n, [inGroup(1, n)]), groupAt(9))
  assert.is(book.hear(said(100, [inGroup(1, 100)]), groupAt(9)), 'full')
  for (let n = 0; n < 3; n++) {
    book.dialled(idOf(7))
    book.failed(idOf(7))
  }
  clock.advance(60_001)
  assert.is(book.hear(said(100, [inGroup(1, 100)]), groupAt(9)), 'added')
  assert.equal([book.get(idOf(7)), book.size], [undefined, BUCKET_SIZE])
  assert.is(faultOf(shelf), undefined)
})

test('who did not answer rests for ten minutes, then twice as long each time, up to a day', () => {
  const { book, clock } = bookOf()
  book.hear(said(1), groupAt(9))
  const entry = book.get(idOf(1))!
  for (const minutes of [10, 20, 40]) {
    book.dialled(idOf(1))
    book.failed(idOf(1))
    clock.advance(minutes * 60_000 - 1)
    assert.equal([book.choose('heard'), isResting(entry, clock.now())], [undefined, true], `${minutes}`)
    clock.advance(1)
    assert.is(book.choose('heard')?.id, idOf(1))
  }
  entry.failures = 40
  book.dialled(idOf(1))
  clock.advance(DAY_MS)
  assert.not.ok(isResting(entry, clock.now()))
  assert.not.ok(isResting({ ...entry, dialledAtMs: clock.now() + DAY_MS }, clock.now()), 'a clock that was set back makes nobody wait')
})

test('a dial that failed for want of a network counts against nobody', () => {
  const { book } = bookOf()
  book.hear(said(1), groupAt(9))
  book.failed(idOf(1), false)
  assert.is(book.get(idOf(1))!.failures, 0)
})

// Test before evict.

const HOURS_5_MS = 5 * 3_600_000

function duel(): Shelf & { holder: string; challenger: string } {
  const shelf = bookOf()
  const [first, second] = rivals(shelf)
  shelf.book.answered(idOf(first), inGroup(0, first))
  shelf.clock.advance(HOURS_5_MS)
  shelf.book.hear(said(second, [inGroup(0, second)]), groupAt(9))
  assert.is(shelf.book.answered(idOf(second), inGroup(0, second)), false, 'the place is taken')
  return { ...shelf, holder: idOf(first), challenger: idOf(second) }
}

test('a tried peer keeps its place when it answers the test', () => {
  const { book, holder, challenger, clock, places } = duel()
  assert.is(book.toTest()?.id, holder)
  book.dialled(holder)
  assert.is(book.toTest(), undefined, 'one test at a time')
  book.answered(holder, book.get(holder)!.addresses[0]!)
  assert.equal([book.get(holder)!.isTried, book.get(challenger)!.isTried, book.duels, book.counts.defended], [true, false, 0, 1])
  clock.advance(60_001)
  assert.is(book.answered(challenger, book.get(challenger)!.addresses[0]!), false)
  assert.equal([book.duels, book.counts.defended], [0, 2], 'who answered within four hours is not tested again')
  assert.is(faultOf({ book, clock, places }), undefined)
})

test('a tried peer that fails the test goes back among those heard of', () => {
  const { book, holder, challenger, clock, places } = duel()
  book.dialled(holder)
  book.failed(holder)
  assert.equal([book.get(holder)!.isTried, book.get(challenger)!.isTried, book.duels, book.counts.replaced], [false, true, 0, 1])
  assert.is(faultOf({ book, clock, places }), undefined)
})

test('a tried peer that nobody got round to testing keeps its place', () => {
  const { book, holder, challenger, clock } = duel()
  clock.advance(40 * 60_000 + 1)
  assert.equal([book.toTest(), book.duels, book.get(holder)!.isTried, book.get(challenger)!.isTried], [undefined, 0, true, false])
})

test('a tried peer that is stale gives way without a test', () => {
  const shelf = bookOf()
  const [first, second] = rivals(shelf)
  shelf.book.answered(idOf(first), inGroup(0, first))
  shelf.clock.advance(31 * DAY_MS)
  assert.is(shelf.book.answered(idOf(second), inGroup(0, second)), true)
  assert.equal([shelf.book.get(idOf(first))!.isTried, shelf.book.tried, faultOf(shelf)], [false, 1, undefined])
})

test('no more than so many wait for a place', () => {
  const shelf = bookOf()
  const { book, clock } = shelf
  for (let n = 0; n < 2_000; n++) book.answered(idOf(n), inGroup(1, n))
  const before = book.tried
  clock.advance(HOURS_5_MS)
  for (let n = 3_000; n < 3_200; n++) {
    book.hear(said(n, [inGroup(1, n)]), groupAt(n))
    book.answered(idOf(n), inGroup(1, n))
  }
  assert.ok(book.duels === DUELS_MAX, `${book.duels} wait`)
  assert.ok(book.tried >= before)
  assert.is(faultOf(shelf), undefined)
})

// Choosing.

test('who fills the book is no likelier to be dialled: tried are drawn by netgroup, heard of by source', () => {
  const { book } = bookOf()
  for (let n = 0; n < 4; n++) book.answered(idOf(n), inGroup(n))
  for (let n = 10; n < 260; n++) book.answered(idOf(n), inGroup(200, n))
  const draws = Array.from({ length: 2_000 }, () => book.choose('tried')!.group)
  const loud = draws.filter(group => group === groupAt(200)).length
  assert.ok(loud > 300 && loud < 500, `${loud} of 2,000 are of the one netgroup among five`)

  for (let n = 1_000; n < 1_010; n++) book.hear(said(n), groupAt(n))
  for (let n = 2_000; n < 4_000; n++) book.hear(said(n), groupAt(60_000))
  const told = Array.from({ length: 2_000 }, () => book.choose('heard')!.sources).filter(sources => sources.includes(groupAt(60_000))).length
  assert.ok(told < 350, `${told} of 2,000 were told by the one source among eleven`)
})

test('a choice looks at all before it gives up', () => {
  const { book } = bookOf()
  for (let n = 0; n < 300; n++) book.answered(idOf(n), inGroup(n))
  const [last] = [...book].filter(entry => entry.isTried).slice(-1)
  assert.is(book.choose('tried', entry => entry === last), last)
  assert.is(book.choose('tried', () => false), undefined)
})

test('a sample has nobody twice, and half of it was tried', () => {
  const { book } = bookOf()
  for (let n = 0; n < 100; n++) book.hear(said(n), groupAt(n + 500))
  for (let n = 0; n < 50; n++) book.answered(idOf(n), inGroup(n))
  const sample = book.sample(20)
  assert.equal([sample.length, new Set(sample).size], [20, 20])
  assert.ok(sample.filter(entry => entry.isTried).length >= 10)
  assert.is(book.sample(1_000).length, book.size)
  assert.equal([book.sample(0), book.sample(5, entry => entry.id === idOf(3)).map(entry => entry.id)], [[], [idOf(3)]])
})

test('the same key, clock and chance make the same choices; another key makes other buckets', () => {
  const draw = (seed: number): string[] => {
    const { book } = bookOf(seed)
    for (let n = 0; n < 500; n++) book.hear(said(n), groupAt(n % 40))
    return Array.from({ length: 50 }, () => book.choose('heard')!.id)
  }
  assert.equal(draw(3), draw(3))
  assert.not.equal(draw(3), draw(4))
  const buckets = (seed: number): number[] => Array.from({ length: 50 }, (_, n) => bookOf(seed).places.heardBucket(groupAt(n), groupAt(n + 50)))
  assert.not.equal(buckets(3), buckets(4))
  assert.not.equal(keyOf(3), keyOf(4))
})

// Coming back.

test('a book that is taken in again has everything in its place', () => {
  const before = bookOf(5)
  for (let n = 0; n < 2_000; n++) before.book.hear(said(n), groupAt(n % 100))
  for (let n = 0; n < 300; n++) before.book.answered(idOf(n), inGroup(n))
  const after = bookOf(5, { clock: before.clock })
  for (const entry of before.book) assert.is(after.book.restore(entry), true)
  assert.equal([after.book.size, after.book.tried, faultOf(after)], [before.book.size, before.book.tried, undefined])
  const first = [...before.book][0]!
  assert.is(after.book.restore(first), false, 'nobody twice')
  assert.is(after.book.restore({ ...first, id: idOf(9_999), addresses: [] }), false)
})

// Any sequence.

type Call = { call: 'hear' | 'move' | 'answered' | 'dialled' | 'failed' | 'wait' | 'test' | 'choose'; n: number; group: number; source: number }

const call: fc.Arbitrary<Call> = fc.record({
  call: fc.constantFrom('hear', 'hear', 'hear', 'move', 'answered', 'answered', 'dialled', 'failed', 'failed', 'wait', 'test', 'choose'),
  n: fc.nat(400), group: fc.nat(6), source: fc.nat(12),
})

function carryOut({ book, clock }: Shelf, { call, n, group, source }: Call): void {
  if (call === 'hear') book.hear(said(n, [inGroup(group, n)]), source === 0 ? undefined : groupAt(source))
  else if (call === 'move') book.hear(said(n, [inGroup(group + 1, n), inGroup(group, n)], clock.now()), groupAt(source))
  else if (call === 'answered') book.answered(idOf(n), inGroup(group, n))
  else if (call === 'dialled') book.dialled(idOf(n))
  else if (call === 'failed') book.failed(idOf(n))
  else if (call === 'wait') clock.advance(n * 600_000)
  else if (call === 'test') book.toTest()
  else book.choose(n % 2 === 0 ? 'heard' : 'tried')
}

test('every cap and every promise of the book holds after any sequence of calls', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), fc.array(call, { maxLength: 250 }), (seed, calls) => {
    const shelf = bookOf(seed)
    // Crowded from the start, so that places are fought for.
    for (let n = 0; n < 400; n++) shelf.book.hear(said(n, [inGroup(n % 3, n)]), groupAt(n % 2))
    for (const [index, each] of calls.entries()) {
      carryOut(shelf, each)
      if (index % 25 === 0) assert.is(faultOf(shelf), undefined)
    }
    assert.is(faultOf(shelf), undefined)
  }), { numRuns: 30, seed: 20_261_120 })
})

test.run()
