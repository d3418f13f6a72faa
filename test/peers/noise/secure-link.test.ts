import { getEventListeners } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IIdentity } from '../../../lib/contracts/identity.ts'
import type { IChannel } from '../../../lib/contracts/transport.ts'
import { concatBytes, utf8 } from '../../../lib/foundation/bytes.ts'
import { toHex } from '../../../lib/foundation/hex.ts'
import { DEFAULT_LIMITS } from '../../../lib/foundation/limits.ts'
import { encodeHello } from '../../../lib/peers/hello.ts'
import { Initiator, Responder } from '../../../lib/peers/noise/handshake.ts'
import { helloPart } from '../../../lib/peers/noise/hello-part.ts'
import { evenPoint, staticKeyOf, type LinkKeys } from '../../../lib/peers/noise/party.ts'
import { prologueOf } from '../../../lib/peers/noise/pattern.ts'
import { acceptSecure, dialSecure, type SecureLink } from '../../../lib/peers/noise/secure-link.ts'
import { fastBackend } from '../../support/backends.ts'
import { channelPair, type PairedChannel } from '../../support/channel-pair.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { rejection } from '../../support/rejection.ts'
import { begin, person, secureOptions } from '../../support/secure-pair.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const backend = await fastBackend()
const links = suite('secure links')

const alice = person('alice', backend)
const bob = person('bob', backend)
const carol = person('carol', backend)
const TIMEOUT_MS = DEFAULT_LIMITS.handshakeTimeoutMs

async function linked(pattern: 'XK' | 'XX' = 'XK'): Promise<{ dialled: SecureLink; accepted: SecureLink }> {
  const { dialling, accepting } = begin(
    { ...secureOptions(alice, backend), ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) },
    secureOptions(bob, backend),
  )
  return { dialled: await dialling, accepted: await accepting }
}

async function received(link: SecureLink): Promise<Uint8Array> {
  const { value, done } = await link.frames.next()
  assert.not.ok(done)
  return value as Uint8Array
}

