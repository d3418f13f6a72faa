import { Type } from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import type { PeerInfo } from '../../lib/contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext } from '../../lib/contracts/protocol.ts'
import { defineProtocol } from '../../lib/protocol-kit/define-protocol.ts'
import { ProtocolHandler } from '../../lib/protocol-kit/protocol-handler.ts'
import type { MeshNode } from '../../lib/testing/mesh-node.ts'
import { SimulatedMesh, type SimulatedMeshOptions } from '../../lib/testing/simulated-mesh.ts'
import { Auth, parseFrame } from '../../lib/wire/frame.ts'
import { FloodedMesh } from '../simulation/support/flood.ts'

const test = suite('simulated mesh')

/** A handler whose context is open to the test, and that remembers what it was told. */
class Open implements IProtocolHandler {
  readonly protocolName: string
  readonly messages: P2PMessage[] = []
  readonly peers: string[] = []
  context!: ProtocolContext
  onMessage: ((message: P2PMessage, from: PeerInfo) => void | Promise<void>) | undefined

  constructor(protocolName = 'test/open') {
    this.protocolName = protocolName
  }

  onRegister(context: ProtocolContext): void {
    this.context = context
  }

  async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    this.messages.push(message)
    await this.onMessage?.(message, from)
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    this.peers.push(`+${peer.peerId.slice(0, 4)}`)
  }

  async onPeerDisconnected(peer: PeerInfo): Promise<void> {
    this.peers.push(`-${peer.peerId.slice(0, 4)}`)
  }
}

interface Person { node: MeshNode; open: Open; context: ProtocolContext }

/** Some people, all linked with the first. */
async function people(count: number, options: SimulatedMeshOptions = {}): Promise<{ mesh: SimulatedMesh; all: Person[] }> {
  const mesh = new SimulatedMesh({ latencyMs: 50, ...options })
  const all = Array.from({ length: count }, (_, index) => {
    const open = new Open()
    const node = mesh.addNode(['alice', 'bob', 'carol', 'mallory'][index]!, [open])
    return { node, open, context: open.context }
  })
  for (const { node } of all.slice(1)) mesh.link(node, all[0]!.node)
  await mesh.run({ forMs: 1 })
  return { mesh, all }
}

const codeOf = async (mesh: SimulatedMesh, promise: Promise<unknown>): Promise<string | undefined> => {
  const reason = await mesh.drive(promise.then(() => undefined, (error: Error & { code?: string | number }) => error))
  return reason && (typeof reason.code === 'string' ? reason.code : reason.name)
}

test('a message takes the time of its link and arrives as it was said, from whom it was said', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  const startMs = mesh.nowMs
  let atMs = 0
  bob.open.onMessage = () => { atMs = mesh.nowMs }
  await alice.context.send(bob.node.id, { type: 'word', payload: { text: 'hello', bytes: Uint8Array.of(1, 2), list: [1, null, true] } })
  await mesh.run({ forMs: 1_000 })
  assert.is(Math.round(atMs - startMs), 50)
  const [message] = bob.open.messages
  assert.equal(message!.payload, { text: 'hello', bytes: Uint8Array.of(1, 2), list: [1, null, true] })
  assert.equal([message!.type, message!.from, message!.to, message!.protocol], ['word', alice.node.id, bob.node.id, 'test/open'])
  assert.equal(bob.open.peers, [`+${alice.node.id.slice(0, 4)}`])
})

test('messages of one link keep their order, whatever each of them takes', async () => {
  const { mesh, all: [alice, bob] } = await people(2, { quality: { jitterMs: 500, lossRate: 0.2 } }) as { mesh: SimulatedMesh; all: [Person, Person] }
  for (let number = 0; number < 200; number++) await alice.context.send(bob.node.id, { type: 'n', payload: number })
  await mesh.run({ forMs: 120_000 })
  assert.equal(bob.open.messages.map(({ payload }) => payload), Array.from({ length: 200 }, (_, number) => number))
})

