import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Anchor } from '../../lib/peers/address-store.ts'
import { netgroupOf } from '../../lib/peers/network-address.ts'
import { OutboundSlots, outboundTargetFor } from '../../lib/peers/slots.ts'
import { VirtualClock } from '../../lib/testing/virtual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { bookOf, groupAt, idOf, inGroup } from './support/book.ts'

const test = suite('links of our own choice')

interface World {
  clock: VirtualClock
  slots: OutboundSlots
  book: ReturnType<typeof bookOf>['book']
  links: Map<string, string>
  dialled: string[]
  dialledAtMs: number[]
  probed: string[]
  dropped: string[]
  /** Who does not answer. */
  silent: Set<string>
}

function world({ target = 4, seed = 1, answersAt = undefined as ((id: string) => string | undefined) | undefined } = {}): World {
  const clock = new VirtualClock()
  const { book } = bookOf(seed, { clock: clock as never })
  const links = new Map<string, string>()
  const [dialled, probed, dropped, dialledAtMs, silent]: [string[], string[], string[], number[], Set<string>] = [[], [], [], [], new Set()]
  const dial = async (id: string): Promise<boolean> => {
    book.dialled(id)
    await new Promise<void>(resolve => void clock.schedule(100, resolve))
    const address = answersAt?.(id) ?? book.get(id)?.addresses[0]
    if (silent.has(id) || address === undefined) {
      book.failed(id)
      return false
    }
    book.answered(id, address)
    return true
  }
  const slots = new OutboundSlots({
    clock, random: seededRandom(seed), target, book: () => book, groupOf: netgroupOf,
    outbound: () => [...links].map(([id, address]) => ({ id, address })),
    isLinked: id => links.has(id),
    dial: async id => {
      dialled.push(id)
      dialledAtMs.push(clock.elapsedMs())
      const answered = await dial(id)
      if (answered) links.set(id, book.get(id)!.addresses[0]!)
      return answered
    },
    probe: id => {
      probed.push(id)
      return dial(id)
    },
    drop: id => {
      dropped.push(id)
      links.delete(id)
    },
  })
  return { clock, slots, book, links, dialled, dialledAtMs, probed, dropped, silent }
}

const hear = (book: World['book'], n: number, group = n): void => void book.hear({ id: idOf(n), addresses: [inGroup(group, n)], saidAtMs: 1 }, groupAt(n + 300))

test('a node that was not asked to dials nobody by itself', async () => {
  const { clock, slots, book, dialled, probed } = world({ target: 0 })
  for (let n = 0; n < 20; n++) hear(book, n)
  slots.start([{ id: idOf(1), address: inGroup(1) }])
  slots.fill()
  await clock.run({ forMs: 600_000 })
  assert.equal([dialled, probed, slots.stats.target], [[], [], 0])
})

test('the design gives an eighth of all connections to it, and never fewer than four', () => {
  assert.equal([96, 50, 24, 8].map(outboundTargetFor), [12, 6, 4, 4])
})

test('slots are filled, those of the anchors too, and no two links are in one netgroup', async () => {
  const { clock, slots, book, links } = world()
  for (let n = 0; n < 60; n++) hear(book, n, n % 10)
  slots.start()
  await clock.run({ forMs: 10_000 })
  assert.equal([links.size, new Set([...links.values()].map(netgroupOf)).size, slots.stats.linked], [6, 6, 6])
  await clock.run({ forMs: 600_000 })
  assert.is(links.size, 6)
})

test('with netgroups all the same there is one link', async () => {
  const { clock, slots, book, links } = world()
  for (let n = 0; n < 60; n++) hear(book, n, 3)
  slots.start()
  await clock.run({ forMs: 60_000 })
  assert.is(links.size, 1)
})

test('a link that is lost is made up for, by somebody else while its peer does not answer', async () => {
  const { clock, slots, book, links, silent } = world()
  for (let n = 0; n < 40; n++) hear(book, n)
  slots.start()
  await clock.run({ forMs: 10_000 })
  const [lost] = links.keys()
  silent.add(lost!)
  links.delete(lost!)
  slots.fill()
  await clock.run({ forMs: 10_000 })
  assert.equal([links.size, links.has(lost!)], [6, false])
})

test('anchors of the last run are dialled first', async () => {
  const { clock, slots, book, links, dialled } = world()
  for (let n = 0; n < 40; n++) hear(book, n)
  const anchors = [7, 23].map(n => ({ id: idOf(n), address: inGroup(n, n) }))
  slots.start(anchors)
  await clock.run({ forMs: 10_000 })
  assert.equal(dialled.slice(0, 2), anchors.map(({ id }) => id))
  assert.ok(anchors.every(({ id }) => links.has(id)))
})

