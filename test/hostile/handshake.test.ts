import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Client, listen, nextFrame } from './client.ts'
import { MovableClock, openPublicStage, openStage, from, type Stage } from './stage.ts'
import { concat, EMPTY, flipped, unhex, until, within } from './second/bytes.ts'
import { encode, Raw } from './second/cbor.ts'
import { idOf, negated, newKeyPair, newStaticKey, newStaticKeyWhere } from './second/keys.ts'
import { Dialler, Listener, type NoiseOptions } from './second/noise.ts'
import { listenWs, wsPipe, type Pipe } from './second/pipes.ts'
import { helloBytes, Kind, part } from './second/wire.ts'
import { rejection } from '../support/rejection.ts'

const handshake = suite('hostile handshakes')

const FAILED = 'ERR_PEER_HANDSHAKE_FAILED'
const TIMEOUT = 'ERR_PEER_HANDSHAKE_TIMEOUT'
const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size))

function dialler(stage: Stage, options: Partial<NoiseOptions> = {}): Dialler {
  return new Dialler({ pattern: 'XK', network: 'peerweft', key: newStaticKey(), listener: unhex(stage.bob.id), ...options })
}

/** Nobody got in, nobody waits, and bob said why: nobody is known who could be blamed. */
async function refusesHandshake(stage: Stage, pipe: Pipe, code = FAILED, times = 1): Promise<string> {
  const fault = await stage.refused(code, stage.bob.id, { blamed: undefined, times })
  await pipe.ended
  await until(() => stage.bob.getStats().peers.pendingHandshakes === 0, 'no handshake is pending')
  assert.is(stage.bob.getStats().peers.connectedPeers, 1, 'alice alone is connected')
  await stage.aliceIsFine()
  return fault.text
}

handshake('junk as act one is refused, whatever its size', async () => {
  await using stage = await openStage()
  let times = 0
  for (const size of [0, 1, 33, 34, 49, 50, 51, 99, 1_024, 1_025, 131_072]) {
    const pipe = await wsPipe(stage.url)
    pipe.send(random(size))
    await refusesHandshake(stage, pipe, FAILED, ++times)
  }
})

handshake('act one of a pattern that does not exist, for another key, for another network, or with an ephemeral key off the curve is refused', async () => {
  await using stage = await openStage()
  const good = dialler(stage).actOne()
  const acts = {
    'pattern 2': concat(Uint8Array.of(2), good.subarray(1)),
    'XK of the size of XX': good.subarray(0, 34),
    'XX of the size of XK': concat(Uint8Array.of(1), good.subarray(1)),
    'another key': dialler(stage, { listener: newStaticKey().point.subarray(1) } as Partial<NoiseOptions>).actOne(),
    'another network': dialler(stage, { network: 'elsewhere' }).actOne(),
    'a point off the curve': concat(good.subarray(0, 2), new Uint8Array(32).fill(0xff), good.subarray(34)),
    'a point that begins with 04': concat(Uint8Array.of(0, 4), good.subarray(2)),
    'a bit of the tag': flipped(good, 40),
  }
  let times = 0
  for (const act of Object.values(acts)) {
    const pipe = await wsPipe(stage.url)
    pipe.send(act)
    const text = await refusesHandshake(stage, pipe, FAILED, ++times)
    assert.match(text, /act one/)
  }
})

handshake('act three with junk, of the other pattern, with a turned bit, or sealed for nobody is refused', async () => {
  await using stage = await openStage()
  const changes: ((act: Uint8Array) => Uint8Array)[] = [
    act => random(act.length), () => EMPTY, act => act.subarray(0, 65), act => concat(Uint8Array.of(act[0]! ^ 1), act.subarray(1)),
    act => flipped(act, 20), act => flipped(act, act.length - 1), act => concat(act, Uint8Array.of(0)), act => concat(act, random(900)),
  ]
  let times = 0
  for (const pattern of ['XK', 'XX'] as const) {
    for (const change of changes) {
      const pipe = await wsPipe(stage.url)
      const noise = dialler(stage, { pattern })
      pipe.send(noise.actOne())
      noise.actTwo(await nextFrame(pipe, 'act two'))
      pipe.send(change(noise.actThree(helloBytes())))
      assert.match(await refusesHandshake(stage, pipe, FAILED, ++times), /act three/)
    }
  }
})