test('what vanishes is gone, what is lost comes late', async () => {
  const { mesh, all: [alice, bob] } = await people(2, { quality: { vanishRate: 0.2 } }) as { mesh: SimulatedMesh; all: [Person, Person] }
  for (let number = 0; number < 500; number++) await alice.context.send(bob.node.id, { type: 'n', payload: number })
  await mesh.run({ forMs: 1_000 })
  const { sent, delivered, vanished } = mesh.stats
  assert.equal([sent, delivered + vanished, bob.open.messages.length], [500, 500, delivered])
  assert.ok(vanished > 70 && vanished < 130, `${vanished} of 500 at 20%`)
  mesh.setQuality({ vanishRate: 0, lossRate: 1 })
  await alice.context.send(bob.node.id, { type: 'late', payload: null })
  await mesh.run({ forMs: 10_000 })
  assert.is(bob.open.messages.length, delivered)
  await mesh.run({ forMs: 60_000 })
  assert.is(bob.open.messages.length, delivered + 1)
})

test('with the codec nobody sees another\'s objects; without, they are the same', async () => {
  for (const codec of [true, false]) {
    const { mesh, all: [alice, bob] } = await people(2, { codec }) as { mesh: SimulatedMesh; all: [Person, Person] }
    const payload = { list: [1] }
    await alice.context.send(bob.node.id, { type: 'word', payload })
    payload.list.push(2)
    await mesh.run({ forMs: 1_000 })
    assert.is(bob.open.messages[0]!.payload === payload, !codec)
    assert.equal(bob.open.messages[0]!.payload, codec ? { list: [1] } : { list: [1, 2] })
    if (codec) assert.is(await codeOf(mesh, alice.context.send(bob.node.id, { type: 'word', payload: () => {} })), 'ERR_WIRE_UNENCODABLE')
  }
})

test('a broadcast reaches those who speak the protocol, but for whom it leaves out', async () => {
  const { mesh, all } = await people(4) as { mesh: SimulatedMesh; all: Person[] }
  const [alice, bob, carol, mallory] = all as [Person, Person, Person, Person]
  const other = mesh.addNode('dave', [new Open('test/other')])
  mesh.link(alice.node, other)
  await mesh.run({ forMs: 1 })
  assert.equal(alice.context.peers().map(({ peerId }) => peerId), [bob, carol, mallory].map(({ node }) => node.id))
  await alice.context.broadcast({ type: 'word', payload: 1 }, { except: [carol.node.id] })
  await mesh.run({ forMs: 1_000 })
  assert.equal([bob, carol, mallory].map(({ open }) => open.messages.length), [1, 0, 1])
  assert.is(other.handler(Open).messages.length, 0)
})

const asking = defineProtocol({
  name: 'test/asking', version: 3,
  messages: { note: Type.Object({ text: Type.String() }) },
  requests: { add: { request: Type.Object({ a: Type.Integer(), b: Type.Integer() }), reply: Type.Object({ sum: Type.Integer() }) } },
})

class Asking extends ProtocolHandler<typeof asking> {
  readonly notes: string[] = []
  slowMs = 0

  constructor() {
    super(asking)
  }

  protected readonly receive = {
    note: ({ text }: { text: string }): void => void this.notes.push(text),
  }

  protected override readonly answer = {
    add: async ({ a, b }: { a: number; b: number }): Promise<{ sum: number }> => {
      if (this.slowMs > 0) await new Promise<void>(resolve => this.context.clock.schedule(this.slowMs, resolve))
      if (a < 0) throw new Error('no')
      return { sum: a + b }
    },
  }

  add(peer: string, a: number, b: number, timeoutMs?: number): Promise<{ sum: number }> {
    return this.request(peer, 'add', { a, b }, timeoutMs === undefined ? {} : { timeoutMs })
  }

  noteTo(peer: string, text: unknown): Promise<void> {
    return this.context.send(peer, { type: 'note', payload: { text } })
  }
}

