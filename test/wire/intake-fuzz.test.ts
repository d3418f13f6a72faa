import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { equalBytes } from '../../lib/foundation/bytes.ts'
import { wholeBurst } from '../../lib/wire/author.ts'
import { Intake } from '../../lib/wire/intake.ts'
import { mutation } from './support/arbitraries.ts'
import { note, notes, Person, signed, signedTogether } from './support/people.ts'
import { codeOf } from './support/refusal.ts'

const fuzz = suite('intake: changed bytes')

const alice = new Person('alice')
const bob = new Person('bob')
const payload = { n: 1, list: [1, 'two', null], body: new Uint8Array(40) }
const plain = (await signed(alice, note(payload, { protocol: 'chat', to: bob.identity.publicKey }))).frame
const burst = await signedTogether(alice, [note(payload), ...notes(4)])
const body = wholeBurst(burst)!

/** One that has seen nothing yet, and checks signatures for real. */
function freshIntake(): Intake {
  return new Intake({
    crypto: () => bob.crypto, clock: bob.clock, limits: bob.limits, network: 'test', publicKey: bob.identity.publicKey, startedAtMs: bob.clock.now(), mayHaveRunBefore: false,
    leastAuth: () => 'channel', messageBytesMax: () => bob.limits.messageBytesMax,
  })
}

const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 })
const apply = (original: Uint8Array, changes: readonly ((from: Uint8Array) => Uint8Array)[]): Uint8Array => changes.reduce((from, change) => change(from), original)

fuzz('no changed signed frame is accepted, and none crashes', () => {
  let refused = 0
  fc.assert(fc.property(fc.constantFrom(plain, burst[0]!.frame, burst[3]!.frame), mutations, (frame, changes) => {
    const changed = apply(frame, changes)
    if (equalBytes(changed, frame)) return
    const code = codeOf(() => freshIntake().receiveFrame(changed, alice.source))
    // A flipped auth byte makes it a frame that only the link vouches for: then it says what the link says.
    if (code === undefined) assert.is(changed[1], 0)
    else {
      assert.ok(code.startsWith('ERR_WIRE_'), code)
      refused++
    }
  }), { numRuns: 3_000 })
  assert.ok(refused > 2_000)
})

fuzz('no changed frame that needs a signature is accepted when it claims to need none', () => {
  const strict = new Person('bob', { leastAuth: () => 'signature' })
  fc.assert(fc.property(fc.constantFrom(plain, burst[0]!.frame), mutations, (frame, changes) => {
    const changed = apply(frame, [...changes, (from: Uint8Array) => Uint8Array.of(from[0] ?? 1, 0, ...from.subarray(2))])
    assert.ok(codeOf(() => strict.intake.receiveFrame(changed, alice.source))?.startsWith('ERR_WIRE_'))
  }), { numRuns: 1_000 })
})

fuzz('no changed whole burst is accepted, and none crashes', () => {
  fc.assert(fc.property(mutations, changes => {
    const changed = apply(body, changes)
    if (equalBytes(changed, body)) return
    const code = codeOf(() => freshIntake().receiveBurst(changed, alice.source, error => {
      throw error
    }))
    assert.ok(code?.startsWith('ERR_WIRE_'), String(code))
  }), { numRuns: 2_000 })
})

fuzz('changed channel frames are refused or taken from the link\'s own key, and none crashes', () => {
  const frame = alice.author.channelFrame(note(payload))
  fc.assert(fc.property(mutations, changes => {
    const intake = freshIntake()
    const changed = apply(frame, changes)
    const code = codeOf(() => assert.is(intake.receiveFrame(changed, alice.source).from, alice.id))
    assert.ok(code === undefined || code.startsWith('ERR_WIRE_'), code)
  }), { numRuns: 3_000 })
})

fuzz('random bytes are refused', () => {
  const intake = freshIntake()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    assert.ok(codeOf(() => intake.receiveFrame(bytes, alice.source))?.startsWith('ERR_WIRE_'))
    assert.ok(codeOf(() => intake.receiveBurst(bytes, alice.source, () => {}))?.startsWith('ERR_WIRE_'))
    assert.ok(codeOf(() => intake.verify(bytes))?.startsWith('ERR_WIRE_'))
  }), { numRuns: 3_000 })
})

fuzz('random payloads come through as they were', async () => {
  await fc.assert(fc.asyncProperty(fc.jsonValue().filter(value => !JSON.stringify(value).includes('__proto__')), async value => {
    const received = freshIntake().receiveFrame((await signed(alice, note(value))).frame, alice.source)
    assert.equal(JSON.stringify(received.payload), JSON.stringify(value))
  }), { numRuns: 500 })
})

fuzz.run()
