import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ISybilCost, SybilClaim } from '../../lib/contracts/sybil-cost.ts'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { encodeHello } from '../../lib/peers/hello.ts'
import { acceptSecure } from '../../lib/peers/noise/secure-link.ts'
import { ProofOfWork } from '../../lib/peers/proof-of-work.ts'
import { encodeClose, PartKind, writeParts } from '../../lib/wire/parts.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { fastBackend } from '../support/backends.ts'
import { Mallory } from '../support/mallory.ts'
import { rejection } from '../support/rejection.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { TurnClock } from '../support/turn-clock.ts'
import { until } from '../support/until.ts'

const backend = await fastBackend()
const clock = new TurnClock()
const { signal } = new AbortController()

function work(): ProofOfWork {
  return new ProofOfWork({ crypto: () => backend, clock, random: seededRandom('nonces') })
}
const claimOf = (name: string, network = 'test'): SybilClaim => ({ publicKey: backend.sha256(new TextEncoder().encode(name)), network })

const proofs = suite('proof of work')

proofs('what was searched for shows so many bits, for this key on this network and no other', async () => {
  const pow = work()
  const proof = await pow.pay(claimOf('alice'), 12, { signal })
  assert.ok(pow.levelOf(claimOf('alice'), proof) >= 12)
  assert.equal([proof.length, proof[0]], [9, 1])
  const others = [...Array.from({ length: 20 }, (_, index) => claimOf(`other ${index}`)), claimOf('alice', 'elsewhere')].map(claim => pow.levelOf(claim, proof))
  assert.ok(others.every(level => level < 12), others.join())
})

proofs('anything that is no proof shows nothing', () => {
  const pow = work()
  for (const proof of [new Uint8Array(0), new Uint8Array(8), new Uint8Array(10), new Uint8Array(64), Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0)]) assert.is(pow.levelOf(claimOf('alice'), proof), 0)
})

proofs('the vector of the page', () => {
  // Found by hand from docs/wire.md, section 13: sha256(sha256(tag)||sha256(tag)||key||network) || nonce.
  const key = new Uint8Array(32).fill(1)
  const tag = backend.sha256(new TextEncoder().encode('peerweft/work'))
  const seed = backend.sha256(Buffer.concat([tag, tag, key, Buffer.from('test')]))
  const pow = work()
  for (let nonce = 0; nonce < 300; nonce++) {
    const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, nonce >> 8, nonce & 255)
    const hash = BigInt(`0x${Buffer.from(backend.sha256(Buffer.concat([seed, bytes]))).toString('hex')}`)
    assert.is(pow.levelOf({ publicKey: key, network: 'test' }, Uint8Array.of(1, ...bytes)), 256 - hash.toString(2).length)
  }
})

proofs('the event loop lives while it searches', async () => {
  const search = work().pay(claimOf('alice'), 17, { signal })
  let turns = 0
  let isOver = false
  void search.then(() => (isOver = true))
  while (!isOver) {
    turns++
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.ok(turns > 3, `others had ${turns} turns`)
})

proofs('a search that is given up ends', async () => {
  const abort = new AbortController()
  const search = work().pay(claimOf('alice'), 200, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await search.then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'enough'))
})

proofs('a bit more costs twice as much: bits that are found by luck are as rare as they should be', () => {
  const pow = work()
  let twelve = 0
  for (let count = 0; count < 100_000; count++) {
    if (pow.levelOf(claimOf('alice'), Uint8Array.of(1, 0, 0, 0, 0, 0, count >> 16, (count >> 8) & 255, count & 255)) >= 12) twelve++
  }
  assert.ok(twelve >= 8 && twelve <= 48, `24 are to be expected, got ${twelve}`)
})

const gate = suite('what a stranger\'s key has to have cost')

const PRICE: P2PConfig = { network: 'public', sybilCost: new ProofOfWork({ crypto: () => backend, clock, random: seededRandom('work') }), limits: { workBitsMin: 8, workBitsMax: 11, joinsPerMinuteCalm: 3 } }

async function alone(town: Town, config: P2PConfig = {}): Promise<Resident> {
  return await town.resident('bob', { ...PRICE, ...config })
}

