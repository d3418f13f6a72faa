import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PError } from '../../lib/contracts/errors.ts'
import { toHex } from '../../lib/foundation/hex.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { Author, wholeBurst, type SignedMessage } from '../../lib/wire/author.ts'
import { parseBurst } from '../../lib/wire/burst.ts'
import { decodeCbor } from '../../lib/wire/cbor.ts'
import { Auth, messageHash, parseFrame } from '../../lib/wire/frame.ts'
import { decodeHeader } from '../../lib/wire/header.ts'
import { ProofChecker } from '../../lib/wire/proof.ts'
import { rejection } from '../support/rejection.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { note, notes, Person, signed, signedTogether } from './support/people.ts'
import { refusal } from './support/refusal.ts'

const MAX = DEFAULT_LIMITS.largeMessageBytesMax

function proves(reader: Person, frameBytes: Uint8Array): boolean {
  const frame = parseFrame(frameBytes, MAX)
  const hash = messageHash(reader.crypto, frame.author, frame.header, frame.payload)
  return new ProofChecker({ crypto: () => reader.crypto, network: 'test', burstRootsMax: 64 }).proves(frame, hash, 'carol')
}

/** An author whose signer answers when told to. */
function withSlowSigner(person: Person): { author: Author; digests: Uint8Array[]; answer: (error?: Error) => Promise<void> } {
  const digests: Uint8Array[] = []
  const waiting: ((error?: Error) => void)[] = []
  const sign = (digest: Uint8Array): Promise<Uint8Array> => {
    digests.push(digest)
    return new Promise((resolve, reject) => {
      waiting.push(error => (error ? reject(error) : resolve(person.identity.sign(digest))))
    })
  }
  const author = new Author({
    identity: { ...person.identity, sign }, crypto: () => person.crypto, clock: person.clock, random: seededRandom('slow'), network: 'test',
    boot: new Uint8Array(16).fill(5), limits: person.limits,
  })
  const answer = async (error?: Error): Promise<void> => {
    waiting.shift()!(error)
    await settled()
  }
  return { author, digests, answer }
}

