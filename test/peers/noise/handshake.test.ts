import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { concatBytes, utf8 } from '../../../lib/foundation/bytes.ts'
import { toHex } from '../../../lib/foundation/hex.ts'
import { Initiator, Responder } from '../../../lib/peers/noise/handshake.ts'
import { evenPoint, type LinkKeys, type PartyOptions } from '../../../lib/peers/noise/party.ts'
import { prologueOf, type Pattern } from '../../../lib/peers/noise/pattern.ts'
import { allBackends, fastBackend } from '../../support/backends.ts'
import { rejection } from '../../support/rejection.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { aead, keyPair, referenceHandshake, unaead } from './reference-noise.ts'

const backend = await fastBackend()
const shakes = suite('handshakes')

const HELLO = utf8('hello, sealed')
const PATTERNS: readonly Pattern[] = ['XK', 'XX']
const ALICE = backend.evenSecret(seededRandom('alice')(32))
const BOB = backend.evenSecret(seededRandom('bob')(32))
const MALLORY = backend.evenSecret(seededRandom('mallory')(32))

let draws = 0

function party(secret: Uint8Array, overrides: Partial<PartyOptions> = {}): PartyOptions {
  return {
    backend,
    random: seededRandom(`ephemeral ${draws++}`),
    prologue: prologueOf('test'),
    staticKey: { point: backend.publicKeyOf(secret), ecdh: async point => backend.ecdh(secret, point)! },
    ...overrides,
  }
}

function dialler(pattern: Pattern, overrides: Partial<PartyOptions> = {}, secret = ALICE): Initiator {
  return new Initiator(pattern === 'XK' ? { ...party(secret, overrides), pattern, remoteStatic: backend.publicKeyOf(BOB) } : { ...party(secret, overrides), pattern })
}

/** Runs all three acts, with mallory free to change each on its way. */
async function run(
  initiator: Initiator, responder: Responder, mallory: (act: Uint8Array, index: number) => Uint8Array = act => act,
): Promise<{ acts: Uint8Array[]; remoteStatic: Uint8Array; hello: Uint8Array; dialled: LinkKeys; accepted: LinkKeys }> {
  const acts = [mallory(initiator.actOne(), 0)]
  await responder.actOne(acts[0]!)
  acts.push(mallory(await responder.actTwo(), 1))
  await initiator.actTwo(acts[1]!)
  acts.push(mallory(await initiator.actThree(HELLO), 2))
  const { remoteStatic, hello } = await responder.actThree(acts[2]!)
  return { acts, remoteStatic, hello, dialled: initiator.split(), accepted: responder.split() }
}

for (const on of await allBackends()) {
  for (const pattern of PATTERNS) {
    shakes(`${pattern} is Noise as its specification has it, byte for byte, on ${on.name} with ${on.symmetric}`, async () => {
      const keys = {
        initiator: { s: keyPair(ALICE), e: keyPair(seededRandom('e_i')(32)) },
        responder: { s: keyPair(BOB), e: keyPair(seededRandom('e_r')(32)) },
      }
      const prologue = concatBytes(utf8('peerweft'), Uint8Array.of(1), utf8('test'))
      const expected = referenceHandshake({ pattern, prologue, hello: HELLO, ...keys })
      const initiator = dialler(pattern, { backend: on, random: seededRandom('e_i') })
      const responder = new Responder(party(BOB, { backend: on, random: seededRandom('e_r') }))
      const { acts, dialled, accepted } = await run(initiator, responder)
      assert.equal(acts.map(toHex), expected.acts.map(toHex))
      for (const n of [0, 1]) {
        assert.equal(unaead(expected.k1, n, dialled.sealing.seal(HELLO)), HELLO)
        assert.equal(dialled.opening.open(aead(expected.k2, n, new Uint8Array(0), HELLO)), HELLO)
        assert.equal(unaead(expected.k2, n, accepted.sealing.seal(HELLO)), HELLO)
        assert.equal(accepted.opening.open(aead(expected.k1, n, new Uint8Array(0), HELLO)), HELLO)
      }
    })
  }
}