handshake('a static key with odd Y, somebody else\'s key, and the listener\'s own are refused in act three', async () => {
  await using stage = await openStage()
  const odd = negated(newStaticKey())
  assert.is(odd.point[0], 3)
  const claims: Partial<NoiseOptions>[] = [
    { key: odd },
    { claimedPoint: concat(Uint8Array.of(2), unhex(stage.alice.id)) },
    { claimedPoint: concat(Uint8Array.of(2), unhex(stage.bob.id)) },
    { claimedPoint: concat(Uint8Array.of(2), new Uint8Array(32).fill(0xff)) },
  ]
  let times = 0
  for (const claim of claims) {
    const pipe = await wsPipe(stage.url)
    const noise = dialler(stage, claim)
    pipe.send(noise.actOne())
    noise.actTwo(await nextFrame(pipe, 'act two'))
    pipe.send(noise.actThree(helloBytes()))
    const text = await refusesHandshake(stage, pipe, FAILED, ++times)
    if (times === 1) assert.match(text, /begins with 03/)
  }
})

handshake('a hello that is not one is refused, and its sender not let in', async () => {
  await using stage = await openStage()
  const hellos: Record<string, Uint8Array> = {
    'nothing': EMPTY,
    'no CBOR': random(100),
    'a map': encode({}),
    'six fields': encode([1, random(16), 1, 'node', [], []]),
    'eight fields': encode([1, random(16), 1, 'node', [], [], EMPTY, 0]),
    'version 2': encode([2, random(16), 1, 'node', [], [], EMPTY]),
    'a boot of 15 bytes': helloBytes({ boot: random(15) }),
    'a boot of text': encode([1, 'boot', 1, 'node', [], [], EMPTY]),
    'a timestamp below zero': helloBytes({ timestamp: -1 }),
    'a timestamp in a float': encode([1, random(16), new Raw(0xfb, new Uint8Array(8)), 'node', [], [], EMPTY]),
    'another role': helloBytes({ role: 'admin' }),
    'five addresses': helloBytes({ addresses: Array<string>(5).fill('ws://a.example') }),
    'an address too long': helloBytes({ addresses: [`ws://${'a'.repeat(130)}`] }),
    'an address with a line break': helloBytes({ addresses: ['ws://a.example/\n\u001b[2J'] }),
    '33 protocols': helloBytes({ protocols: Array.from({ length: 33 }, (_, n) => [`p${n}`, 1] as [string, number]) }),
    'a protocol without a name': helloBytes({ protocols: [['', 1]] }),
    'a protocol version of 65,536': helloBytes({ protocols: [['p', 65_536]] }),
    '65 bytes of work': helloBytes({ work: random(65) }),
    '901 bytes': helloBytes({ addresses: Array<string>(4).fill(`ws://${'a'.repeat(120)}`), protocols: Array.from({ length: 6 }, (_, n) => [`${n}`.repeat(n === 0 ? 58 : 55), 1] as [string, number]) }),
    'an indefinite array': concat(Uint8Array.of(0x9f), helloBytes().subarray(1), Uint8Array.of(0xff)),
    'bytes after it': concat(helloBytes(), Uint8Array.of(0)),
  }
  let times = 0
  for (const [name, hello] of Object.entries(hellos)) {
    const pipe = await wsPipe(stage.url)
    const noise = dialler(stage)
    pipe.send(noise.actOne())
    noise.actTwo(await nextFrame(pipe, 'act two'))
    pipe.send(noise.actThree(hello))
    await stage.refused(FAILED, stage.bob.id, { times: ++times }).catch((error: unknown) => { throw new Error(`${name}: ${String(error)}`) })
    await pipe.ended
  }
  assert.is(stage.bob.getStats().peers.connectedPeers, 1)
  await stage.aliceIsFine()
})

