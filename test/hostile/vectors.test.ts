import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hex, unhex } from './second/bytes.ts'
import { decode, encode } from './second/cbor.ts'
import { pointOf, verify } from './second/keys.ts'
import { Memory, Receiver } from './second/receiver.ts'
import {
  burstDigest, burstMessages, burstProof, fragmentsOf, frame, headerBytes, helloBytes, Kind, messageHash, parseFrame, part, partsOf, pathOf, rootByPath, rootOf, wholeBurst,
} from './second/wire.ts'

const vectors = suite('the second implementation and the vectors of the wire')

interface Named { secret: string; publicKey: string }
type Keys = Record<'alice' | 'bob' | 'mallory', Named>

async function load<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(import.meta.dirname, `../vectors/wire/${name}.json`), 'utf8')) as T
}

vectors('keys: the points of the secrets', async () => {
  for (const { secret, publicKey } of Object.values(await load<Keys>('keys'))) assert.is(hex(pointOf(unhex(secret))), `02${publicKey}`)
})

/** As the vectors write what JSON cannot say. */
function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value !== 'object' || value === null) return value
  const { bytes, bigint, float, undefined: nothing } = value as Record<string, unknown>
  if (typeof bytes === 'string') return unhex(bytes)
  if (typeof bigint === 'string') return BigInt(bigint)
  if (typeof float === 'string') return float === '-0' ? -0 : Number(float)
  if (nothing === true) return undefined
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromJson(item)]))
}

vectors('CBOR: what is read, what is written, what is refused', async () => {
  const { values, readOnly, refused } = await load<Record<'values' | 'readOnly' | 'refused', { value: unknown; cbor: string; why: string }[]>>('cbor')
  for (const { value, cbor } of [...values, ...readOnly]) assert.equal(decode(unhex(cbor)), fromJson(value), cbor)
  for (const { value, cbor } of values) {
    const plain = fromJson(value)
    // Floats have three sizes to choose from, of which we always take the largest.
    if (!JSON.stringify(value)?.includes('float') && !(typeof plain === 'number' && !Number.isInteger(plain))) assert.is(hex(encode(plain)), cbor)
  }
  for (const { cbor, why } of refused) assert.throws(() => decode(unhex(cbor)), (error: Error) => error instanceof Error, why)
})

vectors('headers, hellos and parts', async () => {
  for (const { header, cbor } of await load<{ header: Record<string, unknown>; cbor: string }[]>('header')) {
    const { network, protocol, type, to, timestampMs, boot, messageId, inReplyTo, slot, salt } = header
    const bytes = (value: unknown): unknown => (typeof value === 'string' ? unhex(value) : value)
    assert.is(hex(headerBytes({ network, protocol, type, to: bytes(to), timestamp: timestampMs, boot: bytes(boot), messageId, inReplyTo, slot, salt: bytes(salt) })), cbor)
  }
  for (const { cbor, boot, timestampMs, work, ...rest } of await load<{ cbor: string; boot: string; timestampMs: number; work: string; role: string; addresses: string[]; protocols: [string, number][] }[]>('hello')) {
    assert.is(hex(helloBytes({ ...rest, boot: unhex(boot), timestamp: timestampMs, work: unhex(work) })), cbor)
  }
  const { valid, refused } = await load<{ valid: { parts: { kind: number; body: string }[]; plaintext: string }[]; refused: { why: string; plaintext: string }[] }>('parts')
  for (const { parts, plaintext } of valid) assert.equal(partsOf(unhex(plaintext)).map(({ kind, body }) => ({ kind, body: hex(body) })).filter(({ kind }) => kind < 0x80), parts.map(({ kind, body }) => ({ kind: Number(kind), body })).filter(({ kind }) => kind < 0x80))
  assert.ok(refused.length > 0)
})

vectors('frames: every hash, and the bytes', async () => {
  for (const each of await load<Record<'author' | 'header' | 'payload' | 'messageHash' | 'frame', string>[]>('frame')) {
    const [author, header, payload] = [unhex(each.author), unhex(each.header), unhex(each.payload)]
    assert.is(hex(messageHash(author, header, payload)), each.messageHash)
    const parsed = parseFrame(unhex(each.frame))
    assert.is(hex(frame({ auth: parsed.auth, author, proof: parsed.proof, header, payload })), each.frame)
    if (parsed.auth === 1) assert.ok(verify(parsed.proof, unhex(each.messageHash), author))
  }
})

vectors('bursts: root, digest, signature, paths, whole and alone', async () => {
  interface Vector { network: string; author: string; count: number; messages: { header: string; payload: string }[]; messageHashes: string[]; root: string; digest: string; signature: string; paths: string[][]; whole: string; alone: string[] }
  for (const each of await load<Vector[]>('burst')) {
    const author = unhex(each.author)
    const messages = each.messages.map(({ header, payload }) => ({ header: unhex(header), payload: unhex(payload) }))
    const hashes = messages.map(({ header, payload }) => messageHash(author, header, payload))
    assert.equal(hashes.map(hex), each.messageHashes)
    assert.is(hex(rootOf(hashes)), each.root)
    assert.is(hex(burstDigest(each.network, each.count, rootOf(hashes))), each.digest)
    assert.ok(verify(unhex(each.signature), unhex(each.digest), author))
    assert.equal(hashes.map((_, index) => pathOf(index, hashes).map(hex)), each.paths)
    assert.is(hex(wholeBurst(author, unhex(each.signature), messages)), each.whole)
    assert.is(burstMessages(unhex(each.whole)).messages.length, each.count)
    messages.forEach((said, index) => {
      const path = pathOf(index, hashes)
      assert.is(hex(rootByPath(hashes[index]!, index, each.count, path)!), each.root)
      assert.is(hex(frame({ auth: 2, author, proof: burstProof(unhex(each.signature), each.count, index, path), ...said })), each.alone[index])
    })
  }
})

vectors('fragments', async () => {
  const { id, pieceBytesMax, frame: whole, bodies } = await load<{ id: number; pieceBytesMax: number; frame: string; bodies: string[] }>('fragments')
  assert.equal(fragmentsOf(unhex(whole), id, pieceBytesMax).map(each => hex(each.subarray(5))), bodies)
})

vectors('refusals: what a receiver takes first, and what it then does not', async () => {
  const keys = await load<Keys>('keys')
  interface Vector { why: string; frame: string; from: keyof Keys; now: number; startedAt?: number; leastAuth?: string; before?: string[] }
  for (const each of await load<Vector[]>('refusals')) {
    const receiver = new Receiver({
      network: 'test', own: unhex(keys.bob.publicKey), peer: unhex(keys[each.from].publicKey), now: () => each.now, memory: new Memory(),
      verify, mayBePlain: () => each.leastAuth === 'channel', startedMs: each.startedAt,
    })
    const taken = (hexFrame: string): boolean => receiver.judge(part(Kind.MESSAGE, unhex(hexFrame)), []).kind === 'missed'
    for (const earlier of each.before ?? []) assert.ok(taken(earlier), `${each.why}: what comes before it is taken`)
    assert.not(taken(each.frame), each.why)
  }
})

vectors.run()
