import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as cborg from 'cborg'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createNobleBackend } from '../../lib/crypto/noble.ts'

/**
 * The vectors once more, read as somebody would who has nothing but docs/wire.md: Buffers, another CBOR library and
 * the platform's SHA-256. Only BIP340 comes from lib/crypto, which has vectors of its own.
 */
const page = suite('docs/wire.md, followed by hand')

type Row = Record<string, any>
const read = <T = Row[]>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/wire', name), 'utf8')) as T

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const H = (...parts: Uint8Array[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const T = (tag: string, ...parts: Uint8Array[]): Buffer => H(H(Buffer.from(tag)), H(Buffer.from(tag)), ...parts)
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 65_535)])
const { verify } = createNobleBackend()

const messageHash = (author: Buffer, header: Buffer, payload: Buffer): Buffer => T('peerweft/message', Buffer.of(1), author, H(header), H(payload))

/** RFC 9162, section 2.1.1, with section 8's hashes. */
function root(leaves: Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (2 * split < leaves.length) split *= 2
  return T('peerweft/node', root(leaves.slice(0, split)), root(leaves.slice(split)))
}

/** RFC 9162, section 2.1.3.1. */
function path(index: number, leaves: Buffer[]): Buffer[] {
  if (leaves.length === 1) return []
  let split = 1
  while (2 * split < leaves.length) split *= 2
  return index < split ? [...path(index, leaves.slice(0, split)), root(leaves.slice(split))] : [...path(index - split, leaves.slice(split)), root(leaves.slice(0, split))]
}

const burstDigest = (count: number, top: Buffer): Buffer => T('peerweft/burst', Buffer.of(4), Buffer.from('test'), Buffer.of(1), u16(count), top)

page('section 6: the header is a CBOR array of ten', () => {
  for (const { header, cbor } of read('header.json')) {
    const { network, protocol, type, to, timestampMs, boot, messageId, inReplyTo, slot, salt } = header
    const fields = [network, protocol, type, to && hex(to), timestampMs, hex(boot), messageId, inReplyTo, slot, hex(salt)]
    assert.is(Buffer.from(cborg.encode(fields)).toString('hex'), cbor)
  }
})

page('section 6: hashes, signatures and the layout of each frame', () => {
  for (const { auth, author, header, payload, headerHash, payloadHash, messageHash: hash, signature, burst, count, index, frame } of read('frame.json')) {
    assert.equal([H(hex(header)), H(hex(payload)), messageHash(hex(author), hex(header), hex(payload))].map(bytes => bytes.toString('hex')), [headerHash, payloadHash, hash])
    const proof = auth === 0 ? '' : auth === 1 ? signature : [burst.signature, u16(count).toString('hex'), u16(index).toString('hex'), ...burst.paths[index]].join('')
    assert.is(['01', `0${auth}`, author, proof, u16(header.length / 2).toString('hex'), header, payload].join(''), frame)
    if (auth === 1) assert.ok(verify(hex(signature), hex(hash), hex(author)))
  }
})

page('section 8: leaves, tree, what is signed, the whole form and each message alone', () => {
  for (const { author, count, messages, messageHashes, levels, root: top, digest, signature, paths, whole, alone } of read('burst.json')) {
    const hashes: Buffer[] = messages.map(({ header, payload }: Row) => messageHash(hex(author), hex(header), hex(payload)))
    const leaves = hashes.map(hash => T('peerweft/leaf', hash))
    assert.equal(hashes.map(hash => hash.toString('hex')), messageHashes)
    assert.equal(leaves.map(leaf => leaf.toString('hex')), levels[0])
    assert.equal([root(leaves).toString('hex'), levels.at(-1)[0]], [top, top])
    assert.is(burstDigest(count, root(leaves)).toString('hex'), digest)
    assert.ok(verify(hex(signature), hex(digest), hex(author)))
    const parts = messages.flatMap(({ header, payload }: Row) => [u16(header.length / 2), u32(payload.length / 2), hex(header), hex(payload)])
    assert.is(Buffer.concat([Buffer.of(1), hex(author), hex(signature), u16(count), ...parts]).toString('hex'), whole)
    messages.forEach(({ header, payload }: Row, index: number) => {
      assert.equal(path(index, leaves).map(hash => hash.toString('hex')), paths[index])
      const proof = Buffer.concat([hex(signature), u16(count), u16(index), ...path(index, leaves)])
      assert.is(Buffer.concat([Buffer.of(1, 2), hex(author), proof, u16(header.length / 2), hex(header), hex(payload)]).toString('hex'), alone[index])
    })
  }
})

page('section 5: parts, fragments and the hello', () => {
  for (const { parts, plaintext } of read<{ valid: Row[] }>('parts.json').valid) {
    assert.is(Buffer.concat(parts.flatMap(({ kind, body }: Row) => [Buffer.of(kind), u32(body.length / 2), hex(body)])).toString('hex'), plaintext)
  }
  const { id, pieceBytesMax, frame, bodies } = read<Row>('fragments.json')
  bodies.forEach((body: string, index: number) => {
    const piece = hex(frame).subarray(index * pieceBytesMax, (index + 1) * pieceBytesMax)
    assert.is(Buffer.concat([u32(id), u32(frame.length / 2), u32(index * pieceBytesMax), piece]).toString('hex'), body)
  })
  for (const { boot, timestampMs, role, addresses, protocols, work, cbor } of read('hello.json')) {
    assert.equal(cborg.decode(hex(cbor), { strict: true }), [1, new Uint8Array(hex(boot)), timestampMs, role, addresses, protocols, new Uint8Array(hex(work))])
  }
})

page('section 1: keys are what the secrets make', () => {
  const { publicKeyOf } = createNobleBackend()
  for (const { secret, publicKey } of Object.values(read<Record<string, Row>>('keys.json'))) assert.is(Buffer.from(publicKeyOf(hex(secret))).toString('hex'), `02${publicKey}`)
})

page.run()
