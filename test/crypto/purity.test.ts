import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { everyBackend, noble } from './support/backends.ts'
import { toHex } from './support/bytes.ts'

const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value)

/** Every operation that returns bytes, with the inputs of two different calls. */
function calls(): [operation: keyof ICryptoBackend, one: Uint8Array[], two: Uint8Array[]][] {
  const [P, Q] = [noble.publicKeyOf(filled(32, 0x11)), noble.publicKeyOf(filled(32, 0x12))]
  const sealed = (value: number): Uint8Array[] => {
    const inputs = [filled(32, value), filled(12, value), filled(5, value)] as const
    return [...inputs, noble.seal(...inputs, filled(70, value))]
  }
  return [
    ['sha256', [filled(70, 1)], [filled(70, 2)]],
    ['hmacSha256', [filled(70, 1), filled(9, 1)], [filled(70, 2), filled(9, 2)]],
    ['liftX', [P.slice(1)], [Q.slice(1)]],
    ['pointAdd', [P, Q], [Q, Uint8Array.from(Q)]],
    ['pointMultiply', [P, filled(32, 3)], [Q, filled(32, 3)]],
    ['publicKeyOf', [filled(32, 0x11)], [filled(32, 0x12)]],
    ['evenSecret', [filled(32, 0x11)], [filled(32, 0x13)]],
    ['sign', [filled(32, 1), filled(32, 0x11), filled(32, 1)], [filled(32, 2), filled(32, 0x11), filled(32, 1)]],
    ['sign', [filled(7, 1), filled(32, 0x11), filled(32, 1)], [filled(7, 2), filled(32, 0x12), filled(32, 1)]],
    ['ecdh', [filled(32, 0x11), P], [filled(32, 0x11), Q]],
    ['seal', [filled(32, 1), filled(12, 1), filled(5, 1), filled(70, 1)], [filled(32, 2), filled(12, 1), filled(5, 1), filled(70, 1)]],
    ['seal', [filled(32, 1), filled(12, 1), filled(0, 0), filled(0, 0)], [filled(32, 2), filled(12, 1), filled(0, 0), filled(0, 0)]],
    ['open', sealed(1), sealed(2)],
  ]
}

for (const { label, backend } of everyBackend) {
  const purity = suite(`inputs and outputs on ${label}`)
  const call = (operation: keyof ICryptoBackend, inputs: Uint8Array[]): Uint8Array =>
    (backend[operation] as (...inputs: Uint8Array[]) => Uint8Array)(...inputs)

  purity('no operation writes into its inputs', () => {
    const asks: [keyof ICryptoBackend, Uint8Array[]][] = [['verify', [filled(64, 1), filled(32, 2), filled(32, 3)]], ['isPoint', [filled(33, 2)]]]
    for (const [operation, inputs] of [...calls(), ...asks]) {
      const before = inputs.map(toHex)
      call(operation, inputs)
      assert.equal(inputs.map(toHex), before, operation)
    }
  })

  purity('no operation that refuses writes into its inputs', () => {
    const [key, nonce, data, sealed] = calls().find(([operation]) => operation === 'open')![1] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    sealed[0]! ^= 1
    const before = toHex(sealed)
    assert.is(backend.open(key, nonce, data, sealed), null)
    assert.is(toHex(sealed), before)
  })

  purity('what comes back is a plain Uint8Array of its own memory', () => {
    for (const [operation, inputs] of calls()) {
      const output = call(operation, inputs)
      assert.is(Object.getPrototypeOf(output), Uint8Array.prototype, operation)
      assert.is(output.buffer.byteLength, output.byteLength, `${operation} shows memory that is not its own`)
      assert.ok(inputs.every(input => input.buffer !== output.buffer), `${operation} returns its input's memory`)
    }
    const stream = backend.stream(filled(32, 1), filled(12, 1), 100)
    assert.is(Object.getPrototypeOf(stream), Uint8Array.prototype)
    assert.is(stream.buffer.byteLength, 100)
  })

  purity('a later call leaves an earlier answer alone', () => {
    for (const [operation, one, two] of calls()) {
      const first = call(operation, one)
      const kept = toHex(first)
      const second = call(operation, two)
      assert.is(toHex(first), kept, operation)
      assert.is.not(toHex(second), kept, operation)
      second.fill(0)
      assert.is(toHex(call(operation, one)), kept, operation)
    }
  })

  purity('an input may be a window on other memory, and a Buffer', () => {
    for (const [operation, inputs] of calls()) {
      const expected = toHex(call(operation, inputs))
      const windows = inputs.map(input => {
        const wide = filled(input.length + 20, 0xee)
        wide.set(input, 7)
        return wide.subarray(7, 7 + input.length)
      })
      assert.is(toHex(call(operation, windows)), expected, operation)
      assert.is(toHex(call(operation, inputs.map(input => Buffer.from(input)))), expected, operation)
    }
  })

  purity('the backend cannot be changed by who holds it', () => {
    assert.throws(() => { (backend as { verify: unknown }).verify = () => true }, (error: Error) => error instanceof TypeError)
  })

  purity.run()
}
