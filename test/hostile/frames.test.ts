import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openStage, type Stage } from './stage.ts'
import type { Client } from './client.ts'
import { ascii, concat, EMPTY, flipped, patched, uint, unhex, until } from './second/bytes.ts'
import { encode, head, longHead, Raw, text } from './second/cbor.ts'
import { newStaticKey, sign } from './second/keys.ts'
import {
  Auth, Author, burstDigest, burstProof, frame, Kind, messageHash, part, pathOf, rootOf, wholeBurst, type HeaderFields, type Said,
} from './second/wire.ts'

const frames = suite('hostile message frames')

const MALFORMED = 'ERR_WIRE_MALFORMED'
const BAD_SIGNATURE = 'ERR_WIRE_BAD_SIGNATURE'
const WEAK = 'ERR_WIRE_WEAK_AUTH'
const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size))

/** Budgets so large that a long list of faults fits into one link: that they cut is tested elsewhere. */
const PATIENT = { limits: { faultsBurst: 1e6, failedSignaturesBurst: 1e6 } }

/** Each is refused with the code and blamed as told, nothing of it reaches anybody, and the link goes on. */
async function refusesEach(stage: Stage, client: Client, code: string, blamed: string | undefined, frames: Record<string, Uint8Array>, kind: number = Kind.MESSAGE): Promise<void> {
  const before = stage.faultsAbout(client.id).filter(fault => fault.code === code).length
  const calls = stage.callsOf(client.id).length
  let sent = 0
  for (const [name, bytes] of Object.entries(frames)) {
    client.send(part(kind, bytes))
    try {
      await stage.refused(code, client.id, { blamed, times: before + ++sent })
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
  await client.roundTrip().catch((error: unknown) => { throw new Error(`the link did not go on after ${code}`, { cause: error }) })
  assert.is(stage.callsOf(client.id).length, calls, 'nothing reached anybody')
  assert.ok((stage.bob.getStats().refused[code] ?? 0) >= sent, 'the wire counts its refusals')
  await stage.aliceIsFine()
}

// Form.

frames('another version, another auth, a lying header length, and a frame cut anywhere are refused', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const good = author.signed(author.say({ n: 1 }, { protocol: 'probe' }))
  const plain = author.plain(author.say({ n: 1 }, { protocol: 'probe', type: 'hop' }))
  await refusesEach(stage, client, 'ERR_WIRE_WRONG_VERSION', client.id, { 0: patched(good, 0, 0), 2: patched(good, 0, 2), 255: patched(good, 0, 255) })
  await refusesEach(stage, client, MALFORMED, client.id, {
    'nothing': EMPTY,
    'auth 3': patched(good, 1, 3),
    'auth 255': patched(good, 1, 255),
    'a header of 0': patched(good, 98, 0, 0),
    'a header of 1,025': patched(good, 98, 4, 1),
    'a header of 65,535': patched(good, 98, 255, 255),
    'a header up to the end': patched(good, 98, ...uint(good.length - 100, 2)),
    'cut within the author': good.subarray(0, 20),
    'cut within the signature': good.subarray(0, 60),
    'cut within the header': good.subarray(0, 120),
    'without a payload': good.subarray(0, good.length - 4),
    'a link\'s word cut': plain.subarray(0, 40),
  })
  client.sendFrame(good)
  await until(() => stage.callsOf(client.id).length === 1, 'the good one is taken')
})

frames('header fields of the wrong kind or size are refused, whoever signed them', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const fields = (overrides: Partial<HeaderFields>): Uint8Array => author.signed(author.say({ n: 1 }, { protocol: 'probe', ...overrides }))
  const whole = (header: Uint8Array): Uint8Array => author.signed({ header, payload: encode({ n: 1 }) })
  const good = author.say({ n: 1 }, { protocol: 'probe' })
  await refusesEach(stage, client, MALFORMED, client.id, {
    'network empty': fields({ network: '' }),
    'network of 33 bytes': fields({ network: 'n'.repeat(33) }),
    'network null': fields({ network: null }),
    'network as bytes': fields({ network: ascii('peerweft') }),
    'protocol empty': fields({ protocol: '' }),
    'protocol of 65 bytes': fields({ protocol: 'p'.repeat(65) }),
    'type null': fields({ type: null }),
    'type as a number': fields({ type: 7 }),
    'type not UTF-8': fields({ type: new Raw(text(Uint8Array.of(0xc3, 0x28))) }),
    'type with a surrogate': fields({ type: new Raw(text(Uint8Array.of(0xed, 0xa0, 0x80))) }),
    'type overlong': fields({ type: new Raw(text(Uint8Array.of(0xc0, 0xaf))) }),
    'type with a length too long for it': fields({ type: new Raw(longHead(3, 4, 0), ascii('note')) }),
    'to of 31 bytes': fields({ to: random(31) }),
    'to of 33 bytes': fields({ to: random(33) }),
    'to as text': fields({ to: stage.bob.id.slice(0, 32) }),
    'timestamp below zero': fields({ timestamp: -1 }),
    'timestamp a float': fields({ timestamp: 1.5 }),
    'timestamp of 2^53': fields({ timestamp: 2n ** 53n }),
    'timestamp of 2^64 - 1': fields({ timestamp: 2n ** 64n - 1n }),
    'timestamp in more bytes than it needs': fields({ timestamp: new Raw(longHead(0, 5, 3)) }),
    'boot of 15 bytes': fields({ boot: random(15) }),
    'messageId empty': fields({ messageId: '' }),
    'messageId null': fields({ messageId: null }),
    'messageId of 65 bytes': fields({ messageId: 'm'.repeat(65) }),
    'inReplyTo empty': fields({ inReplyTo: '' }),
    'inReplyTo of 65 bytes': fields({ inReplyTo: 'm'.repeat(65) }),
    'slot of 129 bytes': fields({ slot: 's'.repeat(129) }),
    'slot false': fields({ slot: false }),
    'salt of 17 bytes': fields({ salt: random(17) }),
    'nine fields': whole(concat(Uint8Array.of(0x89), good.header.subarray(1))),
    'eleven fields': whole(concat(Uint8Array.of(0x8b), good.header.subarray(1), Uint8Array.of(0xf6))),
    'a field too many': whole(concat(good.header, Uint8Array.of(0xf6))),
    'an array of indefinite length': whole(concat(Uint8Array.of(0x9f), good.header.subarray(1), Uint8Array.of(0xff))),
    'a map': whole(concat(Uint8Array.of(0xaa), good.header.subarray(1))),
    'a tag before it': whole(concat(Uint8Array.of(0xd9, 0xd9, 0xf7), good.header)),
    'cut short': whole(good.header.subarray(0, -1)),
  })
})

