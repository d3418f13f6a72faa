import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MovableClock, openPublicStage, openStage, type Stage } from './stage.ts'
import type { Client } from './client.ts'
import { until } from './second/bytes.ts'
import { Kind, part, type HeaderFields } from './second/wire.ts'
import { DEFAULT_LIMITS, P2PError, systemClock, type IProtocolHandler, type P2PMessage } from '../../lib/index.ts'
import { Outbox } from '../../lib/peers/outbox.ts'
import { residentMiB } from './fed-link.ts'

const floods = suite('floods')

const MIB = 2 ** 20

/** One sealed frame of many words that only the link vouches for. */
function sendMany(client: Client, count: number, overrides: Partial<HeaderFields> = {}): void {
  const { author } = client
  client.send(...Array.from({ length: count }, (_, n) => part(Kind.MESSAGE, author.plain(author.say({ n }, { protocol: 'probe', type: 'hop', ...overrides })))))
}

/** Alice goes on talking to bob until the promise is settled; returns how often she was answered. */
async function aliceMeanwhile(stage: Stage, promise: Promise<unknown>): Promise<number> {
  let over = false
  void promise.then(() => { over = true }, () => { over = true })
  let answered = 0
  do {
    await stage.aliceIsFine()
    answered++
  } while (!over)
  await promise
  return answered
}

floods('ten thousand messages from one peer, and alice is answered all the while', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const flood = (async () => {
    for (let frame = 0; frame < 25; frame++) {
      sendMany(client, 400)
      await new Promise(resolve => setImmediate(resolve))
    }
    await until(() => stage.his.calls.length >= 10_000, 'all are taken', 10_000)
  })()
  assert.ok(await aliceMeanwhile(stage, flood) > 1)
  assert.equal(stage.faults, [])
})

floods('messages of protocols nobody registered are refused, each told of, and alice is answered all the while', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  const burst = (round: number): Uint8Array => author.burst(Array.from({ length: 64 }, (_, n) => author.say(n, { protocol: `p${round}-${n}` }))).whole
  const flood = (async () => {
    for (let round = 0; round < 15; round++) client.send(part(Kind.BURST, burst(round)))
    await until(() => stage.count('ERR_PROTOCOL_UNKNOWN') === 15 * 64, 'all are refused', 10_000)
  })()
  await aliceMeanwhile(stage, flood)
  assert.equal(stage.callsOf(client.id), [])
})

floods('a stranger\'s bytes are read at the pace she may send them, and the rest waits in her own socket', async () => {
  await using stage = await openPublicStage()
  const client = await stage.mallory()
  residentMiB()
  const before = process.memoryUsage().arrayBuffers
  const mebibytes = 24
  for (let n = 0; n < mebibytes * 8; n++) client.send(part(0x80, new Uint8Array(MIB / 8 - 64)))
  await stage.refused('ERR_PEER_RATE_LIMITED', client.id, { blamed: client.id })
  for (let n = 0; n < 20; n++) await stage.aliceIsFine()
  const socket = (client.pipe as unknown as { socket: { bufferedAmount: number } }).socket
  assert.ok(socket.bufferedAmount > (mebibytes - 12) * MIB, `${(socket.bufferedAmount / MIB).toFixed(1)} MiB still wait on mallory's side`)
  residentMiB()
  // What mallory has not got rid of lies in this process too.
  const grown = (process.memoryUsage().arrayBuffers - before - socket.bufferedAmount) / MIB
  assert.ok(grown < 12, `bob holds ${grown.toFixed(1)} MiB`)
})

floods('with a huge allowance of bytes all would be read at once: the check can fail', async () => {
  await using stage = await openPublicStage({ limits: { bytesPerSecond: 1e12, bytesBurst: 1e12 } })
  const client = await stage.mallory()
  for (let n = 0; n < 24 * 8; n++) client.send(part(0x80, new Uint8Array(MIB / 8 - 64)))
  await client.roundTrip()
  assert.is(stage.count('ERR_PEER_RATE_LIMITED'), 0)
})

// A peer that never reads.

