import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PError } from '../../lib/contracts/errors.ts'
import type { IStore } from '../../lib/contracts/store.ts'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { MemoryStore, prefixedStore } from '../../lib/foundation/memory-store.ts'
import { AddressStore } from '../../lib/peers/address-store.ts'
import { hmac } from '../peers/support/book.ts'
import { generateIdentity } from '../../lib/crypto/identity.ts'
import { PlainHandler } from '../support/plain-handler.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'
import { Mallory, signedFrame } from '../support/mallory.ts'
import { rejection } from '../support/rejection.ts'
import type { DialOptions } from '../../lib/contracts/transport.ts'
import { AddressedTransport } from '../support/addressed-transport.ts'

const test = suite('where peers are')

test('whom we dialled is tried, whoever dials us is heard of by its own claim, and plugins may draw both', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const handler = new PlainHandler('talk')
  bob.node.registerProtocol(handler)
  assert.equal([alice.node.getStats().addresses.book.tried, bob.node.getStats().addresses.book.tried, bob.node.getStats().addresses.book.known], [1, 0, 1])
  const sample = handler.context.addresses.sample(9)
  assert.equal(sample.map(({ peerId, addresses }) => [peerId, addresses]), [[alice.node.id, { memory: 'memory:alice' }]])
})

test('whoever is in the book is dialled by its id alone', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.disconnectFromPeer('bob')
  await until(() => bob.diary.disconnected.length, 'the goodbye')
  await bob.node.connectToPeer(alice.node.id)
  assert.ok(bob.node.isConnected(alice.node.id))
  assert.equal(bob.node.getPeer(alice.node.id)!.addresses, { memory: 'memory:alice' })
})

test('on a public network nobody\'s claim of a local address is kept or passed on', async () => {
  await using town = new Town()
  const transport = new AddressedTransport(town.transport())
  const bob = await town.resident('bob', { network: 'public', transports: [transport] })
  const handler = new PlainHandler('talk')
  bob.node.registerProtocol(handler)
  await Mallory.over(await transport.dialFrom('ws://203.0.113.7:99', bob.address), { clock: town.clock, addresses: ['memory:inside', 'ws://192.168.1.1:80'] } as never)
  await until(() => bob.diary.connected.length, 'mallory')
  assert.equal([bob.node.getStats().addresses.book.known, handler.context.addresses.sample(9)], [0, []])
})

/** Alice, who has heard of some others from their own records. */
async function settler(town: Town, names: readonly string[], config: P2PConfig): Promise<Resident> {
  const alice = await town.resident('alice', config)
  const handler = new PlainHandler('talk')
  alice.node.registerProtocol(handler)
  for (const name of names) {
    const plugin = new PlainHandler('talk')
    const other = await town.resident(name)
    other.node.registerProtocol(plugin)
    assert.is(await handler.context.addresses.add(await plugin.context.addresses.own()), true)
  }
  return alice
}

/** Lets time pass a little at a time, so that no handshake is late. */
async function pass(town: Town, isDone: () => boolean, what: string): Promise<void> {
  for (let n = 0; n < 2_000 && !isDone(); n++) {
    town.clock.advance(500)
    await settle()
  }
  assert.ok(isDone(), `waited in vain: ${what}`)
}

const NAMES = ['bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy', 'kim']

test('a node with slots of its own fills them, and after a restart goes back to its anchors first', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const identity = generateIdentity()
  const first = await settler(town, NAMES, { store, identity, outboundTarget: 1 })
  await pass(town, () => first.node.getStats().addresses.outbound.linked === 3, 'the slot and those of the anchors to fill')
  await first.node.shutdown()
  const anchors = await new AddressStore({ store: prefixedStore(store, 'addresses/'), hmac, random: () => new Uint8Array(32) }).anchors()
  assert.equal([anchors.length, anchors.every(({ id }) => first.diary.connected.includes(id))], [2, true])

  const second = await town.resident('alice', { store, identity, outboundTarget: 1 })
  await pass(town, () => second.diary.connected.length === 3, 'all to be linked again')
  assert.equal(second.diary.connected.slice(0, 2), anchors.map(({ id }) => id))
  assert.ok(second.node.getStats().addresses.book.tried >= 3)
})