for (const act of ['one', 'three'] as const) {
  handshake(`who stalls before act ${act} is cut after the handshake's time, and not before`, async () => {
    const clock = new MovableClock()
    await using stage = await openStage({ config: { clock } })
    const pipe = await stalledBefore(stage, act)
    clock.advance(4_000)
    await stage.aliceIsFine()
    assert.ok(pipe.isOpen, 'not yet')
    clock.advance(1_100)
    assert.match(await refusesHandshake(stage, pipe, TIMEOUT), new RegExp(`act ${act}`))
  })

  handshake(`without that limit who stalls before act ${act} would stay: the check can fail`, async () => {
    const clock = new MovableClock()
    await using stage = await openStage({ config: { clock }, limits: { handshakeTimeoutMs: 1e8 } })
    const pipe = await stalledBefore(stage, act)
    clock.advance(20_000)
    await stage.aliceIsFine()
    assert.ok(pipe.isOpen)
    assert.is(stage.bob.getStats().peers.pendingHandshakes, 1)
    pipe.destroy()
  })
}

async function stalledBefore(stage: Stage, act: 'one' | 'three'): Promise<Pipe> {
  const pipe = await wsPipe(stage.url)
  if (act === 'three') {
    const noise = dialler(stage)
    pipe.send(noise.actOne())
    noise.actTwo(await nextFrame(pipe, 'act two'))
  }
  await until(() => stage.bob.getStats().peers.pendingHandshakes === 1, 'bob has begun to wait')
  return pipe
}

handshake('acts recorded from somebody else\'s handshake open nothing', async () => {
  await using stage = await openStage()
  const recorded: Uint8Array[] = []
  const tap = await listenWs(pipe => void (async () => {
    const beyond = await wsPipe(stage.url)
    const pass = async (source: Pipe, sink: Pipe, record: boolean): Promise<void> => {
      for (let frame = await source.inbox.next('a frame', 60_000); frame !== undefined; frame = await source.inbox.next('a frame', 60_000)) {
        if (record) recorded.push(frame)
        sink.send(frame)
      }
      sink.close()
    }
    await Promise.all([pass(pipe, beyond, true), pass(beyond, pipe, false)])
  })())
  const carol = await Client.dial(tap.url, { id: stage.bob.id })
  carol.say('through the tap')
  await until(() => stage.heard.length === 1, 'carol is heard')
  await carol.close()
  await until(() => !stage.bob.isConnected(carol.id), 'carol has left')

  const pipe = await wsPipe(stage.url)
  for (const frame of recorded) pipe.send(frame)
  assert.match(await refusesHandshake(stage, pipe), /act three/)
  assert.is(stage.heard.filter(message => message.from === carol.id).length, 1)
  await tap.close()
})

// The listener as the attacker.

handshake('a known key is dialled by XK only: an answer of XX, of another key, or of junk is refused', async () => {
  await using stage = await openStage()
  const answers: ((pipe: Pipe) => Promise<void>)[] = [
    async pipe => {
      const noise = new Listener({ pattern: 'XX', network: 'peerweft', key: newStaticKey() })
      const act = await nextFrame(pipe, 'act one')
      noise.actOne(concat(Uint8Array.of(1), act.subarray(1, 34)))
      pipe.send(noise.actTwo())
    },
    async pipe => {
      const act = await nextFrame(pipe, 'act one')
      const noise = new Listener({ pattern: 'XK', network: 'peerweft', key: newStaticKey() })
      try { noise.actOne(act) } catch { /* It is for another key; go on as if it were not. */ }
      pipe.send(concat(Uint8Array.of(0), newKeyPair().point, random(16)))
    },
    async pipe => {
      await nextFrame(pipe, 'act one')
      pipe.send(random(50))
    },
    async pipe => {
      await nextFrame(pipe, 'act one')
      pipe.close()
    },
  ]
  for (const answer of answers) {
    await using door = await listen({ onPipe: pipe => void answer(pipe).catch(() => {}) })
    const known = idOf(newStaticKey())
    const error = await rejection(stage.bob.connectToPeer(`${door.url}#${known}`))
    assert.is(error.code, 'ERR_PEER_ID_MISMATCH')
    assert.is(error.peerId, known)
    assert.not(stage.bob.isConnected(known))
  }
  await stage.aliceIsFine()
})

