import { toHex } from '../../foundation/hex.ts'
import type { PeerId } from '../../contracts/message.ts'

// docs/wire.md, section 6: version (1), auth (1), author (32).
const AUTHOR_AT = 2
const AUTHOR_END = 34

/** Whose record it claims to be, read before any signature is checked; undefined for bytes too short to say. */
export function claimedOwner(record: Uint8Array): PeerId | undefined {
  return record.length > AUTHOR_END ? toHex(record.subarray(AUTHOR_AT, AUTHOR_END)) : undefined
}

/**
 * What somebody must rent to look like many: the /16 of an IPv4 address, the /32 of an IPv6 one (peers.md: one outbound link each).
 * Undefined for hosts of one's own network and for names.
 */
export function groupOf(address: string | undefined): string | undefined {
  const host = address === undefined ? null : /^[a-z][a-z0-9+.-]*:\/\/(?:\[([0-9a-f:]+)\]|(\d{1,3}(?:\.\d{1,3}){3}))(?=[:/]|$)/i.exec(address)
  if (host?.[2] !== undefined) return groupOfV4(host[2].split('.').map(Number))
  return host?.[1] === undefined ? undefined : groupOfV6(host[1].toLowerCase())
}

function groupOfV4([a = 0, b = 0]: readonly number[]): string | undefined {
  const isOurs = a === 0 || a === 10 || a === 127 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b < 32) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128)
  return isOurs ? undefined : `${a}.${b}`
}

function groupOfV6(address: string): string | undefined {
  if (/^(::|f[cde])/.test(address)) return undefined
  const [first = '', second = ''] = address.split(':')
  return `${first}:${second === '' ? '0' : second}`
}
