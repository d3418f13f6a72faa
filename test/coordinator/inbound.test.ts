import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { AddressedTransport } from '../support/addressed-transport.ts'
import { Mallory } from '../support/mallory.ts'
import { PlainHandler } from '../support/plain-handler.ts'
import { codesIn, Town, type Resident } from '../support/town.ts'
import { until } from '../support/until.ts'

const test = suite('who may come in')

interface Door extends Resident {
  knock(from: string): Promise<Mallory | undefined>
}

async function door(town: Town, config: P2PConfig): Promise<Door> {
  const transport = new AddressedTransport(town.transport())
  const bob = await town.resident('bob', { transports: [transport], network: 'public', limits: { handshakesPerSecond: 1_000, handshakesPerSubnetPerSecond: 1_000 }, ...config })
  return {
    ...bob,
    // A handshake later each, so that who came first is known.
    knock: async from => {
      town.clock.advance(100)
      return await Mallory.over(await transport.dialFrom(from, bob.address), { clock: town.clock }).catch(() => undefined)
    },
  }
}

/** Mallory answers no goodbye: a link ends when its time is up. */
async function somebodyWent(town: Town, bob: Door): Promise<void> {
  await until(() => {
    town.clock.advance(10)
    return bob.diary.disconnected.length > 0
  }, 'somebody to go')
}

const placeOf = (n: number): string => `ws://${20 + n}.${n}.1.1:99`

test('on a full public network somebody from a new netgroup replaces the youngest of those who can be spared', async () => {
  await using town = new Town()
  const bob = await door(town, { maxConnections: 12 })
  for (let n = 0; n < 12; n++) assert.ok(await bob.knock(placeOf(n)))
  await until(() => bob.diary.connected.length === 12, 'a full house')
  assert.ok(await bob.knock(placeOf(40)))
  await somebodyWent(town, bob)
  assert.equal([bob.diary.connected.length, bob.diary.disconnected[0]![1], bob.node.getConnectedPeers().length], [13, 'limit', 12])
  const gone = bob.diary.connected.indexOf(bob.diary.disconnected[0]![0])
  assert.ok(gone >= 6 && gone < 12, `the ${gone}th had to go: the older half stays`)
})

test('on a private network nobody has to go, and the next is refused', async () => {
  await using town = new Town()
  const bob = await door(town, { maxConnections: 4, network: 'private' })
  for (let n = 0; n < 4; n++) await bob.knock(placeOf(n))
  await bob.knock(placeOf(40))
  await until(() => codesIn(bob.diary).length, 'a refusal')
  assert.equal([bob.diary.disconnected, codesIn(bob.diary)], [[], ['ERR_PEER_LIMIT_REACHED']])
})

test('the fifth from one /24 is refused, and told so', async () => {
  await using town = new Town()
  const bob = await door(town, {})
  for (let host = 1; host <= 4; host++) assert.ok(await bob.knock(`ws://203.0.113.${host}:99`))
  await bob.knock('ws://203.0.113.5:99')
  await until(() => codesIn(bob.diary).length, 'a refusal')
  await bob.knock('ws://203.0.114.5:99')
  await until(() => bob.diary.connected.length === 5, 'the next /24 is another')
  assert.equal(codesIn(bob.diary), ['ERR_PEER_LIMIT_REACHED'])
})

test('the last tenth of the places is for netgroups that nobody is in', async () => {
  await using town = new Town()
  const bob = await door(town, { maxConnections: 10 })
  for (let n = 0; n < 9; n++) await bob.knock(`ws://203.0.${n}.1:99`)
  await until(() => bob.diary.connected.length === 9, 'nine')
  await bob.knock('ws://203.0.99.1:99')
  await somebodyWent(town, bob)
  assert.ok(await bob.knock('ws://198.51.100.1:99'))
  await until(() => bob.node.getConnectedPeers().length === 10, 'the tenth place to be taken by somebody from elsewhere')
  assert.is(bob.diary.disconnected.length, 1)
})

for (const how of ['gossip', 'answer'] as const) {
  test(`a peer that a plugin found useful (${how}) is not the first to go`, async () => {
    await using town = new Town()
    const bob = await door(town, { maxConnections: 12 })
    const handler = new PlainHandler('talk')
    bob.node.registerProtocol(handler)
    for (let n = 0; n < 12; n++) await bob.knock(placeOf(n))
    await until(() => bob.diary.connected.length === 12, 'a full house')
    const last = bob.diary.connected[11]!
    handler.context.useful!(last, how)
    await bob.knock(placeOf(40))
    await somebodyWent(town, bob)
    assert.is.not(bob.diary.disconnected[0]![0], last)
  })
}

test('places are kept for links of our own choice', async () => {
  await using town = new Town()
  const bob = await door(town, { maxConnections: 12, outboundTarget: 3 })
  for (let n = 0; n < 8; n++) await bob.knock(placeOf(n))
  await until(() => bob.diary.connected.length === 8, 'all to have been in')
  assert.is(bob.node.getConnectedPeers().length, 6, 'six places of twelve, when three, two and one are kept')
})

test.run()