handshake('a second key under a pinned name is refused until the user forgets the first', async () => {
  await using stage = await openStage()
  await using first = await listen()
  await using second = await listen()
  const carolAt = (url: string) => ({ peerId: 'carol', addresses: { websocket: url }, state: 'disconnected' as const, lastSeen: 0 })
  await stage.bob.connectToPeer(carolAt(first.url))
  await stage.bob.disconnectFromPeer('carol')

  const error = await rejection(stage.bob.connectToPeer(carolAt(second.url)))
  assert.is(error.code, 'ERR_PEER_ID_MISMATCH')
  assert.not(stage.bob.isConnected('carol'))
  assert.not(stage.bob.isConnected(second.id))
  assert.is(second.clients.all.length, 0, 'the second never saw a handshake end')

  stage.bob.forget('carol')
  await stage.bob.connectToPeer(carolAt(second.url))
  assert.ok(stage.bob.isConnected(second.id))
  await stage.aliceIsFine()
})

handshake('of two keys that answer to one new name at once, one gets it and the other is refused', async () => {
  await using stage = await openStage()
  await using first = await listen()
  await using second = await listen()
  const dialled = await Promise.allSettled([first, second].map(({ url }) =>
    stage.bob.connectToPeer({ peerId: 'carol', addresses: { websocket: url }, state: 'disconnected', lastSeen: 0 })))
  const refused = dialled.flatMap(each => (each.status === 'rejected' ? [each.reason as { code: string }] : []))
  assert.equal(refused.map(error => error.code), ['ERR_PEER_ID_MISMATCH'])
  assert.is([first, second].filter(({ id }) => stage.bob.isConnected(id)).length, 1)
  await stage.aliceIsFine()
})

handshake('a listener that is on another network, has an odd key, is ourselves, or sends junk instead of its hello is refused', async () => {
  await using stage = await openStage()
  const odd = negated(newStaticKey())
  const answers: [code: string, answer: (pipe: Pipe) => Promise<void>][] = [
    [FAILED, async pipe => void await Client.accept(pipe, { network: 'elsewhere' })],
    [FAILED, async pipe => void await Client.accept(pipe, { key: odd })],
    [FAILED, async pipe => void await firstFrame(pipe, () => part(Kind.PING, new Uint8Array(8)))],
    [FAILED, async pipe => void await firstFrame(pipe, () => part(Kind.HELLO, random(40)))],
    [FAILED, async pipe => void await firstFrame(pipe, () => part(Kind.HELLO, helloBytes(), 4_000))],
    [FAILED, async pipe => void await firstFrame(pipe, () => EMPTY)],
    [FAILED, async pipe => void await firstFrame(pipe, () => part(Kind.HELLO, helloBytes()), sealed => flipped(sealed, 3))],
  ]
  for (const [code, answer] of answers) {
    await using door = await listen({ onPipe: pipe => void answer(pipe).catch(() => {}) })
    const error = await rejection(stage.bob.connectToPeer(door.url))
    assert.is(error.code, code, error.message)
  }
  assert.is((await rejection(stage.bob.connectToPeer(stage.url))).code, 'ERR_PEER_IS_SELF')
  assert.is(stage.bob.getStats().peers.connectedPeers, 1)
  await stage.aliceIsFine()
})

