// Writes the vectors beside it. Run it again only when docs/wire.md has changed: node --import tsx test/vectors/wire/make.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createNobleBackend } from '../../../lib/crypto/noble.ts'
import { fromHex, toHex } from '../../../lib/foundation/hex.ts'
import { aloneFrame, burstDigest, burstTree, encodeBurst } from '../../../lib/wire/burst.ts'
import { decodeCbor, encodeCbor } from '../../../lib/wire/cbor.ts'
import { Auth, burstProof, encodeFrame, messageHash } from '../../../lib/wire/frame.ts'
import { splitFrame } from '../../../lib/wire/fragments.ts'
import { leafHash, nodeHash } from '../../../lib/wire/hashing.ts'
import { encodeHeader, type Header } from '../../../lib/wire/header.ts'
import { encodeClose, PartKind, writeParts } from '../../../lib/wire/parts.ts'

export const crypto = createNobleBackend()
const NONE = new Uint8Array(0)
const NOW = 1_700_000_000_000

interface Key { secret: Uint8Array; publicKey: Uint8Array }

function key(byte: number): Key {
  const secret = crypto.evenSecret(new Uint8Array(32).fill(byte))
  return { secret, publicKey: crypto.publicKeyOf(secret).slice(1) }
}

export const people = { alice: key(0x11), bob: key(0x22), mallory: key(0x33) }
export type Name = keyof typeof people
const { alice, bob, mallory } = people

export const sign = (digest: Uint8Array, { secret }: Key): Uint8Array => crypto.sign(digest, secret, new Uint8Array(32))

/** Alice's header, with whatever should differ. Its salt follows from its id, so that no two are alike. */
function header(more: Partial<Header> = {}): Header {
  const messageId = more.messageId ?? 'b0b0b0b0-0'
  return {
    network: 'test', protocol: 'chat', type: 'note', to: null, timestampMs: NOW, boot: new Uint8Array(16).fill(0xb0), messageId,
    inReplyTo: null, slot: null, salt: crypto.sha256(new TextEncoder().encode(messageId)).slice(0, 16), ...more,
  }
}

export interface Said { header: Uint8Array; payload: Uint8Array }
const say = (payload: unknown, more: Partial<Header> = {}): Said => ({ header: encodeHeader(header(more)), payload: encodeCbor(payload) })

const channelFrame = (by: Key, said: Said): Uint8Array => encodeFrame(Auth.CHANNEL, by.publicKey, NONE, said.header, said.payload)

function signedFrame(by: Key, said: Said): Uint8Array {
  return encodeFrame(Auth.SIGNATURE, by.publicKey, sign(messageHash(crypto, by.publicKey, said.header, said.payload), by), said.header, said.payload)
}

export function burstOf(by: Key, messages: readonly Said[], network = 'test'): { body: Uint8Array; alone: Uint8Array[]; steps: object } {
  const hashes = messages.map(said => messageHash(crypto, by.publicKey, said.header, said.payload))
  const tree = burstTree(crypto, hashes)
  const digest = burstDigest(crypto, network, messages.length, tree.root)
  const signature = sign(digest, by)
  const burst = { author: by.publicKey, signature, messages }
  const alone = messages.map((said, index) => aloneFrame({ author: by.publicKey, signature, count: messages.length, index, path: tree.path(index) }, said))
  const levels = levelsOf(hashes.map(hash => leafHash(crypto, hash)))
  const paths = messages.map((_, index) => tree.path(index).map(toHex))
  return { body: encodeBurst(burst), alone, steps: { messageHashes: hashes.map(toHex), levels: levels.map(level => level.map(toHex)), root: toHex(tree.root), digest: toHex(digest), signature: toHex(signature), paths } }
}

function levelsOf(leaves: Uint8Array[]): Uint8Array[][] {
  const levels = [leaves]
  for (let level = leaves; level.length > 1; levels.push(level)) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, index) => (2 * index + 1 < level.length ? nodeHash(crypto, level[2 * index]!, level[2 * index + 1]!) : level[2 * index]!))
  }
  return levels
}

/** JSON for any value, by the README's rules. */
export function plainValue(value: unknown): unknown {
  if (value === undefined) return { undefined: true }
  if (typeof value === 'bigint') return { bigint: String(value) }
  if (typeof value === 'number' && (!Number.isInteger(value) || Object.is(value, -0) || !Number.isSafeInteger(value))) return { float: Object.is(value, -0) ? '-0' : String(value) }
  if (value instanceof Uint8Array) return { bytes: toHex(value) }
  if (Array.isArray(value)) return value.map(plainValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainValue(item)]))
}