/** Lets everything that can run without time or input run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

for (const pattern of ['XK', 'XX'] as const) {
  links(`${pattern}: both ends know each other's key and hello, and talk`, async () => {
    const { dialled, accepted } = await linked(pattern)
    assert.equal([dialled.pattern, accepted.pattern], [pattern, pattern])
    assert.equal([dialled.direction, accepted.direction], ['outbound', 'inbound'])
    assert.equal(dialled.remoteKey, bob.identity.publicKey)
    assert.equal(accepted.remoteKey, alice.identity.publicKey)
    assert.equal(dialled.remoteHello, bob.hello)
    assert.equal(accepted.remoteHello, alice.hello)
    assert.is(dialled.firstParts, undefined)

    await dialled.channel.send(dialled.seal(utf8('to bob')))
    assert.equal(accepted.open(await received(accepted)), utf8('to bob'))
    await accepted.channel.send(accepted.seal(utf8('to alice')))
    assert.equal(dialled.open(await received(dialled)), utf8('to alice'))
  })

  links(`${pattern}: large frames are let in only once the other end is known, and before it can send any`, async () => {
    const { dialled, accepted } = await linked(pattern)
    const { channelFrameBytesMax } = DEFAULT_LIMITS
    assert.equal((dialled.channel as PairedChannel).raised, { bytesMax: channelFrameBytesMax, afterFrames: 1 })
    assert.equal((accepted.channel as PairedChannel).raised, { bytesMax: channelFrameBytesMax, afterFrames: 1 })
  })

  links(`${pattern}: 2,500 frames each way open`, async () => {
    const { dialled, accepted } = await linked(pattern)
    for (let index = 0; index < 2_500; index++) {
      const word = utf8(String(index))
      assert.equal(accepted.open(dialled.seal(word)), word)
      assert.equal(dialled.open(accepted.seal(word)), word)
    }
  })

  links(`${pattern}: a finished handshake leaves no timer and no listener behind`, async () => {
    const clock = new ManualClock()
    const { signal } = new AbortController()
    const { dialling, accepting } = begin(
      { ...secureOptions(alice, backend, { clock, signal }), ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) },
      secureOptions(bob, backend, { clock, signal }),
    )
    const [dialled] = await Promise.all([dialling, accepting])
    assert.is(clock.timers, 0)
    assert.is(getEventListeners(signal, 'abort').length, 0)
    clock.advance(10 * TIMEOUT_MS)
    assert.not.ok((dialled.channel as PairedChannel).closed)
  })

  // Which frame of whom does not come, and who is then waiting for what.
  for (const [step, from, index, waiting] of [
    ['act one', 'dialler', 0, 'listener'], ['act two', 'listener', 0, 'dialler'], ['act three', 'dialler', 1, 'listener'], ['first sealed frame', 'listener', 1, 'dialler'],
  ] as const) {
    links(`${pattern}: when the ${step} does not come, both ends give up at the deadline`, async () => {
      const clock = new ManualClock()
      const { dialling, accepting, channels } = begin(
        { ...secureOptions(alice, backend, { clock }), ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) },
        secureOptions(bob, backend, { clock }),
        (frame, by, at) => by === from && at === index ? [] : [frame],
      )
      await settle()
      clock.advance(TIMEOUT_MS - 1)
      await settle()
      assert.not.ok(channels.dialler.closed)
      clock.advance(1)
      const refusal = await rejection(waiting === 'dialler' ? dialling : accepting)
      assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_TIMEOUT')
      assert.match(refusal.message, new RegExp(`^${step}: `))
      assert.ok(channels.dialler.closed)
      assert.is(clock.timers, 0)
    })

    links(`${pattern}: a caller that gives up while the ${step} does not come is heard at once`, async () => {
      const giveUp = new AbortController()
      const { dialling, accepting, channels } = begin(
        { ...secureOptions(alice, backend, { signal: giveUp.signal }), ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) },
        secureOptions(bob, backend, { signal: giveUp.signal }),
        (frame, by, at) => by === from && at === index ? [] : [frame],
      )
      await settle()
      giveUp.abort(new Error('no longer wanted'))
      const refusal = await rejection(waiting === 'dialler' ? dialling : accepting)
      assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
      assert.is((refusal.cause as Error).message, 'no longer wanted')
      assert.ok(channels.dialler.closed)
      assert.is(getEventListeners(giveUp.signal, 'abort').length, 0)
    })

    links(`${pattern}: an end that hangs up instead of sending the ${step} is named`, async () => {
      const { dialling, accepting, channels } = begin(
        { ...secureOptions(alice, backend), ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) },
        secureOptions(bob, backend),
        (frame, by, at) => {
          if (by !== from || at !== index) return [frame]
          void channels.dialler.close()
          return []
        },
      )
      const refusal = await rejection(waiting === 'dialler' ? dialling : accepting)
      assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
      assert.match(refusal.message, new RegExp(`^${step}: the other end closed the channel instead of sending it`))
    })

    links(`${pattern}: the ${step} as a frame larger than any is refused by its size`, async () => {
      const { dialling, accepting, channels } = begin(
        { ...secureOptions(alice, backend), ...(pattern === 'XK' ? { remoteKey: bob.identity.publicKey } : {}) },
        secureOptions(bob, backend),
        (frame, by, at) => [by === from && at === index ? new Uint8Array(step === 'first sealed frame' ? 131_073 : 1_025) : frame],
      )
      const refusal = await rejection(waiting === 'dialler' ? dialling : accepting)
      assert.match(refusal.message, new RegExp(`^${step}: expected at most (1024|131072) bytes, got (1025|131073)$`))
      assert.ok(channels.dialler.closed)
    })
  }

  links(`${pattern}: what mallory recorded opens nothing when she plays it to bob again`, async () => {
    const { dialled } = await linked(pattern)
    const recorded = dialled.channel as PairedChannel
    await recorded.send(dialled.seal(utf8('pay mallory')))
    const { dialler, listener } = channelPair()
    const accepting = rejection(acceptSecure(listener, secureOptions(bob, backend)))
    for (const frame of recorded.sent) await dialler.send(frame).catch(() => {})
    assert.match((await accepting).message, /^act three: /)
  })

  links(`${pattern}: sealed frames of one link do not open on another between the same two`, async () => {
    const one = await linked(pattern)
    const two = await linked(pattern)
    assert.is(two.accepted.open(one.dialled.seal(utf8('pay mallory'))), null)
  })
}

links('a dialler with a given key is told what it means that the other end hangs up', async () => {
  const { dialling, accepting } = begin({ ...secureOptions(alice, backend), remoteKey: carol.identity.publicKey }, secureOptions(bob, backend))
  const refusal = await rejection(dialling)
  assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
  assert.is(refusal.message, `act two: the other end closed the channel instead of sending it: it does not hold the key ${toHex(carol.identity.publicKey)}, or is on another network, or has no room`)
  assert.match((await rejection(accepting)).message, /^act one: its tag does not open: the dialler expects another key/)
})

links('a listener that refuses act one says nothing at all', async () => {
  const { accepting, channels } = begin({ ...secureOptions(alice, backend), remoteKey: carol.identity.publicKey }, secureOptions(bob, backend))
  await rejection(accepting)
  assert.is(channels.listener.sent.length, 0)
  assert.is(channels.listener.raised, undefined)
  assert.ok(channels.listener.closed)
})

links('a dialler with a given key never asks for a key, and takes no other', async () => {
  const { dialling, channels } = begin({ ...secureOptions(alice, backend), remoteKey: bob.identity.publicKey }, secureOptions(carol, backend))
  await rejection(dialling)
  assert.is(channels.dialler.sent.length, 1)
  assert.equal([channels.dialler.sent[0]!.length, channels.dialler.sent[0]![0]], [50, 0])
})

for (const remoteKey of [undefined, bob.identity.publicKey]) {
  links(`ends of two networks do not link (${remoteKey ? 'XK' : 'XX'})`, async () => {
    const { dialling, accepting } = begin({ ...secureOptions(alice, backend), remoteKey }, secureOptions(bob, backend, { networkId: 'other' }))
    assert.match((await rejection(dialling)).message, /another network/)
    assert.is((await rejection(accepting)).code, 'ERR_PEER_HANDSHAKE_FAILED')
  })
}

links('dialling our own key is refused before anything is sent', async () => {
  const { dialler } = channelPair()
  const refusal = await rejection(dialSecure(dialler, { ...secureOptions(alice, backend), remoteKey: alice.identity.publicKey }))
  assert.is(refusal.code, 'ERR_PEER_IS_SELF')
  assert.is(refusal.peerId, toHex(alice.identity.publicKey))
  assert.is(dialler.sent.length, 0)
  assert.ok(dialler.closed)
})

links('dialling our own address at first contact is found out by the dialler', async () => {
  const { dialling, accepting, channels } = begin(secureOptions(alice, backend), secureOptions(alice, backend))
  assert.is((await rejection(dialling)).code, 'ERR_PEER_IS_SELF')
  assert.is((await rejection(accepting)).code, 'ERR_PEER_HANDSHAKE_FAILED')
  assert.is(channels.dialler.sent.length, 1, 'no act three')
})

links('a listener dialled with its own key refuses it', async () => {
  const { dialler, listener } = channelPair()
  const accepting = rejection(acceptSecure(listener, secureOptions(alice, backend)))
  await dialByHand(dialler, alice.identity, alice.identity, encodeHello(alice.hello))
  assert.is((await accepting).code, 'ERR_PEER_IS_SELF')
})

links('parts that share the listener\'s first frame with its hello are kept', async () => {
  const { dialler, listener } = channelPair()
  const dialling = dialSecure(dialler, { ...secureOptions(alice, backend), remoteKey: bob.identity.publicKey })
  const ping = Uint8Array.of(0x11, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8)
  const keys = await acceptByHand(listener, bob.identity)
  await listener.send(keys.sealing.seal(concatBytes(helloPart(encodeHello(bob.hello)), ping)))
  const link = await dialling
  assert.equal(link.remoteHello, bob.hello)
  assert.equal(link.firstParts, ping)
})

for (const [name, first] of [
  ['is empty', new Uint8Array(0)],
  ['is another part', Uint8Array.of(0x11, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8)],
  ['says it is longer than the frame', Uint8Array.of(0x10, 0, 0, 0, 2, 0)],
  ['says it is longer than memory', Uint8Array.of(0x10, 255, 255, 255, 255, 0)],
  ['holds no hello', helloPart(utf8('hello'))],
  ['holds an empty one', helloPart(new Uint8Array(0))],
] as const) {
  links(`a listener whose first part ${name} is refused`, async () => {
    const { dialler, listener } = channelPair()
    const dialling = rejection(dialSecure(dialler, { ...secureOptions(alice, backend), remoteKey: bob.identity.publicKey }))
    const keys = await acceptByHand(listener, bob.identity)
    await listener.send(keys.sealing.seal(first))
    const refusal = await dialling
    assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
    assert.match(refusal.message, /^first sealed frame: /)
    assert.is((refusal.cause as { code?: string }).code, 'ERR_WIRE_MALFORMED')
    assert.ok(dialler.closed)
  })
}

links('a dialler whose hello is none is refused, and is told nothing', async () => {
  for (const hello of [new Uint8Array(0), utf8('hello'), new Uint8Array(900)]) {
    const { dialler, listener } = channelPair()
    const accepting = rejection(acceptSecure(listener, secureOptions(bob, backend)))
    await dialByHand(dialler, mallory.identity, bob.identity, hello)
    const refusal = await accepting
    assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
    assert.match(refusal.message, /^act three: /)
    assert.is((refusal.cause as { code?: string }).code, 'ERR_WIRE_MALFORMED')
    assert.is(listener.sent.length, 1, 'act two and nothing more')
  }
})

links('an identity that never answers does not outlive the deadline', async () => {
  const stuck: IIdentity = { publicKey: bob.identity.publicKey, sign: () => new Promise(() => {}), ecdh: () => new Promise(() => {}) }
  const clock = new ManualClock()
  const { accepting, channels } = begin({ ...secureOptions(alice, backend), remoteKey: bob.identity.publicKey }, { ...secureOptions(bob, backend, { clock }), identity: stuck })
  await settle()
  clock.advance(TIMEOUT_MS)
  assert.is((await rejection(accepting)).code, 'ERR_PEER_HANDSHAKE_TIMEOUT')
  assert.ok(channels.listener.closed)
})

links('a socket that takes nothing does not outlive the deadline', async () => {
  const { dialler } = channelPair()
  dialler.send = () => new Promise(() => {})
  const clock = new ManualClock()
  const dialling = rejection(dialSecure(dialler, secureOptions(alice, backend, { clock })))
  await settle()
  clock.advance(TIMEOUT_MS)
  assert.is((await dialling).code, 'ERR_PEER_HANDSHAKE_TIMEOUT')
})

links('a socket that breaks is the cause, and one that cannot even close changes nothing', async () => {
  const broken = new Error('connection reset')
  const channel: IChannel = {
    direction: 'inbound', remoteAddress: 'test:broken',
    frames: { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(broken) }) },
    send: async () => {}, close: () => Promise.reject(new Error('and no way to close')), [Symbol.asyncDispose]: async () => {},
  }
  const refusal = await rejection(acceptSecure(channel, secureOptions(bob, backend)))
  assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
  assert.is(refusal.message, 'act one: connection reset')
  assert.is(refusal.cause, broken)
})

links('a caller that gave up beforehand sends nothing and closes', async () => {
  const { dialler } = channelPair()
  const refusal = await rejection(dialSecure(dialler, secureOptions(alice, backend, { signal: AbortSignal.abort() })))
  assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
  assert.is(dialler.sent.length, 0)
  assert.ok(dialler.closed)
})

links('a key or hello that cannot be one is the caller\'s mistake, and closes the channel', async () => {
  for (const wrong of [{ remoteKey: new Uint8Array(33) }, { remoteKey: new Uint8Array(32).fill(255) }, { hello: new Uint8Array(0) }, { hello: new Uint8Array(901) }]) {
    const { dialler } = channelPair()
    const outcome = await dialSecure(dialler, { ...secureOptions(alice, backend), ...wrong }).catch((error: unknown) => error)
    assert.instance(outcome, RangeError)
    assert.ok(dialler.closed)
  }
})

links('ephemeral secrets of a handshake that failed are wiped', async () => {
  const drawn: Uint8Array[] = []
  const random = (length: number): Uint8Array => {
    const bytes = seededRandom(`drawn ${drawn.length}`)(length)
    drawn.push(bytes)
    return bytes
  }
  const clock = new ManualClock()
  const { dialling, accepting } = begin(secureOptions(alice, backend, { random, clock }), secureOptions(bob, backend, { random, clock }), (frame, by, at) => by === 'dialler' && at === 1 ? [] : [frame])
  await settle()
  clock.advance(TIMEOUT_MS)
  await Promise.all([rejection(dialling), rejection(accepting)])
  assert.is(drawn.length, 2)
  for (const secret of drawn) assert.ok(secret.every(byte => byte === 0))
})

links('a link that met one bad frame opens none after it, and wiping ends sealing', async () => {
  const { dialled, accepted } = await linked()
  const [first, second] = [dialled.seal(utf8('one')), dialled.seal(utf8('two'))]
  assert.is(accepted.open(second), null)
  assert.is(accepted.open(first), null)
  accepted.seal(utf8('goodbye'))
  accepted.wipe()
  assert.throws(() => accepted.seal(utf8('again')), (error: { code?: string }) => error.code === 'ERR_PEER_NOT_CONNECTED')
})

const mallory = person('mallory', backend)

/** Mallory's own dialler: all acts right, and whatever hello she likes. */
async function dialByHand(channel: PairedChannel, identity: IIdentity, listener: IIdentity, hello: Uint8Array): Promise<void> {
  const initiator = new Initiator({
    pattern: 'XK', remoteStatic: evenPoint(listener.publicKey), backend, random: seededRandom('by hand'), prologue: prologueOf('test'), staticKey: staticKeyOf(identity),
  })
  await channel.send(initiator.actOne())
  await initiator.actTwo((await channel.frames.next()).value!)
  await channel.send(await initiator.actThree(hello))
}

/** A listener up to the point where it would send its hello. */
async function acceptByHand(channel: PairedChannel, identity: IIdentity): Promise<LinkKeys> {
  const responder = new Responder({ backend, random: seededRandom('by hand'), prologue: prologueOf('test'), staticKey: staticKeyOf(identity) })
  await responder.actOne((await channel.frames.next()).value!)
  await channel.send(await responder.actTwo())
  await responder.actThree((await channel.frames.next()).value!)
  return responder.split()
}

links.run()
