import Type from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Bytes, defineProtocol, type P2PMessage, P2PError, type PeerId, type PeerInfo, type ProtocolContext, ProtocolHandler, type Receivers, type Responders } from '../../lib/index.ts'
import { rejection } from '../support/rejection.ts'
import { settle } from '../support/until.ts'
import { handWrittenContext, messageFrom, peer } from './hand-written-context.ts'

const test = suite('the typed way to write a protocol')

const BOB = 'bb'.repeat(32)
const chat = defineProtocol({
  name: 'chat',
  version: 1,
  messages: { say: Type.Object({ text: Type.String({ maxLength: 5 }) }), photo: Bytes({ max: 4 }) },
  requests: { add: { request: Type.Array(Type.Number()), reply: Type.Number() }, fail: { request: Type.Null(), reply: Type.Null() } },
})
type ChatDefinition = typeof chat

class Chat extends ProtocolHandler<ChatDefinition> {
  readonly heard: [string, unknown, string][] = []
  answerWith: unknown

  constructor() {
    super(chat)
  }

  protected readonly receive: Receivers<ChatDefinition> = {
    say: ({ text }, from, message) => void this.heard.push([text, from.peerId, message.messageId]),
    photo: (bytes, from) => void this.heard.push(['photo', bytes, from.peerId]),
  }

  protected override readonly answer: Responders<ChatDefinition> = {
    add: numbers => (this.answerWith ?? numbers.reduce((sum, number) => sum + number, 0)) as number,
    fail: () => {
      throw new Error('oops')
    },
  }

  say(to: PeerId, text: string, slot?: string): Promise<void> {
    return this.send(to, 'say', { text }, slot === undefined ? undefined : { slot })
  }

  sayToAll(text: string, except: PeerId[] = []): Promise<void> {
    return this.broadcast('say', { text }, { except })
  }

  add(to: PeerId, numbers: number[]): Promise<number> {
    return this.request(to, 'add', numbers, { timeoutMs: 5 })
  }

  get room(): ProtocolContext {
    return this.context
  }

  sayWord(type: string, payload: unknown): Promise<void> {
    return this.send(BOB, type as 'say', payload as { text: string })
  }
}

function registered(): { handler: Chat; context: ReturnType<typeof handWrittenContext> } {
  const handler = new Chat()
  const context = handWrittenContext()
  handler.onRegister(context)
  return { handler, context }
}

function tell(handler: Chat, type: string, payload: unknown, fields: Partial<P2PMessage> = {}, from: PeerInfo = peer(BOB)): Promise<void> {
  return handler.handleMessage(messageFrom(BOB, type, payload, fields), from)
}

test('it bears its definition\'s name, and runs on a context written by hand from the public types', async () => {
  const { handler, context } = registered()
  assert.equal([handler.protocolName, handler.definition], ['chat', chat])
  await tell(handler, 'say', { text: 'hi' }, { messageId: 'm-9' })
  await tell(handler, 'photo', Uint8Array.of(1, 2))
  assert.equal(handler.heard, [['hi', BOB, 'm-9'], ['photo', Uint8Array.of(1, 2), BOB]])
  await handler.say(BOB, 'hello')
  await handler.say(BOB, 'slot', 'round-1')
  await handler.sayToAll('all', [BOB])
  assert.equal(context.said, [
    { verb: 'send', to: BOB, message: { type: 'say', payload: { text: 'hello' } }, options: undefined },
    { verb: 'send', to: BOB, message: { type: 'say', payload: { text: 'slot' }, slot: 'round-1' }, options: { slot: 'round-1' } },
    { verb: 'broadcast', message: { type: 'say', payload: { text: 'all' } }, except: [BOB] },
  ])
})

test('a payload off its schema never reaches the table, and is blamed on its author', async () => {
  const { handler } = registered()
  for (const [type, payload] of [['say', { text: 'too long' }], ['say', { text: 7 }], ['say', null], ['say', undefined], ['photo', new Uint8Array(5)], ['add', ['one']], ['fail', 0]] as const) {
    const refusal = await rejection(tell(handler, type, payload))
    assert.equal([refusal.code, refusal.peerId, refusal.protocol], ['ERR_PROTOCOL_BAD_PAYLOAD', BOB, 'chat'], type)
  }
  assert.equal(handler.heard, [])
})

test('a word it does not have is refused and blamed, even one that every object knows', async () => {
  const { handler } = registered()
  for (const type of ['shout', 'constructor', '__proto__', 'toString', 'error']) {
    const refusal = await rejection(tell(handler, type, { text: 'x' }))
    assert.equal([refusal.code, refusal.peerId], ['ERR_PROTOCOL_UNKNOWN_TYPE', BOB], type)
  }
})

