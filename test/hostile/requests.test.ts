import { closePart } from './second/wire.ts'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openStage, type Stage } from './stage.ts'
import type { Client, Heard } from './client.ts'
import { until } from './second/bytes.ts'
import type { HeaderFields } from './second/wire.ts'
import { rejection } from '../support/rejection.ts'

const requests = suite('hostile answers and words')

const UNEXPECTED = 'ERR_PROTOCOL_UNEXPECTED_REPLY'

async function speaker(stage: Stage): Promise<Client> {
  return await stage.mallory({ hello: { protocols: [['probe', 1]] } })
}

/** Bob asks; the question as mallory reads it. */
async function asked(stage: Stage, client: Client, n: number): Promise<{ answer: Promise<{ n: number }>; question: Heard }> {
  const answer = stage.his.ask(client.id, n)
  answer.catch(() => {})
  return { answer, question: await client.hear(message => message.type === 'echo' && message.inReplyTo === null) }
}

function reply(client: Client, to: Heard, payload: unknown, overrides: Partial<HeaderFields> = {}): void {
  client.say(payload, { protocol: 'probe', type: 'echo', inReplyTo: to.messageId, ...overrides })
}

requests('an answer nobody asked for, an answer given twice, and one that comes late reach no handler and blame nobody', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  client.say({ n: 1 }, { protocol: 'probe', type: 'echo', inReplyTo: 'never-asked' })
  await stage.refused(UNEXPECTED, stage.bob.id, { blamed: undefined })
  const { answer, question } = await asked(stage, client, 5)
  reply(client, question, { n: 5 })
  assert.equal(await answer, { n: 5 })
  reply(client, question, { n: 6 })
  await stage.refused(UNEXPECTED, stage.bob.id, { times: 2 })
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

requests('an answer by another peer, in another protocol or in none, does not settle the request', async () => {
  await using stage = await openStage()
  const honest = await speaker(stage)
  const mallory = await speaker(stage)
  const { answer, question } = await asked(stage, honest, 7)
  reply(mallory, question, { n: 666 })
  await stage.refused(UNEXPECTED, stage.bob.id, { times: 1 })
  reply(mallory, question, { code: 'ERR_NO', message: 'refused' }, { type: 'error' })
  reply(honest, question, { n: 667 }, { protocol: 'other' })
  await stage.refused('ERR_PROTOCOL_UNKNOWN', honest.id, { blamed: undefined })
  reply(honest, question, { n: 668 }, { protocol: null })
  await until(() => stage.heard.some(({ payload }) => (payload as { n: number }).n === 668), 'in no protocol it is an ordinary message')
  await honest.roundTrip()
  assert.is(stage.bob.getStats().pendingRequests, 1)
  reply(honest, question, { n: 7 })
  assert.equal(await answer, { n: 7 })
  await stage.aliceIsFine()
})

requests('an answer of the asked peer, signed and handed over by somebody else, is his; under his name but unsigned it is not', async () => {
  await using stage = await openStage()
  const honest = await speaker(stage)
  const mallory = await speaker(stage)
  const first = await asked(stage, honest, 1)
  const said = honest.author.say({ n: 1 }, { protocol: 'probe', type: 'echo', inReplyTo: first.question.messageId })
  mallory.sendFrame(honest.author.plain(said))
  await stage.refused('ERR_WIRE_WEAK_AUTH', mallory.id, { blamed: mallory.id })
  assert.is(stage.bob.getStats().pendingRequests, 1)
  mallory.sendFrame(honest.author.signed(said))
  assert.equal(await first.answer, { n: 1 })
  await stage.aliceIsFine()
})

requests('an answer off its schema fails the request and blames who gave it', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  for (const payload of [{ n: 'one' }, null, [1], { m: 1 }]) {
    const { answer, question } = await asked(stage, client, 1)
    reply(client, question, payload)
    const error = await rejection(answer)
    assert.is(error.code, 'ERR_PROTOCOL_BAD_PAYLOAD')
    assert.is(error.peerId, client.id)
  }
  await stage.refused('ERR_PROTOCOL_BAD_PAYLOAD', client.id, { blamed: client.id, times: 4 })
  await stage.aliceIsFine()
})

requests('a refusal is told as one, whatever junk it holds, and no more of it than fits a line', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  for (const payload of [{ code: 'ERR_BUSY', message: 'later' }, null, [], 'no', { code: 7, message: {} }, { code: 'x'.repeat(50_000), message: 'y'.repeat(40_000) }]) {
    const { answer, question } = await asked(stage, client, 1)
    reply(client, question, payload, { type: 'error' })
    const error = await rejection(answer)
    assert.is(error.code, 'ERR_PROTOCOL_REQUEST_REFUSED')
    assert.ok(error.message.length < 500, `${error.message.length} characters`)
  }
  await stage.aliceIsFine()
})

