import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { LeastAuth } from '../../lib/contracts/protocol.ts'
import { JitteryTransport } from '../support/jittery-transport.ts'
import { Mallory } from '../support/mallory.ts'
import { DefinedHandler, PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('large messages')

const MIB = 1_048_576

async function stage(town: Town, auth: LeastAuth, bobsMax = MIB): Promise<{ alice: Resident; bob: Resident; hers: DefinedHandler; his: DefinedHandler }> {
  const { alice, bob } = await town.pair()
  const hers = new DefinedHandler({ name: 'files', auth, messageBytesMax: MIB })
  const his = new DefinedHandler({ name: 'files', auth, messageBytesMax: bobsMax })
  alice.node.registerProtocol(hers)
  bob.node.registerProtocol(his)
  await until(() => hers.context.peers().length, 'bob to have told what he speaks')
  return { alice, bob, hers, his }
}

function file(size: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 31 + seed) & 255)
}

for (const auth of ['signature', 'channel'] as const) {
  test(`a protocol that declares a mebibyte gets it, under auth \`${auth}\``, async () => {
    await using town = new Town()
    const { bob, hers, his } = await stage(town, auth)
    for (const size of [90_000, 98_304, 131_072, 500_000, MIB - 400]) {
      const payload = file(size)
      await hers.context.send(bob.node.id, { type: 'file', payload })
      await until(() => his.heard.length, `${size} bytes`)
      const { message } = his.heard.pop()!
      assert.equal(message.payload, payload)
      assert.is(message.signature !== undefined, auth === 'signature')
    }
    assert.equal(codesIn(bob.diary), [])
  })

  test(`what is larger than declared is refused to the sender, under auth \`${auth}\``, async () => {
    await using town = new Town()
    const { bob, hers } = await stage(town, auth)
    const refusal = await rejection(hers.context.send(bob.node.id, { type: 'file', payload: file(MIB) }))
    assert.is(refusal.code, 'ERR_WIRE_FRAME_TOO_LARGE')
    const plain = await rejection(hers.context.broadcast({ type: 'file', payload: file(MIB) }))
    assert.is(plain.code, 'ERR_WIRE_FRAME_TOO_LARGE')
  })
}

test('small messages go on between the pieces of a large one, in order', async () => {
  await using town = new Town()
  const { bob, hers, his } = await stage(town, 'channel')
  const sent = ['before', file(600_000), 'after', file(300_000, 2), 'at last']
  for (const payload of sent) void hers.context.send(bob.node.id, { type: 'file', payload })
  await until(() => his.heard.length === sent.length, 'all of it')
  assert.equal(his.payloads, sent)
})

test('each side holds to its own declaration: one that takes less refuses more, and says why', async () => {
  await using town = new Town()
  const { bob, hers, his } = await stage(town, 'signature', 200_000)
  await hers.context.send(bob.node.id, { type: 'file', payload: file(300_000) })
  await until(() => codesIn(bob.diary).length, 'the refusal')
  assert.equal([codesIn(bob.diary), his.heard], [['ERR_WIRE_FRAME_TOO_LARGE'], []])
  assert.match(bob.diary.errors[0]!.error.message, /at most 200000 bytes for files/)
})

test('a plain handler and plain messages have 96 KiB', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const [hers, his] = [new PlainHandler('notes'), new PlainHandler('notes')]
  alice.node.registerProtocol(hers)
  bob.node.registerProtocol(his)
  await alice.node.sendTo('bob', { protocol: 'notes', type: 'n', payload: file(97_500) })
  await alice.node.sendTo('bob', { type: 'n', payload: file(97_500) })
  await until(() => his.heard.length && bob.diary.messages.length, 'both')
  for (const protocol of ['notes', undefined]) {
    const refusal = await rejection(alice.node.sendTo('bob', { type: 'n', payload: file(98_304), ...(protocol ? { protocol } : {}) }))
    assert.is(refusal.code, 'ERR_WIRE_FRAME_TOO_LARGE')
    assert.match(refusal.message, /at most 98304: send less, or declare messageBytesMax in the protocol/)
  }
})

test('ten large messages to one who reads slowly all arrive, and the sender waits', async () => {
  await using town = new Town()
  const slow = new JitteryTransport(town.transport(), () => Uint8Array.of(0, 0, 0, 2), 2)
  const { alice, bob } = await town.pair({ bob: { transports: [slow] } })
  const hers = new DefinedHandler({ name: 'files', auth: 'channel', messageBytesMax: MIB })
  const his = new DefinedHandler({ name: 'files', auth: 'channel', messageBytesMax: MIB })
  alice.node.registerProtocol(hers)
  bob.node.registerProtocol(his)
  await until(() => hers.context.peers().length, 'bob to have told what he speaks')
  for (let index = 0; index < 10; index++) await hers.context.send(bob.node.id, { type: 'file', payload: file(700_000, index) })
  await until(() => his.heard.length === 10, 'all of them')
  assert.ok(his.payloads.every((payload, index) => (payload as Uint8Array)[0] === index))
})

test('one for which there is no room leaves no half of itself behind', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const his = new DefinedHandler({ name: 'files', auth: 'channel', messageBytesMax: MIB })
  bob.node.registerProtocol(his)
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, deaf: true, protocols: [{ name: 'files', version: 1 }] })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  const outcomes: string[] = []
  for (let index = 0; index < 9; index++) {
    void his.context.send(mallory.id, { type: 'file', payload: file(700_000, index) }).then(() => outcomes.push('sent'), (error: unknown) => outcomes.push((error as { code: string }).code))
    await settle(2)
  }
  await settle()
  const refused = outcomes.filter(outcome => outcome === 'ERR_PEER_OUTBOX_FULL').length
  assert.ok(refused >= 1, `the outbox is full: ${outcomes.join(' ')}`)
  void mallory.listen()
  await settle(200)
  const starts = mallory.heardOf(0x03).filter(({ body }) => new DataView(body.buffer, body.byteOffset).getUint32(8) === 0).length
  const received = mallory.heardOf(0x03).reduce((sum, { body }) => sum + body.length - 12, 0)
  const total = new DataView(mallory.heardOf(0x03)[0]!.body.buffer).getUint32(4)
  assert.is(received, starts * total, 'every message that was begun came whole')
  assert.is(starts, 9 - refused)
  await mallory.hangUp()
})

test.run()
