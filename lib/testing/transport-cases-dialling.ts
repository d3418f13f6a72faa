import { expect, expectCode, expectEqual, expectRejection } from './acceptance.ts'
import { numbered, type TransportAcceptanceOptions, type TransportPlay } from './transport-stage.ts'

/** Long enough for an answer that is going to come. */
const PATIENCE_MS = 150

/** What a transport promises about addresses, dialling and listening. */
export function dialling({ silence = true }: TransportAcceptanceOptions): Record<string, TransportPlay> {
  return silence ? { ...addresses, ...patience } : addresses
}

const addresses: Record<string, TransportPlay> = {
  'a listener says its real address, and dialling it makes a channel with two ends': async stage => {
    const { listener, alice, bob } = await stage.ends()
    expect(listener.address !== stage.fixture.listenAddress, `expected the address that was really bound, got ${listener.address}`)
    expectEqual([alice.direction, bob.direction], ['outbound', 'inbound'], 'directions')
    expectEqual(alice.remoteAddress, listener.address, 'where alice dialled')
    expect(bob.remoteAddress.length > 0, 'expected bob to see an address')
  },

  'many channels at once do not mix up their frames': async stage => {
    const listener = await stage.listen()
    const ends = []
    for (let index = 0; index < 32; index++) ends.push(await stage.ends(listener))
    await Promise.all(ends.map(({ alice }, index) => alice.send(numbered(index, 100))))
    for (const [index, { bob }] of ends.entries()) expectEqual(new Uint8Array((await stage.read(bob, 1))[0]!), numbered(index, 100), `channel ${index}`)
  },

  'dialling where nobody listens fails and names the address': async ({ fixture }) => {
    const error = await expectCode(fixture.transport.dial(fixture.nowhereAddress), 'ERR_TRANSPORT_DIAL_FAILED', 'dialling nowhere')
    expect(error.message.includes(fixture.nowhereAddress), `expected the address in the message, got: ${error.message}`)
  },

  'an address that makes no sense cannot be dialled': async ({ fixture }) => {
    for (const address of ['', 'nonsense', `${fixture.transport.schemes[0]}///a b`, 'x'.repeat(100_000)]) {
      const error = await expectCode(fixture.transport.dial(address), 'ERR_TRANSPORT_DIAL_FAILED', `dialling ${address.slice(0, 20)}`)
      expect(error.message.length < 1_000, 'expected a long address to be cut in the message')
    }
  },

  'an address in use cannot be listened on again': async stage => {
    const { address } = await stage.listen()
    await expectCode(stage.listen(address), 'ERR_TRANSPORT_LISTEN_FAILED', 'listening twice')
  },

  'what is cancelled before it begins rejects with the reason untouched': async ({ fixture }) => {
    const reason = { word: 'never mind' }
    const signal = AbortSignal.abort(reason)
    const listening = fixture.listening ?? fixture.transport
    expect(await expectRejection(fixture.transport.dial(fixture.nowhereAddress, { signal }), 'dialling') === reason, 'expected the reason of dialling')
    expect(await expectRejection(listening.listen!(fixture.listenAddress, { signal }), 'listening') === reason, 'expected the reason of listening')
  },

  'dialling that is cancelled on its way rejects with the reason untouched': async stage => {
    const listener = await stage.listen()
    const controller = new AbortController()
    const dialled = expectRejection(stage.fixture.transport.dial(listener.address, { signal: controller.signal }), 'dialling')
    const reason = new Error('never mind')
    controller.abort(reason)
    expect(await dialled === reason, 'expected the reason')
  },

}

const patience: Record<string, TransportPlay> = {
  'somebody who takes the connection and says nothing is given up, by cancelling and by time': async ({ fixture }) => {
    expect(fixture.silentAddress !== undefined, 'expected the fixture to have a `silentAddress`')
    const controller = new AbortController()
    const cancelled = expectRejection(fixture.transport.dial(fixture.silentAddress, { signal: controller.signal }), 'dialling')
    const late = await expectRejection(fixture.transport.dial(fixture.silentAddress, { timeoutMs: PATIENCE_MS }), 'dialling')
    expectEqual((late as Error).name, 'TimeoutError', 'what a timeout is called')
    const reason = new Error('never mind')
    controller.abort(reason)
    expect(await cancelled === reason, 'expected the reason')
  },
}