// CBOR.

const nested = (depth: number, inner: Uint8Array = Uint8Array.of(0)): Uint8Array => concat(new Uint8Array(depth).fill(0x81), inner)
const nestedMaps = (depth: number): Uint8Array => concat(...Array.from({ length: depth }, () => Uint8Array.of(0xa1, 0x61, 0x61)), Uint8Array.of(0))

frames('payloads that are no CBOR of ours are refused before anything is built', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const carrying = (payload: Uint8Array): Uint8Array => author.signed({ ...author.say(null, { protocol: 'probe' }), payload })
  const payloads: Record<string, Uint8Array> = {
    'random bytes': random(400).fill(0xff, 0, 1),
    '17 levels': nested(17),
    '17 levels of maps': nestedMaps(17),
    '60,000 levels': nested(60_000),
    '16,385 values': concat(head(4, 16_385), new Uint8Array(16_385)),
    '16,386 values in arrays of two': concat(head(4, 5_462), ...Array.from({ length: 5_462 }, () => Uint8Array.of(0x82, 0, 0))),
    '8,193 pairs': concat(head(5, 8_193), ...Array.from({ length: 8_193 }, (_, n) => concat(encode(String(n)), Uint8Array.of(0)))),
    'a billion values announced': concat(head(4, 1e9), new Uint8Array(100)),
    '2^63 values announced': concat(head(4, 2n ** 63n), new Uint8Array(100)),
    '2^64 - 1 pairs announced': concat(head(5, 2n ** 64n - 1n), new Uint8Array(100)),
    'text of a gibibyte announced': concat(head(3, 2 ** 30), ascii('short')),
    'bytes of 2^64 - 1 announced': concat(head(2, 2n ** 64n - 1n), random(10)),
    'one byte too few': concat(head(2, 10), random(9)),
    'one byte too many': concat(encode({ n: 1 }), Uint8Array.of(0)),
    'two values': concat(encode({ n: 1 }), encode({ n: 2 })),
    'a key twice': Uint8Array.of(0xa2, 0x61, 0x6e, 1, 0x61, 0x6e, 2),
    'a key twice, deep inside': encode({ n: new Raw(Uint8Array.of(0xa2, 0x61, 0x6e, 1, 0x61, 0x6e, 2)) }),
    '__proto__': encode(new Raw(0xa1, encode('__proto__'), encode({ polluted: true }))),
    '__proto__ deep inside': encode([[{ a: new Raw(0xa1, encode('__proto__'), encode({ polluted: true })) }]]),
    'a number as key': Uint8Array.of(0xa1, 1, 1),
    'bytes as key': Uint8Array.of(0xa1, 0x41, 0x6e, 1),
    'an array as key': Uint8Array.of(0xa1, 0x80, 1),
    'an array of indefinite length': Uint8Array.of(0x9f, 1, 0xff),
    'a map of indefinite length': Uint8Array.of(0xbf, 0x61, 0x6e, 1, 0xff),
    'text of indefinite length': Uint8Array.of(0x7f, 0x61, 0x61, 0xff),
    'bytes of indefinite length': Uint8Array.of(0x5f, 0x41, 0x61, 0xff),
    'a break by itself': Uint8Array.of(0xff),
    'a tag': concat(Uint8Array.of(0xc1), encode(1)),
    'a bignum': concat(Uint8Array.of(0xc2), encode(random(40))),
    'a long tag': concat(Uint8Array.of(0xdb), random(8), encode(1)),
    'a simple value below 20': Uint8Array.of(0xf3),
    'a simple value of two bytes': Uint8Array.of(0xf8, 0x20),
    'false in two bytes': Uint8Array.of(0xf8, 0x14),
    'a reserved kind': Uint8Array.of(0xfc),
    '5 in two bytes': longHead(0, 5, 0),
    '5 in nine bytes': longHead(0, 5, 3),
    '-1 in two bytes': longHead(1, 0, 0),
    '255 in three bytes': longHead(0, 255, 1),
    'a length too long for it': concat(longHead(2, 3, 2), random(3)),
    'reserved additional information': Uint8Array.of(0x1c),
    'bad UTF-8': text(Uint8Array.of(0xff)),
    'a surrogate': text(Uint8Array.of(0xed, 0xa0, 0x80)),
    'an overlong slash': text(Uint8Array.of(0xc0, 0xaf)),
    'half a character': text(Uint8Array.of(0xe2, 0x82)),
    'beyond U+10FFFF': text(Uint8Array.of(0xf4, 0x90, 0x80, 0x80)),
    'bad UTF-8 in a key': concat(Uint8Array.of(0xa1), text(Uint8Array.of(0xc3)), Uint8Array.of(0)),
    'half a float': Uint8Array.of(0xfb, 1, 2, 3),
  }
  await refusesEach(stage, client, MALFORMED, client.id, Object.fromEntries(Object.entries(payloads).map(([name, payload]) => [name, carrying(payload)])))
  assert.is(({} as { polluted?: boolean }).polluted, undefined)
})

