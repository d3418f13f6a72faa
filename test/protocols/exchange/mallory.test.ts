import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ProtocolContext } from '../../../lib/contracts/protocol.ts'
import { createIdentity } from '../../../lib/crypto/identity.ts'
import { drawScalar } from '../../../lib/crypto/draw-scalar.ts'
import { DEFAULT_LIMITS } from '../../../lib/foundation/limits.ts'
import { createLocalNode, plainVocabulary } from '../../../lib/peers/local-node.ts'
import { exchangeProtocol, type ExchangeProtocol } from '../../../lib/protocols/exchange/index.ts'
import { ProtocolHandler } from '../../../lib/protocol-kit/protocol-handler.ts'
import type { Receivers, Responders } from '../../../lib/contracts/protocol.ts'
import { simCrypto, SimRandom, type SimNode } from '../../../lib/testing/index.ts'
import { signedFrame } from '../../support/mallory.ts'
import { areOne, ExchangeWorld } from './support/world.ts'

const mallory = suite('exchange: mallory hands out lists')

/** The simulator's. */
const NETWORK = 'simulation'

/** Answers each question with what her owner likes. */
class Liar extends ProtocolHandler<ExchangeProtocol> {
  house!: ProtocolContext
  readonly asked: (Uint8Array | null)[] = []
  lies: () => Promise<Uint8Array[]> | Uint8Array[] = () => []
  protected readonly receive: Receivers<ExchangeProtocol> = { news: () => {} }
  protected override readonly answer: Responders<ExchangeProtocol> = {
    list: async ({ own }) => {
      this.asked.push(own)
      return { records: await this.lies() }
    },
  }

  constructor() {
    super(exchangeProtocol)
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.house = context
  }

  tell(to: string, records: Uint8Array[]): Promise<void> {
    return this.send(to, 'news', { records })
  }

  demand(to: string): Promise<unknown> {
    return this.request(to, 'list', { own: null })
  }
}

async function stage(options = {}): Promise<{ world: ExchangeWorld; crook: SimNode; liar: Liar }> {
  const world = new ExchangeWorld({ seed: 11, ...options })
  const crook = await world.sim.addNode('mallory', { protocols: () => [new Liar()], config: { network: 'private' } })
  return { world, crook, liar: crook.handler(Liar) }
}

/** Records of keys that mallory made up, signed as they should be, each at its own address. */
async function sybils(world: ExchangeWorld, count: number, addressOf: (index: number) => string): Promise<Uint8Array[]> {
  const backend = simCrypto(world.sim.seed)
  const random = new SimRandom('sybils')
  const clock = world.sim.nodes[0]!.clock
  return await Promise.all(Array.from({ length: count }, (_, index) => {
    const identity = createIdentity({ secret: drawScalar(random.bytes), backend, random: random.bytes })
    const crypto = { base: () => backend, best: async () => ({ backend, notes: [] }) }
    const node = createLocalNode({ identity, clock, crypto, random: random.bytes, networkId: NETWORK }, plainVocabulary(DEFAULT_LIMITS))
    return signedFrame(node, { protocol: 'peer', type: 'record', payload: { addresses: [addressOf(index)] } })
  }))
}

const codes = (world: ExchangeWorld, name: string): string[] => world.errors.get(name)!.map(({ code }) => code)

mallory('a record she changed is refused and charged to her, and nothing more of hers is heeded', async () => {
  const { world, crook, liar } = await stage()
  await using _ = world
  liar.lies = async () => {
    const record = (await liar.house.addresses.own()).slice()
    record[record.length - 1]! ^= 1
    return [record]
  }
  const alice = await world.add('alice', { bootstrap: [crook.address] })
  await world.sim.run({ forMs: 5_000 })
  assert.equal(codes(world, 'alice'), ['ERR_EXCHANGE_INVALID_RECORD'])
  assert.is(world.errors.get('alice')![0]!.peerId, crook.id)
  const told = await sybils(world, 1, () => 'sim://10.9.9.9:1')
  await world.sim.clock.drive(liar.tell(alice.id, told))
  await world.sim.run({ forMs: 1_000 })
  assert.equal(world.found.get('alice'), [])
})

