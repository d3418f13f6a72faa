import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { schnorr } from '@noble/secp256k1'
import { Client, listen } from './client.ts'
import { openStage } from './stage.ts'
import { hex, until } from './second/bytes.ts'
import { decode, encode } from './second/cbor.ts'
import { newStaticKey, sign } from './second/keys.ts'
import { tcpPipe } from './second/pipes.ts'
import { Auth, fragmentsOf, Kind, part } from './second/wire.ts'
import { P2PCoordinator } from '../../lib/index.ts'

const second = suite('a second implementation, written from docs/wire.md')

second('its signatures are BIP340', () => {
  const key = newStaticKey()
  const digest = new Uint8Array(32).fill(7)
  assert.ok(schnorr.verify(sign(key, digest), digest, key.point.subarray(1)))
})

second('its CBOR reads what it writes', () => {
  const value = { a: [1, -1, 2 ** 40, -(2 ** 40), 1.5, true, false, null, undefined, 'é', new Uint8Array([1, 2])], big: 2n ** 63n }
  assert.equal(decode(encode(value)), value)
})

for (const [name, withKey] of [['XK', true], ['XX', false]] as const) {
  second(`it dials us with ${name}, is heard, and hears`, async () => {
    await using stage = await openStage({ alone: true })
    const client = await Client.dial(stage.url, { id: withKey ? stage.bob.id : undefined })
    assert.is(client.remoteId, stage.bob.id)
    assert.equal(client.remoteHello.protocols, [['probe', 1]])
    await until(() => stage.bob.isConnected(client.id), 'bob has it')

    client.say({ text: 'hello' })
    await until(() => stage.heard.length === 1, 'bob hears it')
    assert.equal(stage.heard[0]!.payload, { text: 'hello' })
    assert.is(stage.heard[0]!.from, client.id)

    await stage.bob.sendTo(client.id, { type: 'answer', payload: [1, 2] })
    const heard = await client.hear()
    assert.is(heard.type, 'answer')
    assert.equal(heard.payload, [1, 2])
    assert.is(heard.auth, Auth.SIGNATURE)
    assert.is(hex(heard.author), stage.bob.id)
    await client.close()
    await until(() => !stage.bob.isConnected(client.id), 'bob has let it go')
    assert.is(stage.gone[0]!.reason, 'remote')
    assert.equal(stage.faults, [])
  })

  second(`we dial it with ${name}, and both are heard`, async () => {
    await using carol = new P2PCoordinator({ reconnect: false })
    await using door = await listen()
    const info = await carol.connectToPeer(withKey ? `${door.url}#${door.id}` : door.url)
    assert.is(info.peerId, door.id)
    const client = (await door.clients.next('carol'))!
    assert.is(client.remoteId, carol.id)

    const heard: unknown[] = []
    carol.on('message', message => void heard.push(message.payload))
    client.say('from the second implementation')
    await until(() => heard.length === 1, 'carol hears it')
    await carol.sendTo(door.id, { type: 'to-you', payload: 'from lib' })
    assert.is((await client.hear()).payload, 'from lib')
  })
}

second('all three auths, bursts whole and alone, and fragments are understood', async () => {
  await using stage = await openStage({ alone: true })
  const client = await stage.mallory()
  const { author } = client
  client.sendFrame(author.plain(author.say({ n: 1 }, { protocol: 'probe', type: 'hop' })))
  client.sendFrame(author.signed(author.say({ n: 2 }, { protocol: 'probe' })))
  for (const count of [2, 3, 7, 64]) {
    const burst = author.burst(Array.from({ length: count }, (_, index) => author.say({ n: 100 * count + index }, { protocol: 'probe' })))
    client.send(part(Kind.BURST, burst.whole))
    const other = author.burst(Array.from({ length: count }, (_, index) => author.say({ n: 10_000 + 100 * count + index }, { protocol: 'probe' })))
    client.send(...other.alone.map(frame => part(Kind.MESSAGE, frame)))
  }
  const large = author.signed(author.say('x'.repeat(97_000)))
  for (const piece of fragmentsOf(large, 7, 40_000)) client.send(piece)
  await until(() => stage.heard.length === 1, () => `the fragments arrive: ${stage.told()}`)
  assert.is((stage.heard[0]!.payload as string).length, 97_000)
  assert.is(stage.his.calls.length, 2 + 2 * (2 + 3 + 7 + 64))
  assert.equal(stage.faults, [])
})

second('requests are asked and answered both ways', async () => {
  await using stage = await openStage({ alone: true })
  const client = await stage.mallory({ hello: { protocols: [['probe', 1]] } })
  const { author } = client
  const question = author.say({ n: 5 }, { protocol: 'probe', type: 'echo', messageId: 'question' })
  client.sendFrame(author.signed(question))
  const answer = await client.hear()
  assert.is(answer.inReplyTo, 'question')
  assert.equal(answer.payload, { n: 5 })

  const asking = stage.his.ask(client.id, 9)
  const asked = await client.hear(message => message.type === 'echo' && message.inReplyTo === null)
  client.sendFrame(author.signed(author.say(asked.payload, { protocol: 'probe', type: 'echo', inReplyTo: asked.messageId })))
  assert.equal(await asking, { n: 9 })
  assert.equal(stage.faults, [])
})

second('it reads bursts and fragments of ours', async () => {
  await using stage = await openStage({ alone: true, limits: {} })
  const client = await stage.mallory()
  await Promise.all(Array.from({ length: 40 }, (_, n) => stage.bob.sendTo(client.id, { type: 'many', payload: n })))
  const heard = []
  while (heard.length < 40) heard.push((await client.hear()).payload)
  assert.equal(heard, Array.from({ length: 40 }, (_, n) => n))
  assert.ok(client.parts.all.some(each => each.kind === Kind.BURST), 'some came as a whole burst')
})

second('keys rotate every thousand frames, both ways, and the link goes on', async () => {
  await using stage = await openStage({ alone: true })
  const client = await stage.mallory()
  const { author } = client
  for (let n = 0; n < 2_100; n++) {
    client.sendFrame(author.plain(author.say({ n }, { protocol: 'probe', type: 'hop' })))
    if (n % 500 === 0) await until(() => stage.his.calls.length === n + 1, 'bob keeps up')
  }
  await until(() => stage.his.calls.length === 2_100, 'bob has them all')
  for (let n = 0; n < 2_100; n++) {
    await stage.his.hop(client.id, n)
    await client.hear(message => (message.payload as { n: number }).n === n)
  }
  assert.is(client.fault, undefined)
  assert.equal(stage.faults, [])
})

second('a frame of a third party, relayed by it, is its author\'s and came by it', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const dave = (await stage.mallory({ key: newStaticKey() })).author
  client.sendFrame(dave.signed(dave.say('of dave')))
  const burst = dave.burst([dave.say('b0'), dave.say('b1'), dave.say('b2')])
  client.sendFrame(burst.alone[1]!)
  client.send(part(Kind.BURST, burst.whole))
  await until(() => stage.heard.length === 4, () => `all four arrive; ${stage.told()}`)
  for (const { message } of stage.heard) {
    assert.is(message.from, dave.id)
    assert.is(message.via, client.id)
  }
  await stage.refused('ERR_WIRE_REPLAYED', client.id, { blamed: undefined })
  await stage.aliceIsFine()
})

second('over bare TCP it is understood just as well', async () => {
  await using stage = await openStage({ alone: true })
  const client = await stage.mallory({ pipe: await tcpPipe(stage.url) })
  client.say('over TCP')
  await until(() => stage.heard.length === 1, 'bob hears it')
})

second.run()