function cborVectors(): object {
  const values = [
    0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, 9_007_199_254_740_991, 9_007_199_254_740_992n, 18_446_744_073_709_551_615n, -1, -24, -25, -256, -257, -9_007_199_254_740_991, -9_007_199_254_740_992n, -18_446_744_073_709_551_616n,
    -0, 0.5, 1.1, -4.1, 1e300, 100_000.5, Infinity, -Infinity, NaN, false, true, null, undefined,
    NONE, fromHex('00ff'), new Uint8Array(24).fill(7), '', 'a', 'peerweft', '\u00fc\u6c34\u{1f600}', '\ufeffmark', 'x'.repeat(256), [], [1, [2, [3]]], {}, { n: 1, body: fromHex('0102') }, { b: 1, a: { c: [null, undefined] } },
  ]
  const nested = '81'.repeat(15) + '80'
  const readOnly = ['f90000', 'f93c00', 'f90001', 'fa3f800000', 'fb3ff0000000000000', 'fb7ff8000000000000']
  const refused = {
    'nothing at all': '', 'a value cut short': '1901', 'bytes after the end': '0000', 'an integer that fits one byte less': '1817', 'one that fits two': '1900ff', 'one that fits four': '1b00000000ffffffff', 'a length that fits the first byte': '7801' + '61',
    'an array of indefinite length': '9f01ff', 'text of indefinite length': '7f6161ff', 'a tag': 'c074323031332d30332d32315432303a30343a30305a', 'a simple value in one byte': 'f0', 'a simple value in two': 'f8ff', 'a reserved length': '1c',
    'a key twice': 'a2616101616102', 'a key that is a number': 'a10102', 'a key that is bytes': 'a1416101', 'the key __proto__': 'a1695f5f70726f746f5f5f01', 'text with an overlong form': '62c080', 'text with a surrogate': '63eda080', 'text beyond U+10FFFF': '64f4908080',
    'seventeen levels': '81' + nested, 'more values announced than bytes left': '9a00100000', 'a length of 2^63': '5b8000000000000000', '16,385 values': '994001' + '00'.repeat(16_385),
  }
  return {
    values: [...values, decodeCbor(fromHex(nested))].map(value => ({ value: plainValue(value), cbor: toHex(encodeCbor(value)) })),
    readOnly: readOnly.map(hex => ({ cbor: hex, value: plainValue(decodeCbor(fromHex(hex))) })),
    refused: Object.entries(refused).map(([why, cbor]) => ({ why, cbor, code: 'ERR_WIRE_MALFORMED' })),
  }
}

const fieldsOf = ({ to, boot, salt, ...rest }: Header): object => ({ ...rest, to: to && toHex(to), boot: toHex(boot), salt: toHex(salt) })

function headerVectors(): object[] {
  return [
    header(), header({ protocol: null, type: 't', messageId: 'x', timestampMs: 0 }), header({ to: bob.publicKey, inReplyTo: 'a1a1a1a1-5' }), header({ slot: 'session-1/round/2', timestampMs: Number.MAX_SAFE_INTEGER }),
    header({ network: 'n'.repeat(32), protocol: 'p'.repeat(64), type: 't'.repeat(64), to: bob.publicKey, messageId: 'm'.repeat(64), inReplyTo: 'r'.repeat(64), slot: 's'.repeat(128) }), header({ type: '\u6c34' }),
  ].map(each => ({ header: fieldsOf(each), cbor: toHex(encodeHeader(each)) }))
}

function frameVectors(): object[] {
  const said = say({ n: 1, body: fromHex('c0ffee') }, { to: bob.publicKey })
  const hash = messageHash(crypto, alice.publicKey, said.header, said.payload)
  const steps = { author: toHex(alice.publicKey), header: toHex(said.header), payload: toHex(said.payload), headerHash: toHex(crypto.sha256(said.header)), payloadHash: toHex(crypto.sha256(said.payload)), messageHash: toHex(hash) }
  const { alone, steps: burst } = burstOf(alice, [said, say('second', { messageId: 'b0b0b0b0-1' })])
  return [
    { auth: 0, ...steps, frame: toHex(channelFrame(alice, said)) },
    { auth: 1, ...steps, signature: toHex(sign(hash, alice)), frame: toHex(signedFrame(alice, said)) },
    { auth: 2, ...steps, burst, count: 2, index: 0, frame: toHex(alone[0]!) },
  ]
}

function burstVectors(): object[] {
  return [2, 3, 5].map(count => {
    const messages = Array.from({ length: count }, (_, index) => say(`message ${index}`, { messageId: `b0b0b0b0-${index}` }))
    const { body, alone, steps } = burstOf(alice, messages)
    return { network: 'test', author: toHex(alice.publicKey), count, messages: messages.map(said => ({ header: toHex(said.header), payload: toHex(said.payload) })), ...steps, whole: toHex(body), alone: alone.map(toHex) }
  })
}

