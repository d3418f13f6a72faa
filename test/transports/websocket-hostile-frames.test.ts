import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IChannel } from '../../lib/contracts/transport.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { closeCodeIn, Opcode, upgraded, wireFrame, within, type RawClient } from './support/raw-client.ts'
import { ending, nextFrame, Scene } from './support/scene.ts'

const test = suite('websocket channel, after the upgrade')

const KIB = 1024

/** Mallory's raw socket and the channel she is given. */
async function mallory(scene: Scene): Promise<{ client: RawClient; channel: IChannel }> {
  const [client, channel] = await Promise.all([upgraded(scene.address), scene.accepted()])
  return { client, channel }
}

/** Mallory sends this, and is cut with the code; reading her channel throws the error; nobody else notices. */
async function refused(scene: Scene, bytes: Uint8Array, { code, error, raised = true }: { code: number | undefined; error: string; raised?: boolean }): Promise<void> {
  const { client, channel } = await mallory(scene)
  if (raised) channel.setFrameBytesMax?.(128 * KIB)
  client.write(bytes)
  assert.is(await ending(channel), error)
  assert.is(closeCodeIn(await client.untilEnd()), code)
  await within(channel.close(), 'the channel to be gone')
  await scene.othersAreUnharmed()
}

const BROKEN = 'ERR_TRANSPORT_CHANNEL_BROKEN'
const TOO_LARGE = 'ERR_TRANSPORT_FRAME_TOO_LARGE'

test('a message that announces more than the limit is refused before it has come', async () => {
  await using scene = await Scene.open()
  await refused(scene, wireFrame({ announced: 128 * KIB + 1 }), { code: 1009, error: TOO_LARGE })
  await refused(scene, wireFrame({ announced: 2 ** 40 }), { code: 1009, error: TOO_LARGE })
})

test('before the limit is raised little more than the small limit is ever held of a large message', async () => {
  await using scene = await Scene.open()
  const part = Buffer.alloc(3 * KIB, 1)
  await refused(scene, wireFrame({ announced: 100 * KIB, payload: part }), { code: 4002, error: TOO_LARGE, raised: false })
})

test('a whole message above the small limit is refused until the limit is raised', async () => {
  await using scene = await Scene.open()
  await refused(scene, wireFrame({ payload: Buffer.alloc(KIB + 1) }), { code: 4002, error: TOO_LARGE, raised: false })
  const { client, channel } = await mallory(scene)
  channel.setFrameBytesMax?.(128 * KIB)
  client.write(wireFrame({ payload: Buffer.alloc(KIB + 1) }))
  assert.is((await nextFrame(channel))?.length, KIB + 1)
  client.destroy()
})

test('a message in up to 64 fragments is put together, in more it is refused', async () => {
  await using scene = await Scene.open()
  const fragments = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, index) => wireFrame({
    opcode: index === 0 ? Opcode.BINARY : Opcode.CONTINUATION,
    fin: index === count - 1,
    payload: Uint8Array.of(index),
  })))
  const { client, channel } = await mallory(scene)
  client.write(fragments(64))
  assert.is((await nextFrame(channel))?.length, 64)
  client.destroy()
  await refused(scene, fragments(65), { code: 1008, error: BROKEN })
  await refused(scene, fragments(10_000), { code: 1008, error: BROKEN })
})

test('empty fragments without end are refused too', async () => {
  await using scene = await Scene.open()
  const start = wireFrame({ fin: false })
  const more = Buffer.concat(Array<Buffer>(200).fill(wireFrame({ opcode: Opcode.CONTINUATION, fin: false })))
  await refused(scene, Buffer.concat([start, more]), { code: 1008, error: BROKEN })
})

