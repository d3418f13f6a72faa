import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { drawScalar } from '../../lib/crypto/draw-scalar.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { SimRandom } from '../../lib/testing/sim-random.ts'
import { simCrypto } from '../../lib/testing/stand-in-crypto.ts'
import { Author } from '../../lib/wire/author.ts'
import { Intake } from '../../lib/wire/intake.ts'

const NOW_MS = 1_700_000_000_000
const BURST = 8
const authors = suite('verify: bursts of many authors')

/** The frames of one burst by an author of its own, as a plugin would pass them on one by one. */
async function burstBy(number: number): Promise<Uint8Array[]> {
  const backend = simCrypto(1)
  const random = new SimRandom(`author ${number}`)
  const identity = createIdentity({ secret: drawScalar(random.bytes), backend, random: random.bytes })
  const author = new Author({ identity, crypto: () => backend, clock: { now: () => NOW_MS }, random: random.bytes, network: 'many', boot: random.bytes(16), limits: DEFAULT_LIMITS })
  return await Promise.all(Array.from({ length: BURST }, () => new Promise<Uint8Array>((resolve, reject) => {
    author.sign({ type: 'item', payload: number }, (error, signed) => (signed === null ? reject(error as Error) : resolve(signed.frame)))
  })))
}

/** An intake, and how many signatures it has checked. */
function counting(): { intake: Intake; checks: () => number } {
  const backend = simCrypto(1)
  let checks = 0
  const crypto: typeof backend = { ...backend, verify: (...given) => (checks++, backend.verify(...given)) }
  const intake = new Intake({
    crypto: () => crypto, clock: { now: () => NOW_MS, elapsedMs: () => 0 }, limits: DEFAULT_LIMITS, network: 'many', publicKey: new Uint8Array(32),
    startedAtMs: 0, mayHaveRunBefore: false, leastAuth: () => 'signature', messageBytesMax: () => DEFAULT_LIMITS.largeMessageBytesMax,
  })
  return { intake, checks: () => checks }
}

authors('two hundred bursts whose messages come in turn cost two hundred signatures, more authors than one peer\'s roots', async () => {
  assert.ok(DEFAULT_LIMITS.burstRootsMax < 200)
  const bursts = await Promise.all(Array.from({ length: 200 }, (_, number) => burstBy(number)))
  const { intake, checks } = counting()
  for (let index = 0; index < BURST; index++) for (const frames of bursts) intake.verify(frames[index]!)
  assert.is(checks(), 200)
})

authors('forgeries under thousands of names push out nobody\'s root', async () => {
  const [first, second] = await burstBy(1)
  const { intake, checks } = counting()
  intake.verify(first!)
  for (let name = 0; name < 5_000; name++) {
    const forged = second!.slice()
    new DataView(forged.buffer).setUint32(2, name)
    assert.throws(() => intake.verify(forged), /signature|proof/)
  }
  const before = checks()
  intake.verify(second!)
  assert.is(checks(), before)
})

authors.run()
