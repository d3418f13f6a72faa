import type { AggregateKey } from '../../bitcoin/bip327/index.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { PeerId } from '../../contracts/message.ts'

/** What the rules of one session know from its beginning. */
export interface SessionStateOptions {
  readonly id: Uint8Array
  /** Tweaks applied. */
  readonly aggregate: AggregateKey
  readonly message: Uint8Array
  /** Signers whose keys this node holds. */
  readonly own: readonly number[]
  readonly self: PeerId
  /** Of this start of this node, as hex. */
  readonly boot: string
  /** The initiator introduces members to each other. */
  readonly isInitiator: boolean
  readonly backend: () => ICryptoBackend
  readonly lingerMs?: number | undefined
}
