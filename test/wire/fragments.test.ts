import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { FragmentAssembler, splitFrame } from '../../lib/wire/fragments.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { bytes } from './support/arbitraries.ts'
import { codeOf, refusal } from './support/refusal.ts'

const MIB = 1_048_576

function setup(): { clock: ManualClock; assembler: FragmentAssembler } {
  const clock = new ManualClock()
  return { clock, assembler: new FragmentAssembler(DEFAULT_LIMITS, clock) }
}

function fragment(id: number, total: number, offset: number, size: number): Uint8Array {
  const body = new Uint8Array(12 + size)
  const view = new DataView(body.buffer)
  view.setUint32(0, id)
  view.setUint32(4, total)
  view.setUint32(8, offset)
  return body
}

const fragments = suite('fragments')

fragments('a frame comes back whole from pieces of any size', () => {
  fc.assert(fc.property(bytes(1, 3_000), fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 700 }), (frame, id, pieceBytesMax) => {
    const { assembler } = setup()
    const bodies = splitFrame(frame, id, pieceBytesMax)
    assert.is(bodies.length, Math.ceil(frame.length / pieceBytesMax))
    const results = bodies.map(body => assembler.add(body))
    assert.ok(results.slice(0, -1).every(result => result === null))
    assert.equal(results.at(-1), frame)
    assert.is(assembler.size, 0)
  }), { numRuns: 500 })
})

fragments('a mebibyte comes back whole', () => {
  const { assembler } = setup()
  const frame = new Uint8Array(MIB).map((_, index) => index * 7)
  assert.equal(splitFrame(frame, 1, 60_000).map(body => assembler.add(body)).at(-1), frame)
})

fragments('two messages may come interleaved, a third may not begin', () => {
  const { assembler } = setup()
  const [one, two] = [new Uint8Array(10).fill(1), new Uint8Array(10).fill(2)]
  const [a, b] = [splitFrame(one, 1, 5), splitFrame(two, 2, 5)]
  assembler.add(a[0]!)
  assembler.add(b[0]!)
  assert.is(codeOf(() => assembler.add(fragment(3, 10, 0, 5))), 'ERR_WIRE_MALFORMED')
  assert.equal(assembler.add(b[1]!), two)
  assert.equal(assembler.add(a[1]!), one)
})

fragments('gaps, overlaps, repeats and another total end the message', () => {
  const second: [string, Uint8Array][] = [
    ['a gap', fragment(1, 100, 60, 10)], ['an overlap', fragment(1, 100, 40, 10)], ['the same again', fragment(1, 100, 0, 50)],
    ['another total', fragment(1, 101, 50, 10)], ['more than the total', fragment(1, 100, 50, 51)],
  ]
  for (const [what, body] of second) {
    const { assembler } = setup()
    assembler.add(fragment(1, 100, 0, 50))
    assert.is(codeOf(() => assembler.add(body)), 'ERR_WIRE_MALFORMED', what)
    assert.is(assembler.size, 0, what)
    assert.is(codeOf(() => assembler.add(fragment(1, 100, 50, 50))), 'ERR_WIRE_MALFORMED', `${what}, then its rest`)
  }
})

fragments('first pieces that cannot be right are refused and leave nothing behind', () => {
  const cases: [string, Uint8Array, string][] = [
    ['too large', fragment(1, MIB + 1, 0, 10), 'ERR_WIRE_FRAME_TOO_LARGE'],
    ['4 GiB', fragment(1, 0xffff_ffff, 0, 10), 'ERR_WIRE_FRAME_TOO_LARGE'],
    ['a total of nothing', fragment(1, 0, 0, 1), 'ERR_WIRE_MALFORMED'],
    ['more than the total', fragment(1, 5, 0, 6), 'ERR_WIRE_MALFORMED'],
    ['a middle', fragment(1, 10, 5, 5), 'ERR_WIRE_MALFORMED'],
    ['no bytes', fragment(1, 10, 0, 0), 'ERR_WIRE_MALFORMED'],
    ['half a head', new Uint8Array(6), 'ERR_WIRE_MALFORMED'],
  ]
  for (const [what, body, code] of cases) {
    const { assembler } = setup()
    assert.is(codeOf(() => assembler.add(body)), code, what)
    assert.is(assembler.size, 0, what)
  }
})

fragments('memory follows the bytes that came, not the total that was announced', () => {
  const { assembler } = setup()
  assembler.add(fragment(1, MIB, 0, 1))
  assembler.add(fragment(2, MIB, 0, 1))
  assert.is(assembler.bytesHeld, 2)
  for (let offset = 1; offset < 5_000; offset++) {
    assembler.add(fragment(1, MIB, offset, 1))
    assert.ok(assembler.bytesHeld <= 2 * (offset + 1) + 1, `${assembler.bytesHeld} held for ${offset + 2}`)
  }
})

fragments('a message that takes too long is given up, and its rest refused', () => {
  const { clock, assembler } = setup()
  assembler.add(fragment(1, 10, 0, 5))
  clock.advance(20_000)
  assembler.add(fragment(2, 10, 0, 5))
  clock.advance(9_999)
  assert.is(assembler.sweep(clock.elapsedMs()), 0)
  clock.advance(1)
  assert.match(refusal(() => assembler.add(fragment(1, 10, 5, 5))).message, 'given up after 30000 ms')
  assert.is(assembler.size, 1)
  clock.advance(20_000)
  assert.is(assembler.sweep(clock.elapsedMs()), 1)
  assert.is(assembler.bytesHeld, 0)
})

fragments('random pieces are refused or taken, memory stays bounded, and nothing crashes', () => {
  const piece = fc.tuple(fc.nat(3), fc.constantFrom(0, 1, 10, 100, MIB, MIB + 1), fc.constantFrom(0, 1, 5, 10, 50), fc.nat(60))
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
    const { assembler } = setup()
    for (const [id, total, offset, size] of pieces) {
      const code = codeOf(() => assembler.add(fragment(id, total, offset, size)))
      assert.ok([undefined, 'ERR_WIRE_MALFORMED', 'ERR_WIRE_FRAME_TOO_LARGE'].includes(code), code)
      assert.ok(assembler.size <= 2)
    }
  }), { numRuns: 1_000 })
})

fragments.run()
