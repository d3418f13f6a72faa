import { createHash, createHmac } from 'node:crypto'
import { p2tr, TEST_NETWORK } from '@scure/btc-signer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addressOfScript, outputKeyOf, scriptOfAddress, taprootAddress, taprootScript } from '../../lib/bitcoin/address.ts'
import { aggregateKeys } from '../../lib/bitcoin/bip327/index.ts'
import { applyTweakRules, derivationTweaks, taprootTweak } from '../../lib/bitcoin/taproot.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { allBackends } from '../support/backends.ts'

const backends = await allBackends()
const secret = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest())

const taproot = suite('taproot keys and addresses')

for (const backend of backends) {
  const keys = ['alice', 'bob', 'carol'].map(name => backend.publicKeyOf(secret(name)))
  const aggregate = aggregateKeys(backend, keys)

  taproot(`${backend.name}: the output key and its address are those of @scure/btc-signer, with and without scripts`, () => {
    const { publicKey } = applyTweakRules(backend, aggregate, [{ kind: 'taproot' }])
    assert.equal(publicKey, p2tr(aggregate.publicKey).tweakedPubkey)
    assert.is(taprootAddress(publicKey), p2tr(aggregate.publicKey).address)
    assert.is(taprootAddress(publicKey, 'testnet'), p2tr(aggregate.publicKey, undefined, TEST_NETWORK).address)
    assert.match(taprootAddress(publicKey, 'regtest'), /^bcrt1p/)
    const tree = p2tr(aggregate.publicKey, { script: Uint8Array.of(0x20, ...keys[0]!.subarray(1), 0xac) })
    assert.equal(applyTweakRules(backend, aggregate, [{ kind: 'taproot', merkleRoot: tree.tapMerkleRoot }]).publicKey, tree.tweakedPubkey)
  })

  taproot(`${backend.name}: a path derives what BIP32 derives from the same key and BIP328's chain code`, () => {
    let code = createHash('sha256').update('MuSig2MuSig2MuSig2').digest()
    let point = aggregate.point
    for (const step of [0, 5, 2 ** 31 - 1]) {
      const data = Buffer.alloc(37)
      data.set(point)
      data.writeUInt32BE(step, 33)
      const I = createHmac('sha512', code).update(data).digest()
      point = backend.pointAdd(point, backend.publicKeyOf(I.subarray(0, 32)))!
      code = I.subarray(32)
    }
    const derived = applyTweakRules(backend, aggregate, [{ kind: 'bip32', path: [0, 5, 2 ** 31 - 1] }])
    assert.equal(derived.point, point)
    assert.throws(() => derivationTweaks(backend, aggregate.point, [2 ** 31]), /unhardened/)
  })
}

taproot('BIP341: the wallet vector without scripts', () => {
  // bip-0341/wallet-test-vectors.json, first of scriptPubKey.
  const internal = fromHex('d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d')
  assert.is(toHex(taprootTweak(backends[0]!, internal)), 'b86e7be8f39bab32a6f2c0443abbc210f0edac0e2c53d501b36b64437d9c6c70')
  assert.is(taprootAddress(fromHex('53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343')), 'bc1p2wsldez5mud2yam29q22wgfh9439spgduvct83k3pm50fcxa5dps59h4z5')
})

taproot('scripts and addresses lead to each other, and what is neither is told', () => {
  const key = secret('an output key')
  assert.equal(outputKeyOf(taprootScript(key)), key)
  for (const network of ['bitcoin', 'testnet', 'signet', 'regtest'] as const) {
    const address = taprootAddress(backends[0]!.publicKeyOf(key).slice(1), network)
    assert.is(addressOfScript(scriptOfAddress(address, network), network), address)
  }
  assert.is(outputKeyOf(Uint8Array.of(0x6a)), null)
  assert.is(addressOfScript(Uint8Array.of(0x6a, 1, 7)), null)
  assert.throws(() => scriptOfAddress('bc1qnonsense'), /expected an address of bitcoin/)
  assert.throws(() => scriptOfAddress(taprootAddress(backends[0]!.publicKeyOf(key).slice(1), 'regtest')), RangeError)
  assert.throws(() => taprootAddress(new Uint8Array(33)), /32 bytes, got 33/)
  assert.throws(() => taprootAddress(key, 'litecoin' as never), /expected network bitcoin/)
})

taproot.run()
