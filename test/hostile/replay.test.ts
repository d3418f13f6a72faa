import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Client } from './client.ts'
import { from, knownIdentity, MovableClock, openPublicStage, openStage, Stage } from './stage.ts'
import { unhex, until } from './second/bytes.ts'
import { newStaticKey } from './second/keys.ts'
import { Author, Kind, part, type Said } from './second/wire.ts'

const replay = suite('replays')

const REPLAYED = 'ERR_WIRE_REPLAYED'

replay('a signed frame counts once in a session, however often it comes, and repeating it is nobody\'s fault', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const frame = client.say({ n: 1 }, { protocol: 'probe' })
  for (let n = 0; n < 200; n++) client.sendFrame(frame)
  await stage.refused(REPLAYED, client.id, { blamed: undefined, times: 200 })
  assert.is(stage.callsOf(client.id).length, 1)
  assert.is(stage.bob.getStats().refused[REPLAYED], 200)
  await client.roundTrip()
  assert.ok(stage.bob.isConnected(client.id))
  await stage.aliceIsFine()
})

replay('nor does it count in a new session, or through another peer', async () => {
  await using stage = await openStage()
  const first = await stage.mallory()
  const frame = first.say({ n: 1 }, { protocol: 'probe' })
  await first.roundTrip()
  await first.close()
  await until(() => !stage.bob.isConnected(first.id), 'the first session has ended')

  const again = await stage.mallory({ key: first.key })
  again.sendFrame(frame)
  await stage.refused(REPLAYED, again.id, { blamed: undefined })
  const other = await stage.mallory()
  other.sendFrame(frame)
  await stage.refused(REPLAYED, other.id, { blamed: undefined })
  assert.is(stage.callsOf(first.id).length, 1)
  await stage.aliceIsFine()
})

replay('a burst counts once, whole or message by message, in any order of the two', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  const [one, two] = [0, 1].map(() => author.burst(Array.from({ length: 4 }, (_, n) => author.say({ n }, { protocol: 'probe' }))))
  client.send(part(Kind.BURST, one!.whole))
  for (const frame of one!.alone) client.sendFrame(frame)
  client.send(part(Kind.BURST, one!.whole))
  await stage.refused(REPLAYED, client.id, { blamed: undefined, times: 8 })
  client.sendFrame(two!.alone[2]!)
  client.send(part(Kind.BURST, two!.whole))
  await stage.refused(REPLAYED, client.id, { times: 9 })
  assert.is(stage.callsOf(client.id).length, 8)
  await stage.aliceIsFine()
})

replay('the same words signed again, alone or in a burst, are a duplicate and dropped without blame', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  const said: Said = author.say({ n: 1 }, { protocol: 'probe', messageId: 'msg-001' })
  const other: Said = author.say({ n: 2 }, { protocol: 'probe', messageId: 'msg-001' })
  client.sendFrame(author.signed(said))
  client.sendFrame(author.signed(said)) // another signature, the same message hash
  client.sendFrame(author.signed(other))
  client.send(part(Kind.BURST, author.burst([author.say({ n: 3 }, { protocol: 'probe', messageId: 'msg-001' }), author.say({ n: 4 }, { protocol: 'probe' })]).whole))
  await stage.refused(REPLAYED, client.id, { blamed: undefined })
  await stage.refused('ERR_WIRE_DUPLICATE', client.id, { blamed: undefined, times: 2 })
  await client.roundTrip()
  assert.equal(stage.callsOf(client.id).map(call => call.payload), [{ n: 1 }, { n: 4 }])

  // In a slot it is the statement that counts, whatever it is called; another payload is another statement.
  const slotted = (n: number, messageId: string): Uint8Array => author.signed(author.say({ n }, { protocol: 'probe', slot: 'round 1', messageId }))
  for (const frame of [slotted(5, 'a'), slotted(5, 'b'), slotted(6, 'a')]) client.sendFrame(frame)
  await stage.refused('ERR_WIRE_DUPLICATE', client.id, { times: 3 })
  await client.roundTrip()
  assert.equal(stage.callsOf(client.id).slice(2).map(call => call.payload), [{ n: 5 }, { n: 6 }])
  await stage.aliceIsFine()
})

