import { equalBytes } from '../foundation/bytes.ts'

/**
 * One case of an acceptance suite. It knows no test framework: mount it with
 * `for (const { name, run } of cases) test(name, run)` in uvu, node:test or mocha, or run it yourself.
 */
export interface AcceptanceCase {
  /** A plain sentence about behaviour. */
  name: string
  /** Rejects with an Error that says what was expected and what came. */
  run(): Promise<void>
}

export class AcceptanceError extends Error {
  override readonly name = 'AcceptanceError'
}

/** Fails unless the condition holds. */
export function expect(condition: unknown, what: string): asserts condition {
  if (!condition) throw new AcceptanceError(what)
}

/** Fails unless both are the same: by identity, or for bytes, arrays and plain objects by content. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (!same(actual, expected)) throw new AcceptanceError(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

/** The reason a promise rejects with; fails when it resolves. */
export async function expectRejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new AcceptanceError(`${what}: expected a rejection, got ${shown(value)}`)
}

/** Fails unless the promise rejects with an error that has this `code`. */
export async function expectCode(promise: Promise<unknown>, code: string, what: string): Promise<Error> {
  const error = await expectRejection(promise, what)
  const got = error instanceof Error ? (error as { code?: unknown }).code : undefined
  if (got === code) return error as Error
  throw new AcceptanceError(`${what}: expected an error with code ${code}, got ${shown(error)}`, { cause: error })
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equalBytes(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length
    && keys.every(key => Object.hasOwn(b, key) && same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}

const SHOWN_LENGTH_MAX = 200

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes [${value.subarray(0, 8).join(' ')}${value.length > 8 ? ' ...' : ''}]`
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}...` : text
}
