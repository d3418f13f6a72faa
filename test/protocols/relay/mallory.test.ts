import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../../lib/contracts/message.ts'
import type { PeerInfo } from '../../../lib/contracts/peer.ts'
import type { ProtocolContext } from '../../../lib/contracts/protocol.ts'
import { fromHex } from '../../../lib/foundation/hex.ts'
import { Relay } from '../../../lib/protocols/relay/index.node.ts'
import { encodeCbor } from '../../../lib/wire/cbor.ts'
import type { SimNode } from '../../../lib/testing/index.ts'
import { failure, RelayWorld } from './support/line.ts'

const mallory = suite('relay: mallory is on the way')

/** A relay whose owner does with each word as it likes; what it leaves alone is handled as it should be. */
class Crooked extends Relay {
  readonly words: P2PMessage[] = []
  house!: ProtocolContext
  meddle: (message: P2PMessage, from: PeerInfo) => Promise<boolean> = async () => false

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.house = context
  }

  override async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    this.words.push(message)
    if (!await this.meddle(message, from)) await super.handleMessage(message, from)
  }

  say(to: string, type: string, payload: unknown): Promise<void> {
    return this.house.send(to, { type, payload })
  }
}

interface Words { id: Uint8Array; statement: Uint8Array; seeker: Uint8Array; target: Uint8Array; sealed: Uint8Array; to: Uint8Array; attempt: number }

/** alice and bob with two ways between: mallory's is the shorter, carol and dave's the longer. */
async function square(): Promise<{ world: RelayWorld; alice: SimNode; bob: SimNode; carol: SimNode; crook: SimNode; crooked: Crooked }> {
  const world = new RelayWorld()
  const alice = await world.add('alice')
  const crook = await world.add('mallory', {}, () => new Crooked())
  const bob = await world.add('bob')
  const carol = await world.add('carol')
  const dave = await world.add('dave')
  await world.line([alice, crook, bob, dave, carol])
  await world.sim.connect(carol, alice)
  await world.sim.run({ forMs: 1_000 })
  return { world, alice, bob, carol, crook, crooked: crook.handler(Crooked) }
}

const codes = (world: RelayWorld, node: SimNode): string[] => world.ear(node).errors.map(({ code }) => code)

mallory('who swallows what it is handed is gone around', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  crooked.meddle = async ({ type }) => type === 'carry'
  await world.send(alice, bob, 'around her')
  assert.equal(world.payloads(bob), ['around her'])
  assert.ok(crooked.words.some(({ type }) => type === 'carry'), 'her way was tried')
  await world.send(alice, bob, 'at once')
  assert.is(crooked.words.filter(({ type }) => type === 'carry').length, 1, 'and is not tried again')
})

mallory('who swallows searches, or answers, or receipts, keeps nobody from anybody', async () => {
  for (const swallowed of ['seek', 'found', 'receipt']) {
    const { world, alice, bob, crooked } = await square()
    crooked.meddle = async ({ type }) => type === swallowed
    await world.send(alice, bob, swallowed)
    assert.equal(world.payloads(bob), [swallowed], `${swallowed}: heard once`)
    await world.sim.shutdown()
  }
})

mallory('a receipt that she signs herself, for what she swallowed, is refused: the message arrives by another way', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  crooked.meddle = async ({ type, payload }, from) => {
    if (type !== 'carry') return false
    const { id } = payload as Words
    const statement = await crooked.house.author({ type: 'received', payload: { id, digest: new Uint8Array(32) } })
    await crooked.say(from.peerId, 'receipt', { id, statement })
    return true
  }
  await world.send(alice, bob, 'not by her word')
  assert.equal(world.payloads(bob), ['not by her word'])
  assert.is(world.relay(alice).getStats().counters['receipt-unasked'], 1)
})

mallory('a receipt under bob\'s key that bob did not sign is refused, and charged to her', async () => {
  const { world, alice, bob, crook, crooked } = await square()
  await using _ = world
  crooked.meddle = async ({ type, payload }, from) => {
    if (type !== 'carry') return false
    const { id } = payload as Words
    const statement = (await crooked.house.author({ type: 'received', payload: { id, digest: new Uint8Array(32) } })).slice()
    statement.set(fromHex(bob.id), 2)
    await crooked.say(from.peerId, 'receipt', { id, statement })
    return true
  }
  await world.send(alice, bob, 'not by a forged word')
  assert.equal(world.payloads(bob), ['not by a forged word'])
  assert.equal(codes(world, alice), ['ERR_RELAY_FORGED'])
  assert.is(world.ear(alice).errors[0]!.peerId, crook.id)
})

mallory('a true receipt of bob\'s for another envelope is refused, and charged to her', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  await world.send(alice, bob, 'first')
  const kept = crooked.words.filter(({ type }) => type === 'receipt').map(({ payload }) => (payload as Words).statement)[0]
  assert.ok(kept)
  crooked.meddle = async ({ type, payload }, from) => {
    if (type !== 'carry') return false
    await crooked.say(from.peerId, 'receipt', { id: (payload as Words).id, statement: kept })
    return true
  }
  await world.send(alice, bob, 'second')
  assert.equal(world.payloads(bob), ['first', 'second'])
  assert.equal(codes(world, alice), ['ERR_RELAY_FORGED'])
})

