import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AuthDeclaration } from '../../lib/contracts/protocol.ts'
import { PartKind } from '../../lib/wire/parts.ts'
import { Mallory, signedFrame } from '../support/mallory.ts'
import { DefinedHandler, PlainHandler } from '../support/plain-handler.ts'
import { codesIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('who answers for a message')

async function stage(town: Town, auth?: AuthDeclaration): Promise<{ bob: Resident; mallory: Mallory; handler: PlainHandler }> {
  const bob = await town.resident('bob', { network: 'private' })
  const handler = auth === undefined ? new PlainHandler('votes') : new DefinedHandler({ name: 'votes', auth })
  bob.node.registerProtocol(handler)
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  return { bob, mallory, handler }
}

const vote = { protocol: 'votes', type: 'vote', payload: 'yes' }

for (const [what, auth] of [['declares nothing', undefined], ['declares `signature`', 'signature'], ['names another type only', { other: 'channel' }], ['asks for it by type', { vote: 'signature' }]] as const) {
  test(`where a protocol ${what}, a message that only the link vouches for is refused and blamed`, async () => {
    await using town = new Town()
    const { bob, mallory, handler } = await stage(town, auth)
    await mallory.say(mallory.plain(vote))
    await until(() => codesIn(bob.diary).length, 'the refusal')
    assert.equal([codesIn(bob.diary), bob.diary.errors[0]!.error.peerId, handler.heard], [['ERR_WIRE_WEAK_AUTH'], mallory.id, []])
    assert.match(bob.diary.errors[0]!.error.message, /"vote" of votes must be signed/)
    await mallory.say(await mallory.signed(vote))
    await until(() => handler.heard.length, 'the signed one')
    assert.instance(handler.heard[0]!.message.signature, Uint8Array)
  })
}

for (const [what, auth] of [['at all', 'channel'], ['for this type', { vote: 'channel' }]] as const) {
  test(`where a protocol declares \`channel\` ${what}, the link's word is enough, and a signature no worse`, async () => {
    await using town = new Town()
    const { bob, mallory, handler } = await stage(town, auth)
    await mallory.say(mallory.plain(vote), await mallory.signed(vote))
    await until(() => handler.heard.length === 2, 'both')
    assert.equal(handler.heard.map(({ message }) => message.signature !== undefined), [false, true])
    assert.equal(codesIn(bob.diary), [])
  })
}

test('the link vouches for its own key alone', async () => {
  await using town = new Town()
  const { bob, mallory, handler } = await stage(town, 'channel')
  const carol = Mallory.person({ clock: town.clock })
  await mallory.say({ kind: PartKind.MESSAGE, body: carol.author.channelFrame(vote) })
  await until(() => codesIn(bob.diary).length, 'the refusal')
  assert.equal([codesIn(bob.diary), bob.diary.errors[0]!.error.peerId, handler.heard], [['ERR_WIRE_WEAK_AUTH'], mallory.id, []])
})

test('a plain application message must be signed', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, 'channel')
  await mallory.say(mallory.plain({ type: 'n', payload: 1 }))
  await until(() => codesIn(bob.diary).length, 'the refusal')
  assert.equal([codesIn(bob.diary), bob.diary.messages], [['ERR_WIRE_WEAK_AUTH'], []])
})

test('what another has signed may be handed over by anyone: `from` is the author, `via` who brought it', async () => {
  await using town = new Town()
  const { bob, mallory, handler } = await stage(town)
  const carol = Mallory.person({ clock: town.clock })
  await mallory.say({ kind: PartKind.MESSAGE, body: await signedFrame(carol, vote) })
  await mallory.say({ kind: PartKind.MESSAGE, body: await signedFrame(carol, { type: 'n', payload: 1 }) })
  await until(() => handler.heard.length && bob.diary.messages.length, 'both')
  const { message, from } = handler.heard[0]!
  assert.equal([message.from, message.via, from.peerId, from.state], [carol.id, mallory.id, carol.id, 'disconnected'])
  assert.equal([bob.diary.messages[0]!.message.from, bob.diary.messages[0]!.from.trust], [carol.id, 'first-use'])
})

test('a captured frame is good for nothing: not on the same link, not on another, not addressed to somebody else', async () => {
  await using town = new Town()
  const { bob, mallory, handler } = await stage(town)
  const carol = await town.resident('carol', { network: 'private' })
  const toCarol = await Mallory.dial(town.transport(), carol.address, { clock: town.clock })
  const body = await signedFrame(mallory.self, { ...vote, to: Buffer.from(bob.node.id, 'hex') })
  for (const each of [mallory, mallory, await Mallory.dial(town.transport(), bob.address, { clock: town.clock }), toCarol]) await each.say({ kind: PartKind.MESSAGE, body })
  await until(() => codesIn(bob.diary).length === 2 && codesIn(carol.diary).length === 1, 'three refusals')
  await settle()
  assert.equal([codesIn(bob.diary), codesIn(carol.diary), handler.heard.length], [['ERR_WIRE_REPLAYED', 'ERR_WIRE_REPLAYED'], ['ERR_WIRE_WRONG_RECIPIENT'], 1])
})

test('a changed message never reaches a handler, whatever bit is changed', async () => {
  await using town = new Town()
  const { bob, mallory, handler } = await stage(town)
  const { body } = await mallory.signed(vote)
  const faults = bob.node.getStats().peers.errors
  assert.equal(faults, {})
  // Fewer than would have it cut.
  for (let index = 1; index <= 18; index++) {
    const changed = body.slice()
    changed[Math.floor(index * body.length / 19)]! ^= 1 << (index % 8)
    await mallory.say({ kind: PartKind.MESSAGE, body: changed })
  }
  await until(() => codesIn(bob.diary).length === 18, 'eighteen refusals')
  assert.is(handler.heard.length, 0)
  await mallory.say({ kind: PartKind.MESSAGE, body })
  await until(() => handler.heard.length === 1, 'the true one')
})

test.run()
