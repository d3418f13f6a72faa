import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { TOTAL_BYTES_PER_SECOND } from './limits.ts'

export interface RelayOptions {
  /** Whether envelopes of others are carried and their searches handed on. True by default; without it one can still send and be found. */
  carries?: boolean
  /** Bytes a second carried for all others together. 1 MiB by default. */
  bytesPerSecond?: number
  /** SHA-256; JavaScript's by default, Node's where this comes from `index.node.ts`. */
  hasher?: Pick<ICryptoBackend, 'sha256'>
}

/** Throws RangeError or TypeError for options that cannot work. */
export function checkedOptions({ carries = true, bytesPerSecond = TOTAL_BYTES_PER_SECOND }: RelayOptions): Required<Omit<RelayOptions, 'hasher'>> {
  if (typeof carries !== 'boolean') throw new TypeError(`carries must be true or false, got ${typeof carries}`)
  if (!(bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond must be a number above 0, got ${String(bytesPerSecond)}; carries: false turns carrying off`)
  return { carries, bytesPerSecond }
}
