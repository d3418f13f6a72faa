import type { ICryptoBackend } from '../contracts/crypto.ts'
import { equalBytes } from '../foundation/bytes.ts'
import { Auth, type Frame } from './frame.ts'
import { burstDigest, leafHash, nodeHash } from './hashing.ts'
import { rootFromPath } from './merkle.ts'

export interface ProofCheckerOptions {
  crypto: () => ICryptoBackend
  network: string
  /** Roots remembered for each peer that delivers; a limit of docs/limits.md. */
  burstRootsMax: number
}

interface VerifiedRoot {
  readonly author: Uint8Array
  readonly count: number
  readonly root: Uint8Array
  readonly signature: Uint8Array
}

/** Those of one peer, the oldest overwritten first. */
interface RootMemory {
  readonly roots: VerifiedRoot[]
  next: number
}

/** More peers than a node has links; past it the first to be noted is forgotten, which costs it a check and nothing else. */
const PEERS_MAX = 4_096

/**
 * Tells whether a message is its author's. A burst's signature is checked once and its root remembered, so that
 * each further message under it costs a few hashes. Only successes are remembered, under everything
 * that was checked: a remembered root says nothing about another signature beside it.
 */
export class ProofChecker {
  readonly #options: ProofCheckerOptions
  readonly #memories = new Map<string, RootMemory>()
  /** Signatures checked so far, the dearest thing that a stranger can have us do. */
  checks = 0

  constructor(options: ProofCheckerOptions) {
    this.#options = options
  }

  /** Whether the frame's proof fits this message hash. False for channel auth, which proves nothing to others. */
  proves(frame: Frame, messageHash: Uint8Array, deliveredBy: string): boolean {
    if (frame.auth === Auth.CHANNEL) return false
    if (frame.auth === Auth.SIGNATURE) return this.#verify(frame.signature, messageHash, frame.author)
    const { count } = frame
    const root = this.#rootOf(frame, messageHash)
    return root !== null && this.provesBurst({ author: frame.author, count, root, signature: frame.signature }, deliveredBy)
  }

  /** Whether the author signed a burst of this count and root. */
  provesBurst(claim: VerifiedRoot, deliveredBy: string): boolean {
    if (this.#memories.get(deliveredBy)?.roots.some(known => isSame(known, claim))) return true
    const digest = burstDigest(this.#options.crypto(), this.#options.network, claim.count, claim.root)
    if (!this.#verify(claim.signature, digest, claim.author)) return false
    // Not before: names that only forgeries bear shall push out nobody's.
    this.#remember(this.#memoryOf(deliveredBy), claim)
    return true
  }

  /** Drops what was remembered for a peer that left. */
  forget(peerId: string): void {
    this.#memories.delete(peerId)
  }

  #verify(signature: Uint8Array, digest: Uint8Array, author: Uint8Array): boolean {
    this.checks++
    return this.#options.crypto().verify(signature, digest, author)
  }

  #rootOf(frame: Frame, messageHash: Uint8Array): Uint8Array | null {
    const crypto = this.#options.crypto()
    return rootFromPath(leafHash(crypto, messageHash), frame.index, frame.count, frame.path, (left, right) => nodeHash(crypto, left, right))
  }

  #memoryOf(peerId: string): RootMemory {
    let memory = this.#memories.get(peerId)
    if (memory === undefined) {
      if (this.#memories.size >= PEERS_MAX) this.#memories.delete(this.#memories.keys().next().value!)
      this.#memories.set(peerId, memory = { roots: [], next: 0 })
    }
    return memory
  }

  /** Copies, as the claim's bytes are views of a frame that should not be held for them. */
  #remember(memory: RootMemory, { author, count, root, signature }: VerifiedRoot): void {
    memory.roots[memory.next] = { author: author.slice(), count, root: root.slice(), signature: signature.slice() }
    memory.next = (memory.next + 1) % this.#options.burstRootsMax
  }
}

/** The root first: between different bursts it differs in its first byte already. */
function isSame(a: VerifiedRoot, b: VerifiedRoot): boolean {
  return equalBytes(a.root, b.root) && a.count === b.count && equalBytes(a.signature, b.signature) && equalBytes(a.author, b.author)
}
