import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MovableClock, openPublicStage, openStage, type Stage } from './stage.ts'
import type { Client } from './client.ts'
import { residentMiB } from './fed-link.ts'
import { concat, EMPTY, flipped, uint, until } from './second/bytes.ts'
import { encode } from './second/cbor.ts'
import { newStaticKeyWhere } from './second/keys.ts'
import { Close, closePart, fragment, fragmentsOf, helloBytes, Kind, part } from './second/wire.ts'

const link = suite('a hostile peer behind its handshake')

const MALFORMED = 'ERR_WIRE_MALFORMED'
const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size))
const note = (client: Client, n: number): Uint8Array => part(Kind.MESSAGE, client.author.signed(client.author.say({ n }, { protocol: 'probe' })))

/** Cut, told as misbehaviour, and nothing of hers reached anybody. */
async function isCut(stage: Stage, client: Client, calls = 0): Promise<void> {
  await client.ended
  await until(() => !stage.bob.isConnected(client.id), 'bob has cut mallory')
  assert.is(stage.gone.find(({ id }) => id === client.id)?.reason, 'misbehaviour')
  assert.is(stage.callsOf(client.id).length, calls)
  await stage.aliceIsFine()
}

// Sealed frames.

link('a sealed frame that comes again, out of turn, changed, or too short ends the link', async () => {
  await using stage = await openStage()
  const attacks: ((client: Client) => void)[] = [
    client => client.pipe.send(client.send(note(client, 1))),
    client => {
      const [first, second] = [client.keys.sealing.seal(note(client, 1)), client.keys.sealing.seal(note(client, 2))]
      client.pipe.send(second)
      client.pipe.send(first)
    },
    client => client.pipe.send(flipped(client.keys.sealing.seal(note(client, 1)), 30)),
    client => client.pipe.send(client.keys.sealing.seal(note(client, 1)).subarray(1)),
    client => client.pipe.send(concat(client.keys.sealing.seal(note(client, 1)), Uint8Array.of(0))),
    client => client.pipe.send(random(200)),
    client => client.pipe.send(EMPTY),
    client => client.pipe.send(random(15)),
  ]
  for (const [index, attack] of attacks.entries()) {
    const client = await stage.mallory()
    attack(client)
    await stage.refused('ERR_PEER_UNSEALING_FAILED', client.id, { blamed: client.id })
    await isCut(stage, client, index === 0 ? 1 : 0)
  }
})

link('a frame sealed for another session of the same key ends the link', async () => {
  await using stage = await openStage()
  const first = await stage.mallory()
  const captured = first.send(note(first, 1))
  await first.roundTrip()
  await first.close()
  const second = await stage.mallory({ key: first.key })
  second.pipe.send(captured)
  await stage.refused('ERR_PEER_UNSEALING_FAILED', second.id)
  await second.ended
  assert.is(stage.callsOf(first.id).length, 1)
  await stage.aliceIsFine()
})

link('a sealed frame of 131,072 bytes is taken, one more byte ends the link', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  client.send(part(0x80, new Uint8Array(131_072 - 16 - 5)))
  await client.roundTrip()
  client.send(part(0x80, new Uint8Array(131_072 - 16 - 5 + 1)))
  await stage.refused('ERR_TRANSPORT_FRAME_TOO_LARGE', client.id)
  await client.ended
  await stage.aliceIsFine()
})

// Parts.