/** Bob offers messages until somebody stops him; returns the bytes offered and what stopped him. */
async function offer(stage: Stage, client: Client, mebibytesMax: number): Promise<{ offeredMiB: number; code: string | undefined }> {
  const payload = new Uint8Array(64 * 1024)
  const stopped: string[] = []
  let offered = 0
  try {
    while (offered < mebibytesMax * MIB) {
      offered += payload.length
      // Not awaited: an application that does not heed the backpressure.
      stage.bob.sendTo(client.id, { type: 'bulk', payload }).catch((error: { code: string }) => void stopped.push(error.code))
      if (stopped.length > 0) break
      await new Promise(resolve => setImmediate(resolve))
    }
  } finally {
    await new Promise(resolve => setImmediate(resolve))
  }
  return { offeredMiB: offered / MIB, code: stopped[0] }
}

/** The watch on a peer that takes nothing looks every ten seconds whether anything has left since; the last of it may take a while to leave. */
async function waitOutTheWatch(stage: Stage, clock: MovableClock, client: Client): Promise<void> {
  for (let round = 0; round < 6 && stage.bob.isConnected(client.id); round++) {
    clock.advance(11_000)
    await stage.aliceIsFine()
  }
}

floods('for a peer that never reads a few mebibytes are held, then sending fails, and after ten seconds it is cut', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const client = await stage.mallory()
  client.pipe.stall!(true)
  residentMiB()
  const before = process.memoryUsage().arrayBuffers
  const { offeredMiB, code } = await offer(stage, client, 1_024)
  assert.is(code, 'ERR_PEER_OUTBOX_FULL')
  // What the system's own socket buffers took is not ours to bound: a few MiB on loopback.
  assert.ok(offeredMiB < 40, `${offeredMiB.toFixed(1)} MiB were offered before bob stopped`)
  residentMiB()
  const heldMiB = (process.memoryUsage().arrayBuffers - before) / MIB
  assert.ok(heldMiB < 16, `${heldMiB.toFixed(1)} MiB are held`)
  await waitOutTheWatch(stage, clock, client)
  await stage.refused('ERR_PEER_STALLED', client.id, { blamed: client.id })
  await until(() => !stage.bob.isConnected(client.id), 'she is cut')
  assert.is(stage.gone[0]!.reason, 'timeout')
  await stage.aliceIsFine()
})

floods('an application that heeds the backpressure waits, and is told when the peer that never reads is cut', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const client = await stage.mallory()
  client.pipe.stall!(true)
  const payload = new Uint8Array(64 * 1024)
  let sent = 0
  const sending = (async () => {
    for (;;) {
      await stage.bob.sendTo(client.id, { type: 'bulk', payload })
      sent += payload.length
    }
  })().catch((error: { code: string }) => error.code)
  let last = -1
  await until(() => {
    const same = sent === last
    last = sent
    return same && sent > MIB
  }, 'bob waits')
  await stage.aliceIsFine()
  assert.ok(sent < 40 * MIB, `${(sent / MIB).toFixed(1)} MiB were taken`)
  await waitOutTheWatch(stage, clock, client)
  assert.is(await sending, 'ERR_PEER_DISCONNECTED')
  await stage.aliceIsFine()
})

floods('with a huge outbox and endless patience she would be fed on: the check can fail', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock }, limits: { outboxBytesMax: 1e12, outboxStallMs: 1e9 } })
  const client = await stage.mallory()
  client.pipe.stall!(true)
  const { offeredMiB, code } = await offer(stage, client, 60)
  assert.is(code, undefined)
  assert.is(offeredMiB, 60)
  await waitOutTheWatch(stage, clock, client)
  assert.ok(stage.bob.isConnected(client.id))
  client.pipe.destroy()
})

// Handlers that take their time.

class Slow implements IProtocolHandler {
  readonly protocolName = 'slow'
  readonly waiting: (() => void)[] = []

  handleMessage(_message: P2PMessage): Promise<void> {
    return new Promise(resolve => this.waiting.push(resolve))
  }
}

async function askSlowly(stage: Stage): Promise<{ slow: Slow; client: Client }> {
  const slow = new Slow()
  stage.bob.registerProtocol(slow)
  const client = await stage.mallory()
  const { author } = client
  for (let round = 0; round < 24; round++) {
    client.send(part(Kind.BURST, author.burst(Array.from({ length: 64 }, (_, n) => author.say(n, { protocol: 'slow', type: 'work' }))).whole))
  }
  return { slow, client }
}