for (const pattern of PATTERNS) {
  shakes(`${pattern} tells both ends the other's key and seals both ways`, async () => {
    const initiator = dialler(pattern)
    const responder = new Responder(party(BOB))
    const { acts, remoteStatic, hello, dialled, accepted } = await run(initiator, responder)
    assert.equal(acts.map(act => act.length), pattern === 'XK' ? [50, 50, 66 + HELLO.length] : [34, 99, 66 + HELLO.length])
    assert.equal(acts.map(act => act[0]), Array(3).fill(pattern === 'XK' ? 0 : 1))
    assert.is(responder.pattern, pattern)
    assert.equal(remoteStatic, backend.publicKeyOf(ALICE))
    assert.equal(initiator.remoteStatic, backend.publicKeyOf(BOB))
    assert.equal(hello, HELLO)
    assert.equal(accepted.opening.open(dialled.sealing.seal(utf8('to bob'))), utf8('to bob'))
    assert.equal(dialled.opening.open(accepted.sealing.seal(utf8('to alice'))), utf8('to alice'))
  })

  shakes(`${pattern}: 2,500 frames each way cross the same rotations`, async () => {
    const { dialled, accepted } = await run(dialler(pattern), new Responder(party(BOB)))
    for (let index = 0; index < 2_500; index++) {
      const word = utf8(String(index))
      assert.equal(accepted.opening.open(dialled.sealing.seal(word)), word)
      assert.equal(dialled.opening.open(accepted.sealing.seal(word)), word)
    }
  })

  for (const [index, name] of ['one', 'two', 'three'].entries()) {
    shakes(`${pattern}: act ${name} with any one byte changed comes to nothing`, async () => {
      const size = (await run(dialler(pattern), new Responder(party(BOB)))).acts[index]!.length
      for (let position = 0; position < size; position++) {
        for (const change of [0x01, 0x80, 0xff]) {
          const refusal = await rejection(run(dialler(pattern), new Responder(party(BOB)), (act, which) => {
            if (which === index) act[position] = act[position]! ^ change
            return act
          }))
          assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
          assert.match(refusal.message, /^act (one|two|three): /)
        }
      }
    })

    shakes(`${pattern}: act ${name} of any other size is refused by its size`, async () => {
      const right = pattern === 'XK' ? [50, 50, 66] : [34, 99, 66]
      // A hello may have up to 900 bytes; the other acts have one size.
      for (const size of [0, 1, right[index]! - 1, right[index]! + (index === 2 ? 901 : 1), 100_000]) {
        const refusal = await rejection(run(dialler(pattern), new Responder(party(BOB)), (act, which) => {
          return which === index ? concatBytes(act, new Uint8Array(size)).subarray(0, size) : act
        }))
        assert.match(refusal.message, new RegExp(`^act ${name}: expected `))
      }
    })

    shakes(`${pattern}: act ${name} a byte longer or shorter comes to nothing`, async () => {
      for (const difference of [-1, 1]) {
        const refusal = await rejection(run(dialler(pattern), new Responder(party(BOB)), (act, which) => {
          return which === index ? concatBytes(act, new Uint8Array(1)).subarray(0, act.length + difference) : act
        }))
        assert.match(refusal.message, new RegExp(`^act ${name}: `))
      }
    })
  }

  shakes(`${pattern}: an act two in which mallory put her own ephemeral key is refused`, async () => {
    const own = backend.publicKeyOf(MALLORY)
    const refusal = await rejection(run(dialler(pattern), new Responder(party(BOB)), (act, which) => {
      if (which === 1) act.set(own, 1)
      return act
    }))
    assert.match(refusal.message, /^act two: /)
  })

  shakes(`${pattern}: acts of two networks do not fit each other`, async () => {
    const refusal = await rejection(run(dialler(pattern), new Responder(party(BOB, { prologue: prologueOf('other') }))))
    assert.match(refusal.message, pattern === 'XK' ? /^act one: .*another network/ : /^act two: .*another network/)
  })

  shakes(`${pattern}: what a listener recorded from alice opens no second handshake`, async () => {
    const { acts } = await run(dialler(pattern), new Responder(party(BOB)))
    const responder = new Responder(party(BOB))
    await responder.actOne(acts[0]!)
    await responder.actTwo()
    assert.match((await rejection(responder.actThree(acts[2]!))).message, /^act three: the static key does not open/)
  })

  shakes(`${pattern}: a dialler that names alice's key without holding it is refused`, async () => {
    // She can seal alice's point as her static key; what she lacks is DH(s, e_r).
    const forged = { point: backend.publicKeyOf(ALICE), ecdh: async (point: Uint8Array) => backend.ecdh(MALLORY, point)! }
    const refusal = await rejection(run(dialler(pattern, { staticKey: forged }), new Responder(party(BOB))))
    assert.match(refusal.message, /^act three: the hello does not open/)
  })

  shakes(`${pattern}: a static key that begins with 03 is refused`, async () => {
    const odd = { point: Uint8Array.of(3, ...backend.publicKeyOf(ALICE).subarray(1)), ecdh: async (point: Uint8Array) => backend.ecdh(negative(ALICE), point)! }
    const refusal = await rejection(run(dialler(pattern, { staticKey: odd }), new Responder(party(BOB))))
    assert.is(refusal.message, 'act three: the static key begins with 03, expected 02')
    // Nothing else is wrong with it.
    await run(dialler(pattern, { staticKey: odd }), new Responder(party(BOB, { parityRule: false })))
  })

  shakes(`${pattern}: ephemeral secrets are wiped with their last use, and by wipe at any time`, async () => {
    const drawn: Uint8Array[] = []
    const random = (length: number): Uint8Array => {
      const bytes = seededRandom(`watched ${draws++}`)(length)
      drawn.push(bytes)
      return bytes
    }
    await run(dialler(pattern, { random }), new Responder(party(BOB, { random })))
    const half = dialler(pattern, { random })
    half.actOne()
    half.wipe()
    assert.is(drawn.length, 3)
    for (const secret of drawn) assert.ok(secret.every(byte => byte === 0))
  })

  shakes(`${pattern}: after a refusal nothing goes on`, async () => {
    const initiator = dialler(pattern)
    const responder = new Responder(party(BOB))
    await responder.actOne(initiator.actOne())
    const actTwo = await responder.actTwo()
    await rejection(initiator.actTwo(actTwo.subarray(1)))
    for (const next of [() => initiator.actTwo(actTwo), () => initiator.actThree(HELLO), async () => initiator.split(), async () => initiator.actOne()]) {
      assert.is((await rejection(next())).code, 'ERR_PEER_HANDSHAKE_FAILED')
    }
  })

  shakes(`${pattern}: no act runs twice, even while the first call still waits`, async () => {
    const initiator = dialler(pattern)
    const responder = new Responder(party(BOB))
    await responder.actOne(initiator.actOne())
    await initiator.actTwo(await responder.actTwo())
    const first = initiator.actThree(HELLO)
    assert.match((await rejection(initiator.actThree(HELLO))).message, /^act three: called out of turn/)
    assert.not.ok(await first.then(() => true, () => false), 'and then the first comes to nothing as well')
  })

  shakes(`${pattern}: an identity that cannot do its part ends the handshake and is named`, async () => {
    for (const ecdh of [async () => { throw new Error('the device is locked') }, () => { throw new Error('the device is locked') }, async () => new Uint8Array(31)]) {
      const refusal = await rejection(run(dialler(pattern, { staticKey: { point: backend.publicKeyOf(ALICE), ecdh } }), new Responder(party(BOB))))
      assert.match(refusal.message, /^act three: our own identity/)
    }
  })

  shakes(`${pattern}: a handshake wiped while its identity still works comes to nothing, and what arrives late is wiped`, async () => {
    let give: (shared: Uint8Array) => void = () => {}
    const slow = { point: backend.publicKeyOf(ALICE), ecdh: () => new Promise<Uint8Array>(resolve => { give = resolve }) }
    const initiator = dialler(pattern, { staticKey: slow })
    const responder = new Responder(party(BOB))
    await responder.actOne(initiator.actOne())
    await initiator.actTwo(await responder.actTwo())
    const actThree = initiator.actThree(HELLO).then(() => 'it resolved', (error: Error) => error.message)
    initiator.wipe()
    const late = new Uint8Array(32).fill(5)
    give(late)
    assert.is(await actThree, 'this handshake has ended')
    assert.ok(late.every(byte => byte === 0))
  })
}

