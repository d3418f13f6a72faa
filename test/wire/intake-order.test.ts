import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { wholeBurst } from '../../lib/wire/author.ts'
import { Auth, burstProof, encodeFrame, parseFrame } from '../../lib/wire/frame.ts'
import { note, notes, Person, refusedBy, signed, signedTogether, type Calls, type PersonOptions } from './support/people.ts'
import { codeOf } from './support/refusal.ts'

// docs/wire.md, section 9: the order of its steps is what keeps refusing cheap.
const order = suite('intake: the order of checks')

const MAX = 1_048_576

function cast(options: PersonOptions = {}): { alice: Person; bob: Person } {
  return { alice: new Person('alice'), bob: new Person('bob', options) }
}

/** The code of the refusal, and what it cost. */
function refusalOf(bob: Person, act: () => unknown): { code: string | undefined; cost: Calls } {
  Object.assign(bob.calls, { sha256: 0, verify: 0, sign: 0 })
  return { code: codeOf(act), cost: { ...bob.calls } }
}

order('4 before 5: a malformed frame is not hashed', async () => {
  const { alice, bob } = cast()
  const { frame } = await signed(alice)
  const cut = refusalOf(bob, () => bob.intake.receiveFrame(frame.subarray(0, 130), alice.source))
  assert.equal([cut.code, cut.cost.sha256], ['ERR_WIRE_MALFORMED', 0])
  const { header, payload, author } = parseFrame(frame, MAX)
  const burst = encodeFrame(Auth.BURST, author, burstProof(new Uint8Array(64), 3, 3, []), header, payload)
  const beyond = refusalOf(bob, () => bob.intake.receiveFrame(burst, alice.source))
  assert.equal([beyond.code, beyond.cost.sha256], ['ERR_WIRE_MALFORMED', 0])
})

order('4 before 5: a frame too large for its protocol is not hashed', async () => {
  const { alice, bob } = cast()
  const { frame } = await signed(alice, note(new Uint8Array(200_000)))
  const { code, cost } = refusalOf(bob, () => bob.intake.receiveFrame(frame, alice.source))
  assert.equal([code, cost.sha256], ['ERR_WIRE_FRAME_TOO_LARGE', 0])
})

order('5 before 6: a replayed frame costs three hashes and no signature', async () => {
  const { alice, bob } = cast()
  const { frame } = await signed(alice)
  bob.intake.receiveFrame(frame, alice.source)
  assert.equal(refusalOf(bob, () => bob.intake.receiveFrame(frame, alice.source)), { code: 'ERR_WIRE_REPLAYED', cost: { sha256: 3, verify: 0, sign: 0 } })
})

order('5 before 6: a whole burst that was here costs three hashes a message, no tree and no signature', async () => {
  const { alice, bob } = cast()
  const body = wholeBurst(await signedTogether(alice, notes(8)))!
  bob.intake.receiveBurst(body, alice.source, () => {})
  const errors = refusedBy(onRefused => {
    const { code, cost } = refusalOf(bob, () => assert.equal(bob.intake.receiveBurst(body, alice.source, onRefused), []))
    assert.equal([code, cost], [undefined, { sha256: 24, verify: 0, sign: 0 }])
  })
  assert.equal(errors.map(({ code }) => code), new Array(8).fill('ERR_WIRE_REPLAYED'))
})

order('5 before 6: of a burst of which one message was here, only the others come in', async () => {
  const { alice, bob } = cast()
  const messages = await signedTogether(alice, notes(3))
  bob.intake.receiveFrame(messages[1]!.frame, alice.source)
  const errors = refusedBy(onRefused => {
    const { cost } = refusalOf(bob, () => assert.equal(bob.intake.receiveBurst(wholeBurst(messages)!, alice.source, onRefused).map(({ payload }) => payload), ['hello 0', 'hello 2']))
    // Root and signature were remembered from the one that came alone.
    assert.is(cost.verify, 0)
  })
  assert.equal(errors.map(({ code }) => code), ['ERR_WIRE_REPLAYED'])
})

order('6 before 7: a forged header says nothing, not even that it is stale', async () => {
  const { alice, bob } = cast()
  const { author, header, payload } = parseFrame((await signed(alice, note('x', { timestamp: 5 }))).frame, MAX)
  const forged = encodeFrame(Auth.SIGNATURE, author, new Uint8Array(64).fill(1), header, payload)
  assert.is(codeOf(() => bob.intake.receiveFrame(forged, alice.source)), 'ERR_WIRE_BAD_SIGNATURE')
})

