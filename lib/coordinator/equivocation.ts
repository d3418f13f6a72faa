import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Equivocation } from '../contracts/equivocation.ts'
import type { PeerId } from '../contracts/message.ts'
import type { PeerInfo } from '../contracts/peer.ts'
import type { IPubSub, Verdict } from '../contracts/pubsub.ts'
import { deferOn } from '../foundation/clock.ts'
import { textOf } from '../foundation/error-text.ts'
import type { PeerManager } from '../peers/peer-manager.ts'
import { checkEquivocation, EQUIVOCATION_BYTES_MAX, equivocationIn } from '../wire/equivocation.ts'
import type { Registry } from './registry.ts'
import { distantSender } from './surface.ts'

/** The topic by which nodes tell each other of proofs. */
export const EQUIVOCATION_TOPIC = 'peerweft/equivocation'
/** Proofs found in one turn that wait to be acted on; those of one author count once. */
const WAITING_MAX = 64

export interface EquivocationWatchOptions {
  manager: PeerManager
  registry: Registry
  onFound(shown: Equivocation, peer: PeerInfo): void
}

/**
 * Acts, once for each author, on proof that it said two different things in one slot: refuses it for good, tells the application,
 * and tells others where a plugin publishes. Whoever is told checks the proof itself; nobody's word is needed.
 */
export class EquivocationWatch {
  readonly #options: EquivocationWatchOptions
  readonly #waiting = new Set<PeerId>()
  #pubsub: IPubSub | undefined
  #subscription: Disposable | undefined

  constructor(options: EquivocationWatchOptions) {
    this.#options = options
    options.manager.node.intake.onEquivocation = proof => this.take(proof)
  }

  /** Bytes that may be a proof, from whomever. False for what proves nothing, and for what has been acted on before. */
  take(proof: Uint8Array, isTold = false): boolean {
    const shown = this.#checked(proof)
    if (shown === undefined || !this.#isNews(shown)) return false
    this.#waiting.add(shown.author)
    // The protocol in which it happened hears both statements first.
    deferOn(this.#options.manager.node.clock, () => this.#act(shown, isTold))
    return true
  }

  /** The evidence of an error that a plugin reports, if it is of this kind. */
  takeEvidence(error: P2PError): void {
    if (error.evidence === undefined || error.evidence.length !== 2) return
    const shown = equivocationIn(error.evidence, this.#options.manager.node.crypto())
    if (shown) this.take(shown.proof)
  }

  /** Listens where proofs are told of, as long as some plugin publishes. */
  followRole(): void {
    const { registry, manager } = this.#options
    const pubsub = registry.role('pubsub')
    if (pubsub === this.#pubsub) return
    this.#subscription?.[Symbol.dispose]()
    this.#subscription = undefined
    this.#pubsub = pubsub
    try {
      this.#subscription = pubsub?.subscribe<unknown>(EQUIVOCATION_TOPIC, proof => void this.take(proof as Uint8Array, true), { validate: proof => this.#verdictOn(proof) })
    } catch (error) {
      manager.report(new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `the plugin that publishes did not take a subscription to ${EQUIVOCATION_TOPIC}: ${textOf(error)}`, { cause: error }))
    }
  }

  /** One proof of each author is passed on, or whoever equivocates could fill the topic with itself. */
  #verdictOn(proof: unknown): Verdict {
    if (!(proof instanceof Uint8Array) || proof.length > EQUIVOCATION_BYTES_MAX) return 'reject'
    const shown = this.#checked(proof)
    if (shown === undefined) return 'reject'
    return this.#isNews(shown) ? 'accept' : 'ignore'
  }

  #checked(proof: Uint8Array): Equivocation | undefined {
    const { node } = this.#options.manager
    const shown = checkEquivocation(proof, node.crypto())
    return shown?.network === node.networkId ? shown : undefined
  }

  #isNews({ author }: Equivocation): boolean {
    if (this.#waiting.has(author) || this.#waiting.size >= WAITING_MAX) return false
    return this.#options.manager.reputation.banOf(author)?.proof === undefined
  }

  #act(shown: Equivocation, isTold: boolean): void {
    const { manager, onFound } = this.#options
    const { author, protocol, type, slot, proof } = shown
    this.#waiting.delete(author)
    if (manager.isClosed) return
    const text = `${author} said two different things as ${JSON.stringify(type)} of '${protocol}' in slot ${JSON.stringify(slot)}`
    const sender = manager.table.get(author) ?? distantSender(author, manager.names.nameOf(author))
    if (author === manager.node.id) {
      // Another copy of this very process, such as a machine that was cloned: nobody else can know.
      manager.report(new P2PError(ErrorCode.PEER_EQUIVOCATION, `${text}: this is our own key; two copies of one process run`, { protocol, evidence: [proof] }))
      return
    }
    manager.report(new P2PError(ErrorCode.PEER_EQUIVOCATION, `${text}; it is refused for good`, { peerId: author, protocol, evidence: [proof] }), sender.surface)
    manager.reputation.banProven(author, proof)
    onFound(shown, sender.surface)
    if (!isTold) this.#tell(proof)
  }

  #tell(proof: Uint8Array): void {
    // Nobody there to tell is no failure: whoever meets both statements finds out by itself.
    this.#pubsub?.publish(EQUIVOCATION_TOPIC, proof).catch(() => {})
  }
}