test('handlers of the kit run unchanged: questions are answered, refused or time out, and what is off its schema is refused', async () => {
  const mesh = new SimulatedMesh({ latencyMs: 50 })
  const [alice, bob] = [mesh.addNode('alice', [new Asking()]), mesh.addNode('bob', [new Asking()])]
  const ask = (...args: Parameters<Asking['add']>): ReturnType<Asking['add']> => alice.handler(Asking).add(...args)
  mesh.link(alice, bob)
  assert.equal(await mesh.drive(ask(bob.id, 2, 3)), { sum: 5 })
  assert.is(await codeOf(mesh, ask(bob.id, -1, 3)), 'ERR_PROTOCOL_REQUEST_REFUSED')
  bob.handler(Asking).slowMs = 60_000
  const beforeMs = mesh.nowMs
  assert.is(await codeOf(mesh, ask(bob.id, 2, 3)), 'TimeoutError')
  assert.is(Math.round(mesh.nowMs - beforeMs), 10_000)
  assert.is(await codeOf(mesh, ask(bob.id, 2, 3, 500)), 'TimeoutError')

  await alice.handler(Asking).noteTo(bob.id, 'fine')
  await alice.handler(Asking).noteTo(bob.id, 17)
  await mesh.run({ forMs: 1_000 })
  assert.equal([bob.handler(Asking).notes, bob.errors.ERR_PROTOCOL_BAD_PAYLOAD], [['fine'], 1])

  const waiting = codeOf(mesh, ask(bob.id, 2, 3))
  mesh.crash(bob)
  assert.is(await waiting, 'ERR_PEER_DISCONNECTED')
  assert.is(await codeOf(mesh, ask(bob.id, 2, 3)), 'ERR_PEER_NOT_CONNECTED')
  assert.is(alice.requests.size, 0)
})

test('nobody but whom was asked can answer', async () => {
  const { mesh, all: [alice, bob, carol] } = await people(3) as { mesh: SimulatedMesh; all: [Person, Person, Person] }
  mesh.link(bob.node, carol.node)
  let asked: P2PMessage | undefined
  bob.open.onMessage = message => { asked = message }
  const answer = alice.context.request(bob.node.id, { type: 'q', payload: null }, { timeoutMs: 1_000 }).then(({ payload }) => payload, (error: Error) => error.name)
  await mesh.run({ forMs: 100 })
  await carol.context.send(alice.node.id, { type: 'q', payload: 'forged', inReplyTo: asked!.messageId })
  await mesh.run({ forMs: 100 })
  assert.is(alice.open.messages.length, 1, 'it comes to the handler as any message')
  await bob.context.reply(asked!, 'true')
  assert.is(await mesh.drive(answer), 'true')
})

test('an author\'s frame is the wire\'s own, and whoever verifies it gets the message', async () => {
  for (const codec of [true, false]) {
    const { mesh, all: [alice, bob] } = await people(2, { codec }) as { mesh: SimulatedMesh; all: [Person, Person] }
    const frame = await mesh.drive(alice.context.author({ type: 'word', payload: { text: 'hello' }, slot: 'round/1' }))
    const parsed = parseFrame(frame, frame.length)
    assert.equal([parsed.auth, parsed.author], [Auth.SIGNATURE, alice.node.publicKey])
    const message = await mesh.drive(bob.context.verify(frame))
    assert.equal([message.from, message.type, message.payload, message.slot, message.protocol], [alice.node.id, 'word', { text: 'hello' }, 'round/1', 'test/open'])
    assert.equal(message.frame, frame)
    const again = await mesh.drive(bob.context.verify(frame))
    assert.is(again === message, !codec)
  }
})

test('a frame that was changed, even in place after it was verified, is refused', async () => {
  for (const codec of [true, false]) {
    const { mesh, all: [alice, bob] } = await people(2, { codec }) as { mesh: SimulatedMesh; all: [Person, Person] }
    const frame = await mesh.drive(alice.context.author({ type: 'word', payload: 1 }))
    await mesh.drive(bob.context.verify(frame))
    for (const at of [40, 60, frame.length - 1]) {
      frame[at]! ^= 1
      assert.is(await codeOf(mesh, bob.context.verify(frame)), 'ERR_WIRE_BAD_SIGNATURE', `byte ${at}`)
      frame[at]! ^= 1
    }
    assert.is(await codeOf(mesh, bob.context.verify(frame.subarray(0, 50))), 'ERR_WIRE_MALFORMED')
    assert.is(await codeOf(mesh, bob.context.verify(frame)), undefined)
  }
})

