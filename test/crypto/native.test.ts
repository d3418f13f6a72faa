import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromBig, ORDER } from '../../lib/crypto/internal.ts'
import { createNativeBackend, loadNativeBackend } from '../../lib/crypto/native.node.ts'
import { failedOperation } from '../../lib/crypto/self-test.ts'
import { addons, noble } from './support/backends.ts'
import { toHex } from './support/bytes.ts'
import { fakeBindings } from './support/fake-bindings.ts'

const native = suite('the native addon')

function failing(code: string, message: string): () => Promise<unknown> {
  return () => Promise.reject(Object.assign(new Error(message), { code }))
}

native('a package that is not installed is null, without a throw', async () => {
  assert.is(await loadNativeBackend(noble, failing('ERR_MODULE_NOT_FOUND', "Cannot find package 'secp256k1' imported from /here")), null)
})

native('the loader without help gives a sound backend or null, and never throws for want of the package', async () => {
  const backend = await loadNativeBackend(noble)
  assert.ok(backend === null || failedOperation(backend) === null)
})

native('a package that is there and does not load says why', async () => {
  const missing = [
    failing('ERR_MODULE_NOT_FOUND', "Cannot find package 'node-gyp-build' imported from /here"),
    failing('ERR_DLOPEN_FAILED', 'invalid ELF header'),
  ]
  for (const load of missing) {
    let thrown: unknown
    await loadNativeBackend(noble, load).catch((error: unknown) => { thrown = error })
    assert.instance(thrown, Error)
  }
})

native('the addon is the default export of its module', async () => {
  const backend = await loadNativeBackend(noble, () => Promise.resolve({ default: fakeBindings() }))
  assert.is(backend!.name, 'node')
  assert.is(backend!.curve, 'native')
  assert.is(failedOperation(backend!), null)
})

native('its context is blinded with 32 fresh bytes', () => {
  const seeds: string[] = []
  const addon = { ...fakeBindings(), contextRandomize: (seed: Uint8Array | null) => { seeds.push(toHex(seed!)) } }
  createNativeBackend(addon, noble)
  createNativeBackend(addon, noble)
  assert.is(seeds[0]!.length, 64)
  assert.is.not(seeds[0], seeds[1])
})

for (const { label, addon } of addons) {
  native(`a nonce or a challenge that is no scalar is left to the base backend: ${label}`, () => {
    const answer = new Uint8Array(64).fill(9)
    const [text, key] = [new Uint8Array(32), fromBig(5n)]
    // The hashes in order: tag and digest of aux, nonce and challenge. The tags come in pairs with their digests.
    for (const [odd, at] of [[0n, 'nonce'], [ORDER, 'nonce'], [0n, 'challenge'], [2n ** 256n - 1n, 'challenge']] as const) {
      let hashes = 0
      const spoiled = at === 'nonce' ? 4 : 6
      const sha256 = (): Uint8Array => fromBig(++hashes === spoiled ? odd : 77n)
      const backend = createNativeBackend(addon, { ...noble, sha256, sign: () => answer })
      assert.is(backend.sign(text, key, text), answer)
      assert.is(hashes, spoiled)
    }
  })

  native(`every copy of the secret it makes is overwritten: ${label}`, () => {
    const touched: Uint8Array[] = []
    const watched = {
      ...addon,
      privateKeyVerify: (secret: Uint8Array) => { touched.push(secret); return addon.privateKeyVerify(secret) },
      privateKeyTweakMul: (secret: Uint8Array, tweak: Uint8Array) => { touched.push(secret); return addon.privateKeyTweakMul(secret, tweak) },
      privateKeyTweakAdd: (secret: Uint8Array, tweak: Uint8Array) => { touched.push(tweak); return addon.privateKeyTweakAdd(secret, tweak) },
    }
    const [text, key] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(0x11)]
    const signature = createNativeBackend(watched, noble).sign(text, key, text)
    assert.is(toHex(signature), toHex(noble.sign(text, key, text)))
    const [rand, challenge, product, k] = touched
    for (const secret of [rand, product, k]) assert.is(toHex(secret!), '00'.repeat(32))
    assert.is.not(toHex(challenge!), '00'.repeat(32), 'the challenge is public and was not copied')
  })
}

native.run()
