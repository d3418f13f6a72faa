import { canonicalHostOf, isLocalHost, v4Of } from '../foundation/local-address.ts'

export { isLocalHost, isLocalIp } from '../foundation/local-address.ts'

/** Questions about where an address is, asked of its text alone. */

/** The host of a URL such as `ws://127.0.0.1:80`, without brackets; empty where there is none. */
export function hostOf(address: string): string {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:\[([^\]]+)\]|([^/:?#]*))/i.exec(address)
  return match?.[1] ?? match?.[2] ?? ''
}

/** The scheme with its colon, such as `ws:`; empty where there is none. */
export function schemeOf(address: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.exec(address)?.[0].toLowerCase() ?? ''
}

/** True for what never leaves this machine: loopback hosts, and transports inside one process. */
export function isLoopback(address: string): boolean {
  if (schemeOf(address) === 'memory:') return true
  const host = hostOf(address).toLowerCase()
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host) || /^::ffff:127\./.test(host)
}

/**
 * What an attacker must rent to be in many places: the /16 of an IPv4 address, the /32 of an IPv6 one, for a name its last
 * two labels. A local address stands for itself: on a private network nobody has to be kept apart.
 */
export function netgroupOf(address: string): string {
  if (isLocalHost(address)) return address
  const host = canonicalHostOf(address)
  const v4 = v4Of(host)
  if (v4 !== undefined) return `${v4[0]}.${v4[1]}.0.0/16`
  if (host.includes(':')) return `${firstGroups(host, 2)}::/32`
  return host.split('.').slice(-2).join('.')
}

/** What attackers must rent to look like many: the /24 of an IPv4 address, the /48 of an IPv6 one; else the host itself. */
export function subnetOf(address: string): string {
  const host = hostOf(address).replace(/^::ffff:(?=\d+\.)/i, '')
  const v4 = /^(\d+\.\d+\.\d+)\.\d+$/.exec(host)
  if (v4) return `${v4[1]}.0/24`
  if (host.includes(':')) return `${firstGroups(host, 3)}::/48`
  return host
}

/** The first groups of an IPv6 address, its `::` written out. */
function firstGroups(host: string, count: number): string {
  const [head = '', tail] = host.split('%')[0]!.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return groups.slice(0, count).map(group => Number.parseInt(group, 16).toString(16)).join(':')
}
