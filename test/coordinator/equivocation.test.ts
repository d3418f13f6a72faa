import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PError } from '../../lib/contracts/errors.ts'
import type { Equivocation } from '../../lib/contracts/equivocation.ts'
import type { IProtocolHandler } from '../../lib/contracts/protocol.ts'
import type { IPubSub, SubscribeOptions, Verdict } from '../../lib/contracts/pubsub.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { checkEquivocation, equivocationIn } from '../../lib/wire/equivocation.ts'
import { Mallory, signedFrame } from '../support/mallory.ts'
import { PlainHandler } from '../support/plain-handler.ts'
import { codesIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('who says two things in one slot')

interface Stage { bob: Resident; handler: PlainHandler; shown: Equivocation[]; mallory: Mallory }

async function stage(town: Town, store = new MemoryStore()): Promise<Stage> {
  const bob = await town.resident('bob', { store })
  const handler = new PlainHandler('vote')
  const shown: Equivocation[] = []
  bob.node.on('equivocation', each => void shown.push(each))
  bob.node.registerProtocol(handler)
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  return { bob, handler, shown, mallory }
}

const vote = (payload: unknown, slot = 'round 7') => ({ type: 'cast', payload, protocol: 'vote', slot })

test('is refused for good, told of once, and both statements still reach the protocol', async () => {
  await using town = new Town()
  const { bob, handler, shown, mallory } = await stage(town)
  await mallory.say(await mallory.signed(vote('yes')), await mallory.signed(vote('no')), await mallory.signed(vote('perhaps')))
  await until(() => shown.length, 'the proof')
  await settle()
  assert.equal(handler.heard.map(({ message }) => message.payload), ['yes', 'no', 'perhaps'])
  assert.equal(codesIn(bob.diary), ['ERR_PEER_EQUIVOCATION', 'ERR_PEER_BANNED'])
  const { error, peer } = bob.diary.errors[0]!
  assert.equal([error.peerId, peer.peerId, error.protocol, checkEquivocation(error.evidence![0]!)!.author], [mallory.id, mallory.id, 'vote', mallory.id])
  assert.equal([shown.length, shown[0]!.author, shown[0]!.slot], [1, mallory.id, 'round 7'])
  const ban = bob.node.reputation.banOf(mallory.id)!
  assert.equal([ban.standing, ban.untilMs, ban.code, ban.proof], ['banned', Infinity, 'ERR_PEER_EQUIVOCATION', shown[0]!.proof])
  town.clock.advance(2_000)
  await until(() => mallory.ended, 'mallory to be hung up on')
  assert.equal(bob.diary.disconnected, [[mallory.id, 'misbehaviour']])
})

test('stays refused after a restart, by the proof on disk', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const { bob, shown, mallory } = await stage(town, store)
  await mallory.say(await mallory.signed(vote('yes')), await mallory.signed(vote('no')))
  await until(() => shown.length, 'the proof')
  const stopping = bob.node.shutdown()
  town.clock.advance(2_000)
  await stopping
  town.clock.advance(400 * 86_400_000)
  const again = await town.resident('bob-again', { store })
  assert.is(again.node.reputation.banOf(mallory.id)?.untilMs, Infinity)
  again.node.reputation.forgive(mallory.id)
  assert.not.ok(again.node.reputation.shouldBan(mallory.id), 'the user has the last word')
})

test('is found out by what a plugin shows, too, linked or not', async () => {
  await using town = new Town()
  const { handler, shown } = await stage(town)
  const distant = Mallory.person({ clock: town.clock })
  const evidence = [await signedFrame(distant, vote('yes')), await signedFrame(distant, vote('no'))]
  handler.context.report(new P2PError('ERR_VOTE_TWICE', 'two votes', { peerId: distant.id, evidence }))
  await until(() => shown.length, 'the proof')
  assert.equal(shown.map(({ author }) => author), [distant.id])
})

test('a plugin whose evidence proves nothing bans nobody', async () => {
  await using town = new Town()
  const { bob, handler, shown } = await stage(town)
  const alice = Mallory.person({ clock: town.clock })
  const evidence = [await signedFrame(alice, vote('yes')), await signedFrame(alice, vote('no', 'round 8'))]
  for (const frames of [evidence, [evidence[0]!, evidence[0]!], [evidence[0]!], [new Uint8Array(9), new Uint8Array(9)]]) {
    handler.context.report(new P2PError('ERR_VOTE_TWICE', 'two votes', { peerId: alice.id, evidence: frames }))
  }
  await settle()
  assert.equal([shown, bob.node.reputation.bans()], [[], []])
})

