import type { PeerId } from '../../contracts/message.ts'
import { toHex } from '../../foundation/hex.ts'
import { addVectors, polynomialOf } from './power-sums.ts'
import type { Polynomial } from './polynomial.ts'
import { prevHash, type Hasher } from './hashes.ts'
import { hexBytes, phaseOf, prevOf, readDc, readKe, type DcBody, type Phase, type Word } from './words.ts'

/** The phase whose words a phase's `prev` names. RV and SG share a slot and not a `prev`: see `prevPhase`. */
const BEFORE: Readonly<Record<Phase, Phase | null>> = { ke: null, cm: 'ke', dc: 'cm', verdict: 'dc', final: 'verdict' }

/** RV cites the DCs, since verdicts differ when somebody refuses; SG cites the ACKs. */
export function prevPhase(word: Pick<Word, 'type'>): Phase | null {
  return word.type === 'rv' ? 'dc' : BEFORE[phaseOf(word.type)]
}

/** The words of one run as one peer has them, by phase and index: one for each slot. */
export class Transcript {
  readonly run: string
  /** The active identity keys, ascending: an index is a place in it. */
  readonly keys: readonly PeerId[]
  readonly #hasher: Hasher
  readonly #words: Record<Phase, Map<number, Word>> = { ke: new Map(), cm: new Map(), dc: new Map(), verdict: new Map(), final: new Map() }
  readonly #dcs = new Map<number, DcBody>()
  readonly #prevs = new Map<Phase, string>()

  constructor(hasher: Hasher, run: string, keys: readonly PeerId[]) {
    this.#hasher = hasher
    this.run = run
    this.keys = keys
  }

  get count(): number {
    return this.keys.length
  }

  indexOf(author: PeerId): number {
    return this.keys.indexOf(author)
  }

  at(phase: Phase, index: number): Word | undefined {
    return this.#words[phase].get(index)
  }

  /** Keeps a word whose slot is free. The caller has checked author, run and `prev`. */
  add(word: Word): void {
    this.#words[phaseOf(word.type)].set(this.indexOf(word.author), word)
  }

  has(phase: Phase): boolean {
    return this.#words[phase].size === this.count
  }

  missing(phase: Phase): number[] {
    return this.keys.map((_, index) => index).filter(index => !this.#words[phase].has(index))
  }

  /** In index order, as far as they are there. */
  words(phase: Phase): Word[] {
    return this.keys.flatMap((_, index) => this.#words[phase].get(index) ?? [])
  }

  /** The hash that words after a phase cite; null until the phase is whole. */
  prevAfter(phase: Phase): string | null {
    if (!this.has(phase)) return null
    let prev = this.#prevs.get(phase)
    if (prev === undefined) this.#prevs.set(phase, prev = toHex(prevHash(this.#hasher, this.words(phase).map(({ hash }) => hexBytes(hash)))))
    return prev
  }

  /** Whether a word cites what is here: null while the phase that it cites is not whole. */
  fits(word: Word): boolean | null {
    const phase = prevPhase(word)
    if (phase === null) return true
    const prev = this.prevAfter(phase)
    return prev === null ? null : prevOf(word) === prev
  }

  /** X of each peer. The caller knows that all KEs are here and well-formed. */
  publicKeys(): Uint8Array[] {
    return this.words('ke').map(({ body }) => readKe(body)!.publicKey)
  }

  /** Taken apart once. The DC is here and well-formed. */
  dc(index: number): DcBody {
    let body = this.#dcs.get(index)
    if (body === undefined) this.#dcs.set(index, body = readDc(this.at('dc', index)!.body, this.count)!)
    return body
  }

  /** The polynomial whose roots are the output keys, if nobody cheated. All DCs are here. */
  polynomial(): Polynomial {
    return polynomialOf(addVectors(this.keys.map((_, index) => this.dc(index).vector), this.count))
  }
}