async function firstFrame(pipe: Pipe, make: () => Uint8Array, change: (sealed: Uint8Array) => Uint8Array = sealed => sealed): Promise<void> {
  const actOne = await nextFrame(pipe, 'act one')
  const noise = new Listener({ pattern: actOne[0] === 0 ? 'XK' : 'XX', network: 'peerweft', key: newStaticKey() })
  noise.actOne(actOne)
  pipe.send(noise.actTwo())
  noise.actThree(await nextFrame(pipe, 'act three'))
  pipe.send(change(noise.keys().sealing.seal(make())))
}

for (const act of ['act two', 'first sealed frame'] as const) {
  handshake(`a listener that stalls before its ${act} is given up after the handshake's time`, async () => {
    const clock = new MovableClock()
    await using stage = await openStage({ config: { clock } })
    let reached = false
    const stall = async (pipe: Pipe): Promise<void> => {
      const actOne = await nextFrame(pipe, 'act one')
      if (act === 'first sealed frame') {
        const noise = new Listener({ pattern: 'XX', network: 'peerweft', key: newStaticKey() })
        noise.actOne(actOne)
        pipe.send(noise.actTwo())
        await nextFrame(pipe, 'act three')
      }
      reached = true
    }
    await using door = await listen({ onPipe: pipe => void stall(pipe) })
    const dialling = rejection(stage.bob.connectToPeer(door.url))
    await until(() => reached, 'mallory stalls')
    clock.advance(5_100)
    const error = await dialling
    assert.is(error.code, TIMEOUT)
    assert.match(error.message, new RegExp(act))
    await stage.aliceIsFine()
  })
}

// Many at once, as on a public network.

handshake('one subnet may begin five handshakes at once and two a second; another subnet is not held up', async () => {
  await using stage = await openPublicStage({ limits: { connectionsPerSubnetMax: 100 } })
  const kept: Client[] = []
  for (let n = 0; n < 5; n++) kept.push(await stage.mallory(from(`203.0.113.${n}`)))
  const pipe = await wsPipe(stage.url, from('203.0.113.77').socket)
  await stage.refused('ERR_PEER_RATE_LIMITED', stage.bob.id)
  assert.is((await pipe.ended).code, 4005)
  await stage.mallory(from('198.51.100.1'))
  await stage.aliceIsFine()
})

handshake('without that limit the sixth would be let in: the check can fail', async () => {
  await using stage = await openPublicStage({ limits: { handshakesPerSubnetPerSecond: 1e9, connectionsPerSubnetMax: 100 } })
  for (let n = 0; n < 8; n++) await stage.mallory(from(`203.0.113.${n}`))
  assert.is(stage.count('ERR_PEER_RATE_LIMITED'), 0)
})

handshake('one address may hold three connections; a fourth is refused', async () => {
  await using stage = await openPublicStage()
  for (let n = 0; n < 3; n++) await stage.mallory(from('203.0.113.9'))
  const pipe = await wsPipe(stage.url, from('203.0.113.9').socket)
  await stage.refused('ERR_PEER_LIMIT_REACHED', stage.bob.id)
  assert.is((await pipe.ended).code, 4005)
  await stage.aliceIsFine()
})

handshake('without that limit the fourth would be let in: the check can fail', async () => {
  await using stage = await openPublicStage({ limits: { connectionsPerAddressMax: 100, connectionsPerSubnetMax: 100 } })
  for (let n = 0; n < 5; n++) await stage.mallory(from('203.0.113.9'))
  assert.is(stage.count('ERR_PEER_LIMIT_REACHED'), 0)
})

handshake('ten handshakes may be under way; the eleventh is refused at once, unless its subnet is the less crowded', async () => {
  await using stage = await openPublicStage()
  for (let n = 0; n < 10; n++) await wsPipe(stage.url, from(`203.0.${n}.1`).socket)
  await until(() => stage.bob.getStats().peers.pendingHandshakes === 10, 'ten are pending')
  const pipe = await wsPipe(stage.url, from('203.0.0.2').socket)
  await stage.refused('ERR_PEER_LIMIT_REACHED', stage.bob.id)
  assert.is((await pipe.ended).code, 4005)
  await stage.aliceIsFine()
})

