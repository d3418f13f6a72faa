import * as tiny from 'tiny-secp256k1'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failedOperation } from '../../lib/crypto/self-test.ts'
import { createWasmBackend } from '../../lib/crypto/wasm.ts'
import { everyBackend, noble } from './support/backends.ts'
import { everyPlanted } from './support/planted.ts'

const selfTest = suite('the self-test')

for (const { label, backend } of everyBackend) {
  selfTest(`${label} passes`, () => assert.is(failedOperation(backend), null))
}

const sound = createWasmBackend(tiny, noble)

for (const { operation, how, backend } of everyPlanted(sound)) {
  selfTest(`${operation} that answers with ${how} is found`, () => assert.is(failedOperation(backend), operation))
}

selfTest('verify that looks at the key alone, or at the message not at all, is found', () => {
  const careless = { ...sound, verify: (signature: Uint8Array, _: Uint8Array, key: Uint8Array) => signature.length === 64 && sound.isPoint(Uint8Array.of(2, ...key)) }
  assert.is(failedOperation(careless), 'verify')
})

selfTest('open that does not look at the associated data is found', () => {
  const careless = {
    ...sound,
    open: (key: Uint8Array, nonce: Uint8Array, data: Uint8Array, sealed: Uint8Array) =>
      sound.open(key, nonce, data, sealed) ?? (sealed[sealed.length - 1] === 0x91 ? new Uint8Array(0) : null),
  }
  assert.is(failedOperation(careless), 'open')
})

selfTest('sign that leaves out the randomness is found', () => {
  const careless = { ...sound, sign: (message: Uint8Array, secret: Uint8Array) => sound.sign(message, secret, new Uint8Array(32)) }
  assert.is(failedOperation(careless), 'sign')
})

selfTest('publicKeyOf that takes a secret of zero is found', () => {
  const careless = { ...sound, publicKeyOf: (secret: Uint8Array) => secret.every(byte => byte === 0) ? new Uint8Array(33) : sound.publicKeyOf(secret) }
  assert.is(failedOperation(careless), 'publicKeyOf')
})

selfTest('evenSecret that never negates, or always does, is found', () => {
  assert.is(failedOperation({ ...sound, evenSecret: secret => secret }), 'evenSecret')
  assert.is(failedOperation({ ...sound, evenSecret: secret => tiny.privateNegate(secret) }), 'evenSecret')
})

selfTest('asked for the symmetric part, it looks at nothing else', () => {
  for (const { operation, backend } of everyPlanted(sound)) {
    const symmetric = ['sha256', 'hmacSha256', 'seal', 'open', 'stream'].includes(operation)
    assert.is(failedOperation(backend, 'symmetric'), symmetric ? operation : null)
  }
})

selfTest.run()