frames('what lies just within the bounds of CBOR is taken', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  const payloads = [
    nested(16), nestedMaps(16), concat(head(4, 16_384), new Uint8Array(16_384)),
    encode({ constructor: 1, toString: 2, hasOwnProperty: 3, prototype: 4, valueOf: null, then: 5 }),
    Uint8Array.of(0xf9, 0x7e, 0), encode(2n ** 64n - 1n), encode(-(2n ** 64n)), text(ascii('\u0000\u{10ffff}')), encode({ '': [] }),
  ]
  for (const payload of payloads) client.sendFrame(author.signed({ ...author.say(null), payload }))
  await until(() => stage.heard.length === payloads.length, () => `all are heard: ${stage.told()}`)
  assert.is((stage.heard[3]!.payload as { hasOwnProperty: unknown }).hasOwnProperty, 3)
  assert.equal(stage.faults, [])
})

frames('a payload with the names of Object\'s own methods is checked by the schema like any other', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  const off: unknown[] = [{ n: 'one' }, { n: 1.5 }, {}, null, [1], 'n', { hasOwnProperty: 1 }, { constructor: { n: 1 } }, { N: 1 }]
  for (const [index, payload] of off.entries()) {
    client.sendFrame(author.signed(author.say(payload, { protocol: 'probe' })))
    await stage.refused('ERR_PROTOCOL_BAD_PAYLOAD', client.id, { blamed: client.id, times: index + 1 })
  }
  client.sendFrame(author.signed(author.say({ n: 1, hasOwnProperty: 2, toString: 3 }, { protocol: 'probe' })))
  await until(() => stage.callsOf(client.id).length === 1, 'what fits is taken')
  await stage.aliceIsFine()
})

