import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import { toHex } from '../../lib/foundation/hex.ts'
import { wholeBurst } from '../../lib/wire/author.ts'
import { parseFrame } from '../../lib/wire/frame.ts'
import { decodeHeader } from '../../lib/wire/header.ts'
import { evidenceOf, renamed } from '../../lib/wire/verified-message.ts'
import { note, notes, Person, signed, signedTogether } from './support/people.ts'

const MAX = 1_048_576
const never = (error: unknown): never => {
  throw error
}

const taking = suite('intake: what comes in')

taking('a channel message becomes an object of plain fields', () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const fields = note({ n: 1 }, { protocol: 'chat', to: bob.identity.publicKey, inReplyTo: 'q1', slot: 's/1', messageId: 'm1' })
  const message = bob.intake.receiveFrame(alice.author.channelFrame(fields), alice.source)
  assert.equal({ ...message }, {
    type: 'note', from: alice.id, to: bob.id, payload: { n: 1 }, timestamp: alice.clock.now(), messageId: 'm1', protocol: 'chat', inReplyTo: 'q1', slot: 's/1',
  })
  assert.equal([message.frame, message.signature, evidenceOf(message)], [undefined, undefined, null])
})

taking('what a message does not say is not among its fields', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const bare = ['type', 'from', 'payload', 'timestamp', 'messageId']
  assert.equal(Object.keys(bob.intake.receiveFrame(alice.author.channelFrame(note()), alice.source)), bare)
  assert.equal(Object.keys(bob.intake.receiveFrame((await signed(alice)).frame, alice.source)), bare)
})

taking('a signed message brings its frame and its signature', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const { frame } = await signed(alice)
  const message = bob.intake.receiveFrame(frame, alice.source)
  assert.equal(message.frame, frame)
  assert.equal(message.signature, parseFrame(frame, MAX).signature)
  assert.is(message.via, undefined)
  const evidence = evidenceOf(message)!
  assert.equal(evidence.author, alice.identity.publicKey)
  assert.equal(evidence.boot, decodeHeader(evidence.header).boot)
  assert.equal(evidence.payloadHash, alice.crypto.sha256(parseFrame(frame, MAX).payload))
})

taking('a message of a burst that comes alone brings its whole proof as signature', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const [, second] = await signedTogether(alice, notes(3))
  const message = bob.intake.receiveFrame(second!.frame, alice.source)
  assert.equal(message.frame, second!.frame)
  assert.equal(message.signature, parseFrame(second!.frame, MAX).proof)
})

taking('what a message keeps is its own: the buffer it came in may be used again', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const { frame } = await signed(alice, note({ body: Uint8Array.of(1, 2, 3) }))
  for (const buffer of [frame.slice(), Buffer.from(frame)]) {
    const message = new Person('bob').intake.receiveFrame(buffer, alice.source)
    buffer.fill(0)
    assert.equal(message.frame, frame)
    assert.equal(message.payload, { body: Uint8Array.of(1, 2, 3) })
    ;(message.payload as { body: Uint8Array }).body.fill(9)
    assert.equal(message.frame, frame)
  }
  const messages = await signedTogether(alice, notes(3))
  const body = wholeBurst(messages)!.slice()
  const received = bob.intake.receiveBurst(body, alice.source, never)
  body.fill(0)
  assert.equal(received.map(message => message.frame), messages.map(message => message.frame))
})

taking('a whole burst becomes its messages, each able to prove itself alone to others', async () => {
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')]
  const sent = await signedTogether(alice, notes(64))
  const received = bob.intake.receiveBurst(wholeBurst(sent)!, alice.source, never)
  assert.equal(received.map(({ payload }) => payload), notes(64).map(({ payload }) => payload))
  assert.is(bob.calls.verify, 1)
  received.forEach((message, index) => {
    assert.equal(message.frame, sent[index]!.frame)
    assert.equal(message.signature, parseFrame(sent[index]!.frame, MAX).proof)
    assert.is(carol.intake.receiveFrame(message.frame!, bob.source).from, alice.id)
  })
  assert.is(carol.calls.verify, 1)
})

taking('a relayed message is its author\'s, and says by whom it came', async () => {
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')]
  const alone = carol.intake.receiveFrame((await signed(alice)).frame, bob.source)
  assert.equal([alone.from, alone.via], [alice.id, bob.id])
  const [first] = carol.intake.receiveBurst(wholeBurst(await signedTogether(alice, notes(2)))!, bob.source, never)
  assert.equal([first!.from, first!.via], [alice.id, bob.id])
})