requests('who is asked and hangs up fails the request at once', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  const { answer } = await asked(stage, client, 1)
  client.pipe.destroy()
  assert.is((await rejection(answer)).code, 'ERR_PEER_DISCONNECTED')
  await stage.aliceIsFine()
})

requests('a word nobody knows is refused and blamed on its author; a protocol nobody registered is refused without blame', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  for (const type of ['unheard-of', 'constructor', '__proto__', 'hasOwnProperty']) client.say({ n: 1 }, { protocol: 'probe', type })
  await stage.refused('ERR_PROTOCOL_UNKNOWN_TYPE', client.id, { blamed: client.id, times: 4 })
  for (const protocol of ['unheard-of', 'constructor', '__proto__', 'Probe']) client.say({ n: 1 }, { protocol })
  await stage.refused('ERR_PROTOCOL_UNKNOWN', client.id, { blamed: undefined, times: 4 })
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

requests('a request off its schema is refused to who asked, and no handler sees it', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  client.say({ n: 'one' }, { protocol: 'probe', type: 'echo', messageId: 'q1' })
  const refusal = await client.hear(message => message.inReplyTo === 'q1')
  assert.is(refusal.type, 'error')
  assert.is((refusal.payload as { code: string }).code, 'ERR_PROTOCOL_BAD_PAYLOAD')
  await stage.refused('ERR_PROTOCOL_BAD_PAYLOAD', client.id, { blamed: client.id })
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

requests('payloads off their schema are borne fifty times, then their author is cut', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  for (let n = 0; n < 100; n++) client.sendFrame(author.plain(author.say({ n: 'x' }, { protocol: 'probe', type: 'hop' })))
  await client.ended
  await until(() => !stage.bob.isConnected(client.id), 'she is cut')
  assert.is(stage.gone[0]!.reason, 'misbehaviour')
  assert.equal(stage.callsOf(client.id), [])
  await stage.aliceIsFine()
})

requests('an honest refusal that comes too late is no fault of who refused', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  const { author } = client
  for (let n = 0; n < 70; n++) {
    const asking = stage.his.ask(client.id, n, 1).catch(() => {})
    const question = await client.hear(message => message.type === 'echo')
    await asking
    client.sendFrame(author.plain(author.say({ code: 'ERR_BUSY', message: 'sorry' }, { protocol: 'probe', type: 'error', inReplyTo: question.messageId })))
  }
  await client.roundTrip()
  assert.equal(stage.faultsAbout(client.id), [])
  assert.ok(stage.bob.isConnected(client.id))
  await stage.aliceIsFine()
})

requests('a request that may wait for longer than a timer can be set waits all the same', async () => {
  await using stage = await openStage()
  const client = await speaker(stage)
  const asking = stage.bob.request(client.id, { protocol: 'probe', type: 'echo', payload: { n: 1 } }, { timeoutMs: 2 ** 32 })
  const question = await client.hear(message => message.type === 'echo')
  await client.roundTrip()
  reply(client, question, { n: 1 })
  assert.equal((await asking).payload, { n: 1 })
})

requests('an honest peer whose words meet a protocol that has just left is not blamed for weak authentication', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  stage.bob.unregisterProtocol('probe')
  for (let n = 0; n < 100; n++) client.sendFrame(author.plain(author.say({ n }, { protocol: 'probe', type: 'hop' })))
  await client.roundTrip()
  assert.ok(stage.bob.isConnected(client.id))
})

requests('words of dave that mallory carries to bob cannot cost dave his link', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const dave = await stage.mallory()
  for (let n = 0; n < 100; n++) client.sendFrame(dave.author.signed(dave.author.say({ n: 'of a newer version' }, { protocol: 'probe' })))
  await client.roundTrip().catch(() => {})
  await dave.roundTrip()
  assert.ok(stage.bob.isConnected(dave.id), 'dave said nothing to bob')
})

requests('texts of strangers cannot forge a line of a log', async () => {
  const lines: string[] = []
  const line = (text: string): void => void lines.push(text)
  await using stage = await openStage({ config: { logger: { debug: line, info: line, warn: line, error: line } } })
  const client = await stage.mallory()
  client.say(1, { protocol: 'probe', type: 'x\n[P2P] all is well\u001b[2J' })
  client.say(1, { protocol: 'y\n[P2P] all is well\u001b[2J' })
  await client.roundTrip()
  client.send(closePart(0, 'bye\n[P2P] all is well\u001b[2J'))
  await client.ended
  const isPrintable = (text: string): boolean => [...text].every(letter => letter >= ' ')
  assert.equal(lines.filter(text => !isPrintable(text)), [])
})

requests.run()