// Who says it.

frames('a word that must be signed is not taken on the link\'s word', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const plain = (overrides: Partial<HeaderFields>): Uint8Array => author.plain(author.say({ n: 1 }, overrides))
  await refusesEach(stage, client, WEAK, client.id, {
    'a word that declares nothing': plain({ protocol: 'probe', type: 'note' }),
    'a request that declares nothing': plain({ protocol: 'probe', type: 'echo' }),
    'a plain message': plain({}),
    'a plain refusal': plain({ type: 'error' }),
    'a name every object has': plain({ protocol: 'probe', type: 'constructor' }),
    'another name every object has': plain({ protocol: 'probe', type: '__proto__' }),
  })
})

frames('an author other than the link\'s own key must sign', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const said = author.say({ n: 1 }, { protocol: 'probe', type: 'hop' })
  const alice = unhex(stage.alice.id)
  const plain = (x: Uint8Array): Uint8Array => frame({ auth: Auth.CHANNEL, author: x, ...said })
  await refusesEach(stage, client, WEAK, client.id, {
    'alice\'s name on mallory\'s link': plain(alice),
    'bob\'s own': plain(unhex(stage.bob.id)),
    'nobody\'s': plain(new Uint8Array(32)),
    'a bit beside her own': plain(flipped(author.x, 31)),
  })
})

frames('a signature by another key, over other bytes, or by nobody is refused, and the one who hands it over is blamed', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const said = author.say({ n: 1 }, { protocol: 'probe' })
  const { header, payload } = said
  const alice = unhex(stage.alice.id)
  const hash = messageHash(author.x, header, payload)
  const under = (x: Uint8Array, proof: Uint8Array): Uint8Array => frame({ auth: Auth.SIGNATURE, author: x, proof, header, payload })
  const good = author.signed(said)
  await refusesEach(stage, client, BAD_SIGNATURE, client.id, {
    'mallory\'s under alice\'s name': under(alice, sign(author.key, messageHash(alice, header, payload))),
    'mallory\'s own, given to alice': under(alice, sign(author.key, hash)),
    'by a third key': under(author.x, sign(newStaticKey(), hash)),
    'over the header alone': under(author.x, sign(author.key, header.slice(0, 32))),
    'over the payload of another': under(author.x, sign(author.key, messageHash(author.x, header, encode({ n: 2 })))),
    'zeros': under(author.x, new Uint8Array(64)),
    'random': under(author.x, random(64)),
    'ones': under(author.x, new Uint8Array(64).fill(255)),
    'a bit of R': flipped(good, 40),
    'a bit of s': flipped(good, 90),
    'a bit of the header': flipped(good, 110),
    'a bit of the payload': flipped(good, good.length - 1),
    'an author off the curve': under(new Uint8Array(32).fill(255), sign(author.key, hash)),
    'an author of zeros': under(new Uint8Array(32), new Uint8Array(64)),
  })
  client.sendFrame(good)
  await until(() => stage.callsOf(client.id).length === 1, 'the true one is taken all the same')
})

// Bursts.

const burstOf = (author: Author, count: number): ReturnType<Author['burst']> =>
  author.burst(Array.from({ length: count }, (_, n) => author.say({ n }, { protocol: 'probe' })))