test('a frame can be handed to the node\'s intake once, if it is for it and of now', async () => {
  const { mesh, all: [alice, bob, carol] } = await people(3) as { mesh: SimulatedMesh; all: [Person, Person, Person] }
  const via = bob.context.localPeer
  const frame = await mesh.drive(alice.context.author({ type: 'word', payload: 1 }))
  assert.is(await codeOf(mesh, carol.context.deliver(frame, via)), undefined)
  assert.equal(carol.open.messages.map(({ from }) => from), [alice.node.id])
  assert.is(await codeOf(mesh, carol.context.deliver(frame, via)), 'ERR_WIRE_DUPLICATE')
  const forBob = await mesh.drive(alice.context.author({ type: 'word', payload: 1, to: bob.node.id }))
  assert.is(await codeOf(mesh, carol.context.deliver(forBob, via)), 'ERR_WIRE_WRONG_RECIPIENT')
  const late = await mesh.drive(alice.context.author({ type: 'word', payload: 2 }))
  await mesh.run({ forMs: 200_000 })
  await mesh.drive(carol.context.deliver(late, via))
  assert.equal([carol.open.messages.length, carol.node.errors.ERR_WIRE_STALE], [1, 1])
})

test('a message has its author\'s frame when somebody asks for it', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  await alice.context.send(bob.node.id, { type: 'word', payload: { a: 1 } })
  await mesh.run({ forMs: 1_000 })
  const [message] = bob.open.messages
  const verified = await mesh.drive(bob.context.verify(message!.frame!))
  assert.equal([verified.from, verified.messageId, verified.payload], [alice.node.id, message!.messageId, { a: 1 }])
  assert.is(message!.signature!.length, 64)
})

test('a node whose clock is wrong is not believed, and believes nobody', async () => {
  const mesh = new SimulatedMesh({ latencyMs: 50 })
  const [alice, bob] = [mesh.addNode('alice', [new Open()], { skewMs: 200_000 }), mesh.addNode('bob', [new Open()])]
  mesh.link(alice, bob)
  await mesh.run({ forMs: 1 })
  await alice.handler(Open).context.send(bob.id, { type: 'early', payload: null })
  await bob.handler(Open).context.send(alice.id, { type: 'stale', payload: null })
  await mesh.run({ forMs: 1_000 })
  assert.equal([alice.errors, bob.errors], [{ ERR_WIRE_STALE: 1 }, { ERR_WIRE_FUTURE: 1 }])
  alice.clock.jump(-200_000)
  await alice.handler(Open).context.send(bob.id, { type: 'now', payload: null })
  await mesh.run({ forMs: 1_000 })
  assert.equal(bob.handler(Open).messages.map(({ type }) => type), ['now'])
})

test('a node that is stuck handles later what came meanwhile', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  bob.node.clock.stall(5_000)
  for (let number = 0; number < 3; number++) await alice.context.send(bob.node.id, { type: 'n', payload: number })
  await mesh.run({ forMs: 4_000 })
  assert.is(bob.open.messages.length, 0)
  await mesh.run({ forMs: 2_000 })
  assert.equal(bob.open.messages.map(({ payload }) => payload), [0, 1, 2])
})

