import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { transportAcceptance } from '../../lib/testing/transport-acceptance.ts'
import { SimNetwork } from '../../lib/testing/sim-network.ts'
import { SimTransport } from '../../lib/testing/sim-transport.ts'
import { VirtualClock } from '../../lib/testing/virtual-clock.ts'
import { Machines } from './support/two-machines.ts'

/** What every transport promises, this one keeps as well: in virtual time. */
const promises = suite('simulated transport: acceptance')
const clock = new VirtualClock()
const cases = transportAcceptance(async () => {
  const network = new SimNetwork({ clock })
  const [dialler, listener, dark] = [network.addHost('dialler'), network.addHost('listener'), network.addHost('dark')]
  network.switch(dark, false)
  return {
    transport: new SimTransport({ network, host: dialler }),
    listening: new SimTransport({ network, host: listener }),
    listenAddress: 'sim:',
    nowhereAddress: `sim://${listener.address}:9`,
    silentAddress: `sim://${dark.address}:4000`,
    breakable: async address => ({ address, cut: () => [...dialler.channels].forEach(channel => network.reset(channel)) }),
  }
}, { clock })
for (const { name, run } of cases) promises(name, () => clock.drive(run(), { withinMs: 600_000 }))
promises.run()

const test = suite('simulated transport')

test('each machine has an address in a /24 of its own, and ports of its own', async () => {
  const world = new Machines()
  const first = await world.listen(world.bob)
  const second = await world.listen(world.bob)
  assert.not.equal(first.address, second.address)
  assert.not.equal(world.alice.host.address.split('.').slice(0, 3), world.bob.host.address.split('.').slice(0, 3))
  await world.clock.drive(first.close())
  const again = await world.clock.drive(world.bob.transport.listen(first.address))
  assert.is(again.address, first.address)
})

test('a machine does not listen at another\'s address', async () => {
  const world = new Machines()
  const error = await world.clock.drive(world.bob.transport.listen(`sim://${world.alice.host.address}:4000`).catch((reason: Error) => reason))
  assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_LISTEN_FAILED')
})

test('dialling takes a round trip, and an inbound channel knows where it comes from', async () => {
  const world = new Machines()
  const { b } = await world.ends()
  assert.is(world.clock.elapsedMs(), 100)
  assert.match(b.remoteAddress, new RegExp(`^sim://${world.alice.host.address}:\\d+$`))
})

test('a call to a machine that is off is made again and again until the caller has enough', async () => {
  const world = new Machines()
  const listener = await world.listen(world.bob)
  world.network.switch(world.bob.host, false)
  const error = await world.clock.drive(world.alice.transport.dial(listener.address, { timeoutMs: 20_000 }).catch((reason: Error) => reason))
  assert.is((error as Error).name, 'TimeoutError')
  assert.is(world.clock.elapsedMs(), 20_000)
  await world.clock.runToEnd()
  assert.is(world.clock.pending, 0)
})

test('a call that is answered after the machine is switched on again succeeds', async () => {
  const world = new Machines()
  const listener = await world.listen(world.bob)
  world.network.switch(world.bob.host, false)
  world.clock.schedule(2_500, () => world.network.switch(world.bob.host, true))
  await world.clock.drive(world.alice.transport.dial(listener.address, { timeoutMs: 20_000 }))
  assert.ok(world.clock.elapsedMs() > 2_500 && world.clock.elapsedMs() < 4_000, `${world.clock.elapsedMs()}`)
})

test('who gives up dialling leaves no socket behind at either end', async () => {
  const world = new Machines()
  const listener = await world.listen(world.bob)
  const controller = new AbortController()
  const dialled = world.alice.transport.dial(listener.address, { signal: controller.signal }).catch(() => {})
  world.clock.schedule(60, () => controller.abort(new Error('never mind')))
  await world.clock.drive(dialled)
  const { value } = await world.clock.drive(listener.channels[Symbol.asyncIterator]().next())
  const seen = world.read(value!)
  await world.clock.run({ forMs: 5_000 })
  assert.is(seen.end, 'ERR_TRANSPORT_CHANNEL_BROKEN')
  assert.equal([world.alice.host.channels.size, world.bob.host.channels.size], [0, 0])
})

test('a machine without free sockets neither dials, listens nor is reached', async () => {
  const world = new Machines()
  const listener = await world.listen(world.bob)
  const code = async (promise: Promise<unknown>): Promise<string | undefined> => ((await world.clock.drive(promise.catch((reason: Error) => reason))) as { code?: string }).code
  world.bob.host.outOfSockets = true
  assert.is(await code(world.alice.transport.dial(listener.address)), 'ERR_TRANSPORT_DIAL_FAILED')
  assert.is(await code(world.bob.transport.dial('sim://10.0.0.1:4000')), 'ERR_TRANSPORT_DIAL_FAILED')
  assert.is(await code(world.bob.transport.listen('sim:')), 'ERR_TRANSPORT_LISTEN_FAILED')
  world.bob.host.outOfSockets = false
  await world.clock.drive(world.alice.transport.dial(listener.address))
})

test.run()