shakes('a dialler that expects mallory learns that bob is not her, and bob learns nothing of the dialler', async () => {
  const initiator = new Initiator({ ...party(ALICE), pattern: 'XK', remoteStatic: backend.publicKeyOf(MALLORY) })
  const refusal = await rejection(run(initiator, new Responder(party(BOB))))
  assert.is(refusal.message, 'act one: its tag does not open: the dialler expects another key, or is on another network')
})

shakes('an XK dialler takes no XX answer, and the other way round', async () => {
  for (const [asked, answered] of [['XK', 'XX'], ['XX', 'XK']] as const) {
    const responder = new Responder(party(BOB))
    await responder.actOne(dialler(answered).actOne())
    const answer = await responder.actTwo()
    const initiator = dialler(asked)
    initiator.actOne()
    assert.match((await rejection(initiator.actTwo(answer))).message, /^act two: expected \d+ bytes of X[KX]/)
    // Made to the right size, the byte gives it away.
    const again = dialler(asked)
    again.actOne()
    const resized = concatBytes(answer, new Uint8Array(99)).subarray(0, asked === 'XK' ? 50 : 99)
    assert.match((await rejection(again.actTwo(resized))).message, /^act two: expected pattern byte/)
  }
})

shakes('a pattern that nobody knows is refused', async () => {
  for (const byte of [2, 3, 128, 255]) {
    const act = dialler('XK').actOne()
    act[0] = byte
    assert.is((await rejection(new Responder(party(BOB)).actOne(act))).message, `act one: expected pattern byte 0 or 1, got ${byte}`)
  }
})

