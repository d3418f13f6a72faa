import * as tiny from 'tiny-secp256k1'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromBig, ORDER, toBig } from '../../lib/crypto/internal.ts'
import { createWasmBackend, loadWasmBackend, type TinySecp256k1 } from '../../lib/crypto/wasm.ts'
import { failedOperation } from '../../lib/crypto/self-test.ts'
import { OFF_CURVE } from './support/arbitraries.ts'
import { noble } from './support/backends.ts'
import { concat, toHex } from './support/bytes.ts'

const wasm = suite('the WebAssembly backend')

const secret = new Uint8Array(32).fill(0x11)
const text = new Uint8Array(32).fill(2)
const point = noble.publicKeyOf(new Uint8Array(32).fill(0x12))
const publicKey = noble.publicKeyOf(secret).slice(1)
const signature = noble.sign(text, secret, text)
const shared = toHex(noble.ecdh(secret, point)!)

wasm('it loads, passes its self-test and says what it is', async () => {
  const backend = await loadWasmBackend(noble)
  assert.is(failedOperation(backend), null)
  assert.equal([backend.name, backend.curve, backend.symmetric], ['wasm', 'wasm', 'noble'])
})

wasm('it answers after more bad keys and points than the module survives if it is shown them', () => {
  // tiny-secp256k1 2.2.4 leaves a stack frame behind for each; the stack holds some 3,000 (see wasm-curve.ts).
  const backend = createWasmBackend(tiny, noble)
  const bad = [OFF_CURVE, new Uint8Array(32), new Uint8Array(32).fill(0xff)]
  const edges = [fromBig(0n), fromBig(ORDER), fromBig(2n ** 256n - 1n)]
  for (let round = 0; round < 6_000; round++) {
    const key = bad[round % bad.length]!
    const other = Uint8Array.of(2 + round % 2, ...key)
    const edge = edges[round % edges.length]!
    assert.is(backend.verify(signature, text, key), false)
    assert.is(backend.verify(concat(edge, edge), text, publicKey), false)
    assert.is(backend.liftX(key), null)
    assert.is(backend.isPoint(other), false)
    assert.is(backend.pointAdd(other, point), null)
    assert.is(backend.pointAdd(point, other), null)
    assert.is(backend.pointMultiply(other, secret), null)
    assert.is(backend.ecdh(secret, other), null)
    assert.is(backend.pointMultiply(point, edge), null)
    assert.is(backend.isPoint(key), false)
  }
  assert.is(backend.verify(signature, text, publicKey), true)
  assert.is(tiny.verifySchnorr(text, publicKey, signature), true, 'the module itself is sound')
})

/** Gives these numbers in turn, then stops the test. */
function draws(...numbers: bigint[]): (length: number) => Uint8Array {
  const left = [...numbers]
  return () => {
    const next = left.shift()
    assert.is.not(next, undefined, 'more randomness was drawn than expected')
    return fromBig(next!)
  }
}

wasm('ecdh comes to the same whatever blinds it', () => {
  const s = toBig(secret)
  const half = (s + ORDER) / 2n
  assert.is(2n * half % ORDER, s)
  for (const blind of [1n, 2n, s - 1n, s + 1n, ORDER - 1n, ORDER - s, half, half + 1n]) {
    assert.is(toHex(createWasmBackend(tiny, noble, draws(blind)).ecdh(secret, point)!), shared, `blind ${blind}`)
  }
  for (let round = 0; round < 20; round++) assert.is(toHex(createWasmBackend(tiny, noble).ecdh(secret, point)!), shared)
})

wasm('a blind that leaves nothing over, or that is no scalar, is drawn again', () => {
  const s = toBig(secret)
  const random = draws(s, 0n, ORDER, 2n ** 256n - 1n, s, 5n)
  assert.is(toHex(createWasmBackend(tiny, noble, random).ecdh(secret, point)!), shared)
})

wasm('the secret itself never reaches the multiplication that takes longer for some scalars', () => {
  const factors: string[] = []
  const watched: TinySecp256k1 = {
    ...tiny,
    pointMultiply(factor, scalar, compressed) {
      factors.push(toHex(scalar))
      return tiny.pointMultiply(factor, scalar, compressed)
    },
  }
  const backend = createWasmBackend(watched, noble)
  for (let round = 0; round < 3; round++) assert.is(toHex(backend.ecdh(secret, point)!), shared)
  assert.is(new Set(factors).size, 6)
  assert.not(factors.includes(toHex(secret)))
})