floods('a peer whose work is not done yet is read no further than a thousand handlers, and read again as they end', async () => {
  await using stage = await openStage()
  const { slow } = await askSlowly(stage)
  await until(() => slow.waiting.length >= 1_024, 'a thousand are under way')
  await stage.aliceIsFine()
  assert.ok(slow.waiting.length < 1_024 + 64, `${slow.waiting.length} are under way`)
  await until(() => {
    for (const done of slow.waiting.splice(0)) done()
    return stage.bob.getStats().seenMessages >= 24 * 64
  }, 'the rest is read as they end')
})

floods('with no bound on handlers all would be under way at once: the check can fail', async () => {
  await using stage = await openStage({ limits: { handlersPerPeerMax: 1e9 } })
  const { slow } = await askSlowly(stage)
  await until(() => slow.waiting.length === 24 * 64, 'all are under way')
})

floods('what mallory makes bob remember is bounded, whatever she sends', async () => {
  await using stage = await openStage({ limits: { addressBookMax: 10 } })
  for (let n = 0; n < 30; n++) {
    const client = await stage.mallory()
    sendMany(client, 5, { boot: new Uint8Array(randomBytes(16)) })
    await client.close()
  }
  await until(() => stage.bob.getStats().peers.connectedPeers === 1, 'alice alone is left')
  assert.ok(stage.bob.getStats().peers.totalPeers <= 12, `${stage.bob.getStats().peers.totalPeers} peers are known`)
  await stage.aliceIsFine()
})

floods('an outbox holds what waits, and lets go of what has left', async () => {
  const waiting: (() => void)[] = []
  const outbox = new Outbox({
    peerId: 'x', clock: systemClock, limits: DEFAULT_LIMITS, onBroken: () => {},
    transmit: () => new Promise(resolve => void waiting.push(resolve)),
  })
  residentMiB()
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 1_000; n++) {
    outbox.pushPart({ kind: 1, body: new Uint8Array(60_000) })?.catch(() => {})
    if (n < 10) continue
    await until(() => waiting.length > 0, 'the outbox sends')
    waiting.shift()!()
    if (n % 50 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  residentMiB()
  await new Promise(resolve => setTimeout(resolve, 50))
  residentMiB()
  const heldMiB = (process.memoryUsage().arrayBuffers - before) / 2 ** 20
  assert.ok(heldMiB < 8, `${outbox.bytes} bytes wait, and ${heldMiB.toFixed(1)} MiB are held`)
  outbox.close(new P2PError('ERR_PEER_DISCONNECTED', 'over'))
  for (const done of waiting) done()
})

floods('of one peer\'s flood so much is handled in one turn of the event loop, and no more', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  for (let frame = 0; frame < 60; frame++) {
    client.send(...Array.from({ length: 300 }, (_, n) =>
      part(Kind.MESSAGE, client.author.plain(client.author.say({ n }, { protocol: 'probe', type: 'hop' })))))
  }
  let most = 0
  for (let before = stage.his.calls.length; stage.his.calls.length < 18_000; before = stage.his.calls.length) {
    await new Promise(resolve => setImmediate(resolve))
    most = Math.max(most, stage.his.calls.length - before)
  }
  assert.ok(most <= 2_000, `${most} messages in one turn`)
})

floods('of one sealed frame full of signatures so much is checked in one turn of the event loop, and no more', async () => {
  await using stage = await openStage()
  const client = await stage.mallory()
  const { author } = client
  const frames = Array.from({ length: 600 }, (_, n) => part(Kind.MESSAGE, author.signed(author.say({ n }, { protocol: 'probe' }))))
  client.send(...frames)
  let most = 0
  for (let before = stage.his.calls.length; stage.callsOf(client.id).length < 600; before = stage.his.calls.length) {
    await new Promise(resolve => setImmediate(resolve))
    most = Math.max(most, stage.his.calls.length - before)
  }
  assert.ok(most <= 200, `${most} signatures in one turn`)
})

floods.run()
