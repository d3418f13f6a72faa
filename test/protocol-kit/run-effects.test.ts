import Type from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineProtocol, type Effect, type EffectSink, EffectTimers, type P2PError, runEffects } from '../../lib/index.ts'
import { settle } from '../support/until.ts'
import { handWrittenContext, messageFrom } from './hand-written-context.ts'

const test = suite('carrying out effects')

const BOB = 'bb'.repeat(32)
const _game = defineProtocol({
  name: 'game', version: 1, messages: { move: Type.Integer() }, requests: { ask: { request: Type.Integer(), reply: Type.Integer() } },
})
type Game = typeof _game
type GameEffect = Effect<Game, string>

interface Watched extends EffectSink<string> {
  readonly log: unknown[]
}

function scene() {
  const context = handWrittenContext()
  const log: unknown[] = []
  const sink: Watched = {
    log,
    onEvent: event => void log.push(['event', event]),
    onTimer: timer => void log.push(['timer', timer, context.clock.elapsedMs()]),
    onAnswer: (ref, answer) => void log.push(['answer', ref, answer]),
  }
  const timers = new EffectTimers()
  const run = (...effects: GameEffect[]): Promise<void> => runEffects<Game, string>(context, effects, sink, timers)
  return { context, sink, log, timers, run }
}

const move = (payload: number): GameEffect => ({ kind: 'send', to: BOB, type: 'move', payload })
const schedule = (timer: string, delayMs: number): GameEffect => ({ kind: 'schedule', timer, delayMs })

test('effects are carried out in the order in which they stand', async () => {
  const { context, log, run } = scene()
  await run(move(1), { kind: 'emit', event: 'moved' }, { kind: 'broadcast', type: 'move', payload: 2, except: [BOB] }, { kind: 'broadcast', type: 'move', payload: 3 }, { kind: 'send', to: BOB, type: 'move', payload: 4, slot: 's' })
  assert.equal(context.said.map(said => [said.verb, 'message' in said && said.message.payload, 'except' in said && said.except, 'message' in said && said.message.slot]), [
    ['send', 1, false, undefined], ['broadcast', 2, [BOB], undefined], ['broadcast', 3, undefined, undefined], ['send', 4, false, 's'],
  ])
  assert.equal(log, [['event', 'moved']])
})

test('what follows a store waits until it is durable', async () => {
  const { context, log, run } = scene()
  let stored!: () => void
  const puts: unknown[] = []
  context.store.put = (key, value, options) => {
    puts.push([key, value, options])
    return new Promise(resolve => (stored = resolve))
  }
  const running = run({ kind: 'store', key: 'promise', value: Uint8Array.of(1), sync: true }, move(1), { kind: 'emit', event: 'after' })
  await settle()
  assert.equal([puts, context.said, log], [[['promise', Uint8Array.of(1), { sync: true }]], [], []])
  stored()
  await running
  assert.equal([context.said.length, log], [1, [['event', 'after']]])
})

test('a store that fails stops what depends on it, and is the caller\'s to hear', async () => {
  const { context, log, run } = scene()
  context.store.put = () => Promise.reject(new Error('disk full'))
  await run({ kind: 'store', key: 'k', value: Uint8Array.of(1), sync: true }, move(1), { kind: 'emit', event: 'after' }).then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'disk full'))
  assert.equal([context.said, log], [[], []])
})

test('a value of null deletes', async () => {
  const { context, run } = scene()
  await context.store.put('k', Uint8Array.of(1))
  await run({ kind: 'store', key: 'k', value: null, sync: false })
  assert.is(await context.store.get('k'), undefined)
})

test('sends are not waited for, and one that fails is reported, not thrown', async () => {
  const { context, log, run } = scene()
  context.onSend = () => new Promise((_, reject) => void context.clock.schedule(10, () => reject(new Error('gone'))))
  await run(move(1), { kind: 'broadcast', type: 'move', payload: 2 }, { kind: 'emit', event: 'at once' })
  assert.equal(log, [['event', 'at once']])
  context.clock.advance(10)
  await settle()
  const reports = context.said.flatMap(said => (said.verb === 'report' ? [said.error] : []))
  assert.equal(reports.map(error => [error.code, error.peerId, error.message]), [
    ['ERR_PROTOCOL_EFFECT_FAILED', undefined, `could not send to ${BOB}: gone`], ['ERR_PROTOCOL_EFFECT_FAILED', undefined, 'could not send: gone'],
  ])
})

