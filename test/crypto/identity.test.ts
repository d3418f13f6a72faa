import { inspect } from 'node:util'
import * as tiny from 'tiny-secp256k1'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ErrorCode, type P2PError } from '../../lib/contracts/errors.ts'
import { createIdentity, generateIdentity, generateSecret, identityFromSecret } from '../../lib/crypto/identity.ts'
import { fromBig, ORDER, toBig } from '../../lib/crypto/internal.ts'
import { createWasmBackend } from '../../lib/crypto/wasm.ts'
import { noble } from './support/backends.ts'
import { toHex } from './support/bytes.ts'

const identity = suite('an identity')

/** Its point has an odd Y. */
const ODD = new Uint8Array(32).fill(0x11)
const EVEN = noble.evenSecret(ODD)
const DIGEST = new Uint8Array(32).fill(5)
const BOB = new Uint8Array(32).fill(0x12)

async function refusal(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a rejection')
}

identity('a secret and its negative are one identity', async () => {
  const [odd, even] = [identityFromSecret(ODD), identityFromSecret(EVEN)]
  assert.is(toHex(odd.publicKey), toHex(noble.publicKeyOf(ODD).slice(1)))
  assert.is(toHex(odd.publicKey), toHex(even.publicKey))
  const point = noble.publicKeyOf(BOB)
  assert.is(toHex(await odd.ecdh(point)), toHex(await even.ecdh(point)))
})

identity('ecdh is that of the even-Y key, which others know by its x alone', async () => {
  const bob = noble.ecdh(BOB, Uint8Array.of(2, ...identityFromSecret(ODD).publicKey))!
  assert.is(toHex(await identityFromSecret(ODD).ecdh(noble.publicKeyOf(BOB))), toHex(bob))
})

identity('what it signs verifies under its key, with fresh randomness each time', async () => {
  const alice = identityFromSecret(ODD)
  const [one, two] = [await alice.sign(DIGEST), await alice.sign(DIGEST)]
  assert.is.not(toHex(one), toHex(two))
  for (const signature of [one, two]) assert.ok(noble.verify(signature, DIGEST, alice.publicKey))
})

identity('its randomness is the caller\'s: 32 bytes a signature', async () => {
  const asked: number[] = []
  const alice = createIdentity({ secret: ODD, random: length => { asked.push(length); return new Uint8Array(length).fill(8) } })
  assert.is(toHex(await alice.sign(DIGEST)), toHex(noble.sign(DIGEST, ODD, new Uint8Array(32).fill(8))))
  assert.equal(asked, [32])
})

identity('without a secret it draws one, and two are different', () => {
  assert.is.not(toHex(generateIdentity().publicKey), toHex(generateIdentity().publicKey))
  assert.is.not(toHex(generateSecret()), toHex(generateSecret()))
  const drawn = generateIdentity(length => new Uint8Array(length).fill(0x11))
  assert.is(toHex(drawn.publicKey), toHex(identityFromSecret(ODD).publicKey))
})

identity('a draw that is no secret is drawn again; a generator of nothing else is found out', () => {
  const draws = [0n, ORDER, 2n ** 256n - 1n, toBig(ODD)]
  const alice = generateIdentity(() => fromBig(draws.shift()!))
  assert.is(toHex(alice.publicKey), toHex(identityFromSecret(ODD).publicKey))
  assert.throws(() => generateIdentity(length => new Uint8Array(length)), (error: P2PError) => error.code === ErrorCode.CRYPTO_SELF_TEST_FAILED)
})

identity('a secret of zero, of n or of another length is a RangeError', () => {
  for (const secret of [fromBig(0n), fromBig(ORDER), new Uint8Array(31).fill(1), new Uint8Array(33).fill(1), new Uint8Array(0)]) {
    assert.throws(() => identityFromSecret(secret), (error: Error) => error instanceof RangeError)
  }
})