taking('a frame that a plugin delivers is taken as its author\'s, from the peer that handed it over', async () => {
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')]
  const message = carol.intake.deliver((await signed(alice)).frame, bob.identity.publicKey)
  assert.equal([message.from, message.via], [alice.id, bob.id])
  const own = carol.intake.deliver((await signed(alice)).frame, alice.identity.publicKey)
  assert.equal([own.from, own.via], [alice.id, undefined])
  const unknown = carol.intake.deliver((await signed(alice)).frame)
  assert.equal([unknown.from, unknown.via], [alice.id, undefined])
})

taking('a large message comes in where its protocol declares it', async () => {
  const declared = (protocol: string | null): number => (protocol === 'files' ? 500_000 : 98_304)
  const [alice, bob] = [new Person('alice'), new Person('bob', { messageBytesMax: declared })]
  const message = await signed(alice, note(new Uint8Array(400_000), { protocol: 'files' }))
  assert.is((bob.intake.receiveFrame(message.frame, alice.source).payload as Uint8Array).length, 400_000)
  const channel = alice.author.channelFrame(note(new Uint8Array(400_000), { protocol: 'files' }))
  assert.is((bob.intake.receiveFrame(channel, alice.source).payload as Uint8Array).length, 400_000)
})

taking('under other names the message is the same, with its evidence', async () => {
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol')]
  const message = carol.intake.receiveFrame((await signed(alice, note('x', { protocol: 'chat', to: carol.identity.publicKey }))).frame, bob.source)
  const named = renamed(message, { from: 'alice', to: 'carol', via: 'bob' })
  assert.equal({ ...named }, { ...message, from: 'alice', to: 'carol', via: 'bob' })
  assert.equal(named.frame, message.frame)
  assert.is(evidenceOf(named), evidenceOf(message))
  assert.equal(Object.keys(renamed(message, { from: 'alice', to: undefined, via: undefined })), ['type', 'from', 'payload', 'timestamp', 'messageId', 'protocol'])
})

taking('a message made by hand proves nothing', () => {
  const handmade: P2PMessage = { type: 'note', from: 'alice', payload: 1, timestamp: 0, messageId: 'm', frame: new Uint8Array(10) }
  assert.is(evidenceOf(handmade), null)
  assert.is(evidenceOf(renamed(handmade, { from: 'bob', to: undefined, via: undefined })), null)
})

taking.run()

const verifying = suite('intake: verify')

verifying('a frame is verified whoever brings it, whenever, to whomever it is addressed, as often as one likes', async () => {
  const [alice, bob, carol] = [new Person('alice'), new Person('bob'), new Person('carol', { mayHaveRunBefore: true })]
  const { frame } = await signed(alice, note('x', { to: bob.identity.publicKey, timestamp: 5 }))
  for (let time = 0; time < 3; time++) {
    const message = carol.intake.verify(frame)
    assert.equal({ ...message }, { type: 'note', from: alice.id, to: bob.id, payload: 'x', timestamp: 5, messageId: message.messageId })
    assert.equal(message.frame, frame)
  }
  assert.is(carol.intake.seenMessages, 0)
})

verifying('it marks nothing: what was verified still comes in', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const { frame } = await signed(alice)
  bob.intake.verify(frame)
  assert.is(bob.intake.receiveFrame(frame, alice.source).from, alice.id)
  assert.is(bob.intake.verify(frame).from, alice.id)
})

verifying('its errors blame nobody and are not counted', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const elsewhere = await signed(new Person('alice', { network: 'other' }))
  const broken = (await signed(alice)).frame.slice()
  broken[40]! ^= 1
  for (const [frame, code] of [
    [alice.author.channelFrame(note()), 'ERR_WIRE_WEAK_AUTH'], [elsewhere.frame, 'ERR_WIRE_WRONG_NETWORK'], [broken, 'ERR_WIRE_BAD_SIGNATURE'], [new Uint8Array(5), 'ERR_WIRE_WRONG_VERSION'],
  ] as const) {
    try {
      bob.intake.verify(frame)
      assert.unreachable(toHex(frame))
    } catch (error) {
      assert.equal([(error as { code: string }).code, (error as { peerId?: string }).peerId], [code, undefined])
    }
  }
  assert.equal(bob.intake.counters, {})
})

verifying('many messages of one stored burst cost one check of a signature', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  for (const { frame } of await signedTogether(alice, notes(10))) assert.is(bob.intake.verify(frame).from, alice.id)
  assert.is(bob.calls.verify, 1)
})

verifying.run()
