import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { baseBackend } from '../../../lib/crypto/select.node.ts'
import { ItemIds, joinIds, keyOf, partsOf, saltOf } from '../../../lib/protocols/gossip/item-id.ts'
import { Auth, burstProof, encodeFrame, messageHash, parseFrame } from '../../../lib/wire/frame.ts'
import { pathLength } from '../../../lib/wire/merkle.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom('item ids')
const ids = suite('gossip: item ids')

function burstFrame(index: number, count: number): Uint8Array {
  const path = Array.from({ length: pathLength(index, count) }, () => random(32))
  return encodeFrame(Auth.BURST, random(32), burstProof(random(64), count, index, path), random(90), random(200))
}

ids('an id is the wire\'s message hash, whatever proves the frame', () => {
  const backend = baseBackend()
  const item = new ItemIds(backend)
  const frames = [encodeFrame(Auth.SIGNATURE, random(32), random(64), random(100), random(300)), burstFrame(0, 2), burstFrame(5, 6), burstFrame(63, 64)]
  for (const frame of frames) {
    const { author, header, payload } = parseFrame(frame, 100_000)
    assert.equal(Buffer.from(item.idOf(frame, partsOf(frame)!)), Buffer.from(messageHash(backend, author, header, payload)))
  }
})

ids('the parts of every place in every burst are where the wire has them', () => {
  for (let count = 2; count <= 64; count++) {
    for (let index = 0; index < count; index++) {
      const frame = burstFrame(index, count)
      const { headerStart, payloadStart } = parseFrame(frame, 100_000)
      const parts = partsOf(frame)!
      assert.equal([parts.headerStart, parts.payloadStart], [headerStart, payloadStart], `${index} of ${count}`)
    }
  }
})

ids('what the wire refuses by its shape has no parts: nothing is hashed for it', () => {
  const good = encodeFrame(Auth.SIGNATURE, random(32), random(64), random(100), random(300))
  for (let length = 0; length < 201; length++) assert.is(partsOf(good.subarray(0, length)), null, `${length} bytes`)
  assert.ok(partsOf(good.subarray(0, 202)))
  for (const [at, value] of [[0, 0], [0, 2], [1, 0], [1, 3], [98, 255]] as const) {
    const bad = good.slice()
    bad[at] = value
    assert.is(partsOf(bad), null, `byte ${at} = ${value}`)
  }
  const burst = burstFrame(1, 4)
  for (const [at, value] of [[99, 1], [99, 65], [101, 4]] as const) {
    const bad = burst.slice()
    bad[at] = value
    assert.is(partsOf(bad), null, `byte ${at} = ${value}`)
  }
})

ids('another proof is another copy of the same item', () => {
  const item = new ItemIds(baseBackend())
  const [author, header, payload] = [random(32), random(100), random(100)]
  const [one, two] = [random(64), random(64)].map(proof => encodeFrame(Auth.SIGNATURE, author, proof, header, payload)) as [Uint8Array, Uint8Array]
  const id = item.idOf(one, partsOf(one)!)
  assert.equal(item.idOf(two, partsOf(two)!), id)
  assert.not.equal(item.copyOf(id, one, partsOf(one)!), item.copyOf(id, two, partsOf(two)!))
  assert.is(saltOf(one, partsOf(one)!), saltOf(two, partsOf(two)!))
})

ids('keys are different for ids that differ in any byte', () => {
  const id = random(32)
  const keys = new Set([keyOf(id)])
  for (let at = 0; at < 32; at++) {
    const other = id.slice()
    other[at]! ^= 1
    keys.add(keyOf(other))
  }
  assert.is(keys.size, 33)
  assert.is(keyOf(joinIds([random(32), id]), 32), keyOf(id))
})

ids.run()
