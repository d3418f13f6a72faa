/** What each party of a CoinJoin pays and gets back, in whole sats, so that all build the same transaction. */

/** BIP141 weight of one input, its share of the segwit marker aside: P2TR key path (64-byte signature), P2WPKH (low-R worst case 72 bytes). */
export const INPUT_WEIGHT = { p2tr: 230, p2wpkh: 272 } as const
/** BIP141 weight of one output. */
export const OUTPUT_WEIGHT = { p2tr: 172, p2wpkh: 124 } as const
/** Version, locktime, marker, flag and counts: paid by all together. */
const SHARED_WEIGHT = 60
/** What nodes relay no less than, in sats. */
export const DUST_SATS = { p2tr: 330n, p2wpkh: 294n } as const

export type ScriptKind = keyof typeof DUST_SATS

/** `p2wpkh` for 0014{20}, `p2tr` for 5120{32}; null for every other script. */
export function kindOf(script: Uint8Array): ScriptKind | null {
  if (script.length === 22 && script[0] === 0x00 && script[1] === 0x14) return 'p2wpkh'
  if (script.length === 34 && script[0] === 0x51 && script[1] === 0x20) return 'p2tr'
  return null
}

export interface Party {
  /** Kind and amount of each input, in sats. */
  readonly inputs: readonly { readonly kind: ScriptKind; readonly amount: bigint }[]
  /** Where the rest goes; without it the rest goes to the fee. */
  readonly changeKind: ScriptKind | null
}

export interface Settlement {
  /** The fee by weight, in sats. */
  readonly share: bigint
  /** Sats paid back; 0 where there is no change output. */
  readonly change: bigint
  /** All that this party loses: share, dropped dust, and the sat that keeps a change from looking like an output of the mix. */
  readonly paid: bigint
}

/** The fee share of one party among `parties`: ceil(feeRate * (inputs + one output + change + ceil(60 / N)) / 4). `feeRate` in whole sats a vbyte. */
export function shareOf({ inputs, changeKind }: Party, parties: number, feeRate: number): bigint {
  const weight = inputs.reduce((sum, { kind }) => sum + INPUT_WEIGHT[kind], 0)
    + OUTPUT_WEIGHT.p2tr + (changeKind === null ? 0 : OUTPUT_WEIGHT[changeKind]) + Math.ceil(SHARED_WEIGHT / parties)
  return (BigInt(feeRate) * BigInt(weight) + 3n) / 4n
}

/** What one party pays and gets back, or null where its inputs do not reach. */
export function settle(party: Party, parties: number, feeRate: number, denomination: bigint): Settlement | null {
  const share = shareOf(party, parties, feeRate)
  const total = party.inputs.reduce((sum, { amount }) => sum + amount, 0n)
  const rest = total - denomination - share
  if (rest < 0n) return null
  const { changeKind } = party
  if (changeKind === null || rest < DUST_SATS[changeKind]) return { share, change: 0n, paid: share + rest }
  // A change of exactly the denomination would look like an output of the mix, and be linked to its inputs all the same.
  if (rest === denomination) {
    const change = rest - 1n
    return change < DUST_SATS[changeKind] ? { share, change: 0n, paid: share + rest } : { share, change, paid: share + 1n }
  }
  return { share, change: rest, paid: share }
}
