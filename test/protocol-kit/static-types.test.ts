import Type from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  Bytes, defineProtocol, type Effect, type MessagePayload, type MessageType, type PeerId, type PeerInfo, ProtocolHandler, type Receivers, type ReplyPayload, type RequestPayload,
  type RequestType, type Responders,
} from '../../lib/index.ts'

/**
 * What the compiler says, held by the compiler: `tsc` fails on a line below that has no error where one is expected, and on one that has.
 */
const test = suite('static types of a protocol')

const chat = defineProtocol({
  name: 'chat',
  version: 1,
  messages: { say: Type.Object({ text: Type.String() }), photo: Bytes({ max: 4 }) },
  requests: { add: { request: Type.Array(Type.Number()), reply: Type.Object({ sum: Type.Number() }) } },
})
type ChatDefinition = typeof chat

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const holds = <T extends true>(_?: T): void => {}

test('words, questions and payloads are derived from the schemas', () => {
  holds<Same<typeof chat.name, 'chat'>>()
  holds<Same<MessageType<ChatDefinition>, 'say' | 'photo'>>()
  holds<Same<RequestType<ChatDefinition>, 'add'>>()
  holds<Same<MessagePayload<ChatDefinition, 'say'>, { text: string }>>()
  holds<Same<MessagePayload<ChatDefinition, 'photo'>, Uint8Array>>()
  holds<Same<RequestPayload<ChatDefinition, 'add'>, number[]>>()
  holds<Same<ReplyPayload<ChatDefinition, 'add'>, { sum: number }>>()
  assert.ok(chat)
})

test('verbs know their words and payloads', () => {
  class Chat extends ProtocolHandler<ChatDefinition> {
    protected readonly receive: Receivers<ChatDefinition> = {
      say: (payload, from, message) => {
        const [text, peer, id]: [string, PeerInfo, string] = [payload.text, from, message.messageId]
        // @ts-expect-error a field it does not have
        void payload.words
        assert.ok(text && peer && id)
      },
      photo: bytes => void bytes.subarray(0, 1),
    }
    protected override readonly answer: Responders<ChatDefinition> = { add: async numbers => ({ sum: numbers.length }) }

    // Never called: only looked at by the compiler.
    async mistakes(to: PeerId): Promise<void> {
      await this.send(to, 'say', { text: 'fine' })
      // @ts-expect-error a word it does not have
      await this.send(to, 'shout', { text: 'no' })
      // @ts-expect-error a question is not sent but asked
      await this.send(to, 'add', [1])
      // @ts-expect-error a payload off its schema
      await this.send(to, 'say', { text: 7 })
      // @ts-expect-error a field that is missing
      await this.broadcast('say', {})
      // @ts-expect-error bytes are no array of numbers
      await this.broadcast('photo', [1, 2])
      // @ts-expect-error a message is not asked
      await this.request(to, 'say', { text: 'no' })
      // @ts-expect-error a question's payload off its schema
      await this.request(to, 'add', ['1'])
      const sum: number = (await this.request(to, 'add', [1])).sum
      assert.ok(sum)
      // @ts-expect-error an answer has the fields of its schema and no others
      void (await this.request(to, 'add', [1])).total
    }
  }
  assert.is(new Chat(chat).protocolName, 'chat')
})

test('tables have a row for each word, with the payload of that word', () => {
  // @ts-expect-error a row is missing
  const short: Receivers<ChatDefinition> = { say: () => {} }
  // @ts-expect-error a row too many
  const long: Receivers<ChatDefinition> = { say: () => {}, photo: () => {}, shout: () => {} }
  // @ts-expect-error a row that takes another payload
  const wrong: Receivers<ChatDefinition> = { say: (_: { text: number }) => {}, photo: () => {} }
  // @ts-expect-error an answer off its schema
  const answer: Responders<ChatDefinition> = { add: () => ({ sum: 'six' }) }
  assert.ok(short && long && wrong && answer)

  // @ts-expect-error the table of messages is not optional
  class Empty extends ProtocolHandler<ChatDefinition> {}
  assert.ok(Empty)
})

test('effects know the words and payloads of their protocol', () => {
  const effects: Effect<ChatDefinition, { kind: 'said' }>[] = [
    { kind: 'send', to: 'bob', type: 'say', payload: { text: 'fine' } },
    { kind: 'emit', event: { kind: 'said' } },
    // @ts-expect-error a word it does not have
    { kind: 'send', to: 'bob', type: 'shout', payload: { text: 'no' } },
    // @ts-expect-error the payload of another word
    { kind: 'broadcast', type: 'photo', payload: { text: 'no' } },
    // @ts-expect-error a message is not asked
    { kind: 'request', to: 'bob', type: 'say', payload: { text: 'no' }, ref: 'r', timeoutMs: 1 },
    // @ts-expect-error an event of another machine
    { kind: 'emit', event: { kind: 'unsaid' } },
    // @ts-expect-error an effect that nobody carries out
    { kind: 'shout', text: 'no' },
  ]
  assert.is(effects.length, 7)
})

test('a definition says what it must', () => {
  // @ts-expect-error messages are missing
  assert.throws(() => defineProtocol({ name: 'x', version: 1 }))
  // @ts-expect-error an authentication nobody knows
  assert.throws(() => defineProtocol({ name: 'x', version: 1, auth: 'none', messages: {} }))
  // @ts-expect-error a question has an answer
  assert.throws(() => defineProtocol({ name: 'x', version: 1, messages: {}, requests: { ask: { request: Type.Null() } } }))
})

test.run()
