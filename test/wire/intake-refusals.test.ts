import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PError } from '../../lib/contracts/errors.ts'
import { wholeBurst, type OutgoingFields } from '../../lib/wire/author.ts'
import { burstDigest, burstTree, encodeBurst, parseBurst } from '../../lib/wire/burst.ts'
import { encodeCbor } from '../../lib/wire/cbor.ts'
import { Auth, burstProof, encodeFrame, messageHash, parseFrame } from '../../lib/wire/frame.ts'
import { encodeHeader, type Header } from '../../lib/wire/header.ts'
import { note, notes, Person, refusedBy, signed, signedTogether, type PersonOptions } from './support/people.ts'
import { refusal } from './support/refusal.ts'

const MAX = 1_048_576
const NONE = new Uint8Array(0)

interface Cast { alice: Person; bob: Person; mallory: Person }

const cast = (bobs: PersonOptions = {}): Cast => ({ alice: new Person('alice'), bob: new Person('bob', bobs), mallory: new Person('mallory') })

/** The refusal of a frame that mallory hands over. */
const refused = (bob: Person, frame: Uint8Array, by: Person): P2PError => refusal(() => bob.intake.receiveFrame(frame, by.source))

function isRefusal(error: P2PError, code: string, blamed: Person | null): void {
  assert.is(error.code, code, error.message)
  assert.is(error.peerId, blamed?.id, error.message)
}

/** A frame whose header and payload are what one likes, rightly signed. */
async function signedBytes(by: Person, header: Uint8Array, payload: Uint8Array): Promise<Uint8Array> {
  const signature = await by.identity.sign(messageHash(by.crypto, by.identity.publicKey, header, payload))
  return encodeFrame(Auth.SIGNATURE, by.identity.publicKey, signature, header, payload)
}

const headerOf = (by: Person, more: Partial<Header> = {}): Header => ({
  network: 'test', protocol: null, type: 'note', to: null, timestampMs: by.clock.now(), boot: new Uint8Array(16), messageId: 'm', inReplyTo: null, slot: null, salt: new Uint8Array(16), ...more,
})

const faults = suite('intake: faults, charged to whoever hands the frame over')

faults('a frame of no known shape', async () => {
  const { alice, bob, mallory } = cast()
  const frame = (await signed(alice)).frame
  isRefusal(refused(bob, NONE, mallory), 'ERR_WIRE_MALFORMED', mallory)
  isRefusal(refused(bob, frame.subarray(0, 50), mallory), 'ERR_WIRE_MALFORMED', mallory)
  isRefusal(refused(bob, Uint8Array.of(2, ...frame.subarray(1)), mallory), 'ERR_WIRE_WRONG_VERSION', mallory)
})

faults('a frame that is too large for its protocol, before its signature is looked at', async () => {
  const { alice, bob, mallory } = cast({ messageBytesMax: protocol => (protocol === 'files' ? 200_000 : 98_304) })
  const large = (protocol: string | null, size: number): Promise<Uint8Array> => signed(alice, note(new Uint8Array(size), { protocol })).then(({ frame }) => frame)
  isRefusal(refused(bob, await large(null, 98_304), mallory), 'ERR_WIRE_FRAME_TOO_LARGE', mallory)
  isRefusal(refused(bob, await large('chat', 150_000), mallory), 'ERR_WIRE_FRAME_TOO_LARGE', mallory)
  isRefusal(refused(bob, await large('files', 200_000), mallory), 'ERR_WIRE_FRAME_TOO_LARGE', mallory)
  isRefusal(refused(bob, new Uint8Array(MAX + 1).fill(1), mallory), 'ERR_WIRE_FRAME_TOO_LARGE', mallory)
  isRefusal(refused(bob, mallory.author.channelFrame(note(new Uint8Array(98_304))), mallory), 'ERR_WIRE_FRAME_TOO_LARGE', mallory)
  assert.is(bob.calls.verify, 0)
})

