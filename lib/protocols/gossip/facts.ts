import type { PeerInfo } from '../../contracts/peer.ts'
import { fromHex } from '../../foundation/hex.ts'
import type { PeerFacts } from './peer.ts'

/** What of a link decides anything here: which side dialled, and from where. */
export function factsOf(peer: PeerInfo): PeerFacts {
  return {
    peerId: peer.peerId,
    key: peer.publicKey ?? fromHex(peer.peerId),
    outbound: peer.direction === undefined ? undefined : peer.direction === 'outbound',
    netgroup: peer.remoteAddress === undefined ? undefined : netgroupOf(peer.remoteAddress),
  }
}

/** The /24 of an IPv4 address or the /48 of an IPv6 one; undefined for what is private, local or neither. */
export function netgroupOf(address: string): string | undefined {
  const host = /^(?:[a-z+]+:\/\/)?(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::\d+)?(?:\/.*)?$/i.exec(address)
  const v4 = host?.[2] ?? /^::ffff:([0-9.]+)$/i.exec(host?.[1] ?? '')?.[1]
  if (v4 !== undefined) return groupOfV4(v4.split('.').map(Number))
  return host?.[1] === undefined ? undefined : groupOfV6(host[1].toLowerCase())
}

function groupOfV4(parts: readonly number[]): string | undefined {
  if (parts.length !== 4 || parts.some(part => !(part >= 0 && part <= 255))) return undefined
  const [a, b, c] = parts as [number, number, number]
  const isLocal = a === 10 || a === 127 || a === 0 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || (a === 169 && b === 254)
  return isLocal ? undefined : `${a}.${b}.${c}`
}

function groupOfV6(address: string): string | undefined {
  if (address === '::1' || /^f[cde]/.test(address)) return undefined
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...new Array<string>(zeros).fill('0'), ...right].slice(0, 3).map(part => part.padStart(4, '0')).join(':')
}
