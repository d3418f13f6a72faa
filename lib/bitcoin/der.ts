/**
 * BIP66: the compact 64 bytes of a strict DER signature (sequence of two minimal positive integers), without its hash type; null for
 * every other encoding.
 */
export function compactFromDer(der: Uint8Array): Uint8Array | null {
  if (der.length < 8 || der.length > 72 || der[0] !== 0x30 || der[1] !== der.length - 2) return null
  const compact = new Uint8Array(64)
  let at = 2
  for (const end of [32, 64]) {
    const length = der[at + 1]
    if (der[at] !== 0x02 || length === undefined || length === 0 || at + 2 + length > der.length) return null
    let digits = der.subarray(at + 2, at + 2 + length)
    if ((digits[0]! & 0x80) !== 0) return null
    if (digits[0] === 0 && digits.length > 1) {
      if ((digits[1]! & 0x80) === 0) return null
      digits = digits.subarray(1)
    }
    if (digits.length > 32) return null
    compact.set(digits, end - digits.length)
    at += 2 + length
  }
  return at === der.length ? compact : null
}
