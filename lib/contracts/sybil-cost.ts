/** Whose cost it is, and where it counts: what was paid for one key or network is worth nothing for another. */
export interface SybilClaim {
  /** x-only, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly network: string
}

/**
 * What a new key has to cost, so that a thousand of them cost a thousand times as much: work by default; a bond, an invitation or
 * Argon2id are others. Both ends must use the same.
 */
export interface ISybilCost {
  /** Tells one kind from another: in error texts and statistics. */
  readonly name: string
  /** What shows that this claim has cost `level`, in at most 64 bytes. Must let the event loop live. Rejects with the signal's reason, or where it cannot be paid. */
  pay(claim: SybilClaim, level: number, options: { signal: AbortSignal }): Promise<Uint8Array>
  /** What this proof shows to have been paid: 0 for one that shows nothing. Asked for every stranger, so cheap; it must not throw. */
  levelOf(claim: SybilClaim, proof: Uint8Array): number | Promise<number>
}

export interface SybilStats {
  /** How it is paid, or `none`. */
  cost: string
  /** What the next stranger has to show. */
  level: number
  /** What this node has paid so far. */
  paid: number
  /** New keys let in within the last minute, all of which have paid. */
  joinsLastMinute: number
  /** Strangers turned away for having paid too little. */
  refused: number
}