frames('a burst\'s proof with another place, count or path is refused', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const burst = burstOf(author, 5)
  const prove = (index: number, overrides: { count?: number; index?: number; path?: Uint8Array[]; signature?: Uint8Array } = {}): Uint8Array => {
    const { count = 5, index: told = index, path = pathOf(index, burst.hashes), signature = burst.signature } = overrides
    return frame({ auth: Auth.BURST, author: author.x, proof: burstProof(signature, count, told, path), ...burst.messages[index]! })
  }
  const path = pathOf(1, burst.hashes)
  assert.is(path.length, 3)
  assert.is(pathOf(4, burst.hashes).length, 1)
  await refusesEach(stage, client, BAD_SIGNATURE, client.id, {
    'moved to another index of the same depth': prove(1, { index: 2 }),
    'moved to index 0': prove(1, { index: 0 }),
    'counted as 6': prove(1, { count: 6 }),
    'counted as 8': prove(1, { count: 8 }),
    'a path turned round': prove(1, { path: path.toReversed() }),
    'a path with a bit turned': prove(1, { path: [path[0]!, flipped(path[1]!, 0), path[2]!] }),
    'the path of another': prove(1, { path: pathOf(2, burst.hashes) }),
    'another\'s signature': prove(1, { signature: burstOf(author, 5).signature }),
    'junk for a signature': prove(1, { signature: random(64) }),
    'a burst signed for another network': author.burst(burst.messages, 'elsewhere').alone[1]!,
    'a burst signed by another key': new Author(newStaticKey(), 'peerweft', author.boot).burst(burst.messages).alone.map(bytes => concat(bytes.subarray(0, 2), author.x, bytes.subarray(34)))[1]!,
  })
  await refusesEach(stage, client, MALFORMED, client.id, {
    'a path too long': prove(1, { path: [...path, random(32)] }),
    'a path too short': prove(1, { path: path.slice(0, 2) }),
    'no path': prove(1, { path: [] }),
    'a path that ends within a hash': prove(1, { path: [...path, random(16)] }),
    'the last, with the path of the first': prove(4, { path }),
    'an index beyond the count': prove(1, { index: 5 }),
    'an index of 65,535': prove(1, { index: 65_535 }),
    'a count of 0': prove(0, { count: 0, path: [] }),
    'a count of 1': prove(0, { count: 1, path: [] }),
    'a count of 65': prove(0, { count: 65, path: Array.from({ length: 7 }, () => random(32)) }),
    'a count of 65,535': prove(0, { count: 65_535, path: Array.from({ length: 16 }, () => random(32)) }),
    'cut within the path': prove(1).subarray(0, 150),
  })
  client.sendFrame(burst.alone[1]!)
  await until(() => stage.callsOf(client.id).length === 1, 'the true one is taken')
})

frames('a burst\'s proof is not taken for a plain signature, nor the reverse, nor a leaf for a node', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const burst = burstOf(author, 2)
  const [first] = burst.messages as [Said, Said]
  const plainSignature = sign(author.key, burst.hashes[0]!)
  const overRoot = sign(author.key, rootOf(burst.hashes))
  const asBurst = (signature: Uint8Array): Uint8Array => frame({ auth: Auth.BURST, author: author.x, proof: burstProof(signature, 2, 0, pathOf(0, burst.hashes)), ...first })
  const asPlain = (proof: Uint8Array): Uint8Array => frame({ auth: Auth.SIGNATURE, author: author.x, proof, ...first })
  await refusesEach(stage, client, BAD_SIGNATURE, client.id, {
    'the burst\'s signature as a plain one': asPlain(burst.signature),
    'a plain signature as a burst\'s': asBurst(plainSignature),
    'a signature over the bare root': asBurst(overRoot),
    'a signature over the bare root as a plain one': asPlain(overRoot),
    'a signature over a count of 3': asBurst(sign(author.key, burstDigest('peerweft', 3, rootOf(burst.hashes)))),
  })
  // A whole proof where a signature of 64 bytes is expected: the header then begins in the proof.
  client.sendFrame(frame({ auth: Auth.SIGNATURE, author: author.x, proof: burstProof(burst.signature, 2, 0, pathOf(0, burst.hashes)), ...first }))
  client.sendFrame(frame({ auth: Auth.BURST, author: author.x, proof: plainSignature, ...first }))
  await until(() => stage.faultsAbout(client.id).length === 7, () => `both are refused: ${stage.told()}`)
  assert.equal(stage.callsOf(client.id), [])
})

