import type { ProtocolContext } from '../../contracts/protocol.ts'
import { baseBackend, chooseBackend } from '../../crypto/select.node.ts'
import { MuSig2 as AnyMuSig2 } from './handler.ts'
import type { MuSig2Options } from './options.ts'

/** MuSig2 sessions between peers, on the fastest cryptography this machine has unless `crypto` says which. */
export class MuSig2 extends AnyMuSig2 {
  readonly #chooses: boolean

  constructor(options: MuSig2Options) {
    super({ crypto: baseBackend(), ...options })
    this.#chooses = options.crypto === undefined
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    // Until then, and where nothing faster passes its self-test, JavaScript does.
    if (this.#chooses) chooseBackend('auto').then(({ backend }) => this.useBackend(backend), () => {})
  }
}

export { MuSig2Abort, type Culprit } from './abort-error.ts'
export { musig2Protocol, type MuSig2Protocol } from './definition.ts'
export type { AbortReason, Phase } from './events.ts'
export type { Proven } from './evidence.ts'
export { LocalSigner } from './local-signer.ts'
export type { MuSig2Events, MuSig2Options, MuSig2Result, MuSig2Stats, SessionInfo, SessionRequest, SignerInfo } from './options.ts'
export type { ApproveOptions, SigningRequest } from './request.ts'
export type { IMuSig2Nonce, IMuSig2Signer, MuSig2NonceInputs } from './signer.ts'
export type { Subject } from './terms.ts'