mallory('another envelope in place of alice\'s earns her no receipt that alice would take', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  crooked.meddle = async ({ type, payload }) => {
    if (type !== 'carry') return false
    const { sealed, ...rest } = payload as Words
    await crooked.say(bob.id, 'carry', { ...rest, hops: 5, sealed: sealed.map((byte, index) => index === 60 ? byte ^ 1 : byte) })
    return true
  }
  await world.send(alice, bob, 'unchanged')
  assert.equal(world.payloads(bob), ['unchanged'])
  assert.equal(codes(world, bob), ['ERR_WIRE_WRONG_RECIPIENT'])
  assert.is(world.ear(bob).errors[0]!.peerId, undefined, 'nobody is charged: those who carried it could not see')
})

mallory('an answer that bob did not sign leads nobody to her, and is charged to her', async () => {
  const { world, alice, bob, crook, crooked } = await square()
  await using _ = world
  crooked.meddle = async ({ type, payload }, from) => {
    if (type !== 'seek') return false
    const { id, statement } = payload as Words
    const seeker = statement.slice(2, 34)
    const forged = (await crooked.house.author({ type: 'here', payload: { id, seeker } })).slice()
    forged.set(fromHex(bob.id), 2)
    await crooked.say(from.peerId, 'found', { id, seeker, statement: forged })
    return true
  }
  await world.send(alice, bob, 'past her')
  assert.equal(world.payloads(bob), ['past her'])
  assert.equal(codes(world, alice), ['ERR_RELAY_FORGED'])
  assert.is(world.ear(alice).errors[0]!.peerId, crook.id)
  assert.not(crooked.words.some(({ type }) => type === 'carry'))
})

mallory('a search in alice\'s name, let loose by her, teaches nobody that alice is there', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  const statement = (await crooked.house.author({ type: 'seeking', payload: { id: new Uint8Array(16), target: fromHex(bob.id) } })).slice()
  statement.set(fromHex(alice.id), 2)
  await world.sim.clock.drive(crooked.say(bob.id, 'seek', { id: new Uint8Array(16), target: fromHex(bob.id), hops: 5, statement }))
  await world.sim.run({ forMs: 1_000 })
  assert.equal(codes(world, bob), ['ERR_RELAY_FORGED'])
  assert.is(world.relay(bob).getStats().routes, 0)
})

mallory('what she carries tells her two keys and nothing that was said', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  await world.send(alice, bob, { text: 'the password is swordfish' })
  await world.send(bob, alice, { text: 'the password is swordfish' })
  const carried = crooked.words.filter(({ type }) => type === 'carry')
  assert.is(carried.length, 2)
  for (const { payload } of crooked.words) assert.not(Buffer.from(encodeCbor(payload)).toString('latin1').includes('swordfish'))
  for (const { payload } of carried) {
    const { sealed } = payload as Words
    const bytes = Buffer.from(sealed).toString('hex')
    assert.not(bytes.includes(alice.id), 'not even whose it is')
    assert.not(bytes.includes(bob.id))
  }
  assert.not(Buffer.from((carried[0]!.payload as Words).sealed.subarray(1, 34)).equals(Buffer.from((carried[1]!.payload as Words).sealed.subarray(1, 34))), 'a fresh one-time key each')
})

mallory('an envelope she kept and brings again is heard by nobody a second time', async () => {
  const { world, alice, bob, crooked } = await square()
  await using _ = world
  await world.send(alice, bob, 'once')
  const kept = crooked.words.find(({ type }) => type === 'carry')!.payload as Words
  await world.sim.clock.drive(crooked.say(bob.id, 'carry', { ...kept, hops: 5 }))
  await world.sim.clock.drive(crooked.say(bob.id, 'carry', { ...kept, id: new Uint8Array(16).fill(9), hops: 5 }))
  await world.sim.run({ forMs: 2_000 })
  assert.equal(world.payloads(bob), ['once'])
  assert.equal(codes(world, bob), ['ERR_WIRE_REPLAYED'])
})

mallory('a storm of searches costs the network little, and in the end her links', async () => {
  const { world, alice, bob, crook, crooked } = await square()
  await using _ = world
  let number = 0
  const storm = async (): Promise<void> => {
    const id = new Uint8Array(16)
    new DataView(id.buffer).setUint32(0, ++number)
    const target = new Uint8Array(32).fill(3)
    const statement = await crooked.house.author({ type: 'seeking', payload: { id, target } })
    for (const to of [alice.id, bob.id]) await crooked.say(to, 'seek', { id, target, hops: 10, statement }).catch(() => {})
  }
  for (let tick = 0; tick < 200; tick++) world.sim.at(world.sim.nowMs + tick * 10, storm)
  await world.sim.run({ forMs: 10_000 })
  assert.ok(world.counted('breach') >= 50)
  assert.not(alice.coordinator.isConnected(crook.id))
  for (const node of [alice, bob]) assert.ok(world.relay(node).getStats().seen <= 20, `${world.relay(node).getStats().seen} searches remembered of 200`)
  await world.send(alice, bob, 'still here')
  assert.equal(world.payloads(bob), ['still here'])
})

mallory('alone on the only way she can keep a message from arriving, and alice is told that no receipt came', async () => {
  await using world = new RelayWorld()
  const alice = await world.add('alice')
  const crook = await world.add('mallory', {}, () => new Crooked())
  const bob = await world.add('bob')
  await world.line([alice, crook, bob])
  crook.handler(Crooked).meddle = async ({ type }) => type === 'carry'
  const error = await failure(world.send(alice, bob, 'x'))
  assert.is(error.code, 'ERR_RELAY_NO_RECEIPT')
})

mallory.run()
