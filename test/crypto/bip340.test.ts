import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { everyBackend } from './support/backends.ts'
import { hex, toHex } from './support/bytes.ts'

interface Row { index: string; secret: Uint8Array; publicKey: Uint8Array; auxRand: Uint8Array; message: Uint8Array; signature: Uint8Array; valid: boolean; comment: string }

const rows: Row[] = readFileSync(new URL('../vectors/bip340/test-vectors.csv', import.meta.url), 'utf8')
  .trim().split('\n').slice(1)
  .map(line => {
    const [index, secret, publicKey, auxRand, message, signature, result, ...comment] = line.trim().split(',') as string[]
    return {
      index: index!, secret: hex(secret!), publicKey: hex(publicKey!), auxRand: hex(auxRand!), message: hex(message!),
      signature: hex(signature!), valid: result === 'TRUE', comment: comment.join(','),
    }
  })

for (const { label, backend } of everyBackend) {
  const vectors = suite(`BIP340 vectors on ${label}`)

  for (const row of rows) {
    const says = row.comment === '' ? '' : `: ${row.comment}`
    vectors(`vector ${row.index} is ${row.valid ? 'accepted' : 'refused'}${says}`, () => {
      assert.is(backend.verify(row.signature, row.message, row.publicKey), row.valid)
    })
    if (row.secret.length === 0) continue
    vectors(`vector ${row.index} is signed byte for byte`, () => {
      assert.is(toHex(backend.publicKeyOf(row.secret).slice(1)), toHex(row.publicKey))
      assert.is(toHex(backend.sign(row.message, row.secret, row.auxRand)), toHex(row.signature))
    })
  }

  vectors('all nineteen vectors were read', () => {
    assert.is(rows.length, 19)
    assert.equal(rows.slice(15).map(row => row.message.length), [0, 1, 17, 100])
  })

  vectors.run()
}
