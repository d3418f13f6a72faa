import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { baseBackend } from '../../../lib/crypto/select.node.ts'
import { HeldRecords, type HeldOptions } from '../../../lib/protocols/dht/held-records.ts'
import { PER_KEY_MAX, SPLIT_AT } from '../../../lib/protocols/dht/limits.ts'
import { positionFrom, Targets, type Position } from '../../../lib/protocols/dht/position.ts'
import type { Stored } from '../../../lib/protocols/dht/record.ts'

const held = suite('DHT: records held for others')

const targets = new Targets(baseBackend())
const at = (byte: number): Position => positionFrom(new Uint8Array(32).fill(byte))
const OWN = at(0)
const publisher = (number: number): string => number.toString(16).padStart(64, '0')

let made = 0
function record(changes: Partial<Stored> = {}): Stored {
  const { publisher: by = publisher(1), id = `t-${made++}`, type = 'thing' } = changes
  return { type, id, sets: ['thing'], seq: 1, created: 0, expires: 1_000_000, data: 1, gone: false, publisher: by, frame: new Uint8Array(100).fill(made & 255), entry: targets.entry(by, type, id), ...changes }
}

function store(changes: Partial<HeldOptions> = {}): HeldRecords {
  return new HeldRecords({ own: OWN, recordsMax: 100, bytesMax: 1_000_000, perPublisher: 64, perHandGroup: 128, isPrivate: () => false, ...changes })
}

held('what has ended is not given out, and leaves with the next sweep', () => {
  const records = store()
  records.put(OWN, record({ expires: 100 }), { nowMs: 0 })
  records.put(OWN, record({ expires: 200 }), { nowMs: 0 })
  assert.is(records.under(OWN.bytes, 99).length, 2)
  assert.is(records.under(OWN.bytes, 100).length, 1)
  assert.is(records.count, 2)
  assert.is(records.sweep(100), 1)
  assert.equal([records.count, records.bytes, records.keys], [1, 100, 1])
  assert.is(records.sweep(200), 1)
  assert.equal([records.count, records.bytes, records.keys], [0, 0, 0])
})

held('what has ended, or ends in more than a day, is not taken', () => {
  assert.is(store().put(OWN, record({ expires: 5 }), { nowMs: 5 }).verdict, 'expired')
  assert.is(store().put(OWN, record({ expires: 25 * 3_600_000 }), { nowMs: 0 }).verdict, 'expired')
})

held('one publisher has its share, larger while there is room, and others are not touched by it', () => {
  const records = store({ recordsMax: 10_000, perPublisher: 4 })
  let taken = 0
  while (records.put(at(taken & 255), record(), { nowMs: 0 }).verdict === 'stored') taken++
  assert.ok(taken > 500 && taken < 700, `${taken} of a sixteenth of 10,000`)
  const refused = records.put(OWN, record(), { nowMs: 0 })
  assert.is(refused.verdict, 'full')
  assert.ok('waitMs' in refused && refused.waitMs > 0)
  assert.is(records.put(OWN, record({ publisher: publisher(2) }), { nowMs: 0 }).verdict, 'stored')
})

held('the records that one network hands in have their share', () => {
  const records = store({ perPublisher: 1_000, perHandGroup: 10 })
  const put = (index: number, handGroup: number): string => records.put(OWN, record({ publisher: publisher(index) }), { nowMs: 0, handGroup }).verdict
  assert.equal(Array.from({ length: 12 }, (_, index) => put(index, 7)).filter(verdict => verdict === 'stored').length, 10)
  assert.is(put(50, 8), 'stored')
  assert.is(put(51, 0), 'stored', 'nobody knows where that came from')
})

held('on a private network nobody is rationed', () => {
  const records = store({ perPublisher: 1, perHandGroup: 1, isPrivate: () => true })
  for (let index = 0; index < 50; index++) assert.is(records.put(OWN, record(), { nowMs: 0, handGroup: 7 }).verdict, 'stored')
})

held('a key takes 512, says from 128 on that it has split, and when to try again', () => {
  const records = store({ recordsMax: 100_000, isPrivate: () => true })
  for (let index = 0; index < PER_KEY_MAX; index++) {
    assert.is(records.hasSplit(OWN.bytes), index >= SPLIT_AT)
    assert.is(records.put(OWN, record({ expires: 100_000 }), { nowMs: 0 }).verdict, 'stored')
  }
  assert.equal(records.put(OWN, record(), { nowMs: 40_000 }), { verdict: 'full', waitMs: 60_000 })
  assert.is(records.put(at(1), record(), { nowMs: 0 }).verdict, 'stored')
  assert.is(records.put(OWN, record(), { nowMs: 100_000 }).verdict, 'stored', 'what has ended makes room')
})

held('when all is full the farthest goes, and what is farther still is refused', () => {
  const records = store({ recordsMax: 10, isPrivate: () => true })
  for (let index = 0; index < 10; index++) records.put(at(10 + index), record(), { nowMs: 0 })
  assert.is(records.put(at(5), record(), { nowMs: 0 }).verdict, 'stored')
  assert.is(records.count, 10)
  assert.is(records.under(at(19).bytes, 0).length, 0)
  assert.is(records.put(at(200), record(), { nowMs: 0 }).verdict, 'full')
})

held('bytes are bounded like records', () => {
  const records = store({ bytesMax: 1_000, isPrivate: () => true })
  for (let index = 0; index < 10; index++) records.put(at(1), record(), { nowMs: 0 })
  assert.is(records.bytes, 1_000)
  assert.is(records.put(at(2), record(), { nowMs: 0 }).verdict, 'full')
})

held('the same thing of two publishers lies side by side', () => {
  const records = store()
  records.put(OWN, record({ id: 'x' }), { nowMs: 0 })
  records.put(OWN, record({ id: 'x', publisher: publisher(2) }), { nowMs: 0 })
  assert.is(records.under(OWN.bytes, 0).length, 2)
})

held.run()