link('a plaintext that is not parts from end to end has no effect at all', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const good = note(client, 1)
  const bad: Uint8Array[] = [
    EMPTY,
    Uint8Array.of(1),
    good.subarray(0, 4),
    good.subarray(0, good.length - 1),
    concat(good, Uint8Array.of(1)),
    concat(good, part(Kind.MESSAGE, random(10), 11)),
    concat(good, part(Kind.MESSAGE, random(10), 0xffffffff)),
    concat(good, part(0x04, EMPTY)),
    concat(good, part(0x00, EMPTY)),
    concat(good, part(0x7f, random(4))),
    concat(good, part(Kind.PING, random(7))),
    concat(good, part(Kind.PONG, random(9))),
    concat(good, closePart(0, 'x'.repeat(201))),
    concat(good, closePart(0, Uint8Array.of(0xff, 0xfe))),
    concat(good, part(Kind.CLOSE, EMPTY)),
    concat(good, part(Kind.FRAGMENT, random(12))),
  ]
  for (const [index, plaintext] of bad.entries()) {
    client.send(plaintext)
    await stage.refused(MALFORMED, client.id, { times: index + 1 })
  }
  await client.roundTrip()
  assert.equal(stage.callsOf(client.id), [], 'not even the good message before the bad part')
  client.send(good)
  await until(() => stage.callsOf(client.id).length === 1, 'the good message alone is taken')
  await stage.aliceIsFine()
})

link('kinds 80 to ff are skipped, whatever they hold', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  client.send(part(0x80, random(50)), note(client, 1), part(0xff, EMPTY), part(0xc3, random(3)))
  await until(() => stage.callsOf(client.id).length === 1, 'the message between them is taken')
  assert.equal(stage.faults, [])
})

// Hello updates.

link('hello updates that are junk change nothing; a good one is believed', async () => {
  await using stage = await openStage()
  const client = await stage.mallory({ hello: { protocols: [['probe', 1]] } })
  const junk = [EMPTY, random(100), encode([1]), helloBytes({ role: 'root' }), helloBytes({ work: random(65) }), concat(helloBytes(), EMPTY, Uint8Array.of(0)), encode(new Array<number>(500).fill(0))]
  for (const [index, body] of junk.entries()) {
    client.send(part(Kind.HELLO, body))
    await stage.refused(MALFORMED, client.id, { times: index + 1 })
  }
  await client.roundTrip()
  assert.equal(stage.bob.getPeer(client.id)!.protocols, [{ name: 'probe', version: 1 }])
  client.send(part(Kind.HELLO, helloBytes({ protocols: [['other', 2]] })))
  await client.roundTrip()
  assert.equal(stage.bob.getPeer(client.id)!.protocols, [{ name: 'other', version: 2 }])
  await stage.aliceIsFine()
})

// Pings and goodbyes.

link('ten pings in ten seconds are answered, the rest are not, and nobody else waits', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  for (let n = 0; n < 2_000; n++) client.send(part(Kind.PING, uint(n, 8)))
  client.send(note(client, 1))
  await until(() => stage.callsOf(client.id).length === 1, 'the message after them is taken')
  await stage.refused('ERR_PEER_RATE_LIMITED', client.id, { blamed: client.id })
  await stage.aliceIsFine()
  assert.is(client.parts.all.filter(each => each.kind === Kind.PONG).length, 10)
})

link('without that limit all would be answered: the check can fail', async () => {
  await using stage = await openStage({ limits: { pingsPerTenSeconds: 1e9 } })
  const client = await stage.mallory()
  for (let n = 0; n < 2_000; n++) client.send(part(Kind.PING, uint(n, 8)))
  await until(() => client.parts.all.filter(each => each.kind === Kind.PONG).length === 2_000, 'all are answered')
})

link('after a goodbye nothing is taken, and only the first goodbye counts', async () => {
  await using stage = await openStage()
  for (const reason of [Close.GOODBYE, Close.SHUTDOWN, Close.MISBEHAVIOUR, Close.NO_ROOM, Close.DUPLICATE, 200]) {
    const client = await stage.mallory()
    client.send(note(client, 1), closePart(reason, 'so long\n\u001b[2J'), note(client, 2), closePart(Close.TIMEOUT))
    client.send(note(client, 3))
    await client.ended
    await until(() => !stage.bob.isConnected(client.id), 'bob has let go')
    assert.is(stage.callsOf(client.id).length, 1, 'what came before the goodbye')
    const ending = stage.gone.filter(({ id }) => id === client.id)
    assert.is(ending.length, 1)
    assert.is.not(ending[0]!.reason, 'misbehaviour', 'that she accuses us is her word')
  }
  assert.equal(stage.faults, [])
  await stage.aliceIsFine()
})

