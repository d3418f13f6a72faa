import { drawScalar } from '../../crypto/draw-scalar.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { PeerId } from '../../contracts/message.ts'
import { EMPTY_BYTES, concatBytes, equalBytes, wipe } from '../../foundation/bytes.ts'
import { rendezvousTag, sealInvitation, type Invitation } from './invitation.ts'

/** A meeting point: the public sees 32 bytes that look like any others. They are the x of a one-time key, by which members and initiator know each other. */
export class Rendezvous implements Disposable {
  readonly id: Uint8Array
  readonly #backend: () => ICryptoBackend
  #secret: Uint8Array
  #shared: Uint8Array[] | undefined

  constructor(backend: () => ICryptoBackend, random: (length: number) => Uint8Array) {
    this.#backend = backend
    const drawn = drawScalar(random)
    this.#secret = backend().evenSecret(drawn)
    wipe(drawn)
    this.id = backend().publicKeyOf(this.#secret).slice(1)
  }

  /** Answers each tag: an invitation where a member of `keys` made it for this asker, null where nobody of them can have. */
  boxes(tags: readonly Uint8Array[], asker: PeerId, self: PeerId, keys: readonly Uint8Array[], invitation: () => Invitation, random: (length: number) => Uint8Array): (Uint8Array | null)[] {
    if (this.#secret.length === 0) return tags.map(() => null)
    const backend = this.#backend()
    this.#shared ??= keys.map(key => backend.ecdh(this.#secret, key) ?? EMPTY_BYTES)
    const known = this.#shared.map(shared => ({ shared, tag: rendezvousTag(backend, shared, this.id, asker, self) }))
    return tags.map(asked => {
      const member = known.find(({ tag }) => equalBytes(tag, asked))
      return member === undefined ? null : sealInvitation(backend, member.shared, member.tag, invitation(), random)
    })
  }

  [Symbol.dispose](): void {
    wipe(this.#secret, ...this.#shared ?? [])
    this.#secret = EMPTY_BYTES
    this.#shared = []
  }
}

/** The point whose x a rendezvous is. */
export function rendezvousPoint(id: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(2), id)
}