/** Lets all microtasks run, and nothing else. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

const frames = suite('author: frames')

frames('a channel frame says who, what and when, and carries no proof', () => {
  const alice = new Person('alice')
  const frame = parseFrame(alice.author.channelFrame(note({ n: 1 }, { protocol: 'chat', to: new Uint8Array(32).fill(9), inReplyTo: 'q1', slot: 's' })), MAX)
  assert.is(frame.auth, Auth.CHANNEL)
  assert.equal(frame.author, alice.identity.publicKey)
  const { boot, salt, ...rest } = decodeHeader(frame.header)
  assert.equal(rest, {
    network: 'test', protocol: 'chat', type: 'note', to: new Uint8Array(32).fill(9), timestampMs: alice.clock.now(),
    messageId: `${toHex(boot.subarray(0, 4))}-0`, inReplyTo: 'q1', slot: 's',
  })
  assert.equal([boot.length, salt.length], [16, 16])
  assert.equal(decodeCbor(frame.payload), { n: 1 })
})

frames('ids count up, salts are fresh, and what the caller gives is kept', () => {
  const { author } = new Person('alice')
  const headers = [note(), note(), note('x', { messageId: 'msg-001', timestamp: 5 })].map(fields => decodeHeader(parseFrame(author.channelFrame(fields), MAX).header))
  assert.equal(headers.map(({ messageId }) => messageId.replace(/^[0-9a-f]{8}/, 'boot')), ['boot-0', 'boot-1', 'msg-001'])
  assert.is(headers[2]!.timestampMs, 5)
  assert.is(new Set(headers.map(({ salt }) => toHex(salt))).size, 3)
  assert.equal([headers[0]!.protocol, headers[0]!.to, headers[0]!.inReplyTo, headers[0]!.slot], [null, null, null, null])
  assert.match(author.nextMessageId(), /^[0-9a-f]{8}-2$/)
})

frames('many frames in a row do not disturb each other', () => {
  const { author } = new Person('alice')
  const sizes = [1, 500, 4_000, 40, 70_000, 3_000, 4_095, 4_097, 20_000, 30]
  const made = Array.from({ length: 200 }, (_, index) => author.channelFrame(note({ index, body: new Uint8Array(sizes[index % sizes.length]!).fill(index) })))
  made.forEach((frame, index) => {
    assert.equal(decodeCbor(parseFrame(frame, MAX).payload), { index, body: new Uint8Array(sizes[index % sizes.length]!).fill(index) })
  })
})

frames('what cannot be said is refused at once, and the next frame is as good as ever', () => {
  const { author } = new Person('alice')
  assert.is(refusal(() => author.channelFrame(note(() => 1))).code, 'ERR_WIRE_UNENCODABLE')
  assert.is(refusal(() => author.channelFrame({ type: '', payload: 1 })).code, 'ERR_WIRE_UNENCODABLE')
  assert.is(refusal(() => author.channelFrame(note(new Uint8Array(MAX)))).code, 'ERR_WIRE_FRAME_TOO_LARGE')
  assert.is(decodeCbor(parseFrame(author.channelFrame(note('good')), MAX).payload), 'good')
})

frames('the same seed makes the same frames', async () => {
  const make = async (): Promise<string[]> => {
    const alice = new Person('alice')
    const messages = [...await signedTogether(alice, notes(3)), await signed(alice)]
    return [toHex(alice.author.channelFrame(note())), ...messages.map(({ frame }) => toHex(frame))]
  }
  assert.equal(await make(), await make())
})

frames.run()

const signing = suite('author: signing')

signing('a lone message is signed plainly, without waiting for a timer', async () => {
  const alice = new Person('alice')
  let message: SignedMessage | null = null
  alice.author.sign(note('hello'), (_, done) => (message = done))
  assert.is(message, null, 'never before sign returns')
  await settled()
  assert.is(alice.clock.timers, 0)
  const { frame, burst, size, header, payload, messageId } = message!
  assert.is(burst, undefined)
  assert.is(parseFrame(frame, MAX).auth, Auth.SIGNATURE)
  assert.is(frame.length, size)
  assert.is(decodeHeader(header).messageId, messageId)
  assert.is(decodeCbor(payload), 'hello')
  assert.ok(proves(new Person('bob'), frame))
})

signing('messages of one tick share one signature, and each proves itself alone', async () => {
  const alice = new Person('alice')
  const bob = new Person('bob')
  const messages = await signedTogether(alice, notes(5))
  assert.is(alice.calls.sign, 1)
  messages.forEach(({ frame, size, burst, payload }, index) => {
    assert.equal([burst!.index, burst!.count, burst!.key], [index, 5, messages[0]!.burst!.key])
    assert.is(frame.length, size)
    assert.is(decodeCbor(payload), `hello ${index}`)
    assert.ok(proves(bob, frame))
  })
})

signing('those who wait for one burst are called one after another, with nothing between', async () => {
  const alice = new Person('alice')
  const calls: string[] = []
  for (const name of ['a', 'b', 'c']) {
    alice.author.sign(note(name), () => {
      calls.push(name)
      queueMicrotask(() => calls.push(`after ${name}`))
    })
  }
  await settled()
  assert.equal(calls, ['a', 'b', 'c', 'after a', 'after b', 'after c'])
})

signing('what is asked for while a signature is being made shares the next one', async () => {
  const { author, digests, answer } = withSlowSigner(new Person('alice'))
  const done: string[] = []
  const ask = (name: string): void => author.sign(note(name), (_, message) => done.push(`${name} ${message!.burst?.count ?? 'alone'}`))
  ask('a')
  await settled()
  for (const name of ['b', 'c', 'd']) {
    ask(name)
    await settled()
  }
  assert.is(digests.length, 1)
  await answer()
  assert.equal(done, ['a alone'])
  assert.is(digests.length, 2)
  await answer()
  assert.equal(done, ['a alone', 'b 3', 'c 3', 'd 3'])
})

signing('a burst holds 64 messages at most, and the rest follow in order', async () => {
  const alice = new Person('alice')
  const messages = await signedTogether(alice, notes(130))
  assert.equal(messages.map(({ burst }) => burst?.index ?? 'alone'), [...Array(64).keys(), ...Array(64).keys(), 0, 1])
  assert.is(alice.calls.sign, 3)
  assert.is(wholeBurst(messages.slice(128))!.length > 0, true)
})

signing('a burst stays below what one sealed frame can hold', async () => {
  const alice = new Person('alice')
  const messages = await signedTogether(alice, Array.from({ length: 5 }, () => note(new Uint8Array(40_000))))
  assert.equal(messages.map(({ burst }) => burst?.index ?? 'alone'), [0, 1, 0, 1, 'alone'])
  assert.ok(wholeBurst(messages.slice(0, 2))!.length <= 112_640)
})

signing('a message that a longer proof would make too large is signed by itself', async () => {
  const alice = new Person('alice')
  const fitting = note(new Uint8Array(98_304 - 36 - 64 - 75 - 5))
  const messages = await signedTogether(alice, [note('a'), note('b'), fitting, note('c'), note('d')])
  assert.equal(messages.map(({ burst }) => burst?.count ?? 'alone'), [2, 2, 'alone', 2, 2])
  assert.ok(messages.every(({ size }) => size <= 98_304))
  assert.ok(messages[2]!.size > 98_304 - 100, String(messages[2]!.size))
})

signing('a node may choose smaller bursts', async () => {
  const alice = new Person('alice', { limits: { burstMessagesMax: 2 } })
  const messages = await signedTogether(alice, notes(5))
  assert.equal(messages.map(({ burst }) => burst?.count ?? 'alone'), [2, 2, 2, 2, 'alone'])
})

signing('the payload is what it was when signing was asked for', async () => {
  const alice = new Person('alice')
  const payload = { items: [1, 2] }
  const promise = signed(alice, note(payload))
  payload.items.push(3)
  assert.equal(decodeCbor((await promise).payload), { items: [1, 2] })
})

signing('what cannot be said fails alone, and the others of its tick are signed', async () => {
  const alice = new Person('alice')
  const [bad, ...good] = await Promise.allSettled([signed(alice, note(Symbol('x'))), signed(alice, note('a')), signed(alice, note('b'))])
  assert.is(bad!.status === 'rejected' && (bad.reason as P2PError).code, 'ERR_WIRE_UNENCODABLE')
  assert.ok(good.every(({ status }) => status === 'fulfilled'))
  assert.is((await rejection(signed(alice, note(new Uint8Array(MAX))))).code, 'ERR_WIRE_FRAME_TOO_LARGE')
})

signing('a protocol\'s own bound counts where it is known', async () => {
  const alice = new Person('alice')
  const author = new Author({
    identity: alice.identity, crypto: () => alice.crypto, clock: alice.clock, random: seededRandom(1), network: 'test', boot: new Uint8Array(16), limits: alice.limits,
    messageBytesMax: protocol => (protocol === 'files' ? 200_000 : 98_304),
  })
  assert.is(author.channelFrame(note(new Uint8Array(150_000), { protocol: 'files' })).length > 150_000, true)
  const error = refusal(() => author.channelFrame(note(new Uint8Array(150_000), { protocol: 'chat' })))
  assert.equal([error.code, error.protocol], ['ERR_WIRE_FRAME_TOO_LARGE', 'chat'])
})

signing('a signer that fails, fails all of its burst and nothing after it', async () => {
  const { author, answer } = withSlowSigner(new Person('alice'))
  const outcomes: unknown[] = []
  for (const name of ['a', 'b']) author.sign(note(name), (error, message) => outcomes.push(error ?? message))
  await settled()
  author.sign(note('c'), (error, message) => outcomes.push(error ?? message))
  const broken = new Error('the device was unplugged')
  await answer(broken)
  assert.equal(outcomes, [broken, broken])
  await answer()
  assert.is((outcomes[2] as SignedMessage).burst, undefined)
})

signing('a signer that gives something else is not believed', async () => {
  const alice = new Person('alice')
  const author = new Author({
    identity: { ...alice.identity, sign: async () => new Uint8Array(63) }, crypto: () => alice.crypto, clock: alice.clock, random: seededRandom(1), network: 'test', boot: new Uint8Array(16), limits: alice.limits,
  })
  const error = await rejection(new Promise((resolve, reject) => author.sign(note(), (failure, message) => (message ? resolve(message) : reject(failure as Error)))))
  assert.is(error.code, 'ERR_WIRE_BAD_SIGNATURE')
})

signing('too many that wait are refused, by number and by bytes', async () => {
  const { author, answer } = withSlowSigner(new Person('alice'))
  const errors: unknown[] = []
  const ask = (payload: unknown): void => author.sign(note(payload), error => error && errors.push(error))
  ask('in hand')
  await settled()
  for (let count = 0; count < 4_096; count++) ask(count)
  assert.is(errors.length, 0)
  ask('one too many')
  assert.is((errors[0] as P2PError).code, 'ERR_PEER_OUTBOX_FULL')
  await answer()
  ask('there is room again')
  assert.is(errors.length, 1)

  const heavy = withSlowSigner(new Person('alice'))
  const heavyErrors: unknown[] = []
  for (let count = 0; count < 60; count++) heavy.author.sign(note(new Uint8Array(90_000)), error => error && heavyErrors.push(error))
  assert.is((heavyErrors[0] as P2PError).code, 'ERR_PEER_OUTBOX_FULL')
  assert.is(heavyErrors.length, 60 - Math.ceil(DEFAULT_LIMITS.outboxBytesMax / 90_087))
})

signing('closing fails what waits and what comes later, once each, with the reason', async () => {
  const { author, answer } = withSlowSigner(new Person('alice'))
  const outcomes: unknown[] = []
  author.sign(note('in hand'), error => outcomes.push(error))
  await settled()
  author.sign(note('waiting'), error => outcomes.push(error))
  const reason = new Error('shut down')
  author.close(reason)
  author.close(new Error('again'))
  assert.equal(outcomes, [reason, reason])
  author.sign(note('late'), error => outcomes.push(error))
  await answer()
  assert.equal(outcomes, [reason, reason, reason])
})

signing('a callback that throws stops nobody else, and its error surfaces', async () => {
  const alice = new Person('alice')
  const calls: string[] = []
  const surfaced = new Promise<Error>(resolve => process.once('uncaughtException', resolve))
  alice.author.sign(note('a'), () => {
    throw new Error('a bug of mine')
  })
  alice.author.sign(note('b'), () => calls.push('b'))
  assert.is((await surfaced).message, 'a bug of mine')
  await settled()
  alice.author.sign(note('c'), () => calls.push('c'))
  await settled()
  assert.equal(calls, ['b', 'c'])
})

signing('a loop that signs one by one lets sockets and timers have their turn', async () => {
  const alice = new Person('alice')
  let turns = 0
  const clock = { now: () => 0, elapsedMs: () => 0, schedule: () => ({ [Symbol.dispose]: () => {} }), defer: (run: () => void) => { turns++; setImmediate(run) } }
  const author = new Author({
    identity: alice.identity, crypto: () => alice.crypto, clock, random: seededRandom('turns'), network: 'test', boot: new Uint8Array(16).fill(7), limits: alice.limits,
  })
  for (let index = 0; index < 50; index++) {
    await new Promise<void>((resolve, reject) => author.sign({ type: 'x', payload: index }, error => (error === null ? resolve() : reject(error as Error))))
  }
  assert.is(turns, 3)
})

signing.run()

const whole = suite('author: a whole burst')

whole('all messages of a burst in order leave as one, made once', async () => {
  const alice = new Person('alice')
  const messages = await signedTogether(alice, notes(4))
  const body = wholeBurst(messages)!
  assert.is(wholeBurst(messages), body)
  const burst = parseBurst(body)
  assert.equal(burst.author, alice.identity.publicKey)
  assert.equal(burst.messages, messages.map(({ header, payload }) => ({ header, payload })))
  assert.equal(burst.signature, parseFrame(messages[0]!.frame, MAX).signature)
})

whole('anything else goes message by message', async () => {
  const alice = new Person('alice')
  const [a, b, c] = await signedTogether(alice, notes(3))
  const [d, e] = await signedTogether(alice, notes(2))
  const lone = await signed(alice)
  for (const messages of [[], [a!], [a!, b!], [b!, c!], [a!, c!, b!], [a!, b!, c!, d!], [a!, b!, d!], [d!, b!], [lone], [lone, e!], [e!, d!]]) assert.is(wholeBurst(messages), null)
  assert.ok(wholeBurst([d!, e!]))
})

whole.run()