function partVectors(): object {
  const ping = { kind: PartKind.PING, body: fromHex('0102030405060708') }
  const all = [{ kind: PartKind.MESSAGE, body: fromHex('0a0b') }, ping, { kind: 0x80, body: fromHex('ff') }, { kind: PartKind.PONG, body: ping.body }, { kind: PartKind.CLOSE, body: encodeClose(5, 'no room') }]
  const valid = [[ping], all, [{ kind: PartKind.CLOSE, body: encodeClose(0) }]]
  const refused = {
    'no part': '', 'a head cut short': '01000000', 'a body cut short': '010000000200', 'an unknown kind': '0400000000', 'kind 0x7f': '7f00000000', 'a ping of seven bytes': '110000000701020304050607', 'a close without a reason': '1300000000', 'a close whose text is not UTF-8': '1300000002' + '05ff',
    'a fragment without bytes': '030000000c' + '00'.repeat(12), 'a good part before a bad one': toHex(writeParts([ping])) + '0400000000',
  }
  return {
    valid: valid.map(parts => ({ parts: parts.map(({ kind, body }) => ({ kind, body: toHex(body), ignored: kind >= 0x80 })), plaintext: toHex(writeParts(parts)) })),
    refused: Object.entries(refused).map(([why, plaintext]) => ({ why, plaintext, code: 'ERR_WIRE_MALFORMED' })),
  }
}

function fragmentVectors(): object {
  const frame = signedFrame(alice, say('in pieces'))
  const pieces = splitFrame(frame, 7, 100).map(toHex)
  const head = (total: number, offset: number): string => ['00000007', total.toString(16).padStart(8, '0'), offset.toString(16).padStart(8, '0')].join('')
  const refused = {
    'a gap': [head(10, 0) + '0102', head(10, 3) + '03'], 'an overlap': [head(10, 0) + '0102', head(10, 1) + '03'], 'another total': [head(10, 0) + '0102', head(11, 2) + '03'], 'more than the total': [head(3, 0) + '0102', head(3, 2) + '0304'],
    'a beginning in the middle': [head(10, 5) + '01'], 'no bytes': [head(10, 0)],
  }
  const malformed = Object.entries(refused).map(([why, bodies]) => ({ why, bodies, code: 'ERR_WIRE_MALFORMED' }))
  return { id: 7, pieceBytesMax: 100, frame: toHex(frame), bodies: pieces, refused: [...malformed, { why: 'more than a mebibyte', bodies: [head(1_048_577, 0) + '01'], code: 'ERR_WIRE_FRAME_TOO_LARGE' }] }
}

function helloVectors(): object[] {
  const hello = (boot: number, role: string, addresses: string[], protocols: [string, number][], work: string): object => {
    const fields = [1, new Uint8Array(16).fill(boot), NOW, role, addresses, protocols, fromHex(work)]
    return { boot: toHex(fields[1] as Uint8Array), timestampMs: NOW, role, addresses, protocols, work, cbor: toHex(encodeCbor(fields)) }
  }
  return [hello(0xb0, 'node', ['ws://127.0.0.1:9000', 'wss://example.org/p2p'], [['chat', 1], ['gossip', 2]], ''), hello(0xb1, 'client', [], [], '00ff')]
}

