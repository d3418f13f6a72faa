import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createNobleBackend } from '../../../lib/crypto/noble.ts'
import { mutateHandshakes } from '../../support/mutate-handshakes.ts'

const mutated = suite('mutated handshakes')

mutated('of 600 mutated handshakes none is accepted, none crashes, none hangs', async () => {
  const result = await mutateHandshakes({ count: 600, seed: 1 })
  assert.equal(result, { handshakes: 600, accepted: 0, crashed: 0, hung: 0, firstFault: undefined })
})

mutated('the same in pure JavaScript', async () => {
  const result = await mutateHandshakes({ count: 40, seed: 2, backend: createNobleBackend() })
  assert.equal(result, { handshakes: 40, accepted: 0, crashed: 0, hung: 0, firstFault: undefined })
})

mutated.run()
