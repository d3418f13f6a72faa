import type { Filters, ResourceAnnouncement } from '../../contracts/resources.ts'

type Test = (resource: ResourceAnnouncement) => boolean
interface Range { gte?: number; lte?: number; in?: readonly unknown[] }

const RANGE_KEYS: ReadonlySet<string> = new Set(['gte', 'lte', 'in'])

/** What the caller asks for as one question. Throws TypeError for filters of another shape. */
export function testOf(filters: Filters | undefined): Test {
  if (filters === undefined) return () => true
  if (typeof filters === 'function') return filters
  if (typeof filters !== 'object' || filters === null || Array.isArray(filters)) throw new TypeError('filters are an object of fields and values, or a function')
  const tests = Object.entries(filters as Record<string, unknown>).map(([field, wanted]) => {
    const fits = isRange(wanted) ? inRange(wanted) : (value: unknown) => equalValues(value, wanted)
    return (data: unknown): boolean => typeof data === 'object' && data !== null && Object.hasOwn(data, field) && fits((data as Record<string, unknown>)[field])
  })
  return ({ data }) => tests.every(test => test(data))
}

/** An object of nothing but `gte`, `lte` and `in` is a range; any other is compared as it is. */
function isRange(wanted: unknown): wanted is Range {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted) || wanted instanceof Uint8Array) return false
  const keys = Object.keys(wanted)
  return keys.length > 0 && keys.every(key => RANGE_KEYS.has(key))
}

function inRange({ gte, lte, in: values }: Range): (value: unknown) => boolean {
  if (values !== undefined && !Array.isArray(values)) throw new TypeError('a filter\'s `in` is a list of values')
  return value => {
    if ((gte !== undefined || lte !== undefined) && typeof value !== 'number' && typeof value !== 'bigint') return false
    if (gte !== undefined && !((value as number) >= gte)) return false
    if (lte !== undefined && !((value as number) <= lte)) return false
    return values === undefined || values.some(one => equalValues(value, one))
  }
}

/** Equal as data: the wire knows numbers, texts, bytes, lists and maps. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if ((typeof a === 'bigint' && typeof b === 'number') || (typeof a === 'number' && typeof b === 'bigint')) return a == b // eslint-disable-line eqeqeq -- 1n and 1 are one number on the wire
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array || b instanceof Uint8Array) return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, index) => byte === b[index])
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length
    && keys.every(key => Object.hasOwn(b, key) && equalValues((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}