link('a thousand goodbyes in one frame, and a link that comes and goes fifty times, disturb nobody', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  client.send(...Array.from({ length: 1_000 }, () => closePart(0)))
  await client.ended
  for (let n = 0; n < 50; n++) await (await stage.mallory({ key: client.key })).close()
  await until(() => stage.gone.length === 51, 'each was seen to go')
  assert.equal(stage.faults, [])
  await stage.aliceIsFine()
})

link('who answers no heartbeat and says nothing else is cut after five; who says anything at all is not', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const silent = await stage.mallory({ answersPings: false })
  const lively = await stage.mallory({ answersPings: false })
  const pings = (client: Client): number => client.parts.all.filter(each => each.kind === Kind.PING).length
  for (let beat = 1; beat <= 5; beat++) {
    assert.ok(stage.bob.isConnected(silent.id), `still there before beat ${beat} is over`)
    clock.advance(30_000)
    await until(() => pings(lively) >= beat, 'a heartbeat has come')
    lively.send(part(0x90, EMPTY))
    await stage.aliceIsFine()
    clock.advance(5_000)
    await stage.aliceIsFine()
  }
  const fault = await stage.refused('ERR_PEER_UNRESPONSIVE', silent.id, { blamed: silent.id })
  assert.match(fault.text, /5 heartbeats/)
  assert.is(stage.gone.find(({ id }) => id === silent.id)?.reason, 'timeout')
  assert.ok(stage.bob.isConnected(lively.id))
})

// Fragments.

const large = (client: Client, size: number): Uint8Array => client.author.signed(client.author.say('x'.repeat(size)))

link('a third message under way, one that begins again, gaps, overlaps and lies about the total are refused, and the whole ones still arrive', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const attacks: Uint8Array[][] = [
    [fragment(1, 1_000, 0, random(10)), fragment(2, 1_000, 0, random(10)), fragment(3, 1_000, 0, random(10))],
    [fragment(1, 1_000, 0, random(10))],
    [fragment(2, 1_000, 20, random(10))],
    [fragment(9, 1_000, 10, random(10))],
    [fragment(4, 1_000, 0, random(100)), fragment(4, 1_000, 50, random(100))],
    [fragment(5, 1_000, 0, random(100)), fragment(5, 2_000, 100, random(100))],
    [fragment(6, 100, 0, random(101))],
    [fragment(7, 0, 0, random(1))],
    [fragment(8, 100, 0xffffffff, random(1))],
  ]
  for (const [index, pieces] of attacks.entries()) {
    client.send(...pieces)
    await stage.refused(MALFORMED, client.id, { times: index + 1 })
  }
  client.send(...fragmentsOf(large(client, 5_000), 77, 1_000))
  await until(() => stage.heard.length === 1, () => `the whole one arrives: ${stage.told()}`)
  await stage.aliceIsFine()
})

