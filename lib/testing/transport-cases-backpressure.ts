import type { IChannel } from '../contracts/transport.ts'
import { sleep } from '../foundation/deadline.ts'
import { expect, expectCode, expectEqual, expectRejection } from './acceptance.ts'
import { expectNumbered, numbered, type TransportAcceptanceOptions, type TransportPlay, type TransportStage } from './transport-stage.ts'

/** A send that has not ended after this long is waiting for room. */
const STUCK_MS = 250

/** Kernels hold up to about 10 MiB of a loopback connection by themselves. */
const HELD_BYTES_MAX = 24 * 1024 * 1024

/** What a transport promises about a reader that is slower than its sender. */
export function backpressure({ holdsBack = true, heldBytesMax = HELD_BYTES_MAX }: TransportAcceptanceOptions): Record<string, TransportPlay> {
  if (!holdsBack) return {}
  return {
    'a reader that stops makes `send` wait with bounded bytes on the way, and loses nothing when it goes on': async stage => {
      const { alice, bob } = await stage.ends()
      const { count, size, stuck } = await sendUntilStuck(stage, alice, heldBytesMax)
      const read = await stage.read(bob, count)
      await stage.within(stuck, 'the send that waited')
      expectNumbered(read, Array(count).fill(size), 'what bob reads')
      await alice.send(numbered(count, 10))
      const [last] = await stage.read(bob, 1)
      expectEqual(new Uint8Array(last!), numbered(count, 10), 'a frame after it')
    },

    'a stopped reader holds up its own channel only': async stage => {
      const listener = await stage.listen()
      const [slow, quick] = [await stage.ends(listener), await stage.ends(listener)]
      const { stuck } = await sendUntilStuck(stage, slow.alice, heldBytesMax)
      void stuck.catch(() => {})
      await stage.within(quick.alice.send(numbered(0, 1_000)), 'a send on another channel')
      expectNumbered(await stage.read(quick.bob, 1), [1_000], 'the other channel')
    },

    'a send that waits can be cancelled with the reason untouched, or given a time, and order holds': async stage => {
      const { alice, bob } = await stage.ends()
      const { count, size, stuck } = await sendUntilStuck(stage, alice, heldBytesMax)
      const controller = new AbortController()
      const cancelled = expectRejection(alice.send(numbered(count, size), { signal: controller.signal }), 'a cancelled send')
      const late = await expectRejection(alice.send(numbered(count + 1, size), { timeoutMs: 50 }), 'a send with a time')
      expectEqual((late as Error).name, 'TimeoutError', 'what a timeout is called')
      const reason = { word: 'never mind' }
      controller.abort(reason)
      expect(await cancelled === reason, 'expected the reason')
      expectNumbered(await stage.read(bob, count), Array(count).fill(size), 'what bob reads')
      await stage.within(stuck, 'the send that waited')
    },

    'a send that waits rejects when the channel is closed': async stage => {
      const { alice } = await stage.ends()
      const { stuck } = await sendUntilStuck(stage, alice, heldBytesMax)
      const refused = expectCode(stuck, 'ERR_TRANSPORT_CHANNEL_CLOSED', 'the send that waited')
      await stage.within(Promise.all([refused, alice.close()]), 'closing a channel whose reader has stopped')
    },
  }
}

/** Sends numbered frames to somebody who does not read. `stuck` is the send that waits, the last of `count`. */
async function sendUntilStuck(stage: TransportStage, channel: IChannel, heldBytesMax: number): Promise<{ count: number; size: number; stuck: Promise<void> }> {
  const size = Math.min(64 * 1024, stage.frameBytesMax)
  for (let count = 1; count * size <= heldBytesMax; count++) {
    const sending = channel.send(numbered(count - 1, size))
    if (await isStuck(stage, sending)) return { count, size, stuck: sending }
  }
  throw new RangeError(`expected \`send\` to wait for a reader that has stopped, it took ${heldBytesMax} bytes`)
}

async function isStuck({ clock }: TransportStage, sending: Promise<void>): Promise<boolean> {
  const controller = new AbortController()
  try {
    return await Promise.race([sending.then(() => false), sleep(clock, STUCK_MS, controller.signal).then(() => true)])
  } finally {
    controller.abort()
  }
}
