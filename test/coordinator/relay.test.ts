import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator } from '../../lib/index.ts'
import type { IProtocolHandler, P2PMessage, PeerInfo, ProtocolContext } from '../../lib/index.ts'
import { MemoryHub, MemoryTransport } from '../../lib/transports/memory.ts'

const relay = suite('a message to a peer without a link')

/** Carries envelopes by way of one node in the middle, which keeps what it saw. */
class Courier implements IProtocolHandler {
  readonly protocolName = 'courier'
  readonly carried: Uint8Array[] = []
  context!: ProtocolContext
  meddle: (sealed: Uint8Array) => Uint8Array = sealed => sealed
  readonly relay = {
    send: async (to: string, sealed: Uint8Array): Promise<void> => {
      const [middle] = this.context.peers()
      await this.context.request(middle!.peerId, { type: 'carry', payload: { to, sealed } }, { timeoutMs: 300 })
    },
  }

  onRegister(context: ProtocolContext): void {
    this.context = context
  }

  async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    const { to, sealed } = message.payload as { to: string; sealed: Uint8Array }
    if (message.type === 'hand-in') await this.context.deliver(sealed, from)
    else {
      this.carried.push(sealed)
      await this.context.request(to, { type: 'hand-in', payload: { to, sealed: this.meddle(sealed) } }, { timeoutMs: 200 })
    }
    await this.context.reply(message, null)
  }
}

async function stage() {
  const hub = new MemoryHub()
  const node = (peerId: string, names = {}) => new P2PCoordinator({ peerId, names, transports: [new MemoryTransport({ hub })] })
  const bob = node('bob')
  const carol = node('carol')
  const alice = node('alice', { carol: carol.id })
  const couriers = [alice, bob, carol].map(coordinator => {
    const courier = new Courier()
    coordinator.registerProtocol(courier)
    return courier
  })
  const { address } = await bob.listen('memory:bob')
  await alice.connectToPeer(address)
  await carol.connectToPeer(address)
  return { alice, bob, carol, courier: couriers[1]!, close: () => Promise.all([alice, bob, carol].map(each => each.shutdown())) }
}

relay('arrives as from its author, by way of whoever carried it, who cannot read it', async () => {
  const { alice, bob, carol, courier, close } = await stage()
  const heard: [P2PMessage, PeerInfo][] = []
  carol.on('message', (message, from) => heard.push([message, from]))
  const { messageId } = await alice.sendTo('carol', { type: 'secret', payload: { text: 'by way of bob' } }, { route: 'any' })
  assert.is(heard.length, 1)
  const [message, from] = heard[0]!
  assert.equal([message.messageId, message.from, message.via, from.peerId], [messageId, alice.id, bob.id, alice.id])
  assert.equal(message.payload, { text: 'by way of bob' })
  assert.is(courier.carried.length, 1)
  assert.not(new TextDecoder('latin1').decode(courier.carried[0]).includes('by way of bob'))
  await close()
})

relay('is refused when whoever carried it changed a byte, and when it is handed in twice', async () => {
  const { alice, carol, courier, close } = await stage()
  const codes: string[] = []
  carol.on('error', error => codes.push((error.cause as { code?: string } | undefined)?.code ?? error.code))
  courier.meddle = sealed => sealed.map((byte, index) => (index === 60 ? byte ^ 1 : byte))
  const sent = alice.sendTo('carol', { type: 'secret', payload: 1 }, { route: 'any', timeoutMs: 300 })
  await sent.then(() => assert.unreachable(), () => {})
  assert.equal(codes, ['ERR_WIRE_WRONG_RECIPIENT'])
  courier.meddle = sealed => sealed
  await alice.sendTo('carol', { type: 'secret', payload: 2 }, { route: 'any' })
  courier.meddle = () => courier.carried.at(-2)!
  await alice.sendTo('carol', { type: 'secret', payload: 3 }, { route: 'any', timeoutMs: 300 }).then(() => assert.unreachable(), () => {})
  assert.is(codes.at(-1), 'ERR_WIRE_REPLAYED')
  await close()
})

relay('without a relay, or to a name nobody bound, says so', async () => {
  const alone = new P2PCoordinator({ transports: [] })
  const failure = await alone.sendTo('carol', { type: 'x', payload: null }, { route: 'any' }).catch((error: unknown) => error)
  assert.is((failure as { code: string }).code, 'ERR_RELAY_NO_PROVIDER')
  await alone.shutdown()
  const { alice, close } = await stage()
  const unknown = await alice.sendTo('dave', { type: 'x', payload: null }, { route: 'any' }).catch((error: unknown) => error)
  assert.is((unknown as { code: string }).code, 'ERR_PEER_UNKNOWN')
  await close()
})

relay.run()
