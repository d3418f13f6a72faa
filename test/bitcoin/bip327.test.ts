import { readFileSync } from 'node:fs'
import * as scure from '@scure/btc-signer/musig2.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  aggregateKeys, aggregateNonces, aggregatePartials, applyTweaks, InvalidContribution, SecretNonce, signingSession, sortKeys, verifyPartial,
  type AggregateKey, type SecretRandom, type SigningSession,
} from '../../lib/bitcoin/bip327/index.ts'
import { signOnce } from '../../lib/bitcoin/bip327/secret-steps.ts'
import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { allBackends } from '../support/backends.ts'

/** The shape of each file is in BIP327. */
type Case = Record<string, any>
const read = (name: string): Case => JSON.parse(readFileSync(new URL(`../vectors/bip327/${name}_vectors.json`, import.meta.url), 'utf8')) as Case
const pick = (from: readonly string[], indices: readonly number[]): Uint8Array[] => indices.map(index => fromHex(from[index]!))
const hex = (bytes: Uint8Array): string => toHex(bytes).toUpperCase()
const tweaksOf = (data: Case, { tweak_indices: indices = [], is_xonly: xOnly = [] }: Case) =>
  (indices as number[]).map((index, at) => ({ tweak: fromHex((data.tweaks as string[])[index]!), xOnly: (xOnly as boolean[])[at]! }))

/** A file's error cases: whom BIP327 blames, or a plain error of a value. */
function assertFails(run: () => unknown, { error, comment }: Case): void {
  try {
    run()
  } catch (thrown) {
    if (error.type === 'invalid_contribution') {
      assert.instance(thrown, InvalidContribution, `${comment}: ${String(thrown)}`)
      assert.is((thrown as InvalidContribution).signerIndex, error.signer, comment)
      assert.is((thrown as InvalidContribution).contribution, error.contrib, comment)
    } else {
      assert.not.instance(thrown, InvalidContribution, comment)
    }
    return
  }
  assert.unreachable(`did not fail: ${comment}`)
}

