import { deepStrictEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PError } from '../../lib/contracts/errors.ts'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { decodeCbor, encodeCbor } from '../../lib/wire/cbor.ts'
import { FragmentAssembler, splitFrame } from '../../lib/wire/fragments.ts'
import { decodeHeader, encodeHeader } from '../../lib/wire/header.ts'
import { Intake } from '../../lib/wire/intake.ts'
import { readParts, writeParts } from '../../lib/wire/parts.ts'
import { crypto, people, plainValue, vectors, type Name } from '../vectors/wire/make.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { codeOf, refusal } from './support/refusal.ts'

type Row = Record<string, any>
const read = <T = Row[]>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/wire', name), 'utf8')) as T

const files = suite('vectors')

files('the files are what make.ts makes today', () => {
  for (const [name, content] of Object.entries(vectors)) deepStrictEqual(read<unknown>(name), JSON.parse(JSON.stringify(content)), `${name}: the format has changed, or make.ts has; see its first line`)
})

files('CBOR: written and read so, read only so, refused', () => {
  const { values, readOnly, refused } = read<{ values: Row[]; readOnly: Row[]; refused: Row[] }>('cbor.json')
  for (const { value, cbor } of [...values, ...readOnly]) deepStrictEqual(plainValue(decodeCbor(fromHex(cbor))), value)
  for (const { cbor } of values) assert.is(toHex(encodeCbor(decodeCbor(fromHex(cbor)))), cbor)
  for (const { cbor } of readOnly) assert.is.not(toHex(encodeCbor(decodeCbor(fromHex(cbor)))), cbor)
  for (const { why, cbor, code } of refused) assert.is(codeOf(() => decodeCbor(fromHex(cbor))), code, why)
})

files('headers', () => {
  for (const { header, cbor } of read('header.json')) {
    const fields = { ...header, to: header.to && fromHex(header.to), boot: fromHex(header.boot), salt: fromHex(header.salt) }
    assert.is(toHex(encodeHeader(fields)), cbor)
    assert.equal(decodeHeader(fromHex(cbor)), fields)
  }
})

files('hellos', () => {
  for (const { boot, timestampMs, role, addresses, protocols, work, cbor } of read('hello.json')) {
    assert.is(toHex(encodeCbor([1, fromHex(boot), timestampMs, role, addresses, protocols, fromHex(work)])), cbor)
    assert.equal(decodeCbor(fromHex(cbor)), [1, fromHex(boot), timestampMs, role, addresses, protocols, fromHex(work)])
  }
})

files('parts', () => {
  const { valid, refused } = read<{ valid: Row[]; refused: Row[] }>('parts.json')
  for (const { parts, plaintext } of valid as { parts: Row[]; plaintext: string }[]) {
    assert.is(toHex(writeParts(parts.map(({ kind, body }) => ({ kind, body: fromHex(body) })))), plaintext)
    const visited: Row[] = []
    readParts(fromHex(plaintext), (kind, body) => visited.push({ kind, body: toHex(body), ignored: false }))
    assert.equal(visited, parts.filter(({ ignored }) => !ignored))
  }
  for (const { why, plaintext, code } of refused) assert.is(codeOf(() => readParts(fromHex(plaintext), () => assert.unreachable(why))), code, why)
})

files('fragments', () => {
  const { id, pieceBytesMax, frame, bodies, refused } = read<Row>('fragments.json')
  assert.equal(splitFrame(fromHex(frame), id, pieceBytesMax).map(toHex), bodies)
  const assembler = new FragmentAssembler(DEFAULT_LIMITS, new ManualClock())
  assert.is(toHex(bodies.map((body: string) => assembler.add(fromHex(body))).at(-1)), frame)
  for (const { why, bodies: sent, code } of refused) {
    const other = new FragmentAssembler(DEFAULT_LIMITS, new ManualClock())
    for (const body of sent.slice(0, -1)) assert.is(other.add(fromHex(body)), null)
    assert.is(codeOf(() => other.add(fromHex(sent.at(-1)))), code, why)
  }
})

/** Bob as `refusals.json` has him. */
function bob({ now, startedAt, leastAuth }: Row): Intake {
  return new Intake({
    crypto: () => crypto, clock: new ManualClock(now), limits: DEFAULT_LIMITS, network: 'test', publicKey: people.bob.publicKey, startedAtMs: startedAt ?? 0, mayHaveRunBefore: startedAt !== undefined,
    leastAuth: () => leastAuth ?? 'signature', messageBytesMax: () => DEFAULT_LIMITS.messageBytesMax,
  })
}

const sourceOf = (name: Name): { peerId: string; key: Uint8Array } => ({ peerId: toHex(people[name].publicKey), key: people[name].publicKey })

files('frames and bursts come in, and each message of a burst alone', () => {
  const never = (error: P2PError): never => {
    throw error
  }
  const now = { now: 1_700_000_000_000, leastAuth: 'channel' }
  const from = (message: P2PMessage): string => message.from
  for (const { frame, author } of read('frame.json')) assert.is(bob(now).receiveFrame(fromHex(frame), sourceOf('alice')).from, author)
  for (const { whole, alone, author, count } of read('burst.json')) {
    assert.equal(bob(now).receiveBurst(fromHex(whole), sourceOf('mallory'), never).map(from), new Array(count).fill(author))
    assert.equal(bob(now).receiveBurst(fromHex(whole), sourceOf('mallory'), never).map(({ frame }) => toHex(frame!)), alone)
    for (const frame of alone) assert.is(from(bob(now).receiveFrame(fromHex(frame), sourceOf('mallory'))), author)
  }
})

files('each refusal has its code and blames whom it should', () => {
  for (const row of read('refusals.json')) {
    const intake = bob(row)
    for (const frame of row['before'] ?? []) intake.receiveFrame(fromHex(frame), sourceOf('mallory'))
    const source = sourceOf(row['from'])
    const error = refusal(() => intake.receiveFrame(fromHex(row['frame']), source))
    assert.equal([error.code, error.peerId], [row['code'], row['blames'] === 'hop' ? source.peerId : undefined], row['why'])
  }
})

files.run()