handshake('sockets of one subnet that stall their handshakes do not keep others out', async () => {
  await using stage = await openPublicStage()
  for (let n = 0; n < 5; n++) await wsPipe(stage.url, from(`203.0.113.${n}`).socket)
  for (let n = 5; n < 45 && stage.bob.getStats().peers.pendingHandshakes < 10; n++) {
    await wsPipe(stage.url, from(`203.0.113.${n}`).socket)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  await within(Client.dial(stage.url, { id: stage.bob.id, ...from('198.51.100.7') }), 'an honest newcomer from elsewhere')
})

handshake('with more allowed to be under way the eleventh would be waited for: the check can fail', async () => {
  await using stage = await openPublicStage({ limits: { handshakesPendingMax: 100 } })
  for (let n = 0; n < 11; n++) await wsPipe(stage.url, from(`203.0.${n}.1`).socket)
  await until(() => stage.bob.getStats().peers.pendingHandshakes === 11, 'eleven are pending')
})

handshake('a full node refuses the next stranger with a word, and keeps whom it has', async () => {
  await using stage = await openStage({ config: { maxConnections: 3 } })
  await stage.mallory()
  await stage.mallory()
  const late = await Client.dial(stage.url, { id: stage.bob.id })
  const fault = await stage.refused('ERR_PEER_LIMIT_REACHED', stage.bob.id)
  assert.is(fault.blamed, late.id)
  await late.ended
  assert.is(late.closeReason, 5)
  assert.is(stage.bob.getStats().peers.connectedPeers, 3)
  await stage.aliceIsFine()
})

handshake('a second link of the same key is one of two, and a third takes the place of neither peer', async () => {
  await using stage = await openStage()
  for (const fits of [(id: string) => id > stage.bob.id, (id: string) => id < stage.bob.id]) {
    const key = newStaticKeyWhere(fits)
    const hello = { boot: random(16) }
    const links = [await stage.mallory({ key, hello }), await stage.mallory({ key, hello }), await stage.mallory({ key, hello })]
    await until(() => links.filter(link => link.isOpen).length <= 2, 'at most two stay')
    links[2]!.say('from the last')
    await until(() => stage.heard.some(message => message.from === links[2]!.id), 'the last is heard')
  }
  assert.is(stage.bob.getStats().peers.connectedPeers, 3)
  await stage.aliceIsFine()
})

handshake('one key holds two links at most, however it comes and goes', async () => {
  await using stage = await openStage({ config: { maxConnections: 5 } })
  const key = newStaticKeyWhere(id => id > stage.bob.id)
  const links: Client[] = []
  for (let round = 0; round < 15; round++) {
    const hello = { boot: new Uint8Array(16).fill(round) }
    for (let n = 0; n < 2; n++) links.push(await stage.mallory({ key, hello }))
    await links.at(-1)!.roundTrip().catch(() => {})
  }
  await until(() => links.filter(link => link.isOpen).length <= 2, () => `at most two are open, but ${links.filter(link => link.isOpen).length} are`)
  await stage.aliceIsFine()
})

handshake('one address holds three connections at most, however many handshakes it begins at once', async () => {
  await using stage = await openPublicStage()
  const dialled = await Promise.allSettled(Array.from({ length: 5 }, () => Client.dial(stage.url, { id: stage.bob.id, ...from('203.0.113.9') })))
  const open = dialled.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  assert.ok(open.length <= 3, `${open.length} got in`)
  for (const client of open) await client.close()
  await stage.aliceIsFine()
})

handshake('sockets of one address that stall their handshakes do not keep others out', async () => {
  await using stage = await openPublicStage()
  for (let n = 0; n < 5; n++) await wsPipe(stage.url, from('203.0.113.9').socket)
  await until(() => stage.count('ERR_PEER_LIMIT_REACHED') === 2, 'three are waited for, two are turned away')
  await stage.mallory(from('198.51.100.7'))
  await stage.aliceIsFine()
})

handshake.run()
