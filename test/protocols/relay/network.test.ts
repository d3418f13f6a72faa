import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure, RelayWorld } from './support/line.ts'

const relay = suite('relay between coordinators')

relay('a message crosses a line of six, as from its author, and without the option it is refused', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(6)
  await world.line(nodes)
  const [first, last] = [nodes[0]!, nodes[5]!]
  const direct = await failure(world.sim.clock.drive(first.coordinator.sendTo(last.id, { type: 'note', payload: 1 })))
  assert.is(direct.code, 'ERR_PEER_NOT_CONNECTED')
  await world.send(first, last, { text: 'by way of four' })
  assert.equal(world.payloads(last), [{ text: 'by way of four' }])
  const { message, from } = world.ear(last).messages[0]!
  assert.is(from, first.id)
  assert.is(message.from, first.id)
  assert.is(message.via, nodes[4]!.id)
  assert.is(message.signature?.length, 64)
  for (const between of nodes.slice(1, 5)) assert.is(world.ear(between).messages.length, 0)
  assert.is(world.counted('carried'), 4)
})

relay('the second message and the answer go along the learned way: nobody is searched for again', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(5)
  await world.line(nodes)
  const [first, last] = [nodes[0]!, nodes[4]!]
  await world.send(first, last, 1)
  const searches = world.counted('searches')
  assert.is(searches, 1)
  const seen = nodes.map(node => world.relay(node).getStats().seen)
  for (let count = 2; count <= 5; count++) await world.send(first, last, count)
  await world.send(last, first, 'answer')
  assert.equal(world.payloads(last), [1, 2, 3, 4, 5])
  assert.equal(world.payloads(first), ['answer'])
  assert.is(world.counted('searches'), 1)
  assert.equal(nodes.map(node => world.relay(node).getStats().seen), seen)
})

relay('in a ring each search is handed on once by each, and the message arrives once', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(6)
  await world.ring(nodes)
  await world.send(nodes[0]!, nodes[3]!, 'across')
  await world.sim.run({ forMs: 10_000 })
  assert.equal(world.payloads(nodes[3]!), ['across'])
  for (const node of nodes) assert.ok(world.relay(node).getStats().seen <= 1)
  assert.is(nodes.reduce((sum, node) => sum + world.relay(node).getStats().pending, 0), 0)
})

relay('a node on the way goes, and the next message finds another way by itself', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(6)
  await world.ring(nodes)
  const [alice, bob] = [nodes[0]!, nodes[2]!]
  await world.send(alice, bob, 'the short way')
  world.sim.crash(nodes[1]!, { power: true })
  await world.send(alice, bob, 'the long way')
  assert.equal(world.payloads(bob), ['the short way', 'the long way'])
})

relay('nobody within ten hops: the sender is told that the target was not found', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(13)
  await world.line(nodes)
  await world.send(nodes[0]!, nodes[10]!, 'ten')
  assert.equal(world.payloads(nodes[10]!), ['ten'])
  const error = await failure(world.send(nodes[0]!, nodes[11]!, 'eleven'))
  assert.is(error.code, 'ERR_RELAY_UNREACHABLE')
  assert.equal(world.payloads(nodes[11]!), [])
})

relay('a deadline of the caller ends the wait, and nothing is left of it', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(2)
  await world.line(nodes)
  const stranger = await world.add('stranger')
  const error = await failure(world.send(nodes[0]!, stranger, 'x', 1_000))
  assert.is(error.name, 'TimeoutError')
  const { sends, searches } = world.relay(nodes[0]!).getStats()
  assert.equal([sends, searches], [0, 0])
})

relay('a node that carries for nobody is still found and can still send', async () => {
  await using world = new RelayWorld()
  const [alice, bob] = await world.addAll(2)
  const hermit = await world.add('hermit', { carries: false })
  const dave = await world.add('dave')
  await world.line([alice!, bob!, hermit, dave])
  await world.send(alice!, hermit, 'in')
  await world.send(hermit, alice!, 'out')
  assert.equal([world.payloads(hermit), world.payloads(alice!)], [['in'], ['out']])
  const error = await failure(world.send(alice!, dave, 'through'))
  assert.is(error.code, 'ERR_RELAY_UNREACHABLE')
  assert.ok((world.relay(hermit).getStats().counters['not-carrying'] ?? 0) > 0)
})

relay('a message of 64 KiB passes, and 20 at once arrive each once', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(4)
  await world.line(nodes)
  const [first, last] = [nodes[0]!, nodes[3]!]
  await world.send(first, last, new Uint8Array(64 * 1024).fill(7))
  assert.is((world.payloads(last)[0] as Uint8Array).length, 64 * 1024)
  await Promise.all(Array.from({ length: 20 }, (_, index) => first.coordinator.sendTo(last.id, { type: 'note', payload: index }, { route: 'any' })).concat(
    world.sim.run({ forMs: 5_000 }).then(() => ({ messageId: '' })),
  ))
  assert.equal(world.payloads(last).slice(1).sort((a, b) => Number(a) - Number(b)), Array.from({ length: 20 }, (_, index) => index))
})

relay('an unregistered relay ends what waited for it', async () => {
  await using world = new RelayWorld()
  const nodes = await world.addAll(2)
  await world.line(nodes)
  const stranger = await world.add('stranger')
  const sending = failure(nodes[0]!.coordinator.sendTo(stranger.id, { type: 'note', payload: 1 }, { route: 'any' }))
  await world.sim.run({ forMs: 100 })
  nodes[0]!.coordinator.unregisterProtocol('relay')
  assert.is((await world.sim.clock.drive(sending)).code, 'ERR_PROTOCOL_NOT_REGISTERED')
})

relay('twenty nodes at random under loss: everybody reaches everybody it has no link to', async () => {
  await using world = new RelayWorld({ quality: { lossRate: 0.05 } })
  const nodes = await world.addAll(20)
  await world.sim.connectAll({ degree: 4 })
  await world.sim.run({ forMs: 30_000 })
  const pairs = nodes.map((node, index) => [node, nodes[(index + 7) % 20]!] as const).filter(([a, b]) => !a.coordinator.isConnected(b.id))
  assert.ok(pairs.length >= 10, `${pairs.length} pairs without a link`)
  for (const [a, b] of pairs) await world.send(a, b, a.name)
  for (const [a, b] of pairs) assert.equal(world.payloads(b).filter(payload => payload === a.name), [a.name])
})

relay.run()
