import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IStore } from '../../lib/contracts/store.ts'
import { MemoryStore, mountedStore, prefixedStore } from '../../lib/foundation/memory-store.ts'

const test = suite('memory store')

const of = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes)

async function entriesOf(store: IStore, prefix = '', options?: { limit?: number }): Promise<[string, number][]> {
  const entries: [string, number][] = []
  for await (const [key, value] of store.entries(prefix, options)) entries.push([key, value[0]!])
  return entries
}

test('what is put is got, replaced and deleted', async () => {
  const store = new MemoryStore()
  assert.is(await store.get('a'), undefined)
  await store.put('a', of(1))
  await store.put('a', of(2))
  assert.equal(await store.get('a'), of(2))
  await store.delete('a')
  await store.delete('a')
  assert.is(await store.get('a'), undefined)
})

test('neither side can change what the other holds', async () => {
  const store = new MemoryStore()
  const mine = of(1, 2)
  await store.put('a', mine)
  mine[0] = 9
  const got = (await store.get('a'))!
  got[1] = 9
  for await (const [, value] of store.entries('')) value.fill(9)
  assert.equal(await store.get('a'), of(1, 2))
})

test('entries come in the order of their keys, those with the prefix, up to the limit', async () => {
  const store = new MemoryStore()
  for (const [index, key] of ['b', 'a/2', 'a/10', 'a', 'aa', ''].entries()) await store.put(key, of(index))
  assert.equal(await entriesOf(store), [['', 5], ['a', 3], ['a/10', 2], ['a/2', 1], ['aa', 4], ['b', 0]])
  assert.equal(await entriesOf(store, 'a/'), [['a/10', 2], ['a/2', 1]])
  assert.equal(await entriesOf(store, 'a', { limit: 2 }), [['a', 3], ['a/10', 2]])
  assert.equal(await entriesOf(store, 'x'), [])
  assert.equal(await entriesOf(store, '', { limit: 0 }), [])
})

test('entries deleted while they are read are left out, added ones do no harm', async () => {
  const store = new MemoryStore()
  for (const key of ['a', 'b', 'c']) await store.put(key, of(1))
  const seen: string[] = []
  for await (const [key] of store.entries('')) {
    seen.push(key)
    await store.delete('b')
    await store.put('d', of(1))
  }
  assert.equal(seen, ['a', 'c'])
})

test('a drawer sees its own keys alone, without the prefix', async () => {
  const store = new MemoryStore()
  const [names, other] = [prefixedStore(store, 'names/'), prefixedStore(store, 'other/')]
  await names.put('bob', of(1), { sync: true })
  await other.put('bob', of(2))
  assert.equal([await names.get('bob'), await other.get('bob'), await store.get('names/bob')], [of(1), of(2), of(1)])
  await names.delete('bob')
  assert.equal([await names.get('bob'), await other.get('bob')], [undefined, of(2)])
  assert.equal(await entriesOf(other, 'b'), [['bob', 2]])
})

test('a mounted store takes the keys below its prefix, and no others', async () => {
  const [base, mounted] = [new MemoryStore(), new MemoryStore()]
  const store = mountedStore(base, 'protocol/mix/', mounted)
  await store.put('protocol/mix/k', of(1))
  await store.put('protocol/mixed', of(2))
  await store.put('names/bob', of(3))
  assert.equal([await entriesOf(mounted), await entriesOf(base)], [[['k', 1]], [['names/bob', 3], ['protocol/mixed', 2]]])
  assert.equal(await entriesOf(store, 'protocol/mix/'), [['protocol/mix/k', 1]])
  assert.equal(await entriesOf(store, 'names/'), [['names/bob', 3]])
  await store.delete('protocol/mix/k')
  assert.is(await mounted.get('k'), undefined)
})

test.run()
