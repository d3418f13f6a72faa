import Type from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineProtocol } from '../../lib/protocol-kit/define-protocol.ts'
import { payloadCheckerReady } from '../../lib/protocol-kit/payload-check.ts'
import { ProtocolHandler } from '../../lib/protocol-kit/protocol-handler.ts'
import { turn } from '../support/until.ts'
import { handWrittenContext, messageFrom, peer } from './hand-written-context.ts'

// A file of its own: the checker is loaded once in a process.
const test = suite('while the checker is being loaded')

const count = defineProtocol({ name: 'count', version: 1, messages: { n: Type.Integer() } })

class Counter extends ProtocolHandler<typeof count> {
  readonly heard: number[] = []
  protected readonly receive = { n: (n: number) => void this.heard.push(n) }
}

/** What a busy link does: messages step by step within one turn. */
async function burst(handler: Counter, from: number): Promise<number> {
  for (let n = from; n < from + 50; n++) {
    void handler.handleMessage(messageFrom('bb'.repeat(32), 'n', n), peer('bb'.repeat(32)))
    await Promise.resolve()
  }
  return from + 50
}

test('messages wait for it, and none overtakes another as it becomes ready', async () => {
  const handler = new Counter(count)
  assert.not.ok(payloadCheckerReady())
  let n = 0
  // The same module, asked for first: what follows it runs between the steps by which the checker becomes ready.
  const meanwhile = import('typebox/schema').then(async () => {
    assert.equal(handler.heard, [], 'nothing is handled unchecked')
    n = await burst(handler, n)
  })
  n = await burst(handler, n)
  handler.onRegister(handWrittenContext())
  await meanwhile
  assert.ok(payloadCheckerReady())
  n = await burst(handler, n)
  await turn()
  assert.equal(handler.heard, Array.from({ length: n }, (_, index) => index))
})

test.run()
