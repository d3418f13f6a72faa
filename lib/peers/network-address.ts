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
 * True for what a stranger on the open network has no business naming: loopback, private, link-local and other hosts
 * that mean something else, or nothing, to everybody who hears of them (RFC 1918, 3927, 4193, 4291, 6598, 6761). What a
 * name resolves to is not looked up here: whoever dials it asks `isLocalIp` of what it resolved to.
 */
export function isLocalHost(address: string): boolean {
  const host = canonicalHostOf(address)
  const v4 = v4Of(host)
  if (v4 !== undefined) return isLocalV4(v4)
  if (host.includes(':')) return /^(::|::1|fe[89a-f][0-9a-f]:.*|f[cdf][0-9a-f]{2}:.*)$/.test(host)
  return !host.includes('.') || /\.(localhost|local|internal|home\.arpa)$/.test(host)
}

/** As the platform will dial it: `0x7f.1` is 127.0.0.1, and so is `2130706433`. */
function canonicalHostOf(address: string): string {
  try {
    return new URL(address).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase()
  } catch {
    return ''
  }
}

/** The same question of an IP address as a resolver gives it, without scheme or brackets. */
export function isLocalIp(ip: string): boolean {
  return isLocalHost(ip.includes(':') ? `ws://[${ip.split('%')[0]}]` : `ws://${ip}`)
}

/** IPv6 prefixes behind which an IPv4 address travels: mapped, compatible, NAT64 (RFC 4291, 6052), and 6to4 (RFC 3056). */
const V4_INSIDE = [/^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/, /^::([0-9a-f]{1,4}):([0-9a-f]{1,4})$/, /^64:ff9b::([0-9a-f]{1,4}):([0-9a-f]{1,4})$/, /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/]

/** The octets of an IPv4 address, also of one that travels inside an IPv6 address. */
function v4Of(host: string): number[] | undefined {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)
  if (dotted) return dotted.slice(1).map(Number)
  for (const form of V4_INSIDE) {
    const inside = form.exec(host)
    if (inside) return inside.slice(1).flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
  }
  return undefined
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

function isLocalV4([a = 0, b = 0]: readonly number[]): boolean {
  return a === 0 || a === 10 || a === 127 || a >= 224
    || (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
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