/** True where the door opens to a key that shows this work. */
async function knock(town: Town, bob: Resident, bits: number, identity = createIdentity()): Promise<boolean> {
  const proof = bits === 0 ? new Uint8Array(0) : await paid(identity.publicKey, bits)
  const before = bob.node.getStats().peers.sybil.refused
  const channel = await town.transport().dial(bob.address as never)
  const mallory = await Mallory.over(channel, { clock: town.clock, identity, work: proof })
  await until(() => bob.node.isConnected(mallory.id) || bob.node.getStats().peers.sybil.refused > before, 'an answer')
  return bob.node.isConnected(mallory.id)
}

/** Exactly so many bits, so that one less is one less. */
async function paid(publicKey: Uint8Array, bits: number): Promise<Uint8Array> {
  const pow = new ProofOfWork({ crypto: () => backend, clock, random: length => backend.sha256(publicKey).slice(0, length) })
  const claim = { publicKey, network: 'peerweft' }
  for (let nonce = 0; ; nonce++) {
    const proof = Uint8Array.of(1, 9, 9, 9, 9, 9, nonce >> 16, (nonce >> 8) & 255, nonce & 255)
    if (pow.levelOf(claim, proof) === bits) return proof
  }
}

gate('one that shows nothing, or too little, is turned away and told how much; one that has paid comes in', async () => {
  await using town = new Town()
  const bob = await alone(town)
  assert.equal([await knock(town, bob, 0), await knock(town, bob, 7), await knock(town, bob, 8), await knock(town, bob, 9)], [false, false, true, true])
  await until(() => codesIn(bob.diary).length === 2, 'two refusals')
  assert.equal(codesIn(bob.diary), ['ERR_PEER_WORK_REQUIRED', 'ERR_PEER_WORK_REQUIRED'])
  assert.equal(bob.node.getStats().peers.sybil, { cost: 'sha256', level: 8, paid: 0, joinsLastMinute: 2, refused: 2 })
})

gate('turned off, the flood is let in; turned on, not one of it', async () => {
  for (const [sybilCost, welcome] of [[false, 24], [PRICE.sybilCost!, 0]] as const) {
    await using town = new Town()
    const bob = await alone(town, { sybilCost, limits: { ...PRICE.limits, handshakesPerSecond: 1_000, handshakesPerSubnetPerSecond: 1_000, connectionsPerAddressMax: 1_000, connectionsPerSubnetMax: 1_000 } })
    let inside = 0
    for (let index = 0; index < 24; index++) {
      if (index % 4 === 0) town.clock.advance(100)
      const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
      await until(() => bob.node.isConnected(mallory.id) || bob.node.getStats().peers.sybil.refused > index, 'an answer')
      if (bob.node.isConnected(mallory.id)) inside++
    }
    assert.is(inside, welcome)
  }
})

gate('a coordinator pays by itself when asked, once for its key, and remembers across restarts', async () => {
  await using town = new Town()
  const bob = await alone(town)
  const [identity, store] = [createIdentity(), new MemoryStore()]
  const alice = town.guest('alice', { ...PRICE, identity, store })
  await meet(alice, bob)
  assert.ok(alice.node.getStats().peers.sybil.paid >= 8)
  assert.is(bob.node.getStats().peers.sybil.refused, 1)
  const stopping = alice.node.shutdown()
  town.clock.advance(2_000)
  await stopping
  const again = town.guest('alice', { ...PRICE, identity, store })
  await meet(again, bob)
  assert.is(bob.node.getStats().peers.sybil.refused, 1, 'it came with what it had paid before')
})

gate('the price rises a bit with each doubling of joins, as far as its bound, and falls when the minute is over', async () => {
  await using town = new Town()
  const bob = await alone(town, { limits: { ...PRICE.limits, handshakesPerSubnetPerSecond: 1_000, connectionsPerAddressMax: 1_000, connectionsPerSubnetMax: 1_000 } })
  const levels: number[] = []
  for (let index = 0; index < 26; index++) {
    town.clock.advance(200)
    assert.ok(await knock(town, bob, 11))
    levels.push(bob.node.getStats().peers.sybil.level)
  }
  assert.equal([levels[1], levels[2], levels[4], levels[5], levels[10], levels[11], levels[25]], [8, 9, 9, 10, 10, 11, 11])
  assert.not.ok(await knock(town, bob, 10))
  town.clock.advance(60_000)
  assert.is(bob.node.getStats().peers.sybil.level, 8)
})