const backends = await allBackends()
for (const backend of backends) {
  const vectors = suite(`BIP327 on ${backend.name}`)
  const keyed = (data: Case, entry: Case): AggregateKey => applyTweaks(backend, aggregateKeys(backend, pick(data.pubkeys, entry.key_indices)), tweaksOf(data, entry))

  vectors('key_sort', () => {
    const data = read('key_sort')
    assert.equal(sortKeys((data.pubkeys as string[]).map(fromHex)).map(hex), data.sorted_pubkeys)
  })

  vectors('key_agg', () => {
    const data = read('key_agg')
    for (const entry of data.valid_test_cases) assert.is(hex(keyed(data, entry).publicKey), entry.expected)
    for (const entry of data.error_test_cases) assertFails(() => keyed(data, entry), entry)
  })

  vectors('nonce_agg', () => {
    const data = read('nonce_agg')
    for (const entry of data.valid_test_cases) assert.is(hex(aggregateNonces(backend, pick(data.pnonces, entry.pnonce_indices))), entry.expected)
    for (const entry of data.error_test_cases) assertFails(() => aggregateNonces(backend, pick(data.pnonces, entry.pnonce_indices)), entry)
  })

  vectors('sign_verify', () => {
    const data = read('sign_verify')
    const secret = fromHex(data.sk)
    const session = (entry: Case, aggregate = keyed(data, entry)): SigningSession => {
      const nonce = entry.aggnonce_index === undefined ? aggregateNonces(backend, pick(data.pnonces, entry.nonce_indices)) : fromHex(data.aggnonces[entry.aggnonce_index])
      return signingSession(backend, aggregate, nonce, fromHex(data.msgs[entry.msg_index]))
    }
    for (const entry of data.valid_test_cases) {
      assert.is(hex(aggregateNonces(backend, pick(data.pnonces, entry.nonce_indices))), data.aggnonces[entry.aggnonce_index])
      const own = fromHex(data.pnonces[entry.nonce_indices[entry.signer_index]])
      const partial = signOnce(backend, session(entry), entry.signer_index, fromHex(data.secnonces[0]), own, secret)
      assert.is(hex(partial), entry.expected)
      assert.ok(verifyPartial(backend, session(entry), entry.signer_index, own, partial))
    }
    for (const entry of data.sign_error_test_cases) {
      assertFails(() => signOnce(backend, session(entry), 0, fromHex(data.secnonces[entry.secnonce_index ?? 0]), fromHex(data.pnonces[0]), secret), entry)
    }
    for (const entry of data.verify_fail_test_cases) {
      assert.not.ok(verifyPartial(backend, session(entry), entry.signer_index, fromHex(data.pnonces[entry.nonce_indices[entry.signer_index]]), fromHex(entry.sig)), entry.comment)
    }
    for (const entry of data.verify_error_test_cases) assertFails(() => session(entry), entry)
  })

  vectors('tweak', () => {
    const data = read('tweak')
    const sign = (entry: Case): Uint8Array => {
      const nonces = pick(data.pnonces, entry.nonce_indices)
      const session = signingSession(backend, keyed(data, entry), aggregateNonces(backend, nonces), fromHex(data.msg))
      return signOnce(backend, session, entry.signer_index, fromHex(data.secnonce), nonces[entry.signer_index]!, fromHex(data.sk))
    }
    for (const entry of data.valid_test_cases) assert.is(hex(sign(entry)), entry.expected, entry.comment)
    for (const entry of data.error_test_cases) assertFails(() => sign(entry), entry)
  })

  vectors('sig_agg', () => {
    const data = read('sig_agg')
    const combine = (entry: Case): { session: SigningSession; signature: Uint8Array } => {
      const nonce = aggregateNonces(backend, pick(data.pnonces, entry.nonce_indices))
      assert.is(hex(nonce), entry.aggnonce)
      const session = signingSession(backend, keyed(data, entry), nonce, fromHex(data.msg))
      return { session, signature: aggregatePartials(session, pick(data.psigs, entry.psig_indices)) }
    }
    for (const entry of data.valid_test_cases) {
      const { session, signature } = combine(entry)
      assert.is(hex(signature), entry.expected)
      assert.ok(backend.verify(signature, fromHex(data.msg), session.aggregate.publicKey))
      for (const [index, psig] of pick(data.psigs, entry.psig_indices).entries()) assert.ok(verifyPartial(backend, session, index, pick(data.pnonces, entry.nonce_indices)[index]!, psig))
    }
    for (const entry of data.error_test_cases) assertFails(() => combine(entry), entry)
  })

  vectors('det_sign: what the last signer makes by itself verifies here', () => {
    const data = read('det_sign')
    for (const entry of data.valid_test_cases) {
      const [nonce, partial] = (entry.expected as string[]).map(fromHex)
      const aggregate = applyTweaks(backend, aggregateKeys(backend, pick(data.pubkeys, entry.key_indices)), (entry.tweaks as string[]).map((tweak, at) => ({ tweak: fromHex(tweak), xOnly: entry.is_xonly[at] as boolean })))
      const others = fromHex(entry.aggothernonce)
      const made = scure.deterministicSign(fromHex(data.sk), others, pick(data.pubkeys, entry.key_indices), fromHex(data.msgs[entry.msg_index]), (entry.tweaks as string[]).map(fromHex), entry.is_xonly, entry.rand === null ? undefined : fromHex(entry.rand))
      assert.equal([hex(made.publicNonce), hex(made.partialSig)], entry.expected)
      const session = signingSession(backend, aggregate, aggregateNonces(backend, [nonce!, others]), fromHex(data.msgs[entry.msg_index]))
      assert.ok(verifyPartial(backend, session, entry.signer_index, nonce!, partial!))
    }
    for (const entry of data.error_test_cases) {
      const keys = pick(data.pubkeys, entry.key_indices)
      const others = fromHex(entry.aggothernonce)
      const theirs = (): unknown => scure.deterministicSign(fromHex(data.sk), others, keys, fromHex(data.msgs[entry.msg_index]), (entry.tweaks as string[]).map(fromHex), entry.is_xonly, entry.rand === null ? undefined : fromHex(entry.rand))
      assert.throws(theirs, undefined, entry.comment)
      // The same fault shows in our own steps, where they take it.
      if (entry.error.contrib === 'pubkey') assertFails(() => aggregateKeys(backend, keys), entry)
      if (entry.error.contrib === 'aggothernonce') assert.throws(() => aggregateNonces(backend, [fromHex(data.pubkeys[0] + data.pubkeys[0]), others]), (error: Error) => error instanceof InvalidContribution && error.signerIndex === 1)
    }
  })

  vectors('the aggregate nonce at infinity goes on with G', () => {
    const { signature, ok } = differential(backend, 2, 7, [])
    assert.ok(ok && signature.length === 64)
    const one = backend.publicKeyOf(fromHex('11'.repeat(32)))
    const minus = Uint8Array.from(one, (byte, at) => at === 0 ? byte ^ 1 : byte)
    const nonces = [Uint8Array.of(...one, ...one), Uint8Array.of(...minus, ...minus)]
    assert.equal(aggregateNonces(backend, nonces), new Uint8Array(66))
    const session = signingSession(backend, aggregateKeys(backend, [one, minus]), new Uint8Array(66), new Uint8Array(32))
    assert.is(toHex(session.R), '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
  })

  vectors('agrees with @scure/btc-signer on random keys, tweaks and messages', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const tweaks = Array.from({ length: seed % 4 }, (_, at) => ({ tweak: bytes(`tweak ${seed} ${at}`), xOnly: (seed + at) % 2 === 0 }))
      assert.ok(differential(backend, 1 + seed % 6, seed, tweaks).ok, `seed ${seed}`)
    }
  })

  vectors.run()
}