replay('a word that only the link vouches for counts once on it, and not at all on another\'s', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const frame = client.author.plain(client.author.say({ n: 1 }, { protocol: 'probe', type: 'hop' }))
  client.sendFrame(frame)
  client.sendFrame(frame)
  await stage.refused('ERR_WIRE_DUPLICATE', client.id, { blamed: undefined })
  const other = await stage.mallory()
  other.sendFrame(frame)
  await stage.refused('ERR_WIRE_WEAK_AUTH', other.id, { blamed: other.id })
  assert.is(stage.callsOf(client.id).length, 1)
  assert.is(stage.callsOf(other.id).length, 0)
  await stage.aliceIsFine()
})

replay('what alice said to all, and what she said to mallory, is taken once and not at all', async () => {
  await using stage = await openStage()
  const door = (await stage.alice.listen('ws://127.0.0.1:0')).address
  const spy = await Client.dial(door, { id: stage.alice.id })
  await until(() => stage.alice.isConnected(spy.id), 'alice has the spy')
  await stage.alice.broadcast({ type: 'to-all', payload: 'good morning' })
  const toAll = await spy.hear(message => message.type === 'to-all')
  await stage.alice.sendTo(spy.id, { type: 'to-one', payload: 'pay this' })
  const toOne = await spy.hear(message => message.type === 'to-one')
  await until(() => stage.heard.length === 1, 'bob has heard it from alice')

  const client = await stage.mallory()
  client.sendFrame(toAll.frame!)
  await stage.refused(REPLAYED, client.id, { blamed: undefined })
  client.sendFrame(toOne.frame!)
  await stage.refused('ERR_WIRE_WRONG_RECIPIENT', client.id, { blamed: undefined })
  await client.roundTrip()
  assert.is(stage.heard.length, 1)
  await stage.aliceIsFine()
  await spy.close()
})

replay('it is remembered for longer than it could be fresh', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const client = await stage.mallory()
  const frame = client.say({ n: 1 }, { protocol: 'probe', timestamp: clock.now() + 29_000 })
  await until(() => stage.callsOf(client.id).length === 1, 'it is taken')
  for (let passedMs = 0; passedMs < 145_000; passedMs += 29_000) {
    client.sendFrame(frame)
    await stage.refused(REPLAYED, client.id, { times: passedMs / 29_000 + 1 })
    clock.advance(29_000)
    await stage.aliceIsFine()
  }
  clock.advance(10_000)
  client.sendFrame(frame)
  await client.roundTrip()
  client.sendFrame(frame)
  clock.advance(400_000)
  client.sendFrame(frame)
  await stage.refused('ERR_WIRE_STALE', client.id)
  assert.is(stage.callsOf(client.id).length, 1)
})

replay('remembered for less than that, it would count twice: the check can fail', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock }, limits: { seenMsMin: 1_000 } })
  const client = await stage.mallory()
  const frame = client.say({ n: 1 }, { protocol: 'probe' })
  await until(() => stage.callsOf(client.id).length === 1, 'it is taken')
  clock.advance(5_000)
  client.sendFrame(frame)
  await until(() => stage.callsOf(client.id).length === 2, 'it is taken again')
})

/** Bob goes down and comes back: what he had seen is forgotten. */
async function restarted(stage: Stage, config: ConstructorParameters<typeof Stage>[0]): Promise<Stage> {
  await stage[Symbol.asyncDispose]()
  return await new Stage(config).open(false)
}

replay('after a restart under the same key, what bob may have heard before is not taken from others', async () => {
  const clock = new MovableClock()
  const config = { config: { identity: knownIdentity(), clock } }
  const dave = new Author(newStaticKey())
  const before = await openStage(config)
  const captured = [dave.signed(dave.say('old', { to: unhex(before.bob.id) })), dave.burst([dave.say('old 1'), dave.say('old 2')]).alone[1]!]
  const daveHimself = await before.mallory({ key: dave.key, hello: { boot: dave.boot } })
  for (const frame of captured) daveHimself.sendFrame(frame)
  await until(() => before.heard.length === 2, 'they are heard the first time')

  await using after = await restarted(before, config)
  const client = await after.mallory()
  for (const frame of captured) client.sendFrame(frame)
  client.sendFrame(dave.signed(dave.say('said after the restart', { timestamp: clock.now() })))
  await after.refused('ERR_WIRE_BEFORE_RESTART', client.id, { blamed: undefined, times: 3 })
  assert.equal(after.heard, [])

  // His own link may bring them, since only he could; and a little later all is as ever.
  const dave2 = await after.mallory({ key: dave.key, hello: { boot: dave.boot } })
  dave2.sendFrame(dave.signed(dave.say('by his own link', { timestamp: clock.now() })))
  await until(() => after.heard.length === 1, 'his own link is believed')
  clock.advance(31_000)
  client.sendFrame(dave.signed(dave.say('later', { timestamp: clock.now() })))
  await until(() => after.heard.length === 2, 'later relayed messages are taken')
  for (const frame of captured) client.sendFrame(frame)
  await after.refused('ERR_WIRE_BEFORE_RESTART', client.id, { times: 5 })
  assert.is(after.heard.length, 2)
  await after.aliceIsFine()
})

