import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex, toHex } from '../../../lib/foundation/hex.ts'
import { inverse, isLiftable, mod, P, power, readElements, toElement, toNumber, writeElements } from '../../../lib/protocols/coinjoin/field.ts'
import { commitment, prevHash, runId, wordHash } from '../../../lib/protocols/coinjoin/hashes.ts'
import { pairKey, paddedVector, prg } from '../../../lib/protocols/coinjoin/pads.ts'
import { encodeParams, hashOfParams, mixParams, type RoundParams } from '../../../lib/protocols/coinjoin/params.ts'
import { addVectors, polynomialOf, powersOf } from '../../../lib/protocols/coinjoin/power-sums.ts'
import { orderOf, prOf, prSlot } from '../../../lib/protocols/coinjoin/pr.ts'
import { areOutputKeys, areRoots, findRoots } from '../../../lib/protocols/coinjoin/roots.ts'
import { runSliced, SLICE_MS } from '../../../lib/protocols/coinjoin/slices.ts'
import { below, seededRandom } from '../../support/seeded-random.ts'
import { finish, noble } from './support/table.ts'

/** Made by another implementation, in another language, from the text of PROTOCOL.md alone. */
const vectors = JSON.parse(readFileSync(new URL('../../vectors/coinjoin/mix-1.json', import.meta.url), 'utf8')) as {
  params: { fields: RoundParams; encoding: string; hash: string }
  pr: { idKey: string; body: string; id: string; order: string; epoch: number }
  prg: { key: string; elements: string[] }[]
  newton: { roots: string[]; sums: string[]; polynomial: string[] }[]
  notRoots: { why: string; polynomial: string[] }[]
  lift: { x: string; liftable: boolean }[]
  runs: {
    session: string; runNumber: number; keys: string[]; run: string; secrets: string[]; publicKeys: string[]; messages: string[]; salts: string[]
    pairKeys: { i: number; j: number; key: string }[]; vectors: string[][]; commitments: string[]; sums: string[]; polynomial: string[]; roots: string[]
    cmBodies: string[]; cmHashes: string[]; prevAfterCm: string
  }[]
}
const numbers = (texts: readonly string[]): bigint[] => texts.map(text => toNumber(fromHex(text)))
const draws = (seed: number | string): (() => bigint) => {
  const random = seededRandom(seed)
  return () => mod(toNumber(random(48)))
}

const maths = suite('the mathematics of the DC-net')

maths('the keystream elements are those of the vectors', () => {
  for (const { key, elements } of vectors.prg) assert.equal(prg(noble, fromHex(key), elements.length), numbers(elements))
})

maths('Newton\'s identities and the roots are those of the vectors', () => {
  for (const { roots, sums, polynomial } of vectors.newton) {
    assert.equal(polynomialOf(numbers(sums)), numbers(polynomial))
    assert.equal(finish(findRoots(numbers(polynomial), draws(1))), numbers(roots))
    assert.ok(areRoots(numbers(polynomial), numbers(roots)))
  }
})

maths('a polynomial without as many distinct roots as its degree is found out before any search', () => {
  for (const { why, polynomial } of vectors.notRoots) {
    const drawn: bigint[] = []
    assert.is(finish(findRoots(numbers(polynomial), () => { drawn.push(1n); return 1n })), null, why)
    assert.is(drawn.length, 0)
  }
})

maths('which x has a point is what the vectors say', () => {
  for (const { x, liftable } of vectors.lift) assert.is(isLiftable(toNumber(fromHex(x))), liftable, x)
  assert.not.ok(isLiftable(P))
  assert.not.ok(isLiftable(-1n))
})

maths('whole runs of the vectors: names, pair keys, vectors, commitments, prev and roots', () => {
  for (const run of vectors.runs) {
    const id = runId(noble, fromHex(run.session), run.runNumber, run.keys.map(fromHex))
    assert.is(toHex(id), run.run)
    const publicKeys = run.publicKeys.map(fromHex)
    for (const { i, j, key } of run.pairKeys) {
      assert.is(toHex(pairKey(noble, id, { mine: i, theirs: j, secret: fromHex(run.secrets[i]!), publicKeys })), key)
      assert.is(toHex(pairKey(noble, id, { mine: j, theirs: i, secret: fromHex(run.secrets[j]!), publicKeys })), key)
    }
    const made = run.messages.map((message, index) => finish(paddedVector(noble, id, index, fromHex(run.secrets[index]!), publicKeys, toNumber(fromHex(message)))))
    assert.equal(made.map(vector => vector.map(element => toHex(toElement(element)))), run.vectors)
    made.forEach((vector, index) => assert.is(toHex(commitment(noble, id, index, writeElements(vector), fromHex(run.salts[index]!))), run.commitments[index]))
    const sums = addVectors(made, made.length)
    assert.equal(sums, numbers(run.sums))
    assert.equal(polynomialOf(sums), numbers(run.polynomial))
    assert.equal(finish(findRoots(polynomialOf(sums), draws(2))), numbers(run.roots))
    const hashes = run.cmBodies.map(body => wordHash(noble, id, 'cm', fromHex(body)))
    assert.equal(hashes.map(toHex), run.cmHashes)
    assert.is(toHex(prevHash(noble, hashes)), run.prevAfterCm)
  }
})