faults('a signature that is not the author\'s', async () => {
  const { alice, bob, mallory } = cast()
  const { bytes, author, header, payload, signature } = parseFrame((await signed(alice)).frame, MAX)
  const other = parseFrame((await signed(alice)).frame, MAX)
  for (const frame of [
    encodeFrame(Auth.SIGNATURE, author, signature.map(byte => byte ^ 1), header, payload),
    encodeFrame(Auth.SIGNATURE, author, new Uint8Array(64), header, payload),
    encodeFrame(Auth.SIGNATURE, author, new Uint8Array(64).fill(0xff), header, payload),
    encodeFrame(Auth.SIGNATURE, author, other.signature, header, payload),
    encodeFrame(Auth.SIGNATURE, author, signature, header, encodeCbor('forged')),
    encodeFrame(Auth.SIGNATURE, author, signature, other.header, payload),
    encodeFrame(Auth.SIGNATURE, mallory.identity.publicKey, signature, header, payload),
    encodeFrame(Auth.SIGNATURE, new Uint8Array(32).fill(0xff), signature, header, payload),
  ]) isRefusal(refused(bob, frame, mallory), 'ERR_WIRE_BAD_SIGNATURE', mallory)
  assert.is(bob.intake.receiveFrame(bytes, mallory.source).from, alice.id, 'and the true one comes in afterwards')
})

faults('a burst proof that is forged, moved, or of another kind', async () => {
  const { alice, bob, mallory } = cast()
  const [first, second] = (await signedTogether(alice, notes(4))).map(({ frame }) => parseFrame(frame, MAX))
  const { author, header, payload, signature, path } = first!
  const frameOf = (proof: Uint8Array): Uint8Array => encodeFrame(Auth.BURST, author, proof, header, payload)
  for (const frame of [
    frameOf(burstProof(signature, 4, 0, path.map(hash => hash.map(byte => byte ^ 1)))),
    frameOf(burstProof(signature, 4, 1, path)),
    frameOf(burstProof(signature, 3, 0, path)),
    frameOf(burstProof(signature, 4, 0, second!.path)),
    frameOf(burstProof(signature.map(byte => byte ^ 1), 4, 0, path)),
    encodeFrame(Auth.SIGNATURE, author, signature, header, payload),
    encodeFrame(Auth.BURST, mallory.identity.publicKey, burstProof(signature, 4, 0, path), header, payload),
  ]) isRefusal(refused(bob, frame, mallory), 'ERR_WIRE_BAD_SIGNATURE', mallory)
  // A path of another length moves the header's length, and everything after it.
  for (const frame of [frameOf(burstProof(signature, 4, 0, path.slice(1))), frameOf(burstProof(signature, 4, 0, [...path, path[0]!]))]) {
    assert.ok(['ERR_WIRE_MALFORMED', 'ERR_WIRE_BAD_SIGNATURE'].includes(refused(bob, frame, mallory).code))
  }
  const plain = parseFrame((await signed(alice)).frame, MAX)
  isRefusal(refused(bob, encodeFrame(Auth.BURST, plain.author, burstProof(plain.signature, 2, 0, [new Uint8Array(32)]), plain.header, plain.payload), mallory), 'ERR_WIRE_BAD_SIGNATURE', mallory)
})

faults('a message of another network', async () => {
  const { bob, mallory } = cast()
  const abroad = new Person('alice', { network: 'elsewhere' })
  isRefusal(refused(bob, (await signed(abroad)).frame, mallory), 'ERR_WIRE_WRONG_NETWORK', mallory)
  isRefusal(refused(bob, abroad.author.channelFrame(note()), abroad), 'ERR_WIRE_WRONG_NETWORK', abroad)
  // A burst signs its network beside its root, so there it shows a step earlier.
  const burst = await signedTogether(abroad, notes(2))
  isRefusal(refused(bob, burst[0]!.frame, mallory), 'ERR_WIRE_BAD_SIGNATURE', mallory)
  isRefusal(refusal(() => bob.intake.receiveBurst(wholeBurst(burst)!, mallory.source, () => {})), 'ERR_WIRE_BAD_SIGNATURE', mallory)
})

faults('a header that is none, though rightly signed', async () => {
  const { alice, bob, mallory } = cast()
  isRefusal(refused(bob, await signedBytes(alice, encodeCbor(['test', 'note']), encodeCbor(1)), mallory), 'ERR_WIRE_MALFORMED', mallory)
  isRefusal(refused(bob, encodeFrame(Auth.CHANNEL, mallory.identity.publicKey, NONE, Uint8Array.of(0x80), encodeCbor(1)), mallory), 'ERR_WIRE_MALFORMED', mallory)
})