test('a question is answered with what its function returns', async () => {
  const { handler, context } = registered()
  await tell(handler, 'add', [1, 2, 3])
  assert.equal(context.said.map(said => said.verb === 'reply' && [said.to.from, said.to.messageId, said.payload]), [[BOB, 'm-1', 6]])
})

test('an answer of ours that is off its schema does not leave, and a function that throws gives none', async () => {
  const { handler, context } = registered()
  handler.answerWith = 'six'
  const mistake = await tell(handler, 'add', [1]).catch((error: unknown) => error as Error)
  assert.instance(mistake, TypeError)
  assert.match((mistake as Error).message, /chat: the payload of 'add' is off its schema/)
  assert.match(((await tell(handler, 'fail', null).catch((error: unknown) => error)) as Error).message, /oops/)
  assert.equal(context.said, [])
})

test('an answer that nobody waits for, and a refusal likewise, blame nobody', async () => {
  const { handler } = registered()
  for (const [type, payload] of [['add', 6], ['error', { code: 'ERR', message: '' }]] as const) {
    const refusal = await rejection(tell(handler, type, payload, { inReplyTo: 'q-1' }))
    assert.equal([refusal.code, refusal.peerId], ['ERR_PROTOCOL_UNEXPECTED_REPLY', undefined])
  }
})

test('a handler without answers refuses questions without blaming who asked', async () => {
  class Deaf extends ProtocolHandler<ChatDefinition> {
    protected readonly receive: Receivers<ChatDefinition> = { say: () => {}, photo: () => {} }
  }
  const deaf = new Deaf(chat)
  deaf.onRegister(handWrittenContext())
  const refusal = await rejection(deaf.handleMessage(messageFrom(BOB, 'add', [1]), peer(BOB)))
  assert.equal([refusal.code, refusal.peerId], ['ERR_PROTOCOL_UNKNOWN_TYPE', undefined])
})

test('what we say is checked before it leaves: the mistake is ours and told to us', async () => {
  const { handler, context } = registered()
  for (const attempt of [handler.say(BOB, 'far too long'), handler.sayToAll('far too long'), handler.add(BOB, ['1'] as never), handler.sayWord('shout', 1), handler.sayWord('constructor', 1)]) {
    assert.instance(await attempt.catch((error: unknown) => error), TypeError)
  }
  const told = await handler.say(BOB, 'far too long').catch((error: Error) => error.message)
  assert.match(told as string, /chat: the payload of 'say' is off its schema: \/text must not have more than 5 characters/)
  assert.equal(context.said, [])
})

test('an answer is checked when it comes; one off its schema is reported and thrown', async () => {
  const { handler, context } = registered()
  context.onRequest = async (to, message) => messageFrom(to, message.type, 6, { inReplyTo: 'm' })
  assert.is(await handler.add(BOB, [1, 2, 3]), 6)
  assert.equal(context.said[0], { verb: 'request', to: BOB, message: { type: 'add', payload: [1, 2, 3] }, options: { timeoutMs: 5 } })
  context.onRequest = async (to, message) => messageFrom(to, message.type, 'six', { inReplyTo: 'm' })
  const refusal = await rejection(handler.add(BOB, [1]))
  assert.equal([refusal.code, refusal.peerId], ['ERR_PROTOCOL_BAD_PAYLOAD', BOB])
  assert.match(refusal.message, /the answer to 'add' from b+ is off its schema/)
  assert.equal(context.said.at(-1), { verb: 'report', error: refusal })
  context.onRequest = () => Promise.reject(new P2PError('ERR_PROTOCOL_REQUEST_REFUSED', 'no'))
  assert.is((await rejection(handler.add(BOB, [1]))).code, 'ERR_PROTOCOL_REQUEST_REFUSED')
})

test('before it is registered, and after it has left, its verbs say so', async () => {
  const handler = new Chat()
  assert.throws(() => handler.room, (error: unknown) => error instanceof P2PError && error.code === 'ERR_PROTOCOL_NOT_REGISTERED')
  assert.is((await rejection(handler.say(BOB, 'hi'))).code, 'ERR_PROTOCOL_NOT_REGISTERED')
  handler.onRegister(handWrittenContext())
  await handler.say(BOB, 'hi')
  await handler.onUnregister()
  for (const attempt of [handler.say(BOB, 'hi'), handler.sayToAll('hi'), handler.add(BOB, [1])]) assert.is((await rejection(attempt)).code, 'ERR_PROTOCOL_NOT_REGISTERED')
})

test('messages are handled in the order in which they came', async () => {
  const { handler } = registered()
  const handling = Array.from({ length: 50 }, (_, index) => tell(handler, 'say', { text: String(index) }))
  await settle(1)
  handling.push(...Array.from({ length: 50 }, (_, index) => tell(handler, 'say', { text: String(index + 50) })))
  await Promise.all(handling)
  assert.equal(handler.heard.map(([text]) => text), Array.from({ length: 100 }, (_, index) => String(index)))
})

test.run()
