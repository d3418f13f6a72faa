import type { MixInput, MixPlan } from './coinjoin-transaction.ts'

/** A coin to bring: where it lies, what it holds, and its script (P2TR key path or P2WPKH). */
export type Coin = MixInput

/** What a wallet is asked to sign: everything it needs to see for itself that nothing is taken from it. */
export interface MixSigningRequest {
  /** The transaction, with every input's amount and script in order. */
  readonly plan: MixPlan
  /** Which of its inputs are ours: places in `plan.inputs`, in the order in which the coins were brought. */
  readonly own: readonly number[]
  /** Our output's key, as `freshKey` gave it. */
  readonly outputKey: Uint8Array
}

/** What a wallet does for a round. It is asked nothing that it could answer without its user's consent. */
export interface ICoinJoinWallet {
  /** Coins that may be brought. */
  coins(): Promise<readonly Coin[]>
  /** A BIP322 simple signature by a coin's script: the witness items. This proves to strangers, for ever, that the coin is ours. */
  prove(coin: Coin, message: Uint8Array): Promise<readonly Uint8Array[]>
  /** A new x-only BIP86 output key. When this resolves it is durably marked as used: it is never given out again, whatever becomes of the round. */
  freshKey(): Promise<Uint8Array>
  /** A new script for change, P2TR or P2WPKH, marked as used likewise. */
  changeScript(): Promise<Uint8Array>
  /** One witness for each of `own`. P2TR: one signature of 64 bytes (DEFAULT); P2WPKH: a DER signature with ALL, and the key. Rejects to refuse. */
  sign(request: MixSigningRequest): Promise<readonly (readonly Uint8Array[])[]>
}
