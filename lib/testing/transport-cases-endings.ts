import type { DisconnectReason } from '../contracts/peer.ts'
import { expect, expectCode, expectEqual } from './acceptance.ts'
import { expectNumbered, numbered, type TransportAcceptanceOptions, type TransportPlay } from './transport-stage.ts'

const REASONS: readonly DisconnectReason[] = ['local', 'timeout', 'misbehaviour', 'limit', 'shutdown', 'error']

/** What a transport promises about how channels and listeners end. */
export function endings({ breaking = true }: TransportAcceptanceOptions): Record<string, TransportPlay> {
  return breaking ? { ...closing, ...breakingOff } : closing
}

const closing: Record<string, TransportPlay> = {
  'whatever the reason, closing ends the other side\'s reading after the frames sent before': async stage => {
    const listener = await stage.listen()
    for (const reason of REASONS) {
      for (const closer of ['alice', 'bob'] as const) {
        const pair = await stage.ends(listener)
        const other = closer === 'alice' ? pair.bob : pair.alice
        for (let index = 0; index < 10; index++) await pair[closer].send(numbered(index, 1_000))
        const [read] = await Promise.all([stage.readToEnd(other), pair[closer].close(reason)])
        expectNumbered(read, Array(10).fill(1_000), `after ${closer} closed with ${reason}`)
      }
    }
  },

  'after closing nothing is read any more, not even what had come before': async stage => {
    const { alice, bob } = await stage.ends()
    for (let index = 0; index < 5; index++) await alice.send(numbered(index, 100))
    await stage.read(bob, 1)
    await stage.within(bob.close(), 'closing')
    expectEqual(await stage.readToEnd(bob), [], 'what bob reads after closing')
  },

  'a reader that waits is told when its own side closes': async stage => {
    const { bob } = await stage.ends()
    const [read] = await Promise.all([stage.readToEnd(bob), bob.close()])
    expectEqual(read, [], 'what bob reads')
  },

  'sending on a closed channel rejects, whichever side closed it': async stage => {
    const { alice, bob } = await stage.ends()
    await stage.within(alice.close(), 'closing')
    await stage.readToEnd(bob)
    await expectCode(alice.send(numbered(0, 10)), 'ERR_TRANSPORT_CHANNEL_CLOSED', 'alice')
    await expectCode(bob.send(numbered(0, 10)), 'ERR_TRANSPORT_CHANNEL_CLOSED', 'bob')
  },

  'closing twice, from both sides and by `await using`, is harmless': async stage => {
    const { alice, bob } = await stage.ends()
    await stage.within(Promise.all([alice.close(), bob.close('shutdown'), alice.close('error')]), 'closing together')
    await stage.within(Promise.all([alice.close(), alice[Symbol.asyncDispose](), bob[Symbol.asyncDispose]()]), 'closing again')
    expectEqual([await stage.readToEnd(alice), await stage.readToEnd(bob)], [[], []], 'what is read then')
  },

  'a listener that closes ends its channels, taken or not, and takes no more': async stage => {
    const { listener, alice, bob } = await stage.ends()
    const untaken = await stage.dial(listener.address)
    await stage.within(Promise.all([listener.close(), listener.close()]), 'closing the listener')
    for (const end of [alice, bob, untaken]) expectEqual(await stage.readToEnd(end), [], 'what is read then')
    const next = await stage.within(listener.channels[Symbol.asyncIterator]().next(), 'the end of channels')
    expect(next.done, 'expected no more channels')
    await expectCode(stage.dial(listener.address), 'ERR_TRANSPORT_DIAL_FAILED', 'dialling after closing')
    await stage.within(Promise.all([listener.close(), listener[Symbol.asyncDispose]()]), 'closing the listener again')
  },

  'somebody who waits for channels is told when the listener closes': async stage => {
    const listener = await stage.listen()
    const waiting = stage.within(listener.channels[Symbol.asyncIterator]().next(), 'the end of channels')
    await stage.within(listener.close(), 'closing the listener')
    expect((await waiting).done, 'expected no more channels')
  },
}

const breakingOff: Record<string, TransportPlay> = {
  'a socket that breaks throws where the channel is read, after what came before': async stage => {
    expect(stage.fixture.breakable, 'expected the fixture to have `breakable`')
    const listener = await stage.listen()
    const way = await stage.fixture.breakable(listener.address)
    const { alice, bob } = await stage.rawEnds(listener, way.address)
    await alice.send(numbered(0, 10))
    await bob.send(numbered(0, 10))
    for (const end of [alice, bob]) expectNumbered(await stage.read(end, 1), [10], 'before the cut')
    way.cut()
    for (const end of [alice, bob]) {
      await expectCode(stage.readToEnd(end), 'ERR_TRANSPORT_CHANNEL_BROKEN', 'reading after the cut')
      expectEqual(await stage.readToEnd(end), [], 'reading again')
      await expectCode(end.send(numbered(1, 10)), 'ERR_TRANSPORT_CHANNEL_CLOSED', 'sending after the cut')
      await stage.within(end.close(), 'closing after the cut')
    }
  },
}
