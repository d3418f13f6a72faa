import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SimRandom } from '../../lib/testing/sim-random.ts'
import { SimStore } from '../../lib/testing/sim-store.ts'
import { VirtualClock } from '../../lib/testing/virtual-clock.ts'

const test = suite('simulated store')

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

async function contents(store: SimStore): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {}
  for await (const [key, value] of store.entries('')) found[key] = [...value]
  return found
}

/** Crashes with seed after seed until what was kept is as wished. */
async function crashUntil(make: () => Promise<SimStore>, isWished: (found: Record<string, number[]>) => boolean, torn = false): Promise<Record<string, number[]>> {
  for (let seed = 0; seed < 200; seed++) {
    const store = await make()
    store.crash(new SimRandom(seed), { torn })
    const found = await contents(store)
    if (isWished(found)) return found
  }
  throw new Error('no seed of 200 keeps that')
}

test('without a crash it is a store: values are copied, keys listed in order', async () => {
  const store = new SimStore()
  const value = bytes(1, 2, 3)
  await store.put('b', value)
  value[0] = 9
  await store.put('a', bytes(7), { sync: true })
  await store.put('c/1', bytes(8))
  await store.put('c/2', bytes(9))
  await store.delete('c/1')
  assert.equal(await contents(store), { a: [7], b: [1, 2, 3], 'c/2': [9] })
  assert.equal(await store.get('nothing'), undefined)
  const got = (await store.get('b'))!
  got[0] = 77
  assert.equal([...(await store.get('b'))!], [1, 2, 3])
  const found = []
  for await (const [key] of store.entries('c/', { limit: 1 })) found.push(key)
  assert.equal(found, ['c/2'])
})

test('what was synced survives any crash, and takes what came before with it', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const store = new SimStore()
    await store.put('early', bytes(1))
    await store.put('synced', bytes(2), { sync: true })
    await store.put('late', bytes(3))
    store.crash(new SimRandom(seed))
    const found = await contents(store)
    assert.equal([found.early, found.synced], [[1], [2]], `seed ${seed}`)
  }
})

test('of what was not synced a first part survives: all, some, or nothing', async () => {
  const make = async (): Promise<SimStore> => {
    const store = new SimStore()
    for (const value of [1, 2, 3]) await store.put(`key ${value}`, bytes(value))
    return store
  }
  const sizes = new Set<number>()
  for (let seed = 0; seed < 100; seed++) {
    const store = await make()
    store.crash(new SimRandom(seed))
    const found = Object.keys(await contents(store))
    assert.equal(found, ['key 1', 'key 2', 'key 3'].slice(0, found.length), 'never a later write without an earlier one')
    sizes.add(found.length)
  }
  assert.equal([...sizes].sort(), [0, 1, 2, 3])
})

test('an unsynced delete may come back', async () => {
  const make = async (): Promise<SimStore> => {
    const store = new SimStore()
    await store.put('key', bytes(1), { sync: true })
    await store.delete('key')
    return store
  }
  await crashUntil(make, found => found.key !== undefined)
  await crashUntil(make, found => found.key === undefined)
})

test('a torn write leaves half of itself behind, only when asked to', async () => {
  const make = async (): Promise<SimStore> => {
    const store = new SimStore()
    await store.put('key', bytes(1, 2, 3, 4, 5, 6))
    return store
  }
  const found = await crashUntil(make, ({ key }) => key !== undefined && key.length < 6, true)
  assert.equal(found.key, [1, 2, 3, 4, 5, 6].slice(0, found.key!.length))
  for (let seed = 0; seed < 50; seed++) {
    const store = await make()
    store.crash(new SimRandom(seed))
    const { key } = await contents(store)
    assert.ok(key === undefined || key.length === 6)
  }
})

test('the system writes everything to disk by itself after half a minute', async () => {
  const clock = new VirtualClock()
  const store = new SimStore({ clock })
  await store.put('key', bytes(1))
  assert.is(store.unsynced, 1)
  await clock.run({ forMs: 30_000 })
  assert.is(store.unsynced, 0)
  for (let seed = 0; seed < 20; seed++) store.crash(new SimRandom(seed))
  assert.equal(await contents(store), { key: [1] })
})

test('a crash between write and sync: the caller never hears, and the write may be gone', async () => {
  const clock = new VirtualClock()
  let lost = 0
  for (let seed = 0; seed < 20; seed++) {
    const store = new SimStore({ clock, syncMs: 50 })
    let heard = false
    void store.put('key', bytes(1), { sync: true }).then(() => { heard = true })
    await clock.run({ forMs: 20 })
    store.crash(new SimRandom(seed))
    await clock.run({ forMs: 1_000 })
    assert.is(heard, false)
    if (Object.keys(await clock.drive(contents(store))).length === 0) lost++
  }
  assert.ok(lost > 0 && lost < 20, `lost ${lost} of 20`)
})

test('a slow disk takes virtual time', async () => {
  const clock = new VirtualClock()
  const store = new SimStore({ clock, latencyMs: 5, syncMs: 20 })
  await clock.drive(store.put('key', bytes(1)))
  assert.is(clock.elapsedMs(), 5)
  await clock.drive(store.put('key', bytes(2), { sync: true }))
  assert.is(clock.elapsedMs(), 30)
  await clock.drive(store.get('key'))
  assert.is(clock.elapsedMs(), 35)
})

test('a full disk refuses writes until there is room, and still reads', async () => {
  const store = new SimStore()
  await store.put('key', bytes(1))
  const full = store.fillUp()
  const error = await store.put('other', bytes(2)).catch((reason: Error) => reason)
  assert.match((error as Error).message, /ENOSPC/)
  assert.equal(await contents(store), { key: [1] })
  full.release()
  await store.put('other', bytes(2))
  assert.equal(await contents(store), { key: [1], other: [2] })
})

test('a corrupted record differs in one bit, for good', async () => {
  const store = new SimStore()
  await store.put('key', bytes(0, 0, 0, 0), { sync: true })
  assert.is(store.corrupt(new SimRandom(3)), 'key')
  const after = (await store.get('key'))!
  const ones = [...after].reduce((sum, value) => sum + value.toString(2).replaceAll('0', '').length, 0)
  assert.is(ones, 1)
  store.crash(new SimRandom(4))
  assert.equal(await store.get('key'), after)
  assert.is(new SimStore().corrupt(new SimRandom(3)), undefined)
})

test('an old image can be put back', async () => {
  const store = new SimStore()
  await store.put('key', bytes(1), { sync: true })
  const image = store.image()
  await store.put('key', bytes(2), { sync: true })
  await store.put('more', bytes(3), { sync: true })
  store.restore(image)
  assert.equal(await contents(store), { key: [1] })
})

test.run()
