import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import { PeerState, type PeerInfo } from '../../lib/contracts/peer.ts'
import { PeerManager, type PeerManagerOptions } from '../../lib/peers/peer-manager.ts'
import { MemoryHub, MemoryTransport } from '../../lib/transports/memory.ts'
import { rejection } from '../support/rejection.ts'
import { TurnClock } from '../support/turn-clock.ts'
import { settle, until } from '../support/until.ts'

const test = suite('a peer manager by itself')

interface Scene extends AsyncDisposable {
  hub: MemoryHub
  clock: TurnClock
  open(options?: PeerManagerOptions): PeerManager
}

function scene(): Scene {
  const hub = new MemoryHub()
  const clock = new TurnClock()
  const managers: PeerManager[] = []
  return {
    hub,
    clock,
    open: options => {
      const manager = new PeerManager({ transports: [new MemoryTransport({ hub, clock })], clock, ...options })
      managers.push(manager)
      return manager
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(managers.map(manager => manager.close()))),
  }
}

function infoOf(peerId: string, memory: string): PeerInfo {
  return { peerId, addresses: { memory }, state: PeerState.DISCONNECTED, lastSeen: 0 }
}

test('connect, sendTo, broadcast and getStats work without a coordinator', async () => {
  await using stage = scene()
  const [alice, bob, carol] = [stage.open(), stage.open(), stage.open()]
  await bob.listen('memory:bob')
  await carol.listen('memory:carol')
  const heard: [string, P2PMessage, PeerInfo][] = []
  bob.on('message', (message, from) => void heard.push(['bob', message, from]))
  carol.on('message', (message, from) => void heard.push(['carol', message, from]))
  const events: string[] = []
  alice.on('connected', peer => void events.push(`+${peer.peerId}`))
  alice.on('disconnected', (peer, reason) => void events.push(`-${peer.peerId} ${reason}`))

  await alice.connect(infoOf('bob', 'memory:bob'))
  await alice.connect(infoOf('carol', 'memory:carol'))
  const { messageId } = await alice.sendTo('bob', { type: 'greeting', payload: { text: 'hello' } })
  const receipt = await alice.broadcast({ type: 'news', payload: 1 })
  await alice.broadcast({ type: 'news', payload: 2 }, { except: ['bob'] })
  await until(() => heard.length === 4, 'four messages')

  assert.equal(heard.map(([who, message]) => [who, message.type, message.payload]).sort(), [['bob', 'greeting', { text: 'hello' }], ['bob', 'news', 1], ['carol', 'news', 1], ['carol', 'news', 2]])
  assert.equal([heard[0]![1].messageId, heard[0]![1].from, heard[0]![2].peerId], [messageId, alice.node.id, alice.node.id])
  assert.equal([receipt.sent, receipt.failed], [2, []])
  assert.equal(alice.getStats(), { connectedPeers: 2, totalPeers: 2, pendingHandshakes: 0, reconnecting: 0, sybil: { cost: 'none', level: 0, paid: 0, joinsLastMinute: 0, refused: 0 }, errors: {} })
  assert.equal([alice.list().map(peer => peer.peerId), alice.get('bob')?.state, alice.get('nobody')], [['bob', 'carol'], 'connected', undefined])

  await alice.disconnect('bob')
  await carol.close()
  await until(() => events.length === 4, 'both to be gone')
  assert.equal(events, ['+bob', '+carol', '-bob local', '-carol shutdown'])
  assert.is((await rejection(alice.sendTo('bob', { type: 'n', payload: 1 }))).code, 'ERR_PEER_NOT_CONNECTED')
})

test('a channel that somebody else accepted can be handed in', async () => {
  await using stage = scene()
  const [alice, bob] = [stage.open(), stage.open()]
  const transport = new MemoryTransport({ hub: stage.hub, clock: stage.clock })
  const listener = await transport.listen('memory:door')
  const accepting = (async () => {
    for await (const channel of listener.channels) return await bob.accept(channel)
  })()
  await alice.connect('memory:door')
  await accepting
  assert.equal([alice.list()[0]?.peerId, bob.list()[0]?.peerId], [bob.node.id, alice.node.id])
  await listener.close()
})

test('a channel handed to a closed manager is closed, and so is one whose handshake fails', async () => {
  await using stage = scene()
  const [closed, bob] = [stage.open(), stage.open()]
  await closed.close()
  const transport = new MemoryTransport({ hub: stage.hub, clock: stage.clock })
  const listener = await transport.listen('memory:door')
  const ends = listener.channels[Symbol.asyncIterator]()
  const first = await transport.dial('memory:door')
  assert.is((await rejection(closed.accept((await ends.next()).value))).code, 'ERR_COORDINATOR_SHUT_DOWN')
  assert.ok((await first.frames[Symbol.asyncIterator]().next()).done)
  const second = await transport.dial('memory:door')
  const accepting = rejection(bob.accept((await ends.next()).value))
  await second.send(Uint8Array.of(9, 9, 9))
  assert.is((await accepting).code, 'ERR_PEER_HANDSHAKE_FAILED')
  await settle()
  assert.ok((await second.frames[Symbol.asyncIterator]().next()).done)
  await listener.close()
})