test('a feeler is nobody\'s news', async () => {
  await using town = new Town()
  const alice = await settler(town, NAMES, { outboundTarget: 1 })
  const felt = (): number => alice.node.getStats().addresses.outbound.feelers
  await pass(town, () => felt() > 1 && alice.node.getStats().addresses.book.tried === 5, 'two feelers')
  assert.equal([felt(), alice.diary.connected.length, alice.diary.disconnected], [2, 3, []])
})

test('an address that others told of is dialled with the order to refuse what is local behind its name; one that the user gave is not', async () => {
  await using town = new Town()
  for (const network of ['public', 'private'] as const) {
    const dials: [string, boolean][] = []
    const transport = {
      name: 'websocket' as const, schemes: ['ws:', 'wss:'],
      dial: (address: string, options: DialOptions = {}) => {
        dials.push([address, options.refuseLocal === true])
        return Promise.reject(new P2PError('ERR_TRANSPORT_DIAL_FAILED', 'nobody is there'))
      },
    }
    const alice = town.guest('alice', { network, transports: [transport] })
    const handler = new PlainHandler('talk')
    alice.node.registerProtocol(handler)
    const bob = Mallory.person({ clock: town.clock })
    const { from: id } = await handler.context.verify(await signedFrame(bob, { protocol: 'peer', type: 'record', payload: { addresses: ['ws://bob.example.org'] } }))
    await handler.context.addresses.add(await signedFrame(bob, { protocol: 'peer', type: 'record', payload: { addresses: ['ws://bob.example.org'] } }))
    await rejection(alice.node.connectToPeer(id))
    await rejection(alice.node.connectToPeer('ws://bob.example.org'))
    await rejection(alice.node.connectToPeer({ peerId: id, addresses: { websocket: 'ws://other.example.org' }, state: 'disconnected', lastSeen: 0 }))
    assert.equal(dials, [['ws://bob.example.org', network === 'public'], ['ws://bob.example.org', false], ['ws://other.example.org', false]])
  }
})

test('what is stored is the book\'s own business: junk is counted, and nothing is thrown', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const alice = await town.resident('alice', { store })
  await meet(alice, await town.resident('bob'))
  await alice.node.shutdown()
  let slices = 0
  for await (const [key, value] of store.entries('addresses/slice/')) {
    slices++
    await store.put(key, value.subarray(0, 9))
  }
  assert.ok(slices > 0, 'what was learned was stored')
  const again = await town.resident('alice2', { store })
  assert.equal([again.node.getStats().addresses.book.known, again.node.getStats().addresses.book.refused, codesIn(again.diary)], [0, slices, []])
})

test('a store that fails costs the book and nothing else', async () => {
  await using town = new Town()
  const inner = new MemoryStore()
  const broken: IStore = {
    get: async key => (key.startsWith('addresses/') ? Promise.reject(new Error('the disk is gone')) : await inner.get(key)),
    put: (key, value) => inner.put(key, value),
    delete: key => inner.delete(key),
    entries: (prefix, options) => inner.entries(prefix, options),
  }
  const alice = await town.resident('alice', { store: broken })
  const bob = await town.resident('bob')
  await meet(alice, bob)
  assert.equal([alice.node.isConnected('bob'), codesIn(alice.diary), alice.node.getStats().addresses.book.tried], [true, ['ERR_PEER_RECORD_LOST'], 1])
  await alice.node.shutdown()
  for await (const [key] of inner.entries('addresses/')) assert.unreachable(`${key} was written over what could not be read`)
})

test('what changed is stored within five minutes, and at once when the last link goes', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const written = async (): Promise<number> => {
    let count = 0
    for await (const [key] of store.entries('addresses/slice/')) count += key.length > 0 ? 1 : 0
    return count
  }
  const alice = await town.resident('alice', { store })
  const bob = await town.resident('bob')
  await meet(alice, bob)
  await settle()
  assert.is(await written(), 0)
  town.clock.advance(5 * 60_000)
  await settle()
  assert.is(await written(), 1)
  const carol = await town.resident('carol')
  await meet(alice, carol)
  await alice.node.disconnectFromPeer('bob')
  await alice.node.disconnectFromPeer('carol')
  await settle()
  assert.ok(await written() >= 2)
})

test.run()