maths('params and PRs are encoded as the vectors say', () => {
  const { fields, encoding, hash } = vectors.params
  const params = mixParams(fields)
  assert.is(toHex(encodeParams(params)), encoding)
  assert.is(toHex(hashOfParams(noble, params)), hash)
  const { idKey, body, id, order, epoch } = vectors.pr
  const pr = prOf(noble, { type: 'pr', from: idKey, payload: fromHex(body), slot: prSlot(epoch), frame: new Uint8Array(1) })!
  assert.is(pr.id, id)
  assert.is(toHex(orderOf(noble, pr)), order)
  assert.is(prOf(noble, { type: 'pr', from: idKey, payload: fromHex(body).subarray(1), slot: prSlot(epoch), frame: new Uint8Array(1) }), null)
})

maths('up to 50 keys under random pads add up to the same set', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), fc.integer(), (count, seed) => {
    const draw = draws(seed)
    const messages = Array.from({ length: count }, draw)
    const rows = messages.map(message => powersOf(message, count))
    // Pads between pairs: what one adds the other subtracts.
    for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) for (let k = 0; k < count; k++) {
      const pad = draw()
      rows[i]![k] = mod(rows[i]![k]! + pad)
      rows[j]![k] = mod(rows[j]![k]! - pad)
    }
    const found = finish(findRoots(polynomialOf(addVectors(rows, count)), draw))
    assert.equal(found, messages.sort((a, b) => (a < b ? -1 : 1)))
  }), { numRuns: 8, seed: 5 })
})

maths('any wrong element anywhere changes the set', () => {
  const draw = draws(9)
  const random = seededRandom(9)
  for (let round = 0; round < 20; round++) {
    const count = 3 + below(random, 8)
    const messages = Array.from({ length: count }, draw)
    const rows = messages.map(message => powersOf(message, count))
    const [row, column] = [below(random, count), below(random, count)]
    rows[row]![column] = mod(rows[row]![column]! + 1n + draw() % (P - 1n))
    const roots = finish(findRoots(polynomialOf(addVectors(rows, count)), draw))
    assert.not.equal(roots, messages.sort((a, b) => (a < b ? -1 : 1)))
  }
})

maths('a list of roots from somebody else is taken only if it is the one', () => {
  const roots = [3n, 8n, 21n]
  const polynomial = polynomialOf(addVectors(roots.map(root => powersOf(root, 3)), 3))
  assert.ok(areRoots(polynomial, roots))
  for (const wrong of [[3n, 8n], [3n, 8n, 22n], [8n, 3n, 21n], [3n, 3n, 21n], [3n, 8n, 21n + P], [3n, 8n, 21n, 22n], [-3n, 8n, 21n]]) assert.not.ok(areRoots(polynomial, wrong), String(wrong))
  assert.not.ok(areOutputKeys([5n]))
  assert.ok(areOutputKeys([1n]))
})

maths('the field\'s own operations', () => {
  const draw = draws(4)
  for (let i = 0; i < 20; i++) {
    const a = draw()
    assert.is(mod(a * inverse(a)), 1n)
    assert.is(power(a, P - 1n), 1n)
    assert.is(toNumber(toElement(a)), a)
  }
  assert.throws(() => inverse(0n), /no inverse/)
  assert.throws(() => toElement(2n ** 256n), /256 bits/)
  assert.throws(() => toElement(-1n), /256 bits/)
  assert.is(readElements(new Uint8Array(33)), null)
  assert.is(readElements(toElement(P)), null)
  assert.equal(readElements(writeElements([1n, P - 1n])), [1n, P - 1n])
})

maths('the search for fifty roots leaves the event loop free, and stops when nobody wants it', async () => {
  const draw = draws(6)
  const messages = Array.from({ length: 50 }, draw)
  const polynomial = polynomialOf(addVectors(messages.map(message => powersOf(message, 50)), 50))
  // How long real slices take is the benchmark's; here each look at the clock takes half a millisecond, so that every slice has the same steps.
  let ms = 0
  let turns = 0
  const clock = {
    now: () => ms, elapsedMs: () => (ms += 0.5), schedule: () => { throw new Error('not asked for') },
    defer(run: () => void) {
      turns++
      setImmediate(run)
    },
  }
  const found = await runSliced(findRoots(polynomial, draw), clock, new AbortController().signal)
  assert.equal(found, messages.sort((a, b) => (a < b ? -1 : 1)))
  assert.ok(turns >= Math.floor(ms / (SLICE_MS + 1)), `${turns} turns in ${ms} ms`)
  assert.ok(turns > 100, `${turns} turns`)
  const longest: number[] = []
  const search = findRoots(polynomial, draw)
  for (;;) {
    const startedMs = performance.now()
    if (search.next().done) break
    longest.push(performance.now() - startedMs)
  }
  longest.sort((a, b) => a - b)
  assert.ok(longest[Math.floor(longest.length * 0.99)]! <= 25, `a step takes ${longest[Math.floor(longest.length * 0.99)]} ms (p99 of ${longest.length})`)
  const stop = new AbortController()
  const stopped = runSliced(findRoots(polynomial, draw), clock, stop.signal)
  stop.abort(new Error('enough'))
  await stopped.then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'enough'))
})

maths('params out of range are refused by name', () => {
  const good: RoundParams = { denomination: 100_000, expiry: 1_900_000_000 }
  for (const [bad, text] of [
    [{ denomination: 0 }, /params\.denomination/], [{ feeRate: 1.5 }, /params\.feeRate/], [{ minPeers: 2 }, /params\.minPeers/], [{ maxPeers: 51 }, /params\.maxPeers/],
    [{ minPeers: 9, maxPeers: 8 }, /must not be above/], [{ epochSeconds: 5 }, /params\.epochSeconds/], [{ network: 'Main Net' }, /params\.network/], [{ version: 2 }, /params\.version/],
  ] as const) assert.throws(() => mixParams({ ...good, ...bad } as RoundParams), text)
  assert.is(mixParams(good).minPeers, 3)
})

maths.run()
