// A transport of your own: TCP, with the length of each frame in front of it. Writing one is saying how bytes
// leave, how reading is held up and how the socket closes; the acceptance suite says whether it keeps every promise.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { IChannel, IListener, ITransport } from '../lib/contracts/transport.ts'
import type { WaitOptions } from '../lib/contracts/wait.ts'
import { AsyncQueue } from '../lib/foundation/async-queue.ts'
import { concatBytes } from '../lib/foundation/bytes.ts'
import { systemClock } from '../lib/foundation/clock.ts'
import { withDeadline } from '../lib/foundation/deadline.ts'
import { transportAcceptance } from '../lib/testing/transport-acceptance.ts'
import { ChannelBase } from '../lib/transports/channel-base.ts'
import { channelBroken, dialFailed, frameTooLarge, listenFailed, reasonOf } from '../lib/transports/transport-error.ts'
import { DEFAULT_TRANSPORT_LIMITS as limits } from '../lib/transports/transport-limits.ts'

// A new transport adds the kind of address it dials.
declare module '../lib/contracts/peer.ts' { interface PeerAddresses { tcp?: string } }

class TcpChannel extends ChannelBase {
  readonly #socket: Socket
  #waiting: Uint8Array = new Uint8Array(0)

  constructor(socket: Socket, direction: 'inbound' | 'outbound', remoteAddress: string) {
    super({ direction, remoteAddress, clock: systemClock, limits })
    this.#socket = socket.setNoDelay()
    socket.on('data', bytes => this.#read(bytes))
    socket.on('drain', () => this.tellRoom())
    socket.on('end', () => this.finish('remote'))
    socket.on('error', error => this.fail(channelBroken(remoteAddress, reasonOf(error), error)))
  }

  protected write(frame: Uint8Array): boolean {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, frame.length)
    return this.#socket.write(concatBytes(length, frame))
  }

  protected holdReading(hold: boolean): void {
    if (hold) this.#socket.pause()
    else this.#socket.resume()
  }

  protected async shut(): Promise<void> {
    const tooLate = setTimeout(() => this.#socket.destroy(), 500)
    this.#socket.end().resume()
    if (!this.#socket.closed) await once(this.#socket, 'close')
    clearTimeout(tooLate)
  }

  /** A length from a stranger is believed up to our limit, and nothing is set aside before it has come. */
  #read(bytes: Uint8Array): void {
    this.#waiting = concatBytes(this.#waiting, bytes)
    while (this.#waiting.length >= 4) {
      const size = new DataView(this.#waiting.buffer, this.#waiting.byteOffset).getUint32(0)
      if (size > this.frameBytesMax) return this.breakOff(frameTooLarge(this.remoteAddress, size, this.frameBytesMax))
      if (this.#waiting.length < 4 + size) return
      this.receive(this.#waiting.slice(4, 4 + size))
      this.#waiting = this.#waiting.subarray(4 + size)
    }
  }
}

class TcpTransport implements ITransport<'tcp'> {
  readonly name = 'tcp'
  readonly schemes = ['tcp:']

  dial(address: string, options?: WaitOptions): Promise<IChannel> {
    return withDeadline(systemClock, options, async signal => {
      const [, host, port] = /^tcp:\/\/([\w.]+):(\d+)$/.exec(address) ?? []
      if (host === undefined) throw dialFailed(address, 'expected an address such as tcp://127.0.0.1:8080')
      const socket = connect({ host, port: Number(port), signal })
      await once(socket, 'connect').catch((error: unknown) => { throw dialFailed(address, reasonOf(error), error) })
      return new TcpChannel(socket, 'outbound', address)
    }, { defaultTimeoutMs: limits.dialTimeoutMs, what: `dialling ${address}` })
  }

  async listen(address: string, options?: WaitOptions): Promise<IListener> {
    options?.signal?.throwIfAborted()
    const { hostname, port } = new URL(address)
    const channels = new AsyncQueue<IChannel>()
    const open = new Set<IChannel>()
    const server = createServer(socket => {
      const channel = new TcpChannel(socket, 'inbound', `tcp://${socket.remoteAddress}:${socket.remotePort}`)
      open.add(channel)
      socket.once('close', () => open.delete(channel))
      channels.push(channel)
    })
    server.maxConnections = limits.channelsMax
    await once(server.listen(Number(port), hostname), 'listening').catch((error: unknown) => { throw listenFailed(address, reasonOf(error), error) })
    const close = async (): Promise<void> => {
      channels.clear()
      channels.end()
      server.close()
      await Promise.all([...open].map(channel => channel.close('shutdown')))
    }
    const real = `tcp://${hostname}:${(server.address() as AddressInfo).port}`
    return { address: real, channels, close, [Symbol.asyncDispose]: close }
  }
}

const cases = transportAcceptance(async () => ({
  transport: new TcpTransport(), listenAddress: 'tcp://127.0.0.1:0', nowhereAddress: 'tcp://127.0.0.1:1',
}), { silence: false, breaking: false })

let kept = 0
for (const { name, run } of cases) {
  const failure = await run().then(() => undefined, reasonOf)
  console.log(failure === undefined ? `kept    ${name}` : `BROKEN  ${name}\n        ${failure}`)
  if (failure === undefined) kept++
}
console.log(`\nOur TCP transport keeps ${kept} of ${cases.length} promises.`)
process.exitCode = kept === cases.length ? 0 : 1
