import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AddressStore, type StoredEntry } from '../../lib/peers/address-store.ts'
import { SLICES } from '../../lib/peers/address-places.ts'
import { TwinRecords } from '../../lib/peers/twin-records.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { bookOf, faultOf, groupAt, hmac, idOf, inGroup } from './support/book.ts'

const test = suite('address book on disk')

const storeOver = (store: MemoryStore, seed = 1): AddressStore => new AddressStore({ store, hmac, random: seededRandom(seed) })
const entryAt = (n: number, fields: Partial<StoredEntry> = {}): StoredEntry => ({
  id: idOf(n), addresses: [inGroup(n)], sources: [groupAt(n + 7)], saidAtMs: 5, heardAtMs: 6, dialledAtMs: 0, answeredAtMs: 0, failures: 0, isTried: false, ...fields,
})

async function namesIn(disk: MemoryStore): Promise<string[]> {
  const names = []
  for await (const [name] of disk.entries('')) names.push(name)
  return names
}

async function all(store: AddressStore): Promise<StoredEntry[]> {
  const entries = []
  for await (const entry of store.entries()) entries.push(entry)
  return entries
}

test('the key is drawn once and is the same after every restart; before there is anything to keep, nothing is written', async () => {
  const disk = new MemoryStore()
  const store = storeOver(disk, 1)
  const key = await store.key()
  assert.equal([key.length, await store.key(), await namesIn(disk)], [32, key, []])
  await store.writeSlice(0, [])
  assert.equal(await storeOver(disk, 2).key(), key)
})

test('what was written comes back, entry for entry', async () => {
  const disk = new MemoryStore()
  const store = storeOver(disk)
  const entries = [entryAt(1), entryAt(2, { isTried: true, sources: [], answeredAtMs: 9, failures: 3, addresses: [inGroup(2), 'wss://example.org/x'] })]
  await store.writeSlice(3, entries)
  await store.writeAnchors([{ id: idOf(1), address: inGroup(1) }])
  const again = storeOver(disk)
  assert.equal([await all(again), await again.anchors(), again.refused], [entries, [{ id: idOf(1), address: inGroup(1) }], 0])
})

test('a torn write leaves what stood before', async () => {
  const disk = new MemoryStore()
  const store = storeOver(disk)
  await store.writeSlice(0, [entryAt(1)])
  await store.writeSlice(0, [entryAt(1), entryAt(2)])
  for (const cut of [0, 1, 15, 16, 17, 60]) {
    const torn = new MemoryStore()
    for await (const [name, value] of disk.entries('')) await torn.put(name, name === 'slice/00/0' ? value.subarray(0, cut) : value)
    const again = storeOver(torn)
    assert.equal([(await all(again)).map(({ id }) => id), again.refused], [[idOf(1)], 1], `${cut} bytes`)
    await again.writeSlice(0, [entryAt(3)])
    assert.equal((await all(storeOver(torn))).map(({ id }) => id), [idOf(3)], 'the next write takes the place of the torn one')
  }
})

test('whatever is in the store, reading it never throws and never believes it', async () => {
  const disk = new MemoryStore()
  await storeOver(disk).writeSlice(0, [entryAt(1)])
  await storeOver(disk).writeSlice(1, [entryAt(2)])
  const random = seededRandom(9)
  for (let round = 0; round < 300; round++) {
    const bent = new MemoryStore()
    for await (const [name, value] of disk.entries('')) {
      value[random(1)[0]! % value.length]! ^= 1 << (round % 8)
      await bent.put(name, value)
    }
    const again = storeOver(bent)
    assert.equal([await all(again), again.refused], [[], 2])
  }
  const junk = new MemoryStore()
  for (let slice = 0; slice < SLICES; slice++) for (const turn of [0, 1]) await junk.put(`slice/${slice.toString().padStart(2, '0')}/${turn}`, random(slice * 3))
  await junk.put('key/0', random(40))
  await junk.put('anchors/1', random(3))
  const again = storeOver(junk)
  assert.equal([await all(again), await again.anchors(), (await again.key()).length, again.refused], [[], [], 32, 2 * SLICES + 2])
})

test('a whole record of the wrong shape is left out, entry by entry', async () => {
  const disk = new MemoryStore()
  const records = new TwinRecords(disk, hmac)
  const good = [new Uint8Array(32).fill(1), [inGroup(1)], ['a'], 1, 1, 0, 0, 0, true]
  const bent = (index: number, value: unknown): unknown[] => good.map((field, at) => (at === index ? value : field))
  const bad = [
    null, 7, [], good.slice(1), bent(0, 'x'), bent(0, new Uint8Array(31)), bent(1, []), bent(1, [7]), bent(1, [inGroup(1), inGroup(2), inGroup(3), inGroup(4), inGroup(5)]), bent(1, ['x'.repeat(161)]), bent(1, 'x'),
    bent(2, ['a', 'b', 'c', 'd', 'e']), bent(2, ['']), bent(3, -1), bent(4, 0.5), bent(5, '1'), bent(6, Number.NaN), bent(7, null), bent(8, 1),
  ]
  await records.write('slice/00', [...bad, good])
  await records.write('slice/01', { not: 'rows' })
  await records.write('anchors', [null, [1, 2], [new Uint8Array(32), 7], [new Uint8Array(32), inGroup(1)]])
  await records.write('key', 'short')
  const store = storeOver(disk)
  assert.equal([(await all(store)).length, (await store.anchors()).length, store.refused], [1, 1, bad.length + 3])
  assert.is((await store.key()).length, 32)
})

test('a book written slice by slice and read back is the same book', async () => {
  const disk = new MemoryStore()
  const before = bookOf(4)
  for (let n = 0; n < 1_500; n++) before.book.hear({ id: idOf(n), addresses: [inGroup(n)], saidAtMs: 1 }, groupAt(n % 60))
  for (let n = 0; n < 200; n++) before.book.answered(idOf(n), inGroup(n))
  const slices = new Map<number, StoredEntry[]>()
  for (const entry of before.book) slices.set(entry.slice, [...slices.get(entry.slice) ?? [], entry])
  const writer = storeOver(disk)
  for (const [slice, entries] of slices) await writer.writeSlice(slice, entries)
  const after = bookOf(4, { clock: before.clock })
  for await (const entry of storeOver(disk).entries()) after.book.restore(entry)
  assert.equal([after.book.size, after.book.tried, faultOf(after)], [before.book.size, before.book.tried, undefined])
  assert.ok(slices.size === SLICES)
})

test.run()
