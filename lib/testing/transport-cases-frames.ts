import type { IChannel } from '../contracts/transport.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { expectCode, expectEqual } from './acceptance.ts'
import { expectNumbered, numbered, type TransportAcceptanceOptions, type TransportPlay } from './transport-stage.ts'

/** Around the lengths where WebSocket headers, socket buffers and reads change. */
const SIZES = [4, 5, 100, 125, 126, 1_000, 1_024, 16_383, 65_535, 65_536, 65_537, 100_000]

/** What a transport promises about each frame. */
export function frames({ handshakeFrameBytesMax = DEFAULT_LIMITS.handshakeFrameBytesMax }: TransportAcceptanceOptions): Record<string, TransportPlay> {
  return {
    'frames arrive whole and in order, both ways at once': async stage => {
      const { alice, bob } = await stage.ends()
      const sizes = Array.from({ length: 240 }, (_, index) => Math.min(SIZES[index % SIZES.length]!, stage.frameBytesMax))
      const sendAll = async (channel: IChannel): Promise<void> => {
        for (const [index, size] of sizes.entries()) await channel.send(numbered(index, size))
      }
      const [toBob, toAlice] = await Promise.all([stage.read(bob, sizes.length), stage.read(alice, sizes.length), sendAll(alice), sendAll(bob)])
      expectNumbered(toBob, sizes, 'to bob')
      expectNumbered(toAlice, sizes, 'to alice')
    },

    'sends that are not awaited keep their order': async stage => {
      const { alice, bob } = await stage.ends()
      const sizes = Array.from({ length: 200 }, (_, index) => index % 2 === 0 ? 3_000 : 10)
      const [read] = await Promise.all([stage.read(bob, sizes.length), ...sizes.map((size, index) => alice.send(numbered(index, size)))])
      expectNumbered(read, sizes, 'to bob')
    },

    'the empty frame and the longest frame arrive, as plain bytes': async stage => {
      const { alice, bob } = await stage.ends()
      const longest = numbered(7, stage.frameBytesMax)
      await Promise.all([alice.send(new Uint8Array(0)), alice.send(longest)])
      const read = await stage.read(bob, 2)
      expectEqual(read.map(({ length }) => length), [0, stage.frameBytesMax], 'lengths')
      expectEqual(read.map(frame => Object.getPrototypeOf(frame) === Uint8Array.prototype), [true, true], 'plain Uint8Arrays')
      expectEqual(read[1], longest, 'the longest frame')
    },

    'what bob changes in a frame he received, alice does not see': async stage => {
      const { alice, bob } = await stage.ends()
      const frame = numbered(1, 50)
      await alice.send(frame)
      const [received] = await stage.read(bob, 1)
      received!.fill(0)
      expectEqual(frame, numbered(1, 50), 'alice\'s frame')
    },

    'a frame above the limit is refused to its sender, and the channel goes on': async stage => {
      const { alice, bob } = await stage.ends()
      await expectCode(alice.send(new Uint8Array(stage.frameBytesMax + 1)), 'ERR_TRANSPORT_FRAME_TOO_LARGE', 'sending it')
      await alice.send(numbered(0, 10))
      expectNumbered(await stage.read(bob, 1), [10], 'to bob')
    },

    'until its owner raises the limit, a channel takes small frames only': async stage => {
      const { alice, bob } = await stage.rawEnds()
      if (!bob.setFrameBytesMax) return
      await alice.send(numbered(0, handshakeFrameBytesMax))
      expectNumbered(await stage.read(bob, 1), [handshakeFrameBytesMax], 'a small one')
      await alice.send(numbered(1, handshakeFrameBytesMax + 1))
      await expectCode(stage.readToEnd(bob), 'ERR_TRANSPORT_FRAME_TOO_LARGE', 'a large one')
      expectEqual(await stage.readToEnd(alice), [], 'what alice reads when bob has closed it')
    },

    'a reader that leaves its loop finds the rest in the next': async stage => {
      const { alice, bob } = await stage.ends()
      for (let index = 0; index < 5; index++) await alice.send(numbered(index, 10))
      for await (const frame of bob.frames) {
        expectEqual(new Uint8Array(frame), numbered(0, 10), 'the first')
        break
      }
      expectEqual((await stage.read(bob, 4)).map(frame => new Uint8Array(frame)), [1, 2, 3, 4].map(index => numbered(index, 10)), 'the rest')
    },
  }
}
