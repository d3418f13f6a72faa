import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EventLog } from '../../lib/testing/event-log.ts'

const test = suite('event log')

function filled(change?: (log: EventLog, index: number) => void, entries = 10_000): EventLog {
  const log = new EventLog()
  for (let index = 0; index < entries; index++) {
    log.note('frame', index * 1.5, index, index ** 2)
    if (index % 100 === 0) log.note('said', index, 1, 2, `number ${index}, größer`)
    change?.(log, index)
  }
  return log
}

test('the same entries have the same hash, however often it is asked for', () => {
  const curious = filled((log, index) => { if (index % 1_000 === 0) log.hash() })
  assert.is(curious.hash(), filled().hash())
  assert.is(curious.hash(), curious.hash())
  assert.match(curious.hash(), /^[0-9a-f]{64}$/)
})

test('any change of kind, time, number, text or order changes the hash', () => {
  const hashes = new Set([
    filled().hash(),
    filled((log, index) => { if (index === 7) log.note('frame', 0, 0) }).hash(),
    filled((log, index) => { if (index === 7) log.note('frames', 0, 0) }).hash(),
    filled((log, index) => { if (index === 7) log.note('frame', 0.001, 0) }).hash(),
    filled((log, index) => { if (index === 7) log.note('frame', 0, 0, 1) }).hash(),
    filled((log, index) => { if (index === 7) log.note('frame', 0, 0, 0, 'a') }).hash(),
    filled((log, index) => { if (index === 8) log.note('frame', 0, 0) }).hash(),
    filled((log, index) => { if (index === 9_999) log.note('frame', 0, 0) }).hash(),
    filled(undefined, 9_999).hash(),
  ])
  assert.is(hashes.size, 9)
})

test('the latest entries can be read, oldest first', () => {
  const log = new EventLog({ keep: 3 })
  for (let index = 0; index < 100; index++) log.note('tick', index, index)
  log.note('said', 100, 0, 0, 'hello')
  assert.equal(log.tail(3), ['98.000 tick 98 0', '99.000 tick 99 0', '100.000 said 0 0 hello'])
  assert.equal(new EventLog({ keep: 0 }).tail(), [])
})

test('a text of any length fits: what is too long is cut', () => {
  const log = new EventLog()
  log.note('said', 0, 0, 0, 'x'.repeat(1_000_000))
  log.note('said', 0, 0, 0, '')
  assert.is(log.entries, 2)
})

test.run()