order('6 before 9: a forged frame marks nothing, so it cannot keep the true one out', async () => {
  const { alice, bob } = cast()
  const { frame } = await signed(alice)
  const { author, header, payload } = parseFrame(frame, MAX)
  const forged = encodeFrame(Auth.SIGNATURE, author, new Uint8Array(64).fill(1), header, payload)
  codeOf(() => bob.intake.receiveFrame(forged, alice.source))
  assert.is(bob.intake.seenMessages, 0)
  assert.is(bob.intake.receiveFrame(frame, alice.source).from, alice.id)
})

order('7 before 9: what is stale, ahead, elsewhere or for another is not marked as seen', async () => {
  const { alice, bob } = cast({ mayHaveRunBefore: true })
  const carol = new Person('carol')
  const abroad = new Person('alice', { network: 'elsewhere' })
  const now = bob.clock.now()
  const ahead = await signed(alice, note('ahead', { timestamp: now + 40_000 }))
  const frames = [
    [await signed(alice, note('stale', { timestamp: now - 130_000 })), alice, 'ERR_WIRE_STALE'],
    [ahead, alice, 'ERR_WIRE_FUTURE'],
    [await signed(alice, note('old', { timestamp: now })), carol, 'ERR_WIRE_BEFORE_RESTART'],
    [await signed(alice, note('other', { to: carol.identity.publicKey })), alice, 'ERR_WIRE_WRONG_RECIPIENT'],
    [await signed(abroad), alice, 'ERR_WIRE_WRONG_NETWORK'],
  ] as const
  for (const [{ frame }, by, code] of frames) assert.is(codeOf(() => bob.intake.receiveFrame(frame, by.source)), code)
  assert.is(bob.intake.seenMessages, 0)
  // What came too early comes in when its time has come.
  bob.clock.advance(10_000)
  assert.is(bob.intake.receiveFrame(ahead.frame, alice.source).payload, 'ahead')
})

order('9 before 10: a second body under one id is remembered, so that repeating it costs no signature', async () => {
  const { alice, bob } = cast()
  const [first, second] = [await signed(alice, note('a', { messageId: 'm' })), await signed(alice, note('b', { messageId: 'm' }))]
  bob.intake.receiveFrame(first.frame, alice.source)
  assert.is(codeOf(() => bob.intake.receiveFrame(second.frame, alice.source)), 'ERR_WIRE_DUPLICATE')
  assert.equal(refusalOf(bob, () => bob.intake.receiveFrame(second.frame, alice.source)), { code: 'ERR_WIRE_REPLAYED', cost: { sha256: 3, verify: 0, sign: 0 } })
})

order('when nothing more can be remembered, the message is refused and so can come again', async () => {
  const { alice, bob } = cast({ limits: { seenMessagesMax: 1 } })
  bob.intake.receiveFrame((await signed(alice)).frame, alice.source)
  const { frame } = await signed(alice)
  for (let time = 0; time < 3; time++) assert.is(codeOf(() => bob.intake.receiveFrame(frame, alice.source)), 'ERR_WIRE_SEEN_FULL')
})

order('a channel message is not hashed, checked by signature or marked', () => {
  const { alice, bob } = cast()
  const frame = alice.author.channelFrame(note())
  const { code, cost } = refusalOf(bob, () => bob.intake.receiveFrame(frame, alice.source))
  assert.equal([code, cost], [undefined, { sha256: 0, verify: 0, sign: 0 }])
  assert.is(bob.intake.seenMessages, 0)
})

order('a junk signature beside a remembered root is checked, and refused', async () => {
  const { alice, bob } = cast()
  const [first, second] = await signedTogether(alice, notes(2))
  bob.intake.receiveFrame(first!.frame, alice.source)
  const { author, header, payload, path } = parseFrame(second!.frame, MAX)
  const junk = encodeFrame(Auth.BURST, author, burstProof(new Uint8Array(64).fill(3), 2, 1, path), header, payload)
  assert.equal(refusalOf(bob, () => bob.intake.receiveFrame(junk, alice.source)).code, 'ERR_WIRE_BAD_SIGNATURE')
  const { code, cost } = refusalOf(bob, () => bob.intake.receiveFrame(second!.frame, alice.source))
  assert.equal([code, cost.verify], [undefined, 0])
})

order.run()