faults('a payload that is no CBOR of ours, though rightly signed', async () => {
  const { alice, bob, mallory } = cast()
  for (const [index, payload] of [[0, [0xc0, 0x00]], [1, [0x9f, 0xff]], [2, [0x00, 0x00]], [3, [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02]], [4, new Array<number>(17).fill(0x81)]] as const) {
    const header = encodeHeader(headerOf(alice, { messageId: `m${index}` }))
    isRefusal(refused(bob, await signedBytes(alice, header, Uint8Array.from(payload)), mallory), 'ERR_WIRE_MALFORMED', mallory)
    isRefusal(refused(bob, encodeFrame(Auth.CHANNEL, mallory.identity.publicKey, NONE, header, Uint8Array.from(payload)), mallory), 'ERR_WIRE_MALFORMED', mallory)
  }
})

faults('channel auth where a signature is declared, from somebody else, or relayed', () => {
  const needsSignature = cast({ leastAuth: (protocol, type) => (protocol === 'chat' && type === 'note' ? 'channel' : 'signature') })
  const frame = (fields: OutgoingFields): Uint8Array => needsSignature.alice.author.channelFrame(fields)
  const { alice, bob, mallory } = needsSignature
  assert.is(bob.intake.receiveFrame(frame(note('x', { protocol: 'chat' })), alice.source).payload, 'x')
  isRefusal(refused(bob, frame(note('x')), alice), 'ERR_WIRE_WEAK_AUTH', alice)
  isRefusal(refused(bob, frame({ type: 'other', payload: 'x', protocol: 'chat' }), alice), 'ERR_WIRE_WEAK_AUTH', alice)
  isRefusal(refused(bob, frame(note('x', { protocol: 'chat' })), mallory), 'ERR_WIRE_WEAK_AUTH', mallory)
  isRefusal(refusal(() => bob.intake.deliver(frame(note('x', { protocol: 'chat' })), alice.identity.publicKey)), 'ERR_WIRE_WEAK_AUTH', alice)
  isRefusal(refusal(() => bob.intake.deliver(frame(note('x', { protocol: 'chat' })))), 'ERR_WIRE_WEAK_AUTH', null)
})

faults('a signed message satisfies every declaration', async () => {
  const { alice, bob } = cast({ leastAuth: () => 'signature' })
  assert.is(bob.intake.receiveFrame((await signed(alice)).frame, alice.source).from, alice.id)
})

faults.run()

const blameless = suite('intake: refusals without blame')

blameless('a message for somebody else', async () => {
  const { alice, bob, mallory } = cast()
  const fields = note('x', { to: mallory.identity.publicKey })
  isRefusal(refused(bob, (await signed(alice, fields)).frame, mallory), 'ERR_WIRE_WRONG_RECIPIENT', null)
  isRefusal(refused(bob, mallory.author.channelFrame(fields), mallory), 'ERR_WIRE_WRONG_RECIPIENT', null)
})

blameless('a message too old or too far ahead, to the millisecond', async () => {
  const { alice, bob } = cast()
  const now = bob.clock.now()
  const at = async (timestamp: number): Promise<Uint8Array> => (await signed(alice, note('x', { timestamp }))).frame
  const channelAt = (timestamp: number): Uint8Array => alice.author.channelFrame(note('x', { timestamp }))
  for (const timestamp of [now - 120_000, now + 30_000]) {
    assert.is(bob.intake.receiveFrame(await at(timestamp), alice.source).timestamp, timestamp)
    assert.is(bob.intake.receiveFrame(channelAt(timestamp), alice.source).timestamp, timestamp)
  }
  for (const frame of [await at(now - 120_001), channelAt(now - 120_001), await at(0)]) isRefusal(refused(bob, frame, alice), 'ERR_WIRE_STALE', null)
  for (const frame of [await at(now + 30_001), channelAt(now + 30_001), await at(Number.MAX_SAFE_INTEGER)]) isRefusal(refused(bob, frame, alice), 'ERR_WIRE_FUTURE', null)
})

