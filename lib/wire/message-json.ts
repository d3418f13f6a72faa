import { fromHex, toHex } from '../foundation/hex.ts'

/**
 * JSON that keeps what JSON has no words for: bytes as `{ "$bytes": hex }`, bigints as `{ "$bigint": digits }`. An object of the
 * user's own that has one key beginning with `$` gets another `$` before it, so nothing is taken for what it is not.
 */
export function toJsonText(value: unknown): string {
  return JSON.stringify(marked(value))
}

/** Throws SyntaxError or RangeError. */
export function fromJsonText(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => unmarked(value))
}

function marked(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: value.toString() }
  if (value instanceof Uint8Array) return { $bytes: toHex(value) }
  if (Array.isArray(value)) return value.map(marked)
  if (typeof value !== 'object' || value === null) return value
  const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value)
  const own = entries.map(([key, item]): [string, unknown] => [entries.length === 1 && key.startsWith('$') ? `$${key}` : key, marked(item)])
  return Object.fromEntries(own)
}

function unmarked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const [entry, more] = Object.entries(value)
  if (entry === undefined || more !== undefined || !entry[0].startsWith('$')) return value
  const [key, item] = entry as [string, unknown]
  if (key === '$bytes' && typeof item === 'string') return fromHex(item)
  if (key === '$bigint' && typeof item === 'string' && /^-?\d{1,20}$/.test(item)) return BigInt(item)
  if (key.startsWith('$$')) return { [key.slice(1)]: item }
  throw new RangeError(`expected an object marked ${JSON.stringify(key)} to hold text of its kind`)
}
