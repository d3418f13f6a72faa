import { sameBytes } from './internal.ts'

const SLOTS = 256

/**
 * The same check of keys or points, remembering up to 256 that passed: it takes a square root, a tenth of a verification, and a
 * few authors sign most messages. A key has one slot, by its 32nd byte; whoever comes later takes it.
 */
export function rememberKeys(check: (key: Uint8Array) => boolean): (key: Uint8Array) => boolean {
  const passed = new Array<Uint8Array | undefined>(SLOTS).fill(undefined)
  return key => {
    const slot = key[31]!
    const known = passed[slot]
    if (known !== undefined && sameBytes(known, key)) return true
    if (!check(key)) return false
    passed[slot] = Uint8Array.from(key)
    return true
  }
}