/** 32 bytes that follow from a text. */
function bytes(text: string): Uint8Array {
  return backends[0]!.sha256(new TextEncoder().encode(text))
}

/** A whole session by both libraries: the same key, session values, partial signatures and signature. */
function differential(backend: ICryptoBackend, n: number, seed: number, tweaks: { tweak: Uint8Array; xOnly: boolean }[]): { signature: Uint8Array; ok: boolean } {
  const secrets = Array.from({ length: n }, (_, at) => bytes(`secret ${seed} ${at}`))
  // Every third run has one key twice, which BIP327 allows.
  if (seed % 3 === 0 && n > 2) secrets[2] = secrets[0]!
  const keys = secrets.map(secret => backend.publicKeyOf(secret))
  const message = bytes(`message ${seed}`).slice(0, seed % 5 === 0 ? 0 : 32)
  const aggregate = applyTweaks(backend, aggregateKeys(backend, keys), tweaks)
  const theirs = scure.keyAggregate(keys, tweaks.map(({ tweak }) => tweak), tweaks.map(({ xOnly }) => xOnly))
  assert.equal(aggregate.publicKey, scure.keyAggExport(theirs))
  assert.equal([aggregate.gAcc, aggregate.tweakAcc], [theirs.gAcc, theirs.tweakAcc])
  const random = ((length: number) => bytes(`nonce ${seed} ${length}`)) as SecretRandom
  const secretNonces = secrets.map((secret, at) => SecretNonce.generate({ publicKey: keys[at]!, secret, aggregateKey: aggregate.publicKey, message, extra: Uint8Array.of(at), random }))
  const nonces = secretNonces.map(({ publicNonce }) => publicNonce)
  const together = aggregateNonces(backend, nonces)
  assert.equal(together, scure.nonceAggregate(nonces))
  const session = signingSession(backend, aggregate, together, message)
  const reference = new scure.Session(together, keys, message, tweaks.map(({ tweak }) => tweak), tweaks.map(({ xOnly }) => xOnly))
  const partials = secretNonces.map((nonce, at) => nonce.sign(backend, session, at, secrets[at]!))
  partials.forEach((partial, at) => {
    const wrong = Uint8Array.from(partial, (byte, index) => index === 31 ? byte ^ 1 : byte)
    assert.is(reference.partialSigVerify(partial, nonces, at), true)
    assert.is(verifyPartial(backend, session, at, nonces[at]!, partial), true)
    assert.is(reference.partialSigVerify(wrong, nonces, at), false)
    assert.is(verifyPartial(backend, session, at, nonces[at]!, wrong), false)
  })
  const signature = aggregatePartials(session, partials)
  assert.equal(signature, reference.partialSigAgg(partials))
  return { signature, ok: backend.verify(signature, message, aggregate.publicKey) }
}