identity('nothing shows the secret: neither JSON, nor inspect, nor its keys, nor a copy', () => {
  const alice = identityFromSecret(ODD)
  const shown = [
    JSON.stringify(alice), JSON.stringify({ ...alice }), String(alice), inspect(alice, { showHidden: true, depth: 9 }),
    inspect({ alice }, { showHidden: true, showProxy: true, getters: true, depth: 9 }), inspect(structuredClone(alice), { depth: 9 }),
    Object.getOwnPropertyNames(alice).join(), Object.getOwnPropertySymbols(alice).map(String).join(),
  ].join()
  for (const secret of [ODD, EVEN]) {
    assert.not(shown.includes(toHex(secret).slice(0, 12)))
    assert.not(shown.includes(Array.from(secret.slice(0, 4)).join(', ')))
    assert.not(shown.includes(Array.from(secret.slice(0, 4)).join(',')))
  }
  assert.equal(Object.keys(alice), [])
})

identity('the caller\'s secret is copied: overwriting it changes nothing', async () => {
  const secret = Uint8Array.from(ODD)
  const alice = identityFromSecret(secret)
  assert.is(toHex(secret), toHex(ODD))
  secret.fill(0)
  assert.ok(noble.verify(await alice.sign(DIGEST), DIGEST, alice.publicKey))
})

identity('writing into its public key changes nobody\'s identity', async () => {
  const alice = identityFromSecret(ODD)
  alice.publicKey.fill(0)
  assert.is(toHex(alice.publicKey), toHex(noble.publicKeyOf(ODD).slice(1)))
})

identity('once wiped it neither signs nor computes, and can be wiped again', async () => {
  const held: Uint8Array[] = []
  const alice = createIdentity({ secret: ODD, backend: { ...noble, sign: (message, secret, auxRand) => { held.push(secret); return noble.sign(message, secret, auxRand) } } })
  await alice.sign(DIGEST)
  alice.wipe()
  alice[Symbol.dispose]()
  assert.ok(held[0]!.every(byte => byte === 0))
  assert.match((await refusal(alice.sign(DIGEST))).message, /wiped/)
  assert.instance(await refusal(alice.ecdh(noble.publicKeyOf(BOB))), RangeError)
  assert.throws(() => alice.useBackend(noble), /wiped/)
  assert.is(alice.publicKey.length, 32)
})

identity('a faster backend takes over, and the key stays', async () => {
  const used: string[] = []
  const wasm = createWasmBackend(tiny, noble)
  const alice = identityFromSecret(ODD)
  const before = toHex(alice.publicKey)
  alice.useBackend({ ...wasm, sign: (...inputs) => { used.push('sign'); return wasm.sign(...inputs) }, ecdh: (...inputs) => { used.push('ecdh'); return wasm.ecdh(...inputs) } })
  assert.ok(noble.verify(await alice.sign(DIGEST), DIGEST, alice.publicKey))
  assert.is(toHex(await alice.ecdh(noble.publicKeyOf(BOB))), toHex(noble.ecdh(EVEN, noble.publicKeyOf(BOB))!))
  assert.equal(used, ['sign', 'ecdh'])
  assert.is(toHex(alice.publicKey), before)
})

identity('a backend that makes another key of the secret is refused, and the old one goes on', async () => {
  const alice = identityFromSecret(ODD)
  assert.throws(() => alice.useBackend({ ...noble, publicKeyOf: () => noble.publicKeyOf(BOB) }), (error: P2PError) => error.code === ErrorCode.CRYPTO_SELF_TEST_FAILED)
  assert.ok(noble.verify(await alice.sign(DIGEST), DIGEST, alice.publicKey))
})

identity('bytes that are no digest are not signed, and bytes that are no point have no shared secret', async () => {
  const alice = identityFromSecret(ODD)
  for (const size of [0, 31, 33, 64]) assert.instance(await refusal(alice.sign(new Uint8Array(size))), RangeError)
  for (const point of [new Uint8Array(33), new Uint8Array(32), noble.publicKeyOf(BOB).slice(1)]) assert.instance(await refusal(alice.ecdh(point)), RangeError)
})

identity.run()
