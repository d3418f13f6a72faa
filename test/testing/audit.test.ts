import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import type { IProtocolHandler } from '../../lib/contracts/protocol.ts'
import { Audit, brokenBound } from '../../lib/testing/audit.ts'
import type { SimNode } from '../../lib/testing/sim-node.ts'
import { Simulation } from '../../lib/testing/simulation.ts'
import { simCrypto } from '../../lib/testing/stand-in-crypto.ts'
import { Chatter } from '../simulation/support/chatter.ts'

const test = suite('audit')

/** A message as alice's handler got it, and the node it got it on. */
async function caught(): Promise<{ audit: Audit; alice: SimNode; handler: IProtocolHandler; message: P2PMessage; plain: P2PMessage; sim: Simulation }> {
  const sim = new Simulation({ seed: 1 })
  const messages: P2PMessage[] = []
  class Catcher extends Chatter {
    override async handleMessage(message: P2PMessage, ...rest: [never]): Promise<void> {
      messages.push(message)
      await super.handleMessage(message, ...rest)
    }
  }
  await sim.addNodes(2, { protocols: () => [new Catcher({ everyMs: 1_000 })] })
  await sim.connectAll()
  await sim.run({ forMs: 10_000 })
  const message = messages.find(({ type }) => type === 'count')!
  const plain = messages.find(({ type }) => type === 'how far')!
  const alice = sim.nodes[0]!
  return { audit: new Audit(simCrypto(1), 'simulation'), alice, handler: alice.handler(Catcher), message, plain, sim }
}

/** The message with some of its fields changed, its frame as it was. */
function changed(message: P2PMessage, changes: Partial<P2PMessage>): P2PMessage {
  return { ...message, frame: message.frame, signature: message.signature, ...changes } as P2PMessage
}

test('an honest message passes, once', async () => {
  const { audit, alice, handler, message, plain } = await caught()
  assert.is(audit.problemWith(message, alice, handler), undefined)
  assert.match(audit.problemWith(message, alice, handler)!, /handed over twice/)
  assert.is(audit.problemWith(plain, alice, handler), undefined, 'its channel alone vouches for it, as declared')
})

test('a program that started again has been given nothing yet', async () => {
  const { audit, alice, handler, message, sim } = await caught()
  assert.is(audit.problemWith(message, alice, handler), undefined)
  sim.crash(alice)
  await sim.restart(alice)
  assert.is(audit.problemWith(message, alice, handler), undefined)
})

test('a frame that was changed, or says something else than the message, is found out', async () => {
  const { audit, alice, handler, message } = await caught()
  const frame = message.frame!.slice()
  frame[frame.length - 1]! ^= 1
  assert.match(audit.problemWith(changed(message, { frame }), alice, handler)!, /does not verify/)
  const stranger = 'ab'.repeat(32)
  assert.match(audit.problemWith(changed(message, { from: stranger }), alice, handler)!, /said to be from abab.*, proven to be from/)
  assert.match(audit.problemWith(changed(message, { messageId: 'other' }), alice, handler)!, /differ/)
  assert.match(audit.problemWith(changed(message, { type: 'other' }), alice, handler)!, /differ/)
})

test('a message signed in another world is found out', async () => {
  const { alice, handler, message } = await caught()
  assert.match(new Audit(simCrypto(2), 'simulation').problemWith(message, alice, handler)!, /does not verify/)
  assert.match(new Audit(simCrypto(1), 'elsewhere').problemWith(message, alice, handler)!, /does not verify/)
})

test('an old message and an early one are found out, by the clock of the node', async () => {
  const { audit, alice, handler, message } = await caught()
  alice.clock.jump(150_000)
  assert.match(audit.problemWith(message, alice, handler)!, /ms old where 120000 are allowed/)
  alice.clock.jump(-200_000)
  assert.match(audit.problemWith(message, alice, handler)!, /ms ahead where 30000 are allowed/)
})

test('an unsigned message passes only where its protocol declares that its channel will do', async () => {
  const { audit, alice, handler, message, plain } = await caught()
  const { frame: _frame, ...unsigned } = changed(message, {})
  assert.match(audit.problemWith(unsigned, alice, handler)!, /unsigned, where 'count' of test\/chatter must be signed/)
  assert.match(audit.problemWith(unsigned, alice, undefined)!, /must be signed/)
  assert.match(audit.problemWith(changed(plain, { via: 'ab'.repeat(32) }), alice, handler)!, /unsigned, and through somebody else/)
})

test('a frame beyond what its protocol allows is found out', async () => {
  const { audit, alice, handler, message } = await caught()
  const small = Object.create(handler, { definition: { value: { ...handler.definition, messageBytesMax: 100 } } }) as IProtocolHandler
  assert.match(audit.problemWith(message, alice, small)!, /a frame of \d+ bytes where 100 are allowed/)
})

test('a node beyond its bounds is found out', async () => {
  const { alice } = await caught()
  assert.is(brokenBound(alice), undefined)
  const tight = { name: 'alice', options: { config: { limits: { seenMessagesMax: 1 } } }, coordinator: alice.coordinator } as unknown as SimNode
  assert.match(brokenBound(tight)!, /alice holds \d+ messages remembered where 1 are allowed/)
})

test.run()