replay('a key made at the start has no past, so the rule does not hold it up: the check can fail', async () => {
  await using stage = await openStage()
  const dave = new Author(newStaticKey())
  const client = await stage.mallory()
  client.sendFrame(dave.signed(dave.say('relayed at once')))
  await until(() => stage.heard.length === 1, 'it is taken')
})

replay('when no more can be remembered new signed messages are refused, and what is remembered stays so', async () => {
  await using stage = await openStage({ limits: { seenMessagesMax: 10 }, alone: true })
  const client = await stage.mallory()
  const frames = Array.from({ length: 15 }, (_, n) => client.say({ n }, { protocol: 'probe' }))
  await stage.refused('ERR_WIRE_SEEN_FULL', client.id, { blamed: undefined, times: 5 })
  await client.roundTrip()
  const taken = stage.bob.getStats().seenMessages
  assert.ok(taken >= 5 && taken <= 10, `${taken} are remembered`)
  for (const frame of frames.slice(0, taken)) client.sendFrame(frame)
  await stage.refused(REPLAYED, client.id, { times: taken })
  assert.is(stage.callsOf(client.id).length, taken)
})

replay('a message heard once is not taken again after the wall clock was set back', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const client = await stage.mallory()
  const frame = client.say({ n: 1 }, { protocol: 'probe', timestamp: clock.now() })
  await until(() => stage.callsOf(client.id).length === 1, 'it is taken')
  clock.setWall(-600_000)
  for (let n = 0; n < 30; n++) {
    clock.advance(20_000)
    await stage.aliceIsFine()
  }
  client.sendFrame(frame)
  await client.roundTrip()
  assert.is(stage.callsOf(client.id).length, 1)
})

replay('one peer cannot use up what is remembered for all', async () => {
  await using stage = await openStage({ limits: { seenMessagesMax: 1_000 } })
  const client = await stage.mallory()
  const { author } = client
  for (let n = 0; n < 20; n++) client.send(part(Kind.BURST, author.burst(Array.from({ length: 64 }, () => author.say(1))).whole))
  await stage.refused('ERR_WIRE_SEEN_FULL', client.id)
  await stage.aliceIsFine()
})

replay('a few keys of one hand cannot use up what is remembered for all', async () => {
  await using stage = await openStage({ limits: { seenMessagesMax: 1_000 } })
  const hands: Client[] = []
  for (let n = 0; n < 3; n++) hands.push(await stage.mallory())
  for (const client of hands) {
    const { author } = client
    for (let n = 0; n < 16; n++) client.send(part(Kind.BURST, author.burst(Array.from({ length: 64 }, () => author.say(1))).whole))
    await stage.refused('ERR_WIRE_SEEN_FULL', client.id)
  }
  await stage.aliceIsFine()
})


replay('many keys that come from one subnet share what one of them may have remembered', async () => {
  const generous = { messagesPerSecond: 100_000, messagesBurst: 100_000 }
  await using stage = await openPublicStage({ limits: { seenMessagesMax: 1_000, ...generous } })
  const hands: Client[] = []
  for (let n = 1; n <= 3; n++) hands.push(await stage.mallory(from(`192.0.2.${n}`)))
  const flood = (client: Client): void => {
    const { author } = client
    for (let n = 0; n < 16; n++) client.send(part(Kind.BURST, author.burst(Array.from({ length: 64 }, () => author.say(1))).whole))
  }
  flood(hands[0]!)
  await stage.refused('ERR_WIRE_SEEN_FULL', hands[0]!.id)
  const before = stage.heard.length
  for (const client of hands.slice(1)) flood(client)
  for (const client of hands.slice(1)) await stage.refused('ERR_WIRE_SEEN_FULL', client.id, { times: 16 * 64 })
  assert.is(stage.heard.length, before)
  await stage.aliceIsFine()
})

replay.run()