shakes('XX: a listener whose static key begins with 03 is refused', async () => {
  const odd = { point: Uint8Array.of(3, ...backend.publicKeyOf(BOB).subarray(1)), ecdh: async (point: Uint8Array) => backend.ecdh(negative(BOB), point)! }
  const refusal = await rejection(run(dialler('XX'), new Responder(party(BOB, { staticKey: odd }))))
  assert.is(refusal.message, 'act two: the static key begins with 03, expected 02')
})

shakes('XX: a listener that names bob\'s key without holding it is refused', async () => {
  const forged = { point: backend.publicKeyOf(BOB), ecdh: async (point: Uint8Array) => backend.ecdh(MALLORY, point)! }
  const refusal = await rejection(run(dialler('XX'), new Responder(party(BOB, { staticKey: forged }))))
  assert.match(refusal.message, /^act two: its tag does not open/)
})

shakes('a key to dial of another form is the caller\'s mistake, and one that is no point is refused in act one', () => {
  for (const remoteStatic of [new Uint8Array(33), evenPoint(new Uint8Array(31)), Uint8Array.of(3, ...backend.publicKeyOf(BOB).subarray(1))]) {
    assert.throws(() => new Initiator({ ...party(ALICE), pattern: 'XK', remoteStatic }), (error: unknown) => error instanceof RangeError)
  }
  const noPoint = new Initiator({ ...party(ALICE), pattern: 'XK', remoteStatic: evenPoint(new Uint8Array(32).fill(255)) })
  assert.throws(() => noPoint.actOne(), 'act one: the listener\'s key is not a point of secp256k1')
})

shakes('a hello larger than an act may carry is not sent', async () => {
  const initiator = dialler('XX')
  const responder = new Responder(party(BOB))
  await responder.actOne(initiator.actOne())
  await initiator.actTwo(await responder.actTwo())
  assert.match((await rejection(initiator.actThree(new Uint8Array(901)))).message, /^act three: expected a hello of at most 900 bytes, got 901/)
})

/** n - secret: the secret of the same x with an odd Y. */
function negative(secret: Uint8Array): Uint8Array {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const number = order - BigInt(`0x${toHex(secret)}`)
  return Uint8Array.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex'))
}

shakes.run()
