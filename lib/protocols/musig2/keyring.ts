import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { OWN_KEYS_MAX } from './limits.ts'
import { LocalSigner } from './local-signer.ts'
import type { MuSig2Options } from './options.ts'
import type { IMuSig2Signer } from './signer.ts'

/** The keys this node signs with. */
export class Keyring {
  readonly signers: readonly IMuSig2Signer[]

  constructor(keys: MuSig2Options['keys'], backend: () => ICryptoBackend) {
    const list = Array.isArray(keys) ? keys as readonly (IMuSig2Signer | Uint8Array)[] : [keys as IMuSig2Signer | Uint8Array]
    if (list.length > OWN_KEYS_MAX) throw new RangeError(`expected at most ${OWN_KEYS_MAX} keys, got ${list.length}`)
    this.signers = list.map(key => key instanceof Uint8Array ? new LocalSigner(key, backend) : checked(key, backend()))
  }

  /** Ours among these, by index. */
  among(keys: readonly Uint8Array[]): Map<number, IMuSig2Signer> {
    const own = new Map<number, IMuSig2Signer>()
    keys.forEach((key, index) => {
      const signer = this.signers.find(({ publicKey }) => equalBytes(publicKey, key))
      if (signer !== undefined) own.set(index, signer)
    })
    return own
  }

  of(keyHex: string): IMuSig2Signer | undefined {
    return this.signers.find(({ publicKey }) => toHex(publicKey) === keyHex)
  }
}

function checked(signer: IMuSig2Signer, backend: ICryptoBackend): IMuSig2Signer {
  if (!(signer?.publicKey instanceof Uint8Array) || !backend.isPoint(signer.publicKey)) throw new TypeError('expected a signer with a compressed public key of 33 bytes, or a secret of 32 bytes')
  return signer
}
