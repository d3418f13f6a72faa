import type { ICryptoBackend } from '../contracts/crypto.ts'
import { taggedHash } from '../crypto/tagged-hash.ts'
import { concatBytes } from '../foundation/bytes.ts'
import { fromHex } from '../foundation/hex.ts'

type Hasher = Pick<ICryptoBackend, 'sha256'>

/** As much of a transaction as its signatures commit to. */
export interface SignedParts {
  readonly inputs: readonly { readonly txid: string; readonly vout: number; readonly amount: bigint; readonly script: Uint8Array }[]
  readonly outputs: readonly { readonly amount: bigint; readonly script: Uint8Array }[]
}

const VERSION = Uint8Array.of(2, 0, 0, 0)
const LOCKTIME = new Uint8Array(4)
const SEQUENCE = Uint8Array.of(0xfd, 0xff, 0xff, 0xff)
const SIGHASH_ALL = Uint8Array.of(1, 0, 0, 0)

/**
 * What each input's signature commits to. BIP341 and BIP143 both hash all inputs and outputs once for the whole transaction; with fifty
 * inputs to check by each of fifty members, making those hashes anew for each input is what takes the time.
 */
export class MixDigests {
  readonly #hasher: Hasher
  readonly #plan: SignedParts
  readonly #outpoints: Uint8Array[]
  readonly #hashes: Record<'prevouts' | 'amounts' | 'scripts' | 'sequences' | 'outputs', Uint8Array>

  constructor(plan: SignedParts, hasher: Hasher) {
    this.#hasher = hasher
    this.#plan = plan
    this.#outpoints = plan.inputs.map(({ txid, vout }) => concatBytes(fromHex(txid).reverse(), le(vout, 4)))
    const hash = (parts: readonly Uint8Array[]): Uint8Array => hasher.sha256(concatBytes(...parts))
    this.#hashes = {
      prevouts: hash(this.#outpoints),
      amounts: hash(plan.inputs.map(({ amount }) => le(amount, 8))),
      scripts: hash(plan.inputs.map(({ script }) => sized(script))),
      sequences: hash(plan.inputs.map(() => SEQUENCE)),
      outputs: hash(plan.outputs.map(({ amount, script }) => concatBytes(le(amount, 8), sized(script)))),
    }
  }

  /** BIP341, key path, SIGHASH_DEFAULT, no annex. */
  taproot(index: number): Uint8Array {
    const { prevouts, amounts, scripts, sequences, outputs } = this.#hashes
    const start = Uint8Array.of(0, 0)
    return taggedHash(this.#hasher, 'TapSighash', start, VERSION, LOCKTIME, prevouts, amounts, scripts, sequences, outputs, Uint8Array.of(0), le(index, 4))
  }

  /** BIP143, P2WPKH, SIGHASH_ALL. */
  segwit(index: number): Uint8Array {
    const { prevouts, sequences, outputs } = this.#hashes
    const sha256 = (data: Uint8Array): Uint8Array => this.#hasher.sha256(data)
    const { script, amount } = this.#plan.inputs[index]!
    const code = Uint8Array.of(0x19, 0x76, 0xa9, 0x14, ...script.subarray(2), 0x88, 0xac)
    return sha256(sha256(concatBytes(
      VERSION, sha256(prevouts), sha256(sequences), this.#outpoints[index]!, code, le(amount, 8), SEQUENCE, sha256(outputs), LOCKTIME, SIGHASH_ALL,
    )))
  }
}

/** A script behind its length, which is below 253. */
function sized(script: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(script.length), script)
}

function le(value: number | bigint, bytes: number): Uint8Array {
  let rest = BigInt(value)
  return Uint8Array.from({ length: bytes }, () => {
    const byte = Number(rest & 0xffn)
    rest >>= 8n
    return byte
  })
}