test('anchors are the links that have stood longest; while there are too few, those of before stay', () => {
  const { slots, links } = world()
  const before: Anchor[] = [{ id: idOf(90), address: inGroup(90) }, { id: idOf(91), address: inGroup(91) }]
  assert.equal(slots.anchorsAfter(before), before, 'an outage does not make us forget them')
  links.set(idOf(1), inGroup(1))
  assert.equal(slots.anchorsAfter(before).map(({ id }) => id), [idOf(1), idOf(90)])
  links.set(idOf(2), inGroup(2))
  links.set(idOf(3), inGroup(3))
  assert.equal(slots.anchorsAfter(before).map(({ id }) => id), [idOf(1), idOf(2)])
})

test('half are drawn from the tried, however many were heard of', async () => {
  let tried = 0
  for (let seed = 1; seed <= 60; seed++) {
    const { clock, slots, book, dialled } = world({ seed, target: 6 })
    for (let n = 0; n < 20; n++) book.answered(idOf(n), inGroup(n, n))
    for (let n = 100; n < 400; n++) hear(book, n)
    await clock.run({ forMs: 61_000 })
    slots.start()
    await clock.run({ forMs: 6_000 })
    tried += dialled.slice(0, 8).filter(id => Number.parseInt(id, 16) < 20).length
    slots[Symbol.dispose]()
  }
  assert.ok(tried > 190 && tried < 290, `${tried} of 480 are of the tried`)
})

test('dials begin half a second apart, and a book without anybody to dial is looked at again after half a minute', async () => {
  const { clock, slots, book, dialledAtMs, silent } = world()
  for (let n = 0; n < 20; n++) {
    hear(book, n)
    silent.add(idOf(n))
  }
  slots.start()
  await clock.run({ forMs: 25_000 })
  assert.is(dialledAtMs.length, 20)
  for (const [index, atMs] of dialledAtMs.entries()) if (index > 0) assert.ok(atMs - dialledAtMs[index - 1]! >= 500, `${atMs}`)
  hear(book, 50)
  await clock.run({ forMs: 30_000 })
  assert.is(dialledAtMs.length, 21)
})

test('every two minutes or so somebody who was only heard of is felt for, and the link is not kept', async () => {
  const { clock, slots, book, links, probed } = world()
  for (let n = 0; n < 200; n++) hear(book, n)
  slots.start()
  await clock.run({ forMs: 3_600_000 })
  assert.ok(probed.length >= 22 && probed.length <= 40, `${probed.length} in an hour`)
  assert.equal([links.size, slots.stats.feelers], [6, probed.length])
  assert.ok(book.tried >= links.size + probed.length - 3, 'all but those who found their place taken')
})

test('a feeler goes first to a tried peer whose place somebody waits for', async () => {
  const { clock, slots, book, probed, silent } = world({ target: 1 })
  const [holder, challenger] = rivalsIn(book)
  book.answered(holder, inGroup(0, Number.parseInt(holder, 16)))
  await clock.run({ forMs: 5 * 3_600_000 })
  book.hear({ id: challenger, addresses: [inGroup(0, Number.parseInt(challenger, 16))], saidAtMs: 1 }, groupAt(9))
  book.answered(challenger, inGroup(0, Number.parseInt(challenger, 16)))
  silent.add(holder)
  // One link of ours to another netgroup, and nobody else: the slots are full.
  for (const n of [500, 600, 700]) hear(book, n)
  slots.start()
  await clock.run({ forMs: 200_000 })
  assert.is(probed[0], holder)
  assert.equal([book.get(challenger)!.isTried, book.get(holder)!.isTried], [true, false])
})

test('one that answers where we have a link already is let go', async () => {
  const { clock, slots, book, links, dropped } = world({ target: 1, answersAt: id => (id === idOf(2) ? inGroup(1, 2) : undefined) })
  book.hear({ id: idOf(1), addresses: [inGroup(1, 1)], saidAtMs: 1 }, groupAt(301))
  slots.start()
  await clock.run({ forMs: 1_000 })
  book.hear({ id: idOf(2), addresses: [inGroup(2, 2), inGroup(1, 2)], saidAtMs: 1 }, groupAt(302))
  await clock.run({ forMs: 31_000 })
  assert.equal([[...links.keys()], dropped, slots.stats.sameGroup], [[idOf(1)], [idOf(2)], 1])
})

test('once disposed of, nothing is dialled and no timer is left', async () => {
  const { clock, slots, book, dialled } = world()
  for (let n = 0; n < 40; n++) hear(book, n)
  slots.start()
  await clock.run({ forMs: 600 })
  slots[Symbol.dispose]()
  const before = dialled.length
  await clock.run({ forMs: 3_600_000 })
  assert.equal([dialled.length, clock.pending], [before, 0])
})

/** Two peers that want one place among the tried: found by trying, since the key is the book's own. */
function rivalsIn(book: World['book']): [string, string] {
  const twin = bookOf(1)
  const seen = new Map<number, string>()
  for (let n = 1; n < 60_000; n++) {
    const place = twin.places.triedPlace({ id: idOf(n), group: groupAt(0) })
    if (seen.has(place)) return [seen.get(place)!, idOf(n)]
    seen.set(place, idOf(n))
  }
  throw new Error(`no two share a place in a book of ${book.size}`)
}

test.run()