test('a frame that comes a byte at a time arrives', async () => {
  await using scene = await Scene.open()
  const { client, channel } = await mallory(scene)
  const payload = Uint8Array.from({ length: 60 }, (_, index) => index)
  for (const byte of wireFrame({ payload })) {
    client.write(Uint8Array.of(byte))
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(await nextFrame(channel), payload)
  client.destroy()
  await scene.othersAreUnharmed()
})

test('a frame in more reads than the limit is refused', async () => {
  await using scene = await Scene.open({ limits: { chunksMax: 20 } })
  const { client, channel } = await mallory(scene)
  const ended = ending(channel)
  for (const byte of wireFrame({ payload: Buffer.alloc(100) })) {
    client.write(Uint8Array.of(byte))
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.is(await ended, BROKEN)
  assert.is(closeCodeIn(await client.untilEnd()), 1008)
  await scene.othersAreUnharmed()
})

test('a frame that is never finished is given up in time, and one that makes headway is not', async () => {
  await using scene = await Scene.open({ limits: { frameTimeoutMs: 200 } })
  const { client, channel } = await mallory(scene)
  client.write(wireFrame({ announced: 500, payload: Buffer.alloc(10) }))
  const dripping = setInterval(() => client.write(Uint8Array.of(0)), 20)
  const started = performance.now()
  assert.is(await ending(channel), BROKEN)
  clearInterval(dripping)
  assert.ok(performance.now() - started < 2_000)
  assert.is(closeCodeIn(await client.untilEnd()), 4002)

  const carol = await mallory(scene)
  for (let index = 0; index < 12; index++) {
    const frame = wireFrame({ payload: Buffer.alloc(20, index) })
    carol.client.write(frame.subarray(0, 15))
    await new Promise(resolve => setTimeout(resolve, 25))
    carol.client.write(frame.subarray(15))
    assert.equal(await nextFrame(carol.channel), new Uint8Array(20).fill(index))
  }
  carol.client.destroy()
  await scene.othersAreUnharmed()
})

test('ten pings in ten seconds are answered, the eleventh ends the channel', async () => {
  const clock = new ManualClock()
  await using scene = await Scene.open({ clock })
  const { client, channel } = await mallory(scene)
  const pings = (count: number): Buffer => Buffer.concat(Array<Buffer>(count).fill(wireFrame({ opcode: Opcode.PING, payload: Uint8Array.of(7) })))
  for (let window = 0; window < 3; window++) {
    client.write(Buffer.concat([pings(10), wireFrame({ payload: Uint8Array.of(window) })]))
    assert.equal(await nextFrame(channel), Uint8Array.of(window))
    for (let index = 0; index < 10; index++) await client.until('\u008a\u0001\u0007')
    clock.advance(10_000)
  }
  client.write(pings(11))
  assert.is(await ending(channel), BROKEN)
  assert.is(closeCodeIn(await client.untilEnd()), 4002)
  await scene.othersAreUnharmed()
})

test('a flood of pings or of pongs costs eleven answers at most', async () => {
  await using scene = await Scene.open()
  for (const opcode of [Opcode.PING, Opcode.PONG]) {
    const { client, channel } = await mallory(scene)
    client.write(Buffer.concat(Array<Buffer>(10_000).fill(wireFrame({ opcode, payload: Buffer.alloc(125, 1) }))))
    assert.is(await ending(channel), BROKEN)
    const answer = await client.untilEnd()
    assert.ok(answer.length <= 11 * 127 + 4, `${answer.length} bytes of answers`)
  }
  await scene.othersAreUnharmed()
})

test('pings beside idleness are no unfinished frame', async () => {
  await using scene = await Scene.open({ limits: { frameTimeoutMs: 50 } })
  const { client, channel } = await mallory(scene)
  const ping = wireFrame({ opcode: Opcode.PING, payload: Uint8Array.of(7) })
  client.write(ping.subarray(0, 3))
  await new Promise(resolve => setTimeout(resolve, 10))
  client.write(ping.subarray(3))
  await client.until('\u008a\u0001\u0007')
  await new Promise(resolve => setTimeout(resolve, 120))
  client.write(wireFrame({ payload: Uint8Array.of(1) }))
  assert.equal(await nextFrame(channel), Uint8Array.of(1))
  client.destroy()
})

test('text is refused', async () => {
  await using scene = await Scene.open()
  await refused(scene, wireFrame({ opcode: Opcode.TEXT, payload: Buffer.from('hello') }), { code: 4002, error: BROKEN })
  await refused(scene, wireFrame({ opcode: Opcode.TEXT, payload: Uint8Array.of(0xff, 0xfe) }), { code: 1007, error: BROKEN })
})

test('frames that break RFC 6455 are refused', async () => {
  await using scene = await Scene.open()
  await refused(scene, wireFrame({ masked: false, payload: Uint8Array.of(1) }), { code: 1002, error: BROKEN })
  await refused(scene, wireFrame({ opcode: 3 }), { code: 1002, error: BROKEN })
  await refused(scene, wireFrame({ opcode: Opcode.CONTINUATION }), { code: 1002, error: BROKEN })
  await refused(scene, Uint8Array.of(0xc2, 0x80, 0, 0, 0, 0), { code: 1002, error: BROKEN })
  await refused(scene, wireFrame({ opcode: Opcode.PING, announced: 200, payload: Buffer.alloc(200) }), { code: 1002, error: BROKEN })
  await refused(scene, Buffer.alloc(5_000, 0x55), { code: 1002, error: BROKEN })
})

test('frames that came before a broken one are still read', async () => {
  await using scene = await Scene.open()
  const { client, channel } = await mallory(scene)
  client.write(Buffer.concat([wireFrame({ payload: Uint8Array.of(1) }), wireFrame({ payload: Uint8Array.of(2) }), wireFrame({ opcode: 3 })]))
  assert.equal([await nextFrame(channel), await nextFrame(channel)], [Uint8Array.of(1), Uint8Array.of(2)])
  assert.is(await ending(channel), BROKEN)
  await client.untilEnd()
})

test('a socket that is reset, or ends without a goodbye, breaks its channel alone', async () => {
  await using scene = await Scene.open()
  const reset = await mallory(scene)
  reset.client.socket.resetAndDestroy()
  assert.is(await ending(reset.channel), BROKEN)
  const halfOpen = await mallory(scene)
  halfOpen.client.write(wireFrame({ payload: Buffer.alloc(50), announced: 100 }))
  halfOpen.client.socket.end()
  assert.is(await ending(halfOpen.channel), BROKEN)
  await scene.othersAreUnharmed()
})

test('a goodbye with a code of their own is an end in good order', async () => {
  await using scene = await Scene.open()
  for (const code of [1000, 1001, 3000, 4001, 4999]) {
    const { client, channel } = await mallory(scene)
    client.write(wireFrame({ opcode: Opcode.CLOSE, payload: Uint8Array.of(code >> 8, code & 255) }))
    assert.is(closeCodeIn(await client.untilEnd()), code)
    assert.is(await ending(channel), 'end', String(code))
  }
})

test('somebody who never answers our goodbye is gone within its time', async () => {
  await using scene = await Scene.open({ limits: { closeTimeoutMs: 150 } })
  const { client, channel } = await mallory(scene)
  const started = performance.now()
  await within(channel.close(), 'the channel to be gone')
  const tookMs = performance.now() - started
  assert.ok(tookMs > 100 && tookMs < 2_000, `${tookMs} ms`)
  assert.is(closeCodeIn(await client.untilEnd()), 1000)
})

test('somebody we have reason to be rid of is told why and not waited for', async () => {
  await using scene = await Scene.open()
  for (const [reason, code] of [['misbehaviour', 4002], ['timeout', 4003], ['error', 4004], ['limit', 4005]] as const) {
    const { client, channel } = await mallory(scene)
    const started = performance.now()
    await within(channel.close(reason), 'the channel to be gone')
    assert.ok(performance.now() - started < 1_000)
    assert.is(closeCodeIn(await client.untilEnd()), code)
  }
  await scene.othersAreUnharmed()
})

test('somebody who does not read is gone within its time, however much is queued', async () => {
  await using scene = await Scene.open({ limits: { closeTimeoutMs: 150 } })
  const { client, channel } = await mallory(scene)
  client.socket.pause()
  const frame = new Uint8Array(64 * KIB)
  let waiting: Promise<void> = Promise.resolve()
  for (let index = 0; index < 400; index++) waiting = channel.send(frame).catch((error: unknown) => assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_CHANNEL_CLOSED'))
  await within(channel.close(), 'the channel to be gone')
  await within(waiting, 'the sends to be refused')
  client.destroy()
  await scene.othersAreUnharmed()
})

test('a flood of tiny frames to a reader that has stopped is held up, in bounded memory', async () => {
  await using scene = await Scene.open()
  const { client, channel } = await mallory(scene)
  const many = Buffer.concat(Array<Buffer>(8_192).fill(wireFrame({})))
  const offered = 1_500
  for (let index = 0; index < offered; index++) client.write(many)
  await new Promise(resolve => setTimeout(resolve, 300))
  const leftBytes = client.socket.writableLength
  assert.ok(leftBytes > offered * many.length / 2, `${leftBytes} of ${offered * many.length} bytes were not taken`)
  let read = 0
  for await (const frame of channel.frames) {
    assert.is(frame.length, 0)
    if (++read === 20_000) break
  }
  client.destroy()
  await channel.close()
  await scene.othersAreUnharmed()
})

test.run()