test('peers are dialled by address or by id once known, told of each other, and cut in good order', async () => {
  const { mesh, all: [alice, bob, carol] } = await people(3) as { mesh: SimulatedMesh; all: [Person, Person, Person] }
  assert.is(await codeOf(mesh, bob.context.connect(carol.node.id)), 'ERR_PEER_UNKNOWN')
  const record = await mesh.drive(carol.context.addresses.own())
  assert.is(await mesh.drive(bob.context.addresses.add(record)), true)
  assert.equal(bob.context.addresses.sample(10).map(({ peerId }) => peerId).sort(), [alice, carol].map(({ node }) => node.id).sort())
  const peer = await mesh.drive(bob.context.connect(carol.node.id))
  assert.is(peer.peerId, carol.node.id)
  await mesh.run({ forMs: 100 })
  assert.equal([bob.open.peers.at(-1), carol.open.peers.at(-1)], [`+${carol.node.id.slice(0, 4)}`, `+${bob.node.id.slice(0, 4)}`])
  const [seen] = carol.context.peers().filter(({ peerId }) => peerId === bob.node.id)
  assert.equal([(peer as { direction?: string }).direction, (seen as { direction?: string }).direction], ['outbound', 'inbound'])

  await carol.context.send(bob.node.id, { type: 'last', payload: null })
  await carol.context.disconnect(bob.node.id)
  await mesh.run({ forMs: 1_000 })
  assert.is(bob.open.messages.at(-1)!.type, 'last', 'what was said before the goodbye arrives before it')
  assert.equal([bob.open.peers.at(-1), carol.open.peers.at(-1)], [`-${carol.node.id.slice(0, 4)}`, `-${bob.node.id.slice(0, 4)}`])
  assert.is(await codeOf(mesh, bob.context.send(carol.node.id, { type: 'x', payload: null })), 'ERR_PEER_NOT_CONNECTED')
})

test('a record that is none, or says nothing new, is not kept', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  const none = await mesh.drive(alice.context.author({ type: 'record', payload: null }))
  assert.is(await codeOf(mesh, bob.context.addresses.add(none)), 'ERR_WIRE_MALFORMED')
  assert.is(await mesh.drive(bob.context.addresses.add(await mesh.drive(bob.context.addresses.own()))), false)
})

test('there is room for so many links; those of lookups have their own, and end when idle', async () => {
  const mesh = new SimulatedMesh({ latencyMs: 50, maxConnections: 2 })
  const [alice, ...others] = mesh.addNodes(6, () => [new Open()]) as [MeshNode, ...MeshNode[]]
  const { context } = alice.handler(Open)
  for (const other of others.slice(0, 2)) await mesh.drive(context.connect(other.info))
  assert.is(await codeOf(mesh, context.connect(others[2]!.info)), 'ERR_PEER_LIMIT_REACHED')
  await mesh.drive(context.connect(others[2]!.info, { shortLived: true }))
  assert.is(context.peers().length, 3)
  await mesh.run({ forMs: 20_000 })
  await context.send(others[2]!.id, { type: 'still here', payload: null })
  await mesh.run({ forMs: 20_000 })
  assert.is(context.peers().length, 3)
  await mesh.run({ forMs: 20_000 })
  assert.is(context.peers().length, 2)
})

test('who has crashed does not answer, and its peers are told after a while', async () => {
  const { mesh, all: [alice, bob] } = await people(2, { noticedAfterMs: 3_000 }) as { mesh: SimulatedMesh; all: [Person, Person] }
  const info = bob.context.localPeer
  mesh.crash(bob.node)
  await alice.context.send(bob.node.id, { type: 'into the void', payload: null })
  await mesh.run({ forMs: 2_900 })
  assert.is(alice.context.peers().length, 1)
  await mesh.run({ forMs: 200 })
  assert.equal([alice.context.peers().length, alice.open.peers.at(-1), bob.open.messages.length], [0, `-${bob.node.id.slice(0, 4)}`, 0])
  assert.is(await codeOf(mesh, alice.context.connect(info, { timeoutMs: 1_000 })), 'TimeoutError')
})

test('a partition breaks links and calls; healing puts the links back', async () => {
  const { mesh, all: [alice, bob, carol] } = await people(3) as { mesh: SimulatedMesh; all: [Person, Person, Person] }
  mesh.partition([[alice.node, bob.node]])
  await mesh.run({ forMs: 100 })
  assert.equal(alice.context.peers().map(({ peerId }) => peerId), [bob.node.id])
  assert.is(await codeOf(mesh, alice.context.connect(carol.context.localPeer, { timeoutMs: 1_000 })), 'TimeoutError')
  mesh.heal()
  await mesh.run({ forMs: 100 })
  assert.is(alice.context.peers().length, 2)
  assert.equal(carol.open.peers.length, 3)
})

