import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FrameWatch } from '../../lib/transports/frame-watch.ts'
import { ManualClock } from '../support/manual-clock.ts'

const test = suite('frame watch')

function watched(timeoutMs = 100): { clock: ManualClock; watch: FrameWatch; late: () => number } {
  const clock = new ManualClock()
  let count = 0
  return { clock, watch: new FrameWatch(clock, timeoutMs, () => { count++ }), late: () => count }
}

test('bytes add up until a frame has come whole', () => {
  const { watch } = watched()
  assert.equal([watch.read(10), watch.read(20)], [10, 30])
  watch.whole()
  assert.is(watch.read(500), 0)
  assert.is(watch.read(7), 7)
})

test('a ping between the parts of a frame is no part of it', () => {
  const { watch } = watched()
  watch.read(10)
  watch.control(8)
  assert.is(watch.read(12), 14)
})

test('a ping that came in two reads leaves nothing unfinished', () => {
  const { clock, watch, late } = watched()
  assert.is(watch.read(3), 3)
  watch.control(8)
  assert.is(watch.read(5), 0)
  clock.advance(1_000)
  assert.is(late(), 0)
})

test('a frame is late when it has been unfinished for the whole time, however it drips', () => {
  const { clock, watch, late } = watched(100)
  for (let ms = 0; ms < 99; ms += 3) {
    watch.read(1)
    clock.advance(3)
  }
  assert.is(late(), 0)
  clock.advance(1)
  assert.is(late(), 1)
})

test('each frame has its own time, and one timer serves them all', () => {
  const { clock, watch, late } = watched(100)
  for (let frame = 0; frame < 50; frame++) {
    watch.read(10)
    assert.is(clock.timers, 1)
    clock.advance(30)
    watch.whole()
    watch.read(10)
  }
  assert.is(late(), 0)
  clock.advance(200)
  assert.is(clock.timers, 0)
  watch.read(1)
  clock.advance(100)
  assert.is(late(), 1)
})

test('time in which we do not read counts for nothing', () => {
  const { clock, watch, late } = watched(100)
  watch.read(10)
  clock.advance(90)
  watch.hold()
  clock.advance(1_000)
  assert.is(late(), 0)
  watch.read(10)
  clock.advance(99)
  assert.is(late(), 0)
  clock.advance(1)
  assert.is(late(), 1)
})

test('a disposed watch has no timer and is never late', () => {
  const { clock, watch, late } = watched(100)
  watch.read(10)
  watch[Symbol.dispose]()
  assert.is(clock.timers, 0)
  clock.advance(1_000)
  assert.is(late(), 0)
})

test.run()
