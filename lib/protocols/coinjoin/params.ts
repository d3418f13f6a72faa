import { concatBytes, utf8 } from '../../foundation/bytes.ts'
import { counted, paramsHash, u32, u64, u8, type Hasher } from './hashes.ts'
import { INPUTS_MAX, PEERS_MAX, PEERS_MIN } from './limits.ts'

/** What a round is; all who take part agree on every field, since its hash is in all they say. */
export interface MixParams {
  readonly version: 1
  /** The Bitcoin network: `mainnet`, `testnet`, `signet`, `regtest`. */
  readonly network: string
  /** What each equal output holds, in sats. */
  readonly denomination: number
  /** Whole sats a vbyte. */
  readonly feeRate: number
  /** 3 to 50. Fewer, and the round does not begin. */
  readonly minPeers: number
  readonly maxPeers: number
  readonly maxInputsPerPeer: number
  /** Confirmations an input must have; at least 1. */
  readonly minConf: number
  /** PRs are gathered within UTC intervals of so many seconds. */
  readonly epochSeconds: number
  /** Unix seconds after which no epoch of this round begins. */
  readonly expiry: number
}

/** What may be left out, and what it is then. */
export const DEFAULT_PARAMS = { version: 1, network: 'mainnet', feeRate: 2, minPeers: 3, maxPeers: PEERS_MAX, maxInputsPerPeer: 3, minConf: 1, epochSeconds: 120 } as const

export type RoundParams = Pick<MixParams, 'denomination' | 'expiry'> & Partial<MixParams>

const RANGES: { readonly [K in Exclude<keyof MixParams, 'network'>]: readonly [min: number, max: number] } = {
  version: [1, 1],
  // Above a change's dust, below what exists.
  denomination: [1_000, 2_100_000_000_000_000],
  feeRate: [1, 10_000],
  minPeers: [PEERS_MIN, PEERS_MAX],
  maxPeers: [PEERS_MIN, PEERS_MAX],
  maxInputsPerPeer: [1, INPUTS_MAX],
  minConf: [1, 1_000],
  // The close is 10 s before the boundary.
  epochSeconds: [15, 86_400],
  expiry: [0, 0xffff_ffff],
}

/** Fills in what is left out. Throws RangeError for a field out of its range, or of a peer's making. */
export function mixParams(given: RoundParams): MixParams {
  const params: MixParams = { ...DEFAULT_PARAMS, ...given }
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const value = params[name as keyof typeof RANGES]
    if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(`params.${name} must be a whole number from ${min} to ${max}, got ${String(value)}`)
  }
  const { network, minPeers, maxPeers } = params
  if (typeof network !== 'string' || !/^[a-z0-9-]{1,16}$/.test(network)) throw new RangeError(`params.network must be 1 to 16 of a-z, 0-9 and -, got ${JSON.stringify(network)}`)
  if (minPeers > maxPeers) throw new RangeError(`params.minPeers (${minPeers}) must not be above params.maxPeers (${maxPeers})`)
  return Object.freeze(params)
}

/** The fixed-width fields in their order. */
export function encodeParams(params: MixParams): Uint8Array {
  return concatBytes(
    u8(params.version), counted(utf8(params.network)), u64(params.denomination), u32(params.feeRate), u8(params.minPeers), u8(params.maxPeers),
    u8(params.maxInputsPerPeer), u32(params.minConf), u32(params.epochSeconds), u64(params.expiry),
  )
}

export function hashOfParams(hasher: Hasher, params: MixParams): Uint8Array {
  return paramsHash(hasher, encodeParams(params))
}

/** The epoch that a moment of Unix time, in milliseconds, lies in. */
export function epochAt(params: MixParams, unixMs: number): number {
  return Math.floor(unixMs / 1_000 / params.epochSeconds)
}

/** When it ends, in Unix milliseconds. */
export function epochEndMs(params: MixParams, epoch: number): number {
  return (epoch + 1) * params.epochSeconds * 1_000
}