frames('junk beside a remembered root is refused: only the signature that was checked is remembered', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const burst = burstOf(author, 8)
  client.sendFrame(burst.alone[0]!)
  await until(() => stage.callsOf(client.id).length === 1, 'the first is taken, its root remembered')
  const replaceSignature = (bytes: Uint8Array, signature: Uint8Array): Uint8Array => concat(bytes.subarray(0, 34), signature, bytes.subarray(98))
  await refusesEach(stage, client, BAD_SIGNATURE, client.id, {
    'random': replaceSignature(burst.alone[1]!, random(64)),
    'zeros': replaceSignature(burst.alone[1]!, new Uint8Array(64)),
    'one bit': flipped(burst.alone[1]!, 40),
    'another author': concat(burst.alone[1]!.subarray(0, 2), unhex(stage.alice.id), burst.alone[1]!.subarray(34)),
  })
  await refusesEach(stage, client, BAD_SIGNATURE, client.id, { 'a whole burst with junk': wholeBurst(author.x, random(64), burst.messages) }, Kind.BURST)
  client.sendFrame(burst.alone[1]!)
  await until(() => stage.callsOf(client.id).length === 2, 'the true one is taken')
})

frames('whole bursts that lie about counts and lengths, or are not what was signed, are refused as a whole', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const { signature, messages, whole } = burstOf(author, 4)
  const signedBy = (said: readonly Said[]): Uint8Array => author.burst(said).whole
  const [a, b, c, d] = messages as [Said, Said, Said, Said]
  await refusesEach(stage, client, MALFORMED, client.id, {
    'nothing': EMPTY,
    'cut in its head': whole.subarray(0, 98),
    'a count of 0': wholeBurst(author.x, signature, [], 0),
    'a count of 1': wholeBurst(author.x, signature, [a], 1),
    'a count of 65': wholeBurst(author.x, signature, Array.from({ length: 65 }, () => a)),
    'fewer messages than counted': wholeBurst(author.x, signature, messages, 5),
    'more messages than counted': wholeBurst(author.x, signature, messages, 3),
    'a byte after the last': concat(whole, Uint8Array.of(0)),
    'a byte missing': whole.subarray(0, whole.length - 1),
    'a header of 0': patched(whole, 99, 0, 0),
    'a header of 65,535': patched(whole, 99, 255, 255),
    'a payload of 4 GiB': patched(whole, 101, 255, 255, 255, 255),
    'a payload of 0': wholeBurst(author.x, signature, [a, { ...b, payload: EMPTY }, c, d]),
  }, Kind.BURST)
  await refusesEach(stage, client, 'ERR_WIRE_WRONG_VERSION', client.id, { 'version 2': wholeBurst(author.x, signature, messages, 4, 2) }, Kind.BURST)
  await refusesEach(stage, client, BAD_SIGNATURE, client.id, {
    'two changed places': wholeBurst(author.x, signature, [b, a, c, d]),
    'one left out': wholeBurst(author.x, signature, [a, b, c]),
    'one twice': wholeBurst(author.x, signature, [a, b, c, d, d]),
    'one replaced': wholeBurst(author.x, signature, [a, b, c, author.say({ n: 9 }, { protocol: 'probe' })]),
    'under alice\'s name': wholeBurst(unhex(stage.alice.id), signature, messages),
    'a plain signature of the first': wholeBurst(author.x, sign(author.key, messageHash(author.x, a.header, a.payload)), messages),
    'zeros': wholeBurst(author.x, new Uint8Array(64), messages),
  }, Kind.BURST)
  assert.equal(stage.callsOf(client.id), [])
  client.send(part(Kind.BURST, whole))
  await until(() => stage.callsOf(client.id).length === 4, 'the true one is taken whole')
  // The same message twice under one good signature is handed in once.
  client.send(part(Kind.BURST, signedBy([a, author.say({ n: 5 }, { protocol: 'probe' })])))
  const twice = author.say({ n: 6 }, { protocol: 'probe' })
  client.send(part(Kind.BURST, signedBy([twice, twice])))
  await client.roundTrip()
  assert.is(stage.callsOf(client.id).length, 6)
  await stage.refused('ERR_WIRE_REPLAYED', client.id, { blamed: undefined })
  await stage.refused('ERR_WIRE_DUPLICATE', client.id, { blamed: undefined })
})

