import { lookup, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import type { IClock } from '../contracts/clock.ts'
import type { IChannel } from '../contracts/transport.ts'
import { GREETING_HEADER, readGreeting } from './greeting.ts'
import { SUBPROTOCOL } from './subprotocol.ts'
import { dialFailed, reasonOf } from './transport-error.ts'
import type { TransportLimits } from './transport-limits.ts'
import { WebSocketChannel } from './websocket-channel.node.ts'
import { socketOptions } from './websocket-options.node.ts'
import type { WebSocketTls } from './websocket-tls.ts'

export interface SocketOptions {
  clock: IClock
  limits: TransportLimits
  tls: WebSocketTls | undefined
  randomMask: boolean
  /** The address is a stranger's word: a name that resolves to somewhere inside our own network is refused. Which IP addresses are is for the caller to say. */
  mayReach?: ((ip: string) => boolean) | undefined
}

/** Resolves with a channel once the other side has agreed to our subprotocol. Throws ERR_TRANSPORT_DIAL_FAILED. */
export function openSocket(address: string, { clock, limits, tls, randomMask, mayReach }: SocketOptions, signal: AbortSignal): Promise<IChannel> {
  return new Promise((resolve, reject) => {
    const socket = socketTo(address, limits, tls, randomMask, mayReach)
    const giveUp = (): void => socket.terminate()
    signal.addEventListener('abort', giveUp)
    let raw: TLSSocket
    let greeting: Uint8Array | undefined
    socket.on('upgrade', response => {
      raw = response.socket as TLSSocket
      greeting = readGreeting(response.headers[GREETING_HEADER])
      const stranger = certificateFault(raw, tls?.pinSha256)
      if (stranger === undefined) return
      reject(dialFailed(address, stranger))
      socket.terminate()
    })
    socket.on('error', error => reject(dialFailed(address, reasonOf(error), error)))
    socket.once('open', () => {
      signal.removeEventListener('abort', giveUp)
      // In the same tick: the first frames may have come with the answer.
      resolve(new WebSocketChannel(socket, raw, { direction: 'outbound', remoteAddress: address, clock, limits, greeting }))
    })
  })
}

function socketTo(address: string, limits: TransportLimits, tls: WebSocketTls | undefined, randomMask: boolean, mayReach: SocketOptions['mayReach']): WebSocket {
  if (!/^wss?:\/\//i.test(address)) throw dialFailed(address, 'expected an address such as ws://127.0.0.1:8080')
  try {
    return new WebSocket(address, SUBPROTOCOL, {
      ...socketOptions(limits),
      ...clientTls(tls),
      ...(randomMask ? {} : { generateMask: zeroMask }),
      ...(mayReach === undefined ? {} : { lookup: lookupOf(mayReach) }),
    })
  } catch (error) {
    throw dialFailed(address, reasonOf(error), error)
  }
}

/** Node's own resolver, which passes on nothing where one of its answers may not be reached: a name can have several, and change them between two questions. */
export function lookupOf(mayReach: (ip: string) => boolean, resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => resolve(hostname, options, (error: NodeJS.ErrnoException | null, found: string | LookupAddress[], family?: number) => {
    const refused = error ? undefined : (typeof found === 'string' ? [found] : found.map(({ address }) => address)).find(ip => !mayReach(ip))
    if (refused === undefined) callback(error, found, family)
    else callback(Object.assign(new Error(`${hostname} leads to ${refused}, inside a network of our own: a stranger's word does not take us there`), { code: 'EACCES' }), '', 0)
  })
}

/** `ws` then leaves both masking and unmasking out. */
const zeroMask = (mask: Uint8Array): void => void mask.fill(0)

/** Only what was given: an undefined would stand over Node's default. */
function clientTls({ ca, servername, pinSha256, rejectUnauthorized = pinSha256 === undefined }: WebSocketTls = {}) {
  return {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(servername === undefined ? {} : { servername }),
  }
}

/** What is wrong with the other side's certificate, where there is one and one is pinned. Nothing secret has been sent yet. */
function certificateFault(socket: TLSSocket, pinSha256: string | undefined): string | undefined {
  if (pinSha256 === undefined || !socket.encrypted) return undefined
  const plainHex = (hex: string): string => hex.replaceAll(':', '').toLowerCase()
  const got = plainHex(socket.getPeerCertificate().fingerprint256 ?? '')
  return got === plainHex(pinSha256) ? undefined : `expected the pinned certificate, got ${got || 'none'}`
}