link('a total above a mebibyte is refused before a byte is held', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  for (const [index, total] of [1_048_577, 0x7fffffff, 0xffffffff].entries()) {
    client.send(fragment(index, total, 0, random(100)))
    await stage.refused('ERR_WIRE_FRAME_TOO_LARGE', client.id, { times: index + 1 })
  }
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

link('a message larger than its protocol allows is refused when it is whole', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  for (const piece of fragmentsOf(large(client, 200_000), 1, 60_000)) client.send(piece)
  await stage.refused('ERR_WIRE_FRAME_TOO_LARGE', client.id, { blamed: client.id })
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

link('a message not whole after half a minute is given up, and its place is free again', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const client = await stage.mallory()
  const frame = client.author.signed(client.author.say('x'.repeat(3_000), { timestamp: clock.now() + 25_000 }))
  const pieces = fragmentsOf(frame, 1, 1_000)
  client.send(pieces[0]!, fragment(2, 1_000, 0, random(10)))
  await client.roundTrip()
  clock.advance(29_000)
  client.send(pieces[1]!)
  await client.roundTrip()
  assert.is(stage.count(MALFORMED), 0)
  clock.advance(1_500)
  client.send(pieces[2]!)
  await stage.refused(MALFORMED, client.id)
  client.send(...fragmentsOf(frame, 3, 2_000))
  client.send(fragment(4, 1_000, 0, random(10)))
  await until(() => stage.heard.length === 1, () => `sent anew it arrives: ${stage.told()}`)
  await stage.aliceIsFine()
})

link('without that limit the slow message would still be taken: the check can fail', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock }, limits: { fragmentTimeoutMs: 1e9 } })
  const client = await stage.mallory()
  const [first, second] = fragmentsOf(client.author.signed(client.author.say('x'.repeat(1_500), { timestamp: clock.now() + 25_000 })), 1, 1_000)
  client.send(first!)
  await client.roundTrip()
  clock.advance(45_000)
  client.send(second!)
  await until(() => stage.heard.length === 1, 'it is taken')
})

link('many assemblies with huge totals hold what has arrived and no more', async () => {
  await using stage = await openStage()
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 20; n++) {
    const client = await stage.mallory()
    for (let id = 0; id < 50; id++) client.send(fragment(id, 1_048_576, 0, random(1)))
    await until(() => stage.faultsAbout(client.id).length >= 48, 'all but two are refused')
  }
  const grownMiB = (process.memoryUsage().arrayBuffers - before) / 2 ** 20
  assert.ok(grownMiB < 8, `a thousand announced mebibytes cost ${grownMiB.toFixed(1)} MiB`)
  await stage.aliceIsFine()
})

link('malformed messages are borne fifty times, then the link is cut', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  for (let n = 0; n < 200; n++) client.send(part(Kind.MESSAGE, random(50)))
  await isCut(stage, client)
  const faults = stage.faultsAbout(client.id)
  assert.ok(faults.length >= 51 && faults.length <= 60, `${faults.length} faults until the cut`)
})

for (const [what, bad] of Object.entries({
  'plaintexts that are no parts': Uint8Array.of(1, 2, 3),
  'empty plaintexts': EMPTY,
  'hello updates that are junk': part(Kind.HELLO, random(30)),
  'fragments out of place': fragment(1, 100, 50, random(10)),
  'whole bursts that are none': part(Kind.BURST, concat(Uint8Array.of(1), random(96), new Uint8Array(40))),
})) {
  link(`${what} are blamed on who sent them, and cut after the same budget`, async () => {
    await using stage = await openStage()
    const client = await stage.mallory()
    for (let n = 0; n < 200; n++) client.send(bad)
    await stage.refused(MALFORMED, client.id, { blamed: client.id, times: 51 })
    await isCut(stage, client)
  })
}

link('with a huge budget of faults the same peer would stay: the check can fail', async () => {
  await using stage = await openStage({ limits: { faultsBurst: 1e9, failedSignaturesBurst: 1e9 } })
  const client = await stage.mallory()
  for (let n = 0; n < 200; n++) client.send(part(Kind.MESSAGE, random(50)))
  await until(() => stage.faultsAbout(client.id).length === 200, 'all are refused')
  await client.roundTrip()
  assert.ok(stage.bob.isConnected(client.id))
})