// What it says.

frames('another network in the header, another recipient, and clocks too far behind or ahead are refused; only the first is blamed', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const { author } = client
  const signed = (overrides: Partial<HeaderFields>): Uint8Array => author.signed(author.say({ n: 1 }, { protocol: 'probe', ...overrides }))
  const hop = (overrides: Partial<HeaderFields>): Uint8Array => author.plain(author.say({ n: 1 }, { protocol: 'probe', type: 'hop', ...overrides }))
  const now = Date.now()
  await refusesEach(stage, client, 'ERR_WIRE_WRONG_NETWORK', client.id, { signed: signed({ network: 'elsewhere' }), 'by the link': hop({ network: 'peerwefT' }) })
  await refusesEach(stage, client, 'ERR_WIRE_WRONG_RECIPIENT', undefined, {
    'for alice': signed({ to: unhex(stage.alice.id) }), 'for a stranger': signed({ to: random(32) }), 'for alice, by the link': hop({ to: unhex(stage.alice.id) }),
  })
  await refusesEach(stage, client, 'ERR_WIRE_STALE', undefined, { signed: signed({ timestamp: now - 121_000 }), 'by the link': hop({ timestamp: now - 3_600_000 }), 'of 1970': signed({ timestamp: 0 }) })
  await refusesEach(stage, client, 'ERR_WIRE_FUTURE', undefined, { signed: signed({ timestamp: now + 40_000 }), 'by the link': hop({ timestamp: now + 40_000 }), 'at the end of time': signed({ timestamp: Number.MAX_SAFE_INTEGER }) })
  client.sendFrame(signed({ timestamp: now - 110_000 }))
  client.sendFrame(signed({ timestamp: now + 25_000 }))
  client.sendFrame(signed({ to: unhex(stage.bob.id) }))
  await until(() => stage.callsOf(client.id).length === 3, 'what lies within the bounds is taken')
})

frames('without those bounds old and early messages would be taken: the check can fail', async () => {
  await using stage = await openStage({ limits: { messageAgeMsMax: 1e15, messageLeadMsMax: 1e16 } })
  const client = await stage.mallory()
  for (const timestamp of [0, Date.now() - 121_000, Date.now() + 40_000, Number.MAX_SAFE_INTEGER]) client.say({ n: 1 }, { protocol: 'probe', timestamp })
  await until(() => stage.callsOf(client.id).length === 4, 'all are taken')
})

frames('bad signatures are borne twenty times, then the link is cut', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const said = client.author.say({ n: 1 }, { protocol: 'probe' })
  for (let n = 0; n < 100; n++) client.sendFrame(frame({ auth: Auth.SIGNATURE, author: client.author.x, proof: random(64), ...said }))
  await client.ended
  await until(() => !stage.bob.isConnected(client.id), 'she is cut')
  const refused = stage.faultsAbout(client.id).filter(fault => fault.code === BAD_SIGNATURE).length
  assert.ok(refused >= 21 && refused <= 23, `${refused} until the cut`)
  assert.is(stage.gone[0]!.reason, 'misbehaviour')
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

frames('with a huge budget she would stay: the check can fail', async () => {
  await using stage = await openStage(PATIENT)
  const client = await stage.mallory()
  const said = client.author.say({ n: 1 }, { protocol: 'probe' })
  for (let n = 0; n < 100; n++) client.sendFrame(frame({ auth: Auth.SIGNATURE, author: client.author.x, proof: random(64), ...said }))
  await until(() => stage.faultsAbout(client.id).length === 100, 'all are refused')
  await client.roundTrip()
  assert.ok(stage.bob.isConnected(client.id))
})

frames('messages of another network are counted as faults, since they are blamed', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  for (let n = 0; n < 200; n++) client.sendFrame(author.plain(author.say({ n }, { protocol: 'probe', type: 'hop', network: 'elsewhere' })))
  await client.ended
})

frames.run()