test('a restart, a second device and a clock set back are not held against anybody', async () => {
  await using town = new Town()
  const { bob, shown, mallory: alice } = await stage(town)
  await alice.say(await alice.signed(vote('yes')), await alice.signed({ ...vote('yes'), timestamp: town.clock.now() - 60_000 }))
  const device = Mallory.person({ clock: town.clock, identity: alice.self.identity })
  await alice.say({ kind: 1, body: await signedFrame(device, vote('no')) })
  await settle()
  assert.equal([shown, bob.node.reputation.bans(), bob.node.isConnected(alice.id)], [[], [], true])
})

test('proof on another network is none here', async () => {
  await using town = new Town()
  const { handler, shown } = await stage(town)
  const elsewhere = Mallory.person({ clock: town.clock, networkId: 'elsewhere' })
  const evidence = [await signedFrame(elsewhere, vote('yes')), await signedFrame(elsewhere, vote('no'))]
  assert.ok(equivocationIn(evidence))
  handler.context.report(new P2PError('ERR_VOTE_TWICE', 'two votes', { peerId: elsewhere.id, evidence }))
  await settle()
  assert.equal(shown, [])
})

test('proof against our own key is told of and refuses nobody', async () => {
  await using town = new Town()
  const identity = createIdentity()
  const bob = await town.resident('bob', { identity })
  const handler = new PlainHandler('vote')
  bob.node.registerProtocol(handler)
  const clone = Mallory.person({ clock: town.clock, identity })
  handler.context.report(new P2PError('ERR_VOTE_TWICE', 'two votes', { peerId: bob.node.id, evidence: [await signedFrame(clone, vote('yes')), await signedFrame(clone, vote('no'))] }))
  await until(() => codesIn(bob.diary).includes('ERR_PEER_EQUIVOCATION'), 'the news')
  const { error } = bob.diary.errors.find(({ error: { code } }) => code === 'ERR_PEER_EQUIVOCATION')!
  assert.match(error.message, /this is our own key; two copies of one process run/)
  assert.equal([error.peerId, bob.node.reputation.bans()], [undefined, []])
})

/** A plugin in the pub/sub role whose network is the test. */
class Board extends PlainHandler {
  readonly published: [string, unknown][] = []
  listener: ((payload: unknown) => void) | undefined
  validate: ((payload: unknown) => Verdict) | undefined
  subscriptions = 0

  readonly pubsub = {
    publish: async (topic: string, payload: unknown) => {
      this.published.push([topic, payload])
      return { messageId: '', peers: 0 }
    },
    subscribe: (topic: string, listener: (payload: unknown) => void, options: SubscribeOptions<unknown>) => {
      assert.is(topic, 'peerweft/equivocation')
      this.listener = listener
      this.validate = options.validate as never
      this.subscriptions++
      return { [Symbol.dispose]: () => void this.subscriptions-- }
    },
  } as unknown as IPubSub
}

async function twoFrames(town: Town): Promise<{ id: string; proof: Uint8Array; other: Uint8Array }> {
  const person = Mallory.person({ clock: town.clock })
  const [a, b, c] = [await signedFrame(person, vote('yes')), await signedFrame(person, vote('no')), await signedFrame(person, vote('perhaps'))]
  return { id: person.id, proof: equivocationIn([a, b])!.proof, other: equivocationIn([a, c])!.proof }
}

test('proof is told to others where a plugin publishes, once, and what others tell is checked and not told again', async () => {
  await using town = new Town()
  const { bob, shown, mallory } = await stage(town)
  const board = new Board('board')
  bob.node.registerProtocol(board)
  await mallory.say(await mallory.signed(vote('yes')), await mallory.signed(vote('no')))
  await until(() => board.published.length, 'the proof to be published')
  assert.equal(board.published, [['peerweft/equivocation', shown[0]!.proof]])

  const told = await twoFrames(town)
  assert.is(board.validate!(told.proof), 'accept')
  board.listener!(told.proof)
  await until(() => shown.length === 2, 'what was told')
  assert.equal([shown[1]!.author, board.published.length], [told.id, 1])
  assert.equal([board.validate!(told.proof), board.validate!(told.other)], ['ignore', 'ignore'], 'one proof of each author is passed on')
  const forged = (await twoFrames(town)).proof
  forged[60]! ^= 1
  for (const junk of [forged, 'text', null, new Uint8Array(0), new Uint8Array(5_000)]) assert.is(board.validate!(junk), 'reject')
  board.listener!(forged)
  await settle()
  assert.is(shown.length, 2)
  bob.node.unregisterProtocol('board')
  assert.is(board.subscriptions, 0)
})

test('a plugin in the role that takes no subscription is told of, and works otherwise', async () => {
  await using town = new Town()
  const { bob } = await stage(town)
  bob.node.registerProtocol(Object.assign(new PlainHandler('board'), { pubsub: {} }) as unknown as IProtocolHandler)
  await settle()
  assert.equal(codesIn(bob.diary), ['ERR_PROTOCOL_HANDLER_FAILED'])
})

test.run()
