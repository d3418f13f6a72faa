import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ICryptoBackend } from '../../../lib/contracts/crypto.ts'
import { utf8 } from '../../../lib/foundation/bytes.ts'
import { toHex } from '../../../lib/foundation/hex.ts'
import { CipherState, KEY_USES_MAX } from '../../../lib/peers/noise/cipher-state.ts'
import { SymmetricState } from '../../../lib/peers/noise/symmetric-state.ts'
import { fastBackend } from '../../support/backends.ts'

const backend = await fastBackend()
const states = suite('cipher states')

const KEY = new Uint8Array(32).fill(7)
const CHAINING_KEY = new Uint8Array(32).fill(9)

function pair(using: ICryptoBackend = backend): { alice: CipherState; bob: CipherState } {
  return { alice: new CipherState(using, KEY, CHAINING_KEY), bob: new CipherState(using, KEY, CHAINING_KEY) }
}

function frames(state: CipherState, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => state.seal(utf8(`frame ${index}`)))
}

states('2,500 frames open in order across two rotations', () => {
  const { alice, bob } = pair()
  for (let index = 0; index < 2_500; index++) {
    const plaintext = utf8(`frame ${index}`)
    assert.equal(bob.open(alice.seal(plaintext)), plaintext, `frame ${index}`)
  }
})

states('a pair of key and nonce never serves twice', () => {
  const used = new Set<string>()
  const watched: ICryptoBackend = {
    ...backend,
    seal(key, nonce, associatedData, plaintext) {
      used.add(toHex(key) + toHex(nonce))
      return backend.seal(key, nonce, associatedData, plaintext)
    },
  }
  frames(new CipherState(watched, KEY, CHAINING_KEY), 2_500)
  assert.is(used.size, 2_500)
})

states('a nonce is spent even when the backend fails', () => {
  const nonces: string[] = []
  const failing: ICryptoBackend = {
    ...backend,
    seal(_key, nonce) {
      nonces.push(toHex(nonce))
      throw new Error('out of memory')
    },
  }
  const state = new CipherState(failing, KEY, CHAINING_KEY)
  assert.throws(() => state.seal(utf8('a')), 'out of memory')
  assert.throws(() => state.seal(utf8('b')), 'out of memory')
  assert.equal(nonces, ['000000000000000000000000', '000000000100000000000000'])
})

states('keys are replaced after exactly 1,000 uses, and the old ones are overwritten', () => {
  const keys: Uint8Array[] = []
  const watched: ICryptoBackend = {
    ...backend,
    seal(key, nonce, associatedData, plaintext) {
      if (keys.at(-1) !== key) keys.push(key)
      return backend.seal(key, nonce, associatedData, plaintext)
    },
  }
  const state = new CipherState(watched, KEY, CHAINING_KEY)
  frames(state, KEY_USES_MAX - 1)
  assert.is(keys.length, 1)
  assert.ok(keys[0]!.some(byte => byte !== 0))
  frames(state, 1)
  assert.ok(keys[0]!.every(byte => byte === 0), 'wiped with the last use, not with the next')
  frames(state, 1)
  assert.is(keys.length, 2)
})

for (const [name, meddle] of [
  ['repeated', (sealed: Uint8Array[]) => [sealed[0]!, sealed[0]!]],
  ['out of order', (sealed: Uint8Array[]) => [sealed[0]!, sealed[2]!]],
  ['cut short', (sealed: Uint8Array[]) => [sealed[0]!, sealed[1]!.subarray(0, -1)]],
  ['cut to its tag', (sealed: Uint8Array[]) => [sealed[0]!, sealed[1]!.subarray(-16)]],
  ['shorter than a tag', (sealed: Uint8Array[]) => [sealed[0]!, sealed[1]!.subarray(0, 15)]],
  ['empty', (sealed: Uint8Array[]) => [sealed[0]!, new Uint8Array(0)]],
  ['longer than it was', (sealed: Uint8Array[]) => [sealed[0]!, Uint8Array.of(...sealed[1]!, 0)]],
] as const) {
  states(`a frame ${name} is refused, and after it even the right one`, () => {
    const { alice, bob } = pair()
    const sealed = frames(alice, 3)
    const [first, second] = meddle(sealed)
    assert.ok(bob.open(first!))
    assert.is(bob.open(second!), null)
    assert.is(bob.open(sealed[1]!), null)
    assert.is(bob.open(sealed[2]!), null)
  })
}

states('a frame with any one bit flipped is refused', () => {
  const sealed = frames(pair().alice, 1)[0]!
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = sealed.slice()
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
    assert.is(pair().bob.open(flipped), null, `bit ${bit}`)
  }
})

states('a frame of before a rotation is refused after it', () => {
  const { alice, bob } = pair()
  const sealed = frames(alice, KEY_USES_MAX)
  for (const each of sealed) assert.ok(bob.open(each))
  assert.is(bob.open(sealed[0]!), null)
})

states('a frame sealed for one direction does not open in the other', () => {
  const [k1, k2] = new SymmetricState(backend, 'a name longer than thirty-two bytes', utf8('prologue')).split()
  assert.is(k2.open(k1.seal(utf8('mine'))), null)
})

states('a wiped state neither seals nor opens', () => {
  const { alice, bob } = pair()
  const sealed = alice.seal(utf8('before'))
  alice.wipe()
  bob.wipe()
  assert.throws(() => alice.seal(utf8('after')), (error: { code?: string }) => error.code === 'ERR_PEER_NOT_CONNECTED')
  assert.is(bob.open(sealed), null)
})

states('a handshake state that has ended gives away no plaintext and no keys', () => {
  const state = new SymmetricState(backend, 'a name longer than thirty-two bytes', utf8('prologue'))
  state.mixKey(new Uint8Array(32).fill(1))
  assert.is(state.decrypt(new Uint8Array(20)), null)
  for (const use of [() => state.encrypt(utf8('secret')), () => state.decrypt(new Uint8Array(20)), () => state.split(), () => state.mixKey(new Uint8Array(32))]) {
    assert.throws(use, 'this handshake has ended')
  }
})

states.run()