const secrets = suite('secret nonces')

secrets('nonce_gen', () => {
  for (const entry of read('nonce_gen').test_cases) {
    const optional = (name: string): Uint8Array | undefined => entry[name] === null ? undefined : fromHex(entry[name])
    const made = scure.nonceGen(fromHex(entry.pk), optional('sk'), optional('aggpk'), optional('msg'), optional('extra_in'), fromHex(entry.rand_))
    assert.is(hex(made.public), entry.expected_pubnonce)
    assert.is(hex(made.secret), entry.expected_secnonce)
    if (['sk', 'aggpk', 'msg', 'extra_in'].some(name => entry[name] === null)) continue
    const rand = fromHex(entry.rand_)
    const nonce = SecretNonce.generate({
      publicKey: fromHex(entry.pk), secret: fromHex(entry.sk), aggregateKey: fromHex(entry.aggpk), message: fromHex(entry.msg), extra: fromHex(entry.extra_in), random: (() => rand) as unknown as SecretRandom,
    })
    assert.is(hex(nonce.publicNonce), entry.expected_pubnonce)
    assert.equal(rand, new Uint8Array(32), 'the randomness is overwritten')
  }
})

const backend = backends[0]!
const secret = bytes('alice')
const keys = [backend.publicKeyOf(secret), backend.publicKeyOf(bytes('bob'))]
const aggregate = aggregateKeys(backend, keys)
const fresh = (): SecretNonce => SecretNonce.generate({ publicKey: keys[0]!, secret, aggregateKey: aggregate.publicKey, message: new Uint8Array(32), extra: new Uint8Array(0) })
const sessionOver = (nonce: SecretNonce): SigningSession => signingSession(backend, aggregate, aggregateNonces(backend, [nonce.publicNonce, fresh().publicNonce]), new Uint8Array(32))

secrets('one signs once: the second time there is nothing left to sign with', () => {
  const nonce = fresh()
  assert.ok(nonce.isLeft)
  nonce.sign(backend, sessionOver(nonce), 0, secret)
  assert.not.ok(nonce.isLeft)
  assert.throws(() => nonce.sign(backend, sessionOver(nonce), 0, secret), (error: { code?: string }) => error.code === 'ERR_MUSIG2_NONCE_SPENT')
})

secrets('one that signed in vain is gone as well', () => {
  const nonce = fresh()
  assert.throws(() => nonce.sign(backend, sessionOver(nonce), 0, bytes('another')))
  assert.throws(() => nonce.sign(backend, sessionOver(nonce), 0, secret), (error: { code?: string }) => error.code === 'ERR_MUSIG2_NONCE_SPENT')
})

secrets('one that was dropped signs nothing', () => {
  const nonce = fresh()
  nonce[Symbol.dispose]()
  assert.throws(() => nonce.sign(backend, sessionOver(nonce), 0, secret), (error: { code?: string }) => error.code === 'ERR_MUSIG2_NONCE_SPENT')
})

secrets('nothing that prints, copies or serialises shows one', async () => {
  const { inspect } = await import('node:util')
  const nonce = fresh()
  assert.equal(Object.keys(nonce), ['publicNonce'])
  assert.equal(Object.keys(JSON.parse(JSON.stringify(nonce)) as object), ['publicNonce'])
  assert.not.match(inspect(nonce, { showHidden: true, depth: 9 }), /secret:|#secret/)
  assert.equal(Object.keys(structuredClone({ ...nonce })), ['publicNonce'])
})

secrets('two are never alike, however alike their making', () => {
  assert.not.equal(fresh().publicNonce, fresh().publicNonce)
})

secrets.run()