blameless('after a start, relayed messages from before it, unless the author brings them', async () => {
  const { alice, bob, mallory } = cast({ mayHaveRunBefore: true })
  const startedAt = bob.clock.now()
  bob.clock.advance(40_000)
  const at = async (timestamp: number): Promise<Uint8Array> => (await signed(alice, note('x', { timestamp }))).frame
  isRefusal(refused(bob, await at(startedAt - 1_000), mallory), 'ERR_WIRE_BEFORE_RESTART', null)
  isRefusal(refused(bob, await at(startedAt + 29_999), mallory), 'ERR_WIRE_BEFORE_RESTART', null)
  assert.is(bob.intake.receiveFrame(await at(startedAt + 30_000), mallory.source).from, alice.id)
  assert.is(bob.intake.receiveFrame(await at(startedAt - 1_000), alice.source).from, alice.id)
  const fresh = cast()
  assert.is(fresh.bob.intake.receiveFrame(await at(startedAt - 1_000), mallory.source).from, alice.id, 'a key made just now has no past')
})

blameless('the same signed message again, whoever brings it and in whatever form', async () => {
  const { alice, bob, mallory } = cast()
  const plain = (await signed(alice)).frame
  const burst = await signedTogether(alice, notes(2))
  bob.intake.receiveFrame(plain, alice.source)
  bob.intake.receiveFrame(burst[0]!.frame, alice.source)
  for (const by of [alice, mallory]) {
    isRefusal(refused(bob, plain, by), 'ERR_WIRE_REPLAYED', null)
    isRefusal(refused(bob, burst[0]!.frame, by), 'ERR_WIRE_REPLAYED', null)
  }
  // Signed once more, by itself: the hash of what is said is the same.
  const { header, payload } = parseFrame(burst[0]!.frame, MAX)
  isRefusal(refused(bob, await signedBytes(alice, header, payload), alice), 'ERR_WIRE_REPLAYED', null)
  bob.clock.advance(1)
  isRefusal(refusal(() => bob.intake.deliver(plain, mallory.identity.publicKey)), 'ERR_WIRE_REPLAYED', null)
})

blameless('a second message under an id of the same author and boot', async () => {
  const { alice, bob } = cast()
  const twice = async (payload: string, more: Partial<OutgoingFields> = {}): Promise<Uint8Array> => (await signed(alice, note(payload, { messageId: 'msg-001', ...more }))).frame
  bob.intake.receiveFrame(await twice('a'), alice.source)
  isRefusal(refused(bob, await twice('b'), alice), 'ERR_WIRE_DUPLICATE', null)
  isRefusal(refused(bob, await twice('a'), alice), 'ERR_WIRE_DUPLICATE', null)
  const restarted = new Person('alice', { boot: new Uint8Array(16).fill(1) })
  assert.is(bob.intake.receiveFrame((await signed(restarted, note('a', { messageId: 'msg-001' }))).frame, alice.source).payload, 'a')
  const other = new Person('carol')
  assert.is(bob.intake.receiveFrame((await signed(other, note('a', { messageId: 'msg-001' }))).frame, other.source).payload, 'a')
})

blameless('the same statement again in one slot, under whatever id; another statement comes in', async () => {
  const { alice, bob } = cast()
  const say = async (payload: string, messageId: string, more: Partial<OutgoingFields> = {}): Promise<Uint8Array> =>
    (await signed(alice, note(payload, { messageId, slot: 'session/1', protocol: 'musig2', ...more }))).frame
  assert.is(bob.intake.receiveFrame(await say('a', '1'), alice.source).slot, 'session/1')
  isRefusal(refused(bob, await say('a', '2'), alice), 'ERR_WIRE_DUPLICATE', null)
  // Equivocation: not refused here, so that the protocol can show it.
  assert.is(bob.intake.receiveFrame(await say('b', '1'), alice.source).payload, 'b')
  assert.is(bob.intake.receiveFrame(await say('a', '1', { slot: 'session/2' }), alice.source).payload, 'a')
  assert.is(bob.intake.receiveFrame(await say('a', '1', { protocol: 'coinjoin' }), alice.source).protocol, 'coinjoin')
  assert.is(bob.intake.receiveFrame(await say('a', '1', { type: 'other' }), alice.source).type, 'other')
  assert.is(bob.intake.receiveFrame(await say('a', '1', { slot: undefined }), alice.source).slot, undefined)
})