wasm('halves of the secret are overwritten after use', () => {
  const handed: Uint8Array[] = []
  const watched: TinySecp256k1 = {
    ...tiny,
    pointMultiply(factor, scalar, compressed) {
      const product = tiny.pointMultiply(factor, scalar, compressed)
      handed.push(scalar, product!)
      return product
    },
  }
  createWasmBackend(watched, noble).ecdh(secret, point)
  assert.is(handed.length, 4)
  for (const bytes of handed) assert.ok(bytes.every(byte => byte === 0))
})

wasm('a message that is no digest is signed by the base backend and verified here', () => {
  const backend = createWasmBackend(tiny, { ...noble, verify: () => { throw new Error('not asked') } })
  for (const size of [0, 1, 31, 33, 100]) {
    const message = new Uint8Array(size).fill(3)
    const made = backend.sign(message, secret, text)
    assert.is(toHex(made), toHex(noble.sign(message, secret, text)))
    assert.is(backend.verify(made, message, publicKey), true)
    assert.is(backend.verify(made, concat(message, text), publicKey), false)
  }
})

wasm('a key that passed is not checked again; one that did not is', () => {
  let checks = 0
  const backend = createWasmBackend({ ...tiny, isXOnlyPoint: x => { checks++; return tiny.isXOnlyPoint(x) } }, noble)
  for (let round = 0; round < 5; round++) assert.ok(backend.verify(signature, text, publicKey))
  assert.is(checks, 1)
  for (let round = 0; round < 5; round++) assert.not(backend.verify(signature, text, OFF_CURVE))
  assert.is(checks, 6)
})

wasm('a key remembered by one caller is not changed by that caller', () => {
  const backend = createWasmBackend(tiny, noble)
  const key = Uint8Array.from(publicKey)
  assert.ok(backend.verify(signature, text, key))
  key[0]! ^= 0xff
  assert.is(backend.verify(signature, text, key), noble.verify(signature, text, key))
  assert.ok(backend.verify(signature, text, publicKey))
})

wasm('two keys with the same last byte take turns in one slot, and both are answered right', () => {
  const backend = createWasmBackend(tiny, noble)
  const last = publicKey[31]!
  let value = 100n
  while (noble.publicKeyOf(fromBig(value))[32] !== last) value++
  const other = noble.publicKeyOf(fromBig(value)).slice(1)
  const theirs = noble.sign(text, fromBig(value), text)
  for (let round = 0; round < 3; round++) {
    assert.ok(backend.verify(signature, text, publicKey))
    assert.ok(backend.verify(theirs, text, other))
    assert.not(backend.verify(signature, text, other))
    assert.not(backend.verify(signature, text, Uint8Array.of(...OFF_CURVE.slice(0, 31), last)))
  }
})

wasm('after a trap the base backend answers, and the module is not asked again', () => {
  let calls = 0
  const trap = (): never => {
    calls++
    throw new WebAssembly.RuntimeError('memory access out of bounds')
  }
  const backend = createWasmBackend({ ...tiny, verifySchnorr: trap }, noble)
  for (let round = 0; round < 3; round++) assert.is(backend.verify(signature, text, publicKey), true)
  assert.is(backend.verify(signature, text, OFF_CURVE), false)
  assert.is(toHex(backend.ecdh(secret, point)!), shared)
  assert.is(calls, 1)
})

wasm('ecdhOnce forgets the shared point, multiplies once, and falls back to the base after a trap', () => {
  const handed: Uint8Array[] = []
  const watched: TinySecp256k1 = {
    ...tiny,
    pointMultiply(factor, scalar, compressed) {
      const product = tiny.pointMultiply(factor, scalar, compressed)
      handed.push(product!)
      return product
    },
  }
  assert.is(toHex(createWasmBackend(watched, noble).ecdhOnce!(secret, point)!), shared)
  assert.is(handed.length, 1)
  assert.ok(handed[0]!.every(byte => byte === 0))
  const trapping = createWasmBackend({ ...tiny, pointMultiply: () => { throw new WebAssembly.RuntimeError('unreachable') } }, noble)
  assert.is(toHex(trapping.ecdhOnce!(secret, point)!), shared)
})

wasm('a broken ecdhOnce is found by the self-test', () => {
  const sound = createWasmBackend(tiny, noble)
  assert.is(failedOperation({ ...sound, ecdhOnce: () => new Uint8Array(32) }), 'ecdhOnce')
  assert.is(failedOperation({ ...sound, ecdhOnce: (key, other) => sound.ecdhOnce!(key, other) ?? new Uint8Array(32) }), 'ecdhOnce')
})

wasm.run()