gate('a crowd that shows nothing does not make it dearer for others', async () => {
  await using town = new Town()
  const bob = await alone(town, { limits: { ...PRICE.limits, handshakesPerSubnetPerSecond: 1_000, connectionsPerAddressMax: 1_000, connectionsPerSubnetMax: 1_000 } })
  for (let index = 0; index < 12; index++) {
    town.clock.advance(200)
    assert.not.ok(await knock(town, bob, 0))
  }
  assert.is(bob.node.getStats().peers.sybil.level, 8)
})

gate('who has paid before comes back at the calm price, and does not count as new', async () => {
  await using town = new Town()
  const bob = await alone(town, { limits: { ...PRICE.limits, handshakesPerSubnetPerSecond: 1_000, connectionsPerAddressMax: 1_000, connectionsPerSubnetMax: 1_000 } })
  const identity = createIdentity()
  assert.ok(await knock(town, bob, 8, identity))
  for (let index = 0; index < 8; index++) {
    town.clock.advance(200)
    await knock(town, bob, 11)
  }
  assert.is(bob.node.getStats().peers.sybil.level, 10)
  assert.ok(await knock(town, bob, 8, identity))
  assert.is(bob.node.getStats().peers.sybil.joinsLastMinute, 9)
})

gate('on a private network nothing is asked, and whoever the user asked for is asked nothing', async () => {
  await using town = new Town()
  const bob = await alone(town, { network: 'private' })
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'she is in')
  assert.equal(bob.node.getStats().peers.sybil, { cost: 'none', level: 0, paid: 0, joinsLastMinute: 0, refused: 0 })

  const carol = await town.resident('carol', { ...PRICE })
  const dave = await town.resident('dave')
  await meet(carol, dave)
  await carol.node.disconnectFromPeer('dave')
  await meet(carol, dave)
  assert.is(carol.node.getStats().peers.sybil.refused, 0)
})

gate('a listener that asks for more than this node ever pays, or of one that pays nothing, gets nothing', async () => {
  await using town = new Town()
  const asks = async (level: string): Promise<string> => {
    const name = `greedy-${level}`
    const listener = await town.transport().listen(`memory:${name}`)
    void (async () => {
      for await (const channel of listener.channels) {
        const greedy = Mallory.person({ clock: town.clock })
        const hello = encodeHello({ boot: greedy.boot, timestampMs: town.clock.now(), role: 'node', addresses: [], protocols: [], work: new Uint8Array(0) })
        void acceptSecure(channel, {
          identity: greedy.identity, crypto: () => greedy.crypto(), random: greedy.secretRandom, networkId: greedy.networkId, hello, limits: DEFAULT_LIMITS, clock: greedy.clock,
          farewellTo: async () => writeParts([{ kind: PartKind.CLOSE, body: encodeClose(8, level) }]),
        }).catch(() => {})
      }
    })()
    const alice = town.guest(`alice of ${name}`, { ...PRICE })
    const { code, message } = await rejection(alice.node.connectToPeer(listener.address))
    await listener.close()
    return `${code} ${message}`
  }
  assert.match(await asks('60'), /ERR_PEER_WORK_REQUIRED .*asks for 60 bits of work; this node pays at most 11/)
  assert.match(await asks('9'), /ERR_PEER_WORK_REQUIRED .*asks strangers for 9 bits of work, and this node shows less/, 'asked again and again, it is paid once')
  assert.match(await asks('much'), /ERR_PEER_DISCONNECTED/)
  const bob = await alone(town)
  const miser = town.guest('miser')
  assert.match((await rejection(miser.node.connectToPeer(bob.address))).message, /pays none/)
})

gate('another cost takes its place on both ends: an invitation', async () => {
  await using town = new Town()
  const invite: ISybilCost = {
    name: 'invite',
    pay: async ({ publicKey }) => backend.hmacSha256(new Uint8Array(32).fill(5), publicKey),
    levelOf: async ({ publicKey }, proof) => (Buffer.from(backend.hmacSha256(new Uint8Array(32).fill(5), publicKey)).equals(proof) ? 100 : 0),
  }
  const bob = await alone(town, { sybilCost: invite })
  await meet(town.guest('alice', { ...PRICE, sybilCost: invite }), bob)
  assert.not.ok(await knock(town, bob, 11))
  assert.is(bob.node.getStats().peers.sybil.cost, 'invite')
})

proofs.run()
gate.run()