function refusalVectors(): object[] {
  const good = say('good')
  const frame = signedFrame(alice, good)
  const edited = (at: number, byte: number): Uint8Array => frame.map((old, index) => (index === at ? byte : old))
  const burst = burstOf(alice, [0, 1, 2, 3].map(index => say(`message ${index}`, { messageId: `b0b0b0b0-${index}` })))
  const [first, second] = burst.alone
  const path = (from: Uint8Array): Uint8Array[] => [from.slice(102, 134), from.slice(134, 166)]
  const signature = first!.slice(34, 98)
  const said = say('message 0', { messageId: 'b0b0b0b0-0' })
  const again = (proof: Uint8Array, auth: Auth = Auth.BURST): Uint8Array => encodeFrame(auth, alice.publicKey, proof, said.header, said.payload)
  const unreadable = { header: encodeHeader(header()), payload: fromHex('9f01ff') }
  const row = (why: string, code: string, blames: 'hop' | null, sent: Uint8Array, more: object = {}): object => ({ why, code, blames, frame: toHex(sent), from: 'mallory', now: NOW, ...more })
  return [
    row('a frame cut short', 'ERR_WIRE_MALFORMED', 'hop', frame.slice(0, 110)),
    row('version 2', 'ERR_WIRE_WRONG_VERSION', 'hop', edited(0, 2)),
    row('auth 3', 'ERR_WIRE_MALFORMED', 'hop', edited(1, 3)),
    row('a header of no bytes', 'ERR_WIRE_MALFORMED', 'hop', encodeFrame(Auth.SIGNATURE, alice.publicKey, new Uint8Array(64), NONE, good.payload)),
    row('no payload', 'ERR_WIRE_MALFORMED', 'hop', encodeFrame(Auth.SIGNATURE, alice.publicKey, new Uint8Array(64), good.header, NONE)),
    row('an index that is the count', 'ERR_WIRE_MALFORMED', 'hop', again(burstProof(signature, 4, 4, path(first!)))),
    row('a burst of one', 'ERR_WIRE_MALFORMED', 'hop', again(burstProof(signature, 1, 0, []))),
    row('a bit of the payload flipped', 'ERR_WIRE_BAD_SIGNATURE', 'hop', edited(frame.length - 1, frame.at(-1)! ^ 1)),
    row('somebody else\'s key beside the signature', 'ERR_WIRE_BAD_SIGNATURE', 'hop', encodeFrame(Auth.SIGNATURE, mallory.publicKey, frame.slice(34, 98), good.header, good.payload)),
    row('a burst proof moved to another index', 'ERR_WIRE_BAD_SIGNATURE', 'hop', again(burstProof(signature, 4, 1, path(first!)))),
    row('the path of another message', 'ERR_WIRE_BAD_SIGNATURE', 'hop', again(burstProof(signature, 4, 0, path(second!)))),
    row('another count with a path of the same length', 'ERR_WIRE_BAD_SIGNATURE', 'hop', again(burstProof(signature, 3, 0, path(first!)))),
    row('the signature of a burst as a plain one', 'ERR_WIRE_BAD_SIGNATURE', 'hop', again(signature, Auth.SIGNATURE)),
    row('a header that is no array of ten, rightly signed', 'ERR_WIRE_MALFORMED', 'hop', signedFrame(alice, { header: encodeCbor(['test']), payload: good.payload })),
    row('a payload of indefinite length, rightly signed', 'ERR_WIRE_MALFORMED', 'hop', signedFrame(alice, unreadable)),
    row('another network', 'ERR_WIRE_WRONG_NETWORK', 'hop', signedFrame(alice, say('x', { network: 'other' }))),
    row('a burst of another network', 'ERR_WIRE_BAD_SIGNATURE', 'hop', burstOf(alice, ['x', 'y'].map(messageId => say(messageId, { network: 'other', messageId })), 'other').alone[1]!),
    row('for mallory', 'ERR_WIRE_WRONG_RECIPIENT', null, signedFrame(alice, say('x', { to: mallory.publicKey }))),
    row('a millisecond too old', 'ERR_WIRE_STALE', null, frame, { now: NOW + 120_001 }),
    row('a millisecond too far ahead', 'ERR_WIRE_FUTURE', null, frame, { now: NOW - 30_001 }),
    row('from before the receiver may have restarted', 'ERR_WIRE_BEFORE_RESTART', null, frame, { startedAt: NOW - 29_999 }),
    row('a type that needs a signature, by channel', 'ERR_WIRE_WEAK_AUTH', 'hop', channelFrame(alice, good), { from: 'alice', leastAuth: 'signature' }),
    row('channel auth of somebody else', 'ERR_WIRE_WEAK_AUTH', 'hop', channelFrame(alice, good), { leastAuth: 'channel' }),
    row('the same frame again', 'ERR_WIRE_REPLAYED', null, frame, { before: [toHex(frame)] }),
    row('another body under the same id', 'ERR_WIRE_DUPLICATE', null, signedFrame(alice, say('other')), { before: [toHex(frame)] }),
    row('the same statement in the same slot under another id', 'ERR_WIRE_DUPLICATE', null, signedFrame(alice, say('x', { slot: 's', messageId: 'm2' })), { before: [toHex(signedFrame(alice, say('x', { slot: 's', messageId: 'm1' })))] }),
  ]
}

/** Every file by its name. */
export const vectors: Record<string, unknown> = {
  'keys.json': Object.fromEntries(Object.entries(people).map(([name, { secret, publicKey }]) => [name, { secret: toHex(secret), publicKey: toHex(publicKey) }])),
  'cbor.json': cborVectors(),
  'header.json': headerVectors(),
  'frame.json': frameVectors(),
  'burst.json': burstVectors(),
  'parts.json': partVectors(),
  'fragments.json': fragmentVectors(),
  'hello.json': helloVectors(),
  'refusals.json': refusalVectors(),
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, content] of Object.entries(vectors)) writeFileSync(join(import.meta.dirname, name), `${JSON.stringify(content, null, 1)}\n`)
}
