import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { transportAcceptance } from '../../lib/testing/transport-acceptance.ts'
import type { MemoryChannel } from '../../lib/transports/memory-channel.ts'
import { MemoryHub, MemoryTransport } from '../../lib/transports/memory.ts'
import { accepted as acceptedFrom, ending, nextFrame } from './support/scene.ts'

const accepted = suite('memory transport, acceptance')

const cases = transportAcceptance(async () => {
  const hub = new MemoryHub()
  return {
    transport: new MemoryTransport({ hub }),
    listenAddress: 'memory:',
    nowhereAddress: 'memory:nobody',
    breakable: async address => ({ address, cut: () => hub.cut(address) }),
  }
}, { silence: false, heldBytesMax: 2 * 1024 * 1024 })

for (const { name, run } of cases) accepted(name, run)

accepted.run()

const test = suite('memory transport')

const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => (error as { code?: string }).code)

test('memory:alice and memory://alice are one address', async () => {
  const transport = new MemoryTransport({ hub: new MemoryHub() })
  await using listener = await transport.listen('memory://alice')
  assert.is(listener.address, 'memory:alice')
  await using channel = await transport.dial('memory:alice')
  await using again = await transport.dial('memory://alice')
  assert.equal([channel.remoteAddress, again.remoteAddress], ['memory:alice', 'memory:alice'])
})

test('an open address gets a free name each time, near the one it was given', async () => {
  const transport = new MemoryTransport({ hub: new MemoryHub() })
  const addresses = []
  for (const open of ['memory:', 'memory://', 'memory:0', 'memory:bob:0', 'memory:bob:0']) addresses.push((await transport.listen(open)).address)
  assert.is(new Set(addresses).size, 5)
  assert.ok(addresses.slice(3).every(address => address.startsWith('memory:bob:')), addresses.join())
})

test('names of one hub are unknown in another, and transports without a hub share one', async () => {
  const alone = new MemoryTransport({ hub: new MemoryHub() })
  await using listener = await new MemoryTransport().listen('memory:')
  assert.is(await codeOf(alone.dial(listener.address)), 'ERR_TRANSPORT_DIAL_FAILED')
  await using _channel = await new MemoryTransport().dial(listener.address)
})

test('a name is free again when its listener has closed', async () => {
  const transport = new MemoryTransport({ hub: new MemoryHub() })
  await (await transport.listen('memory:alice')).close()
  await using listener = await transport.listen('memory:alice')
  assert.is(listener.address, 'memory:alice')
})

test('nobody listening is said with the address', async () => {
  const error = await new MemoryTransport({ hub: new MemoryHub() }).dial('memory:carol').then(() => undefined, (failure: unknown) => failure)
  assert.is((error as Error).message, 'could not dial "memory:carol": nobody listens there')
  assert.is((error as Error).name, 'TransportError')
})

test('a frame is copied on its way: neither side sees what the other changes later', async () => {
  const { alice, bob } = await ends()
  const frame = Uint8Array.of(1, 2, 3)
  await alice.send(frame)
  frame.fill(9)
  assert.equal(await nextFrame(bob), Uint8Array.of(1, 2, 3))
  const part = Buffer.from([5, 6, 7, 8])
  await alice.send(part.subarray(1, 3))
  part.fill(0)
  assert.equal(await nextFrame(bob), Uint8Array.of(6, 7))
})

test('the listener bounds the channels that nobody takes', async () => {
  const transport = new MemoryTransport({ hub: new MemoryHub(), limits: { channelsPendingMax: 2 } })
  await using listener = await transport.listen('memory:alice')
  for (let index = 0; index < 2; index++) await transport.dial(listener.address)
  assert.is(await codeOf(transport.dial(listener.address)), 'ERR_TRANSPORT_DIAL_FAILED')
  await acceptedFrom(listener)
  await using _channel = await transport.dial(listener.address)
})

test('each end says why it ended, as its closer put it', async () => {
  for (const [reason, there] of [['local', 'remote'], ['shutdown', 'shutdown'], ['limit', 'limit']] as const) {
    const { alice, bob } = await ends()
    await alice.close(reason)
    assert.is(await ending(bob), 'end')
    assert.equal([alice.closeReason, bob.closeReason], [reason, there])
  }
})

async function ends(): Promise<{ alice: MemoryChannel; bob: MemoryChannel }> {
  const transport = new MemoryTransport({ hub: new MemoryHub() })
  const listener = await transport.listen('memory:')
  const [alice, bob] = await Promise.all([transport.dial(listener.address), acceptedFrom(listener)])
  return { alice: alice as MemoryChannel, bob: bob as MemoryChannel }
}

test.run()
