import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IIdentity } from '../../../lib/contracts/identity.ts'
import { DEFAULT_LIMITS } from '../../../lib/foundation/limits.ts'
import { encodeHello } from '../../../lib/peers/hello.ts'
import { drawEphemeral, NamedEphemerals, SpareEphemeral, type Ephemeral } from '../../../lib/peers/noise/ephemeral.ts'
import { acceptSecure, dialSecure, type SecureLink } from '../../../lib/peers/noise/secure-link.ts'
import { fastBackend } from '../../support/backends.ts'
import { channelPair, type PairedChannel } from '../../support/channel-pair.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { person, secureOptions } from '../../support/secure-pair.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const backend = await fastBackend()
const test = suite('an ephemeral key named before its act')

const alice = person('alice', backend)
const bob = person('bob', backend)

interface Calls { identity: IIdentity; points: string[] }

/** An identity that notes for which points it was asked, in order. */
function counting({ identity }: { identity: IIdentity }): Calls {
  const points: string[] = []
  return {
    points,
    identity: {
      publicKey: identity.publicKey,
      sign: digest => identity.sign(digest),
      ecdh: point => {
        points.push(Buffer.from(point).toString('hex'))
        return identity.ecdh(point)
      },
    },
  }
}

interface Outcome { dialled: SecureLink; accepted: SecureLink; listener: PairedChannel; asked: string[] }

async function shakeHands(greeting: Uint8Array | undefined, named: Ephemeral | undefined, pattern: 'XK' | 'XX' = 'XK'): Promise<Outcome> {
  const { dialler, listener } = channelPair()
  Object.assign(dialler, { greeting })
  Object.assign(listener, { greeting: named?.point })
  const calls = counting(alice)
  const [dialled, accepted] = await Promise.all([
    dialSecure(dialler, { ...secureOptions(alice, backend), identity: calls.identity, ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) }),
    acceptSecure(listener, { ...secureOptions(bob, backend), ephemeralOf: point => (named !== undefined && Buffer.compare(point, named.point) === 0 ? named : undefined) }),
  ])
  return { dialled, accepted, listener, asked: calls.points }
}

function drawn(name: string): Ephemeral {
  return drawEphemeral(backend, seededRandom(name))
}

function mustTalk({ dialled, accepted }: Outcome): void {
  const words = Uint8Array.of(1, 2, 3)
  assert.equal(accepted.open(dialled.seal(words)), words)
  assert.equal(dialled.open(accepted.seal(words)), words)
}

for (const pattern of ['XK', 'XX'] as const) {
  test(`${pattern}: act two brings the key that was named, and the dialler's identity is asked once`, async () => {
    const named = drawn('named')
    const outcome = await shakeHands(named.point, named, pattern)
    mustTalk(outcome)
    assert.equal(outcome.listener.sent[0]!.slice(1, 34), named.point)
    assert.equal(outcome.asked, [Buffer.from(named.point).toString('hex')])
    assert.equal(named.secret, new Uint8Array(32), 'the secret is wiped once it is used')
  })

  test(`${pattern}: where act two brings another key than was named, that one counts`, async () => {
    const [named, lie] = [drawn('named'), drawn('lie')]
    const outcome = await shakeHands(lie.point, named, pattern)
    mustTalk(outcome)
    assert.equal(outcome.asked, [lie, named].map(({ point }) => Buffer.from(point).toString('hex')))
  })
}

test('a greeting that is no point of the curve reaches no identity and harms nobody', async () => {
  for (const junk of [new Uint8Array(33), new Uint8Array(33).fill(255), new Uint8Array(32).fill(2), new Uint8Array(64).fill(2), new Uint8Array(0)]) {
    const named = drawn('named')
    const outcome = await shakeHands(junk, named)
    mustTalk(outcome)
    assert.equal(outcome.asked, [Buffer.from(named.point).toString('hex')])
  }
})

test('a listener that has forgotten the key it named draws another', async () => {
  const forgotten = drawn('forgotten')
  const { dialler, listener } = channelPair()
  Object.assign(dialler, { greeting: forgotten.point })
  Object.assign(listener, { greeting: forgotten.point })
  const [dialled, accepted] = await Promise.all([
    dialSecure(dialler, { ...secureOptions(alice, backend), remoteKey: bob.identity.publicKey }),
    acceptSecure(listener, { ...secureOptions(bob, backend), ephemeralOf: () => undefined }),
  ])
  assert.not.equal(listener.sent[0]!.slice(1, 34), forgotten.point)
  assert.equal(accepted.open(dialled.seal(Uint8Array.of(9))), Uint8Array.of(9))
})

test('an identity that fails for a key that was only named fails the handshake only if it fails for the real one', async () => {
  const [named, lie] = [drawn('named'), drawn('lie')]
  const { dialler, listener } = channelPair()
  Object.assign(dialler, { greeting: lie.point })
  Object.assign(listener, { greeting: named.point })
  const picky: IIdentity = {
    publicKey: alice.identity.publicKey,
    sign: digest => alice.identity.sign(digest),
    ecdh: async point => {
      if (Buffer.compare(point, lie.point) === 0) throw new Error('not today')
      return await alice.identity.ecdh(point)
    },
  }
  await Promise.all([
    dialSecure(dialler, { ...secureOptions(alice, backend), identity: picky, remoteKey: bob.identity.publicKey, hello: encodeHello(alice.hello), limits: DEFAULT_LIMITS }),
    acceptSecure(listener, { ...secureOptions(bob, backend), ephemeralOf: () => named }),
  ])
})

test('a named key is given out once, and of more than 64 the first is forgotten and wiped', () => {
  const drawnOnes: Ephemeral[] = []
  const spare = new SpareEphemeral(() => backend, seededRandom('names'), new ManualClock())
  const take = spare.take.bind(spare)
  spare.take = () => {
    const ephemeral = take()
    drawnOnes.push(ephemeral)
    return ephemeral
  }
  const named = new NamedEphemerals(spare)
  const points = Array.from({ length: 65 }, () => named.name())
  assert.is(named.size, 64)
  assert.is(named.take(points[0]!), undefined)
  assert.equal(drawnOnes[0]!.secret, new Uint8Array(32))
  assert.equal(named.take(points[1]!)!.point, points[1])
  assert.is(named.take(points[1]!), undefined)
  named.wipe()
  assert.is(named.size, 0)
  assert.ok(drawnOnes.slice(2).every(({ secret }) => secret.every(byte => byte === 0)))
})

test('the spare key is drawn after a handshake, used once, and forgotten after ten seconds', () => {
  const clock = new ManualClock()
  let draws = 0
  const random = seededRandom('spare')
  const spare = new SpareEphemeral(() => backend, size => (draws++, random(size)), clock)
  spare.refill()
  spare.refill()
  clock.advance(0)
  assert.is(draws, 1)
  const first = spare.take()
  assert.is(draws, 1)
  assert.is(clock.timers, 0)
  assert.not.equal(spare.take().point, first.point)
  assert.is(draws, 2)

  spare.refill()
  clock.advance(9_999)
  assert.is(draws, 3)
  clock.advance(1)
  assert.is(clock.timers, 0)
  spare.take()
  assert.is(draws, 4, 'the spare was gone')
})

test('once closed it makes no spare and leaves no timer', () => {
  const clock = new ManualClock()
  const spare = new SpareEphemeral(() => backend, seededRandom('closed'), clock)
  spare.refill()
  clock.advance(0)
  assert.is(clock.timers, 1)
  spare.refill()
  spare.wipe()
  clock.advance(1)
  assert.is(clock.timers, 0)
})

test.run()