mallory('sixty-four records that lead nowhere cost a few dials; the honest are found all the same', async () => {
  const { world, crook, liar } = await stage()
  await using _ = world
  const bob = await world.add('bob')
  await world.add('carol', { bootstrap: [bob.address] })
  liar.lies = () => sybils(world, 64, index => `sim://10.77.${index}.1:4000`)
  const alice = await world.add('alice', { bootstrap: [crook.address, bob.address], outboundTarget: 3 })
  await world.sim.run({ forMs: 120_000 })
  const stats = world.exchange(alice).getStats()
  assert.ok(stats.backoffs <= 10, `${stats.backoffs} dials in vain`)
  assert.ok(stats.backoffs >= 5, 'she was believed at first')
  assert.ok((stats.counters['told-by-misbehaving'] ?? 0) >= 50, 'and then no more')
  for (const name of ['bob', 'carol']) assert.ok(alice.coordinator.isConnected(world.sim.node(name).id), `alice has found ${name}`)
})

mallory('her list goes no further than to those she told it', async () => {
  const { world, crook, liar } = await stage()
  await using _ = world
  liar.lies = () => sybils(world, 64, index => `sim://10.77.${index}.1:4000`)
  const alice = await world.add('alice', { bootstrap: [crook.address], outboundTarget: 0 })
  const bob = await world.add('bob', { bootstrap: [alice.address], outboundTarget: 0 })
  await world.sim.run({ forMs: 700_000 })
  assert.is(world.exchange(alice).getStats().hearsay, 64)
  const known = new Set([alice.id, crook.id])
  assert.equal(world.found.get('bob')!.filter(id => !known.has(id)), [])
  void bob
})

mallory('a record of alice\'s older than the one she gave herself changes nothing', async () => {
  const { world, crook, liar } = await stage()
  await using _ = world
  const alice = await world.add('alice', { bootstrap: [crook.address], outboundTarget: 0 })
  await world.sim.runUntil(() => liar.asked.length > 0 && liar.asked[0] !== null, { withinMs: 10_000 })
  const old = liar.asked[0]!
  await world.sim.run({ forMs: 700_000 })
  const bob = await world.add('bob', { bootstrap: [alice.address], outboundTarget: 0 })
  await world.sim.run({ forMs: 5_000 })
  const before = bob.coordinator.getPeer(alice.id)?.addresses
  liar.lies = () => [old]
  await world.sim.connect(crook, bob)
  await world.sim.run({ forMs: 5_000 })
  assert.equal(bob.coordinator.getPeer(alice.id)?.addresses, before)
  assert.equal(codes(world, 'bob'), [], 'and nobody is charged: it was true once')
})

mallory('asking again and again she is given nothing, and then loses her link', async () => {
  const { world, crook, liar } = await stage()
  await using _ = world
  const alice = await world.add('alice', { bootstrap: [crook.address] })
  await world.sim.run({ forMs: 3_000 })
  for (let count = 0; count < 15; count++) await world.sim.clock.drive(liar.demand(alice.id))
  assert.equal(codes(world, 'alice'), ['ERR_EXCHANGE_BREACH'])
  assert.ok((world.exchange(alice).getStats().counters['asked-too-early'] ?? 0) >= 10)
})

mallory('a third of the network lies, and the honest are one network with links of their own making', async () => {
  const { world, crook, liar } = await stage()
  await using _ = world
  const lie = (): Promise<Uint8Array[]> => sybils(world, 64, index => `sim://10.77.${index}.1:4000`)
  liar.lies = lie
  const honest = await world.addAll(10, { outboundTarget: 4 })
  for (let index = 0; index < 5; index++) {
    const other = await world.sim.addNode(`crook-${index}`, { protocols: () => [new Liar()], config: { network: 'private' } })
    other.handler(Liar).lies = lie
    for (const node of honest.slice(0, 5)) await world.sim.connect(other, node)
  }
  for (const node of honest.slice(0, 5)) await world.sim.connect(crook, node)
  await world.sim.run({ forMs: 300_000 })
  assert.ok(areOne(honest))
  for (const node of honest) assert.ok(honest.filter(other => node.coordinator.isConnected(other.id)).length >= 3, `${node.name} is linked with the honest`)
})

mallory.run()
