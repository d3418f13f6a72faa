import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { EMPTY_BYTES } from '../../foundation/bytes.ts'
import { fromHex } from '../../foundation/hex.ts'
import type { Keyring } from './keyring.ts'
import type { Marker, Markers } from './markers.ts'
import { membershipDigest, slotOf } from './statement.ts'

/** Tells members of sessions that an earlier start of this node gave a nonce in: nothing more will come of us, so nobody need wait for it. */
export class Restarted {
  readonly #context: ProtocolContext
  readonly #backend: () => ICryptoBackend
  readonly #keyring: Keyring
  readonly #markers: Markers
  readonly #boot: Uint8Array
  readonly #say: (to: PeerId, payload: { session: Uint8Array; frames: Uint8Array[]; pass: Uint8Array }) => Promise<void>

  constructor(
    context: ProtocolContext, backend: () => ICryptoBackend, keyring: Keyring, markers: Markers, boot: Uint8Array,
    say: (to: PeerId, payload: { session: Uint8Array; frames: Uint8Array[]; pass: Uint8Array }) => Promise<void>,
  ) {
    this.#context = context
    this.#backend = backend
    this.#keyring = keyring
    this.#markers = markers
    this.#boot = boot
    this.#say = say
  }

  /** Once the markers have been read. */
  tellLinked(): void {
    for (const { peerId } of this.#context.peers()) this.tell(peerId)
  }

  tell(peer: PeerId): void {
    for (const marker of this.#markers.abandoned.values()) {
      if (!marker.peers.includes(peer)) continue
      // A peer that is gone again is told when it comes.
      this.#frames(marker).then(frames => frames.length > 0 ? this.#say(peer, { session: fromHex(marker.session), frames, pass: EMPTY_BYTES }) : undefined).catch(() => {})
    }
  }

  async #frames({ session: name, own }: Marker): Promise<Uint8Array[]> {
    const session = fromHex(name)
    const frames: Uint8Array[] = []
    for (const { index, key } of own) {
      const signer = this.#keyring.of(key)
      if (signer === undefined) continue
      const proof = await signer.prove(membershipDigest(this.#backend(), session, signer.publicKey, this.#context.localPeer.peerId))
      const payload = { session, index, boot: this.#boot, proof, reason: 'restarted', text: 'it restarted after it had given a nonce' }
      frames.push(await this.#context.author({ type: 'abort', payload, slot: slotOf('abort', session, index) }))
    }
    return frames
  }
}
