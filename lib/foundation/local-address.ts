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
export function canonicalHostOf(address: string): string {
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
export function v4Of(host: string): number[] | undefined {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)
  if (dotted) return dotted.slice(1).map(Number)
  for (const form of V4_INSIDE) {
    const inside = form.exec(host)
    if (inside) return inside.slice(1).flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
  }
  return undefined
}

function isLocalV4([a = 0, b = 0]: readonly number[]): boolean {
  return a === 0 || a === 10 || a === 127 || a >= 224
    || (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
}