test('cleanup forgets those who left: at once where they cannot be dialled, after an hour where they can', async () => {
  await using stage = scene()
  const alice = stage.open()
  await alice.listen('memory:alice')
  const bob = stage.open()
  await bob.listen('memory:bob')
  const guest = stage.open()
  await alice.connect(infoOf('bob', 'memory:bob'))
  await guest.connect('memory:alice')
  await until(() => alice.list().length === 2, 'both')
  alice.cleanup()
  assert.is(alice.getStats().totalPeers, 2, 'who is connected stays')
  await alice.disconnect('bob')
  await guest.close()
  await until(() => alice.list().length === 0, 'both to be gone')
  alice.cleanup()
  assert.equal([alice.getStats().totalPeers, alice.get('bob')?.state], [1, 'disconnected'])
  stage.clock.advance(3_599_999)
  alice.cleanup()
  assert.is(alice.getStats().totalPeers, 1)
  stage.clock.advance(1)
  alice.cleanup()
  assert.is(alice.getStats().totalPeers, 0)
  const again = await alice.connect(infoOf('bob', 'memory:bob'))
  assert.is(again.trust, 'pinned', 'the name is still bound to its key')
})

test('a peer that is being dialled again is not cleaned away', async () => {
  await using stage = scene()
  const [alice, bob] = [stage.open(), stage.open()]
  await bob.listen('memory:bob')
  await alice.connect(infoOf('bob', 'memory:bob'))
  stage.hub.cut('memory:bob')
  await until(() => alice.getStats().reconnecting === 1, 'alice to wait for bob')
  stage.clock.advance(3_600_000)
  alice.cleanup()
  assert.is(alice.get('bob')?.peerId, 'bob')
})

test('the size of messages is the limit one gives', async () => {
  await using stage = scene()
  const alice = stage.open({ limits: { messageBytesMax: 2_000 } })
  const bob = stage.open()
  await bob.listen('memory:bob')
  await alice.connect(infoOf('bob', 'memory:bob'))
  await alice.sendTo('bob', { type: 'n', payload: new Uint8Array(1_500) })
  assert.is((await rejection(alice.sendTo('bob', { type: 'n', payload: new Uint8Array(2_000) }))).code, 'ERR_WIRE_FRAME_TOO_LARGE')
})

test('listeners that throw are logged and hurt nobody', async () => {
  await using stage = scene()
  const lines: string[] = []
  const quiet = (): void => {}
  const alice = stage.open({ logger: { debug: quiet, info: quiet, warn: quiet, error: text => void lines.push(text) } })
  const bob = stage.open()
  await bob.listen('memory:bob')
  alice.on('connected', () => { throw new Error('oops') })
  await alice.connect('memory:bob')
  assert.equal(lines, ['[PeerManager] a listener failed: oops'])
})

test('a store that fails once is read the next time', async () => {
  await using stage = scene()
  let failures = 1
  const { MemoryStore } = await import('../../lib/foundation/memory-store.ts')
  const store = new MemoryStore()
  const entries = store.entries.bind(store)
  store.entries = (prefix, options) => {
    if (failures-- > 0) throw new Error('locked')
    return entries(prefix, options)
  }
  const alice = stage.open({ store })
  const bob = stage.open()
  await bob.listen('memory:bob')
  assert.match((await alice.connect('memory:bob').catch((error: unknown) => error) as Error).message, /locked/)
  await alice.connect('memory:bob')
})

test('closing twice is harmless, and both wait for the same end', async () => {
  await using stage = scene()
  const [alice, bob] = [stage.open(), stage.open()]
  await bob.listen('memory:bob')
  await alice.connect('memory:bob')
  const first = bob.close()
  assert.is(bob.close(), first)
  await first
  assert.is(stage.hub.find('bob'), undefined, 'nobody listens there any more')
})

test('a peer\'s info says which side dialled and where the other end of its link is', async () => {
  await using stage = scene()
  const [alice, bob] = [stage.open(), stage.open()]
  await bob.listen('memory:bob')
  const dialled = await alice.connect(infoOf('bob', 'memory:bob'))
  await until(() => bob.list().length === 1, 'bob has taken alice in')
  const met = bob.list()[0]!
  assert.equal([dialled.direction, dialled.remoteAddress], ['outbound', 'memory:bob'])
  assert.is(met.direction, 'inbound')
  assert.match(met.remoteAddress!, /^memory:dialler-/)
})

test.run()