blameless('the same over a link: by id, or by slot and payload, until the peer is forgotten', () => {
  const { alice, bob } = cast()
  const frame = (payload: string, more: Partial<OutgoingFields>): Uint8Array => alice.author.channelFrame(note(payload, more))
  bob.intake.receiveFrame(frame('a', { messageId: 'm1' }), alice.source)
  isRefusal(refused(bob, frame('b', { messageId: 'm1' }), alice), 'ERR_WIRE_DUPLICATE', null)
  bob.intake.receiveFrame(frame('a', { messageId: 'm2', slot: 's' }), alice.source)
  isRefusal(refused(bob, frame('a', { messageId: 'm3', slot: 's' }), alice), 'ERR_WIRE_DUPLICATE', null)
  assert.is(bob.intake.receiveFrame(frame('b', { messageId: 'm2', slot: 's' }), alice.source).payload, 'b')
  bob.intake.forget(alice.id)
  assert.is(bob.intake.receiveFrame(frame('b', { messageId: 'm1' }), alice.source).payload, 'b')
})

blameless('a link\'s ids are remembered for a thousand messages and more, and not for ever', () => {
  const { alice, bob } = cast()
  const send = (messageId: string): unknown => bob.intake.receiveFrame(alice.author.channelFrame(note(1, { messageId })), alice.source)
  for (let count = 0; count < 1_500; count++) send(`m${count}`)
  isRefusal(refused(bob, alice.author.channelFrame(note(1, { messageId: 'm0' })), alice), 'ERR_WIRE_DUPLICATE', null)
  for (let count = 1_500; count <= 2_048; count++) send(`m${count}`)
  send('m0')
})

blameless('a new boot over the same link begins anew', () => {
  const { alice, bob } = cast()
  const restarted = new Person('alice', { boot: new Uint8Array(16).fill(1) })
  for (const author of [alice.author, restarted.author]) bob.intake.receiveFrame(author.channelFrame(note(1, { messageId: 'm' })), alice.source)
})

blameless('signed messages beyond what can be remembered, until time has made room', async () => {
  const { alice, bob } = cast({ limits: { seenMessagesMax: 3, seenMsMin: 300_000 } })
  for (let count = 0; count < 3; count++) bob.intake.receiveFrame((await signed(alice)).frame, alice.source)
  const fourth = (await signed(alice)).frame
  isRefusal(refused(bob, fourth, alice), 'ERR_WIRE_SEEN_FULL', null)
  assert.is(bob.intake.seenMessages, 3)
  bob.intake.receiveFrame(alice.author.channelFrame(note('still comes in')), alice.source)
  for (const person of [alice, bob]) person.clock.advance(300_000)
  assert.is(bob.intake.receiveFrame((await signed(alice)).frame, alice.source).from, alice.id)
})

blameless('every refusal is counted by its code', async () => {
  const { alice, bob, mallory } = cast()
  const { frame } = await signed(alice)
  bob.intake.receiveFrame(frame, alice.source)
  for (let time = 0; time < 3; time++) refused(bob, frame, mallory)
  refused(bob, NONE, mallory)
  assert.equal(bob.intake.counters, { ERR_WIRE_REPLAYED: 3, ERR_WIRE_MALFORMED: 1 })
})

blameless.run()

const bursts = suite('intake: a burst with something wrong in it')

bursts('a stale, a misaddressed, a repeated and an unreadable message do not take the others with them', async () => {
  const { alice, bob, mallory } = cast()
  const known = await signed(alice, note('known', { messageId: 'known' }))
  bob.intake.receiveFrame(known.frame, alice.source)
  const messages = await signedTogether(alice, [
    note('good 0'), note('stale', { timestamp: 5 }), note('for mallory', { to: mallory.identity.publicKey }), note('good 1'), note('again', { messageId: 'known' }), note('ahead', { timestamp: alice.clock.now() + 1e6 }), note('good 2'),
  ])
  let received: unknown[] = []
  const errors = refusedBy(onRefused => {
    received = bob.intake.receiveBurst(wholeBurst(messages)!, alice.source, onRefused).map(({ payload }) => payload)
  })
  assert.equal(received, ['good 0', 'good 1', 'good 2'])
  assert.equal(errors.map(({ code, peerId }) => [code, peerId]), ['ERR_WIRE_STALE', 'ERR_WIRE_WRONG_RECIPIENT', 'ERR_WIRE_DUPLICATE', 'ERR_WIRE_FUTURE'].map(code => [code, undefined]))
  assert.is(Object.values(bob.intake.counters).reduce((sum, count) => sum + count), 4)
})