test('an answer comes back under its reference, and so does its failure', async () => {
  const { context, log, run } = scene()
  const broke = new Error('too late')
  context.onRequest = async (to, message) => {
    if (message.payload === 2) throw broke
    return messageFrom(to, 'ask', 42)
  }
  const ask = (payload: number): GameEffect => ({ kind: 'request', to: BOB, type: 'ask', payload, ref: `q${payload}`, timeoutMs: 100 })
  await run(ask(1), ask(2))
  await settle()
  assert.equal(log, [['answer', 'q1', { payload: 42 }], ['answer', 'q2', { error: broke }]])
  const asked = context.said[0]!
  assert.ok(asked.verb === 'request' && asked.options?.timeoutMs === 100 && asked.options.signal === context.signal)
})

test('timers run out by name; scheduling again replaces, cancelling ends', async () => {
  const { context, log, run } = scene()
  await run(schedule('a', 10), schedule('b', 20), schedule('c', 30), schedule('b', 40), { kind: 'cancel', timer: 'c' }, { kind: 'cancel', timer: 'never set' })
  context.clock.advance(100)
  assert.equal(log, [['timer', 'a', 10], ['timer', 'b', 40]])
  await run(schedule('a', 5))
  context.clock.advance(5)
  assert.equal(log.at(-1), ['timer', 'a', 105])
})

test('all timers end with their set', async () => {
  const { context, log, timers, run } = scene()
  await run(schedule('a', 10), schedule('b', 20))
  assert.is(context.clock.timers, 2)
  timers[Symbol.dispose]()
  assert.is(context.clock.timers, 0)
  context.clock.advance(100)
  assert.equal(log, [])
})

test('a blame names the peer, the code and the evidence', async () => {
  const { context, run } = scene()
  const evidence = [Uint8Array.of(1), Uint8Array.of(2)]
  await run({ kind: 'blame', peerId: BOB, code: 'ERR_GAME_TWO_FACED', evidence })
  const [report] = context.said
  assert.ok(report?.verb === 'report')
  const { code, peerId, evidence: shown } = (report as { error: P2PError }).error
  assert.equal([code, peerId, shown], ['ERR_GAME_TWO_FACED', BOB, evidence])
})

test('after the end nothing is carried out, not even what was under way', async () => {
  const { context, log, run } = scene()
  let stored!: () => void
  context.store.put = () => new Promise(resolve => (stored = resolve))
  let answer!: () => void
  context.onRequest = to => new Promise(resolve => (answer = () => resolve(messageFrom(to, 'ask', 1))))
  context.onSend = () => new Promise((_, reject) => void context.clock.schedule(1, () => reject(new Error('gone'))))
  await run(schedule('a', 10), { kind: 'request', to: BOB, type: 'ask', payload: 1, ref: 'q', timeoutMs: 9 }, move(1))
  const running = run({ kind: 'store', key: 'k', value: Uint8Array.of(1), sync: true }, move(2))
  context.abort.abort()
  stored()
  answer()
  await running
  context.clock.advance(10)
  await settle()
  assert.equal([log, context.said.map(({ verb }) => verb)], [[], ['request', 'send']])
})

for (const [how, fail] of [
  ['throw', () => { throw new Error('oops') }],
  ['reject', async () => { await Promise.resolve(); throw new Error('oops') }],
] as const) {
  test(`timers and answers that ${how} are reported: nobody waits for them, and the process goes on`, async () => {
    const { context, sink, run } = scene()
    sink.onTimer = fail
    sink.onAnswer = fail
    context.onRequest = async to => messageFrom(to, 'ask', 1)
    await run(schedule('a', 10), { kind: 'request', to: BOB, type: 'ask', payload: 1, ref: 'q', timeoutMs: 9 })
    context.clock.advance(10)
    await settle()
    const reports = context.said.flatMap(said => (said.verb === 'report' ? [said.error.message] : []))
    assert.equal(reports.sort(), ["failed on its answer 'q': oops", "failed on its timer 'a': oops"])
  })
}

test('an event listener that throws is the caller\'s to hear, like everything in its step', async () => {
  const { sink, run } = scene()
  sink.onEvent = () => { throw new Error('oops') }
  await run({ kind: 'emit', event: 'x' }).then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'oops'))
})

test.run()