link('a stranger on a public network who sends too much is read more slowly, and only she', async () => {
  const clock = new MovableClock()
  await using stage = await openPublicStage({ config: { network: 'public', clock } })
  const client = await stage.mallory()
  for (let n = 0; n < 400; n++) client.send(part(Kind.MESSAGE, client.author.plain(client.author.say({ n }, { protocol: 'probe', type: 'hop' }))))
  await stage.refused('ERR_PEER_RATE_LIMITED', client.id, { blamed: client.id })
  await stage.aliceIsFine()
  const taken = stage.callsOf(client.id).length
  assert.ok(taken >= 200 && taken <= 230, `${taken} taken at once`)
  clock.advance(500)
  await until(() => stage.callsOf(client.id).length > taken, 'a pause later she is read again')
  for (let n = 0; n < 20; n++) {
    clock.advance(500)
    await stage.aliceIsFine()
  }
  await until(() => stage.callsOf(client.id).length === 400, () => `in the end all are taken: ${stage.callsOf(client.id).length}`)
  assert.ok(stage.bob.isConnected(client.id), 'going over is not a fault')
})

link('without that limit all would be taken at once: the check can fail', async () => {
  await using stage = await openPublicStage({ limits: { messagesPerSecond: 1e9, messagesBurst: 1e9 } })
  const client = await stage.mallory()
  for (let n = 0; n < 400; n++) client.send(part(Kind.MESSAGE, client.author.plain(client.author.say({ n }, { protocol: 'probe', type: 'hop' }))))
  await until(() => stage.callsOf(client.id).length === 400, 'all are taken')
  assert.is(stage.count('ERR_PEER_RATE_LIMITED'), 0)
})

link('of two links of one key the larger id closes the older with close 6, and takes what was under way on it', async () => {
  await using stage = await openStage()
  const key = newStaticKeyWhere(id => id < stage.bob.id)
  const hello = { boot: random(16) }
  const first = await stage.mallory({ key, hello, hangsUp: false })
  const second = await stage.mallory({ key, hello })
  first.send(note(first, 1))
  await until(() => first.closeReason === Close.DUPLICATE, 'she is told which')
  await until(() => stage.callsOf(first.id).length === 1, 'what was under way is taken')
  first.pipe.close()
  await second.roundTrip()
  assert.is(stage.gone.length, 0, 'nobody has left')
  await stage.aliceIsFine()
})

link('fragments that never became a message are let go after their time, though the peer says nothing more', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  residentMiB()
  const before = process.memoryUsage().arrayBuffers
  const heldMiB = (): number => {
    residentMiB()
    return (process.memoryUsage().arrayBuffers - before) / 2 ** 20
  }
  const clients: Client[] = []
  for (let n = 0; n < 20; n++) {
    const client = await stage.mallory()
    clients.push(client)
    for (const id of [1, 2]) for (let offset = 0; offset < 1_000_000; offset += 100_000) client.send(fragment(id, 1_000_001, offset, new Uint8Array(100_000)))
    await client.roundTrip()
  }
  assert.ok(heldMiB() > 20)
  for (let n = 0; n < 4; n++) {
    clock.advance(10_000)
    for (const client of clients) await client.roundTrip()
    await stage.aliceIsFine()
  }
  assert.ok(heldMiB() < 8, `${heldMiB().toFixed(1)} MiB are held`)
})

link('a burst that is repeated counts against its sender\'s rate', async () => {
  await using stage = await openPublicStage()
  const client = await stage.mallory()
  const { author } = client
  const burst = part(Kind.BURST, author.burst(Array.from({ length: 64 }, () => author.say(1))).whole)
  for (let n = 0; n < 40; n++) client.send(burst)
  await stage.refused('ERR_PEER_RATE_LIMITED', client.id)
})

link('pings beyond what may be sent are told of now and then, not each of them', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  client.send(concat(...Array.from({ length: 9_500 }, (_, n) => part(Kind.PING, uint(n, 8)))))
  await client.roundTrip().catch(() => {})
  client.say({ n: 1 }, { protocol: 'probe' })
  await until(() => stage.callsOf(client.id).length === 1 || !stage.bob.isConnected(client.id), 'bob has done with them')
  assert.ok(stage.count('ERR_PEER_RATE_LIMITED') <= 100, `${stage.count('ERR_PEER_RATE_LIMITED')} errors of one frame`)
})

link.run()
