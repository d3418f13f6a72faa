import type { PeerInfo } from '../../contracts/peer.ts'

/** What somebody would have to rent to look like many. */
export interface Place {
  /** Of the /24 or /48; 0 where nobody knows, or where it means nothing, as on a private network. */
  readonly group: number
  /** The host itself; empty likewise. */
  readonly address: string
}

export const NOWHERE: Place = Object.freeze({ group: 0, address: '' })

/** Where the link leads, as its transport says it; where that is not said, what the peer claims. */
export function placeOf(peer: PeerInfo): Place {
  const { addresses, remoteAddress } = peer
  const host = hostOf(remoteAddress ?? addresses.websocket ?? addresses.http ?? '')
  const group = host === '' ? undefined : groupOf(host)
  return group === undefined ? NOWHERE : { group: groupNumber(group), address: host }
}

/** True for addresses that mean nothing outside one machine or one room of it. */
export function isLocalAddress(address: string): boolean {
  if (address.startsWith('memory:')) return true
  const host = hostOf(address)
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function hostOf(address: string): string {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:\[([^\]]+)\]|([^/:?#]*))/i.exec(address)
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
}

/** The /24 or /48 as text; undefined for hosts that many may share by the nature of their network. */
function groupOf(host: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/.exec(host)
  if (v4 !== null) {
    const [a, b] = [Number(v4[1]), Number(v4[2])]
    const isLocal = a === 10 || a === 127 || a === 0 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || (a === 169 && b === 254)
    return isLocal ? undefined : `${v4[1]}.${v4[2]}.${v4[3]}`
  }
  if (!host.includes(':')) return host
  if (host === '::1' || /^f[cde]/.test(host)) return undefined
  const [head = '', tail] = host.split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 3).map(part => part.padStart(4, '0')).join(':')
}

/** Four bytes that stand for a group in an answer (FNV-1a); never 0. Two that meet by chance are treated as one, which costs nothing. */
export function groupNumber(group: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < group.length; index++) hash = Math.imul(hash ^ group.charCodeAt(index), 0x01000193)
  return (hash >>> 0) || 1
}