bursts('a message with a malformed payload is charged to whoever hands the burst over', async () => {
  const { alice, bob, mallory } = cast()
  const payloads = [encodeCbor('a'), Uint8Array.of(0xff), encodeCbor('b')]
  const messages = payloads.map((payload, index) => ({ header: encodeHeader(headerOf(alice, { messageId: `m${index}` })), payload }))
  const tree = burstTree(alice.crypto, messages.map(({ header, payload }) => messageHash(alice.crypto, alice.identity.publicKey, header, payload)))
  const signature = await alice.identity.sign(burstDigest(alice.crypto, 'test', 3, tree.root))
  const body = encodeBurst({ author: alice.identity.publicKey, signature, messages })
  let received: unknown[] = []
  const errors = refusedBy(onRefused => {
    received = bob.intake.receiveBurst(body, mallory.source, onRefused).map(({ payload }) => payload)
  })
  assert.equal(received, ['a', 'b'])
  assert.equal(errors.map(({ code, peerId }) => [code, peerId]), [['ERR_WIRE_MALFORMED', mallory.id]])
})

bursts('the same message twice in one burst comes in once', async () => {
  const { alice, bob } = cast()
  const messages = await signedTogether(alice, [note('a', { messageId: 'm' }), note('b', { messageId: 'm' })])
  const errors = refusedBy(onRefused => assert.is(bob.intake.receiveBurst(wholeBurst(messages)!, alice.source, onRefused).length, 1))
  assert.equal(errors.map(({ code }) => code), ['ERR_WIRE_DUPLICATE'])
})

bursts('one whose signature, order, author or content is changed is refused as a whole', async () => {
  const { alice, bob, mallory } = cast()
  const burst = parseBurst(wholeBurst(await signedTogether(alice, notes(3)))!)
  const [a, b, c] = burst.messages
  for (const changed of [
    { ...burst, signature: burst.signature.map(byte => byte ^ 1) },
    { ...burst, author: mallory.identity.publicKey },
    { ...burst, messages: [b!, a!, c!] },
    { ...burst, messages: [a!, b!] },
    { ...burst, messages: [a!, b!, c!, c!] },
    { ...burst, messages: [a!, b!, { ...c!, payload: encodeCbor('forged') }] },
  ]) {
    const errors = refusedBy(onRefused => isRefusal(refusal(() => bob.intake.receiveBurst(encodeBurst(changed), mallory.source, onRefused)), 'ERR_WIRE_BAD_SIGNATURE', mallory))
    assert.equal(errors, [])
  }
  assert.is(bob.intake.receiveBurst(encodeBurst(burst), mallory.source, () => {}).length, 3, 'and the true one comes in afterwards')
})

bursts('one that is malformed, of another version, or too large to be relayed', async () => {
  const { alice, bob, mallory } = cast()
  const body = wholeBurst(await signedTogether(alice, notes(3)))!
  const refusedBurst = (bytes: Uint8Array): P2PError => refusal(() => bob.intake.receiveBurst(bytes, mallory.source, () => {}))
  isRefusal(refusedBurst(body.subarray(0, -1)), 'ERR_WIRE_MALFORMED', mallory)
  isRefusal(refusedBurst(Uint8Array.of(9, ...body.subarray(1))), 'ERR_WIRE_WRONG_VERSION', mallory)
  const burst = parseBurst(body)
  isRefusal(refusedBurst(encodeBurst({ ...burst, messages: [burst.messages[0]!, { header: burst.messages[1]!.header, payload: new Uint8Array(98_304 - 200) }] })), 'ERR_WIRE_FRAME_TOO_LARGE', mallory)
  assert.is(bob.calls.verify, 0)
})

bursts.run()
