import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { AddressedTransport } from '../support/addressed-transport.ts'
import { Mallory } from '../support/mallory.ts'
import { codesIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('handshakes of strangers')

interface Door extends Resident {
  /** Knocks and completes the handshake; false where the door stays shut. */
  knock(from: string): Promise<boolean>
}

async function door(town: Town, config: P2PConfig = {}): Promise<Door> {
  const transport = new AddressedTransport(town.transport())
  const resident = await town.resident('bob', { transports: [transport], network: 'public', ...config })
  return {
    ...resident,
    knock: async from => {
      try {
        await Mallory.over(await transport.dialFrom(from, resident.address), { clock: town.clock })
        return true
      } catch {
        return false
      }
    },
  }
}

async function knocks(bob: Door, count: number, from: (index: number) => string): Promise<number> {
  let welcome = 0
  for (let index = 0; index < count; index++) if (await bob.knock(from(index))) welcome++
  return welcome
}

for (const [kind, from] of [
  ['an IPv4 /24', (index: number) => `ws://203.0.113.${index}:99`],
  ['an IPv6 /48', (index: number) => `ws://[2001:db8:1:${index.toString(16)}::1]:99`],
] as const) {
  test(`${kind} may begin five at once and two a second from then on`, async () => {
    await using town = new Town()
    const bob = await door(town, { limits: { connectionsPerSubnetMax: 99 } })
    assert.is(await knocks(bob, 8, from), 5)
    assert.equal(codesIn(bob.diary), Array(3).fill('ERR_PEER_RATE_LIMITED'))
    assert.match(bob.diary.errors[0]!.error.message, /too many handshakes from .*: the next is welcome in 500 ms/)
    town.clock.advance(1_000)
    assert.is(await knocks(bob, 4, index => from(index + 10)), 2)
    assert.ok(await bob.knock('ws://198.51.100.1:99'), 'others are not made to wait')
  })
}

test('the whole node takes twenty a second from wherever they come', async () => {
  await using town = new Town()
  const bob = await door(town)
  assert.is(await knocks(bob, 24, index => `ws://10.${index}.0.1:99`), 20)
  assert.equal([...new Set(codesIn(bob.diary))], ['ERR_PEER_RATE_LIMITED'])
  town.clock.advance(100)
  assert.is(await knocks(bob, 3, index => `ws://11.${index}.0.1:99`), 2)
})

test('one address may hold three connections', async () => {
  await using town = new Town()
  const bob = await door(town)
  assert.is(await knocks(bob, 5, () => 'ws://203.0.113.7:99'), 3)
  assert.equal(codesIn(bob.diary), Array(2).fill('ERR_PEER_LIMIT_REACHED'))
  assert.match(bob.diary.errors[0]!.error.message, /refused a connection from ws:\/\/203\.0\.113\.7:99: 3 connections are already open/)
})

test('handshakes under way count among an address\'s connections', async () => {
  await using town = new Town()
  const bob = await door(town)
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => bob.knock('ws://203.0.113.7:99')))
  assert.is(outcomes.filter(Boolean).length, 3)
  await settle()
  assert.is(bob.node.getStats().peers.connectedPeers, 3)
})

test('ten handshakes may be under way, and those that say nothing are given up', async () => {
  await using town = new Town()
  const transport = new AddressedTransport(town.transport())
  const bob = await town.resident('bob', { transports: [transport], network: 'public' })
  const silent = await Promise.all(Array.from({ length: 12 }, (_, index) => transport.dialFrom(`ws://10.${index}.0.1:99`, bob.address)))
  await until(() => codesIn(bob.diary).length === 2, 'two to be refused')
  assert.equal(codesIn(bob.diary), ['ERR_PEER_LIMIT_REACHED', 'ERR_PEER_LIMIT_REACHED'])
  assert.is(bob.node.getStats().peers.pendingHandshakes, 10)
  town.clock.advance(DEFAULT_LIMITS.handshakeTimeoutMs)
  await until(() => codesIn(bob.diary).length === 12, 'ten to be given up')
  assert.equal(codesIn(bob.diary).slice(2), Array(10).fill('ERR_PEER_HANDSHAKE_TIMEOUT'))
  assert.is(bob.node.getStats().peers.pendingHandshakes, 0)
  await Promise.all(silent.map(channel => channel.close()))
})

test('on a private network none of this holds, and listening inside one machine makes one', async () => {
  await using town = new Town()
  for (const config of [{ network: 'private' }, { network: undefined }] as const) {
    const transport = new AddressedTransport(town.transport())
    const { network } = config
    const bob = await town.resident(`bob ${network}`.replace(' ', '-'), { transports: [transport], ...(network ? { network } : {}) })
    for (let index = 0; index < 24; index++) await Mallory.over(await transport.dialFrom('ws://203.0.113.7:99', bob.address), { clock: town.clock })
    await until(() => bob.node.getStats().peers.connectedPeers === 24, 'all to be connected')
    assert.equal(codesIn(bob.diary), [])
  }
})

test('a channel refused is closed, and costs no cryptography', async () => {
  await using town = new Town()
  const transport = new AddressedTransport(town.transport())
  const bob = await town.resident('bob', { transports: [transport], network: 'public', limits: { connectionsPerAddressMax: 1 } })
  const first = await transport.dialFrom('ws://203.0.113.7:1', bob.address)
  const second = await transport.dialFrom('ws://203.0.113.7:2', bob.address)
  const { done } = await second.frames[Symbol.asyncIterator]().next()
  assert.ok(done)
  await settle()
  assert.is(bob.node.getStats().peers.pendingHandshakes, 1)
  await first.close()
})

test.run()
