import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SafeEmitter } from '../../lib/foundation/safe-emitter.ts'
import { settle } from '../support/until.ts'

const test = suite('an emitter whose listeners cannot hurt each other')

interface Events {
  ping: (n: number) => void
  pong: () => void
}

class Emitter extends SafeEmitter<Events> {
  readonly failures: [string, unknown][] = []

  protected listenerFailed(error: unknown, event: string | symbol): void {
    this.failures.push([String(event), (error as Error).message])
  }
}

const oops = (): never => {
  throw new Error('oops')
}

test('one that throws, now or later, is told on with its event; the others still run', async () => {
  const emitter = new Emitter()
  const heard: number[] = []
  emitter.on('ping', oops)
  emitter.on('ping', (async () => oops()) as () => void)
  emitter.on('ping', n => void heard.push(n))
  assert.is(emitter.emit('ping', 7), true)
  await settle(2)
  assert.equal([heard, emitter.failures], [[7], [['ping', 'oops'], ['ping', 'oops']]])
  assert.is(emitter.emit('pong'), false, 'nobody listens')
})

test('a listener is taken off by itself, for its event alone', () => {
  const emitter = new Emitter()
  const heard: string[] = []
  const listener = (): void => void heard.push('heard')
  emitter.on('ping', listener)
  emitter.on('pong', listener)
  emitter.off('ping', listener)
  emitter.emit('ping', 1)
  assert.equal(heard, [])
  emitter.emit('pong')
  assert.equal(heard, ['heard'])
  emitter.removeListener('pong', listener)
  emitter.emit('pong')
  assert.equal([heard.length, emitter.listenerCount('pong'), emitter.eventNames()], [1, 0, []])
})

test('the same listener on two events that fails is told on with the right one', () => {
  const emitter = new Emitter()
  emitter.on('ping', oops)
  emitter.on('pong', oops)
  emitter.emit('pong')
  emitter.emit('ping', 1)
  assert.equal(emitter.failures, [['pong', 'oops'], ['ping', 'oops']])
})

test('once is once, also for one that throws, and calls can be chained', () => {
  const emitter = new Emitter()
  const heard: number[] = []
  emitter.once('ping', oops).once('ping', n => void heard.push(n)).addListener('ping', n => void heard.push(-n))
  emitter.emit('ping', 1)
  emitter.emit('ping', 2)
  assert.equal([heard, emitter.failures.length], [[1, -1, -2], 1])
  const never = (): void => void heard.push(99)
  emitter.once('pong', never).off('pong', never)
  emitter.emit('pong')
  assert.not.ok(heard.includes(99))
})

test('context, removal while emitting, and removing all work as in any emitter', () => {
  const emitter = new Emitter()
  const heard: unknown[] = []
  emitter.on('ping', function (this: unknown) { heard.push(this) }, { name: 'context' })
  const leaving = (): void => {
    heard.push('leaving')
    emitter.off('ping', leaving)
  }
  emitter.on('ping', leaving)
  emitter.emit('ping', 1)
  emitter.emit('ping', 2)
  assert.equal(heard, [{ name: 'context' }, 'leaving', { name: 'context' }])
  emitter.removeAllListeners()
  assert.is(emitter.emit('ping', 3), false)
})

test('what is no function is refused', () => {
  for (const listener of [undefined, null, 'text', {}]) assert.throws(() => new Emitter().on('ping', listener as never), /a listener must be a function/)
})

test('an emitter that does not want to hear of failures still goes on', () => {
  const plain = new SafeEmitter<Events>()
  let heard = 0
  plain.on('ping', oops)
  plain.on('ping', () => heard++)
  plain.emit('ping', 1)
  assert.is(heard, 1)
})

test.run()