test('an ephemeral handler has a key and links of its own, and its parent\'s drawer', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  await mesh.drive(alice.context.store.put('seed', Uint8Array.of(7)))
  const stranger = new Open()
  const handle = await mesh.drive(alice.context.ephemeral(stranger))
  assert.not.equal(stranger.context.localPeer.peerId, alice.node.id)
  assert.equal(stranger.context.peers(), [])
  await mesh.drive(stranger.context.connect(bob.context.localPeer))
  await stranger.context.send(bob.node.id, { type: 'who am I', payload: null })
  await mesh.run({ forMs: 1_000 })
  assert.is(bob.open.messages[0]!.from, stranger.context.localPeer.peerId)
  await mesh.drive(handle[Symbol.asyncDispose]())
  await mesh.run({ forMs: 1_000 })
  assert.is(bob.context.peers().length, 1)
  assert.is(stranger.context.signal.aborted, true)
})

test('each protocol has a drawer of its own in its node\'s store', async () => {
  const mesh = new SimulatedMesh()
  const node = mesh.addNode('alice', [new Open('a/b'), new Asking()])
  const other = new Open('a')
  node.register(other)
  await mesh.drive(node.handler(Open).context.store.put('key', Uint8Array.of(1)))
  assert.is(await mesh.drive(other.context.store.get('b/key')), undefined)
  assert.throws(() => node.register(new Open('a')), (error: { code?: string }) => error.code === 'ERR_PROTOCOL_DUPLICATE')
})

test('after its end a context does nothing any more', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  await mesh.drive(mesh.stop(alice.node))
  assert.is(alice.context.signal.aborted, true)
  const uses = [alice.context.send(bob.node.id, { type: 'x', payload: null }), alice.context.author({ type: 'x', payload: null }), alice.context.connect(bob.node.id)]
  assert.equal(await Promise.all(uses.map(use => codeOf(mesh, use))), ['ERR_PROTOCOL_NOT_REGISTERED', 'ERR_PROTOCOL_NOT_REGISTERED', 'ERR_PROTOCOL_NOT_REGISTERED'])
  assert.equal(alice.context.peers(), [])
})

class Forgetful extends Open {
  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    const again = (): void => void context.clock.schedule(1_000, again)
    again()
  }
}

test('a handler that leaves a timer behind is found out', async () => {
  const mesh = new SimulatedMesh()
  mesh.addNode('alice', [new Forgetful()])
  await mesh.run({ forMs: 5_000 })
  const error = await mesh.shutdown().catch((reason: Error) => reason)
  assert.match((error as Error).message, /alice has shut down and left 1 timers/)
})

test('a handler that throws is reported and harms nobody', async () => {
  const { mesh, all: [alice, bob] } = await people(2) as { mesh: SimulatedMesh; all: [Person, Person] }
  const reported: string[] = []
  mesh.onError = (node, error) => void reported.push(`${node.name} ${error.code}`)
  bob.open.onMessage = () => { throw new Error('boom') }
  await alice.context.send(bob.node.id, { type: 'x', payload: null })
  await mesh.run({ forMs: 1_000 })
  assert.equal(reported, ['bob ERR_PROTOCOL_HANDLER_FAILED'])
})

test('a thousand nodes with forty links each hear everything, and the same seed is the same run', async () => {
  const play = async (seed: number, codec: boolean): Promise<string> => {
    const { complete, delivered, hash } = await new FloodedMesh({ nodes: 1_000, degree: 40, items: 3, seed, codec }).run()
    assert.is(complete, true)
    assert.ok(delivered > 100_000)
    return hash
  }
  const first = await play(1, false)
  assert.is(await play(1, false), first)
  assert.not.equal(await play(2, false), first)
  await play(1, true)
})

test.run()
