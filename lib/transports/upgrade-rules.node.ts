import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { SUBPROTOCOL } from './subprotocol.ts'

/** What an HTTP request must be before it may become a channel. */
export interface UpgradeRules {
  path: string
  /** Undefined admits every origin; a request without one is no browser's and is always admitted. */
  allowedOrigins: ReadonlySet<string> | undefined
}

/** The HTTP status that refuses this request; undefined when nothing is wrong with it. */
export function refusalOf({ url, headers }: IncomingMessage, { path, allowedOrigins }: UpgradeRules): number | undefined {
  if (url?.replace(/\?.*$/s, '') !== path) return 404
  // Exactly ours: to pick from a list would let a newer version be talked down.
  if (headers['sec-websocket-protocol'] !== SUBPROTOCOL) return 400
  if (allowedOrigins && headers.origin !== undefined && !allowedOrigins.has(headers.origin)) return 403
  return undefined
}

/**
 * Who is at the other end, as `ws://ip:port`. Behind a proxy that is trusted, the address which that proxy
 * itself saw: the last of X-Forwarded-For, since a client can write the others. It comes without a port.
 */
export function remoteAddressOf({ socket, headers }: IncomingMessage, scheme: string, trustProxy: boolean): string {
  const forwarded = trustProxy ? lastForwarded(headers['x-forwarded-for']) : undefined
  if (forwarded !== undefined) return `${scheme}//${hostOf(forwarded)}`
  return `${scheme}//${hostOf(socket.remoteAddress ?? '0.0.0.0')}:${socket.remotePort ?? 0}`
}

function lastForwarded(header: string | string[] | undefined): string | undefined {
  const last = String(header ?? '').split(',').at(-1)!.trim()
  return isIP(last) ? last : undefined
}

/** IPv6 in brackets; IPv4 that came over an IPv6 socket as IPv4. */
function hostOf(ip: string): string {
  const plain = ip.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(plain) === 6 ? `[${plain}]` : plain
}
