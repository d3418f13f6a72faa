import type { PeerId } from '../../contracts/message.ts'
import { checkPartyWitnesses, finishMix, planMix, type MixParty, type MixPlan, type MixTerms } from '../../bitcoin/coinjoin-transaction.ts'
import { toHex } from '../../foundation/hex.ts'
import { breaksCommitment, isMalformed, sameKeys, type Fault, type MixCrypto } from './checks.ts'
import { closingStep, openClosing, type ClosingInput, type ClosingState } from './closing.ts'
import { toElement, toNumber, writeElements } from './field.ts'
import { commitment, popHash } from './hashes.ts'
import type { Timing } from './limits.ts'
import { SOLVERS } from './limits.ts'
import type { Polynomial } from './polynomial.ts'
import { areOutputKeys, areRoots } from './roots.ts'
import type { ProvenFault, SessionEffect } from './session-types.ts'
import { prevPhase, Transcript } from './transcript.ts'
import {
  encodeAck, encodeCm, encodeDc, encodeKe, encodeNak, encodeRv, encodeSg, hexBytes, NAK_REASONS, PHASES, phaseOf, readAck, readSg, slotOf,
  type Phase, type Word, type WordType,
} from './words.ts'

export interface RunOptions {
  readonly crypto: MixCrypto & { sign(message: Uint8Array, secret: Uint8Array, aux: Uint8Array): Uint8Array }
  readonly timing: Timing
  readonly run: string
  readonly runNumber: number
  readonly me: PeerId
  /** The active identity keys, ascending, and what each brought. */
  readonly keys: readonly PeerId[]
  readonly parties: readonly MixParty[]
  readonly terms: MixTerms
  push(effect: SessionEffect): void
  /** Words that prove it, besides those of the transcript's whole phases. */
  fault(run: Run, fault: ProvenFault, blamed: readonly number[], words: readonly Word[]): void
  done(run: Run, transaction: Uint8Array): void
}

interface Secrets { readonly secret: Uint8Array; readonly salt: Uint8Array; readonly outputKey: Uint8Array }

/** One attempt of the members that are left: from fresh keys to a transaction, or to somebody's blame. */
export class Run {
  readonly transcript: Transcript
  readonly index: number
  readonly options: RunOptions
  /** What each slot held when it was first heard, whether or not it can be judged yet. */
  readonly #slots = new Map<string, Word>()
  /** When each slot was first heard: before or after our soft timeout. */
  readonly #lateSlots = new Set<string>()
  /** Well-formed words that the transcript does not have yet, by phase and index. */
  readonly #pending: Record<Phase, Map<number, Word>> = { ke: new Map(), cm: new Map(), dc: new Map(), verdict: new Map(), final: new Map() }
  readonly #asked = new Set<string>()
  readonly #hinters = new Set<PeerId>()
  #phase: Phase = 'ke'
  #isLate = false
  #secrets: Secrets | undefined
  #vector: Uint8Array | undefined
  #polynomial: Polynomial | undefined
  #isSolving = false
  #isJudging = false
  #plan: MixPlan | undefined
  #closing: ClosingState
  #over = false

  constructor(options: RunOptions) {
    this.options = options
    this.transcript = new Transcript(options.crypto, options.run, options.keys)
    this.index = options.keys.indexOf(options.me)
    this.#closing = openClosing(this.index, options.keys.length)
  }

  get id(): string {
    return this.options.run
  }

  get phase(): Phase {
    return this.#phase
  }

  get plan(): MixPlan | undefined {
    return this.#plan
  }

  get outputKey(): Uint8Array | undefined {
    return this.#secrets?.outputKey
  }

  /** All that ends a signed run well: the chain has its transaction, whoever put it together. */
  get isSigned(): boolean {
    return this.#closing.stage === 'signing'
  }

  get stage(): ClosingState['stage'] {
    return this.#closing.stage
  }

  /** What we have of a slot, judged or not: for whoever asks. */
  heard(phase: Phase, index: number): Word | undefined {
    return this.#slots.get(`${phase}/${index}`)
  }

  /** True where the word was here before our soft timeout. */
  heardInTime(phase: Phase, index: number): boolean {
    return this.transcript.at(phase, index) !== undefined && !this.#lateSlots.has(`${phase}/${index}`)
  }

  /** Nothing more is said in this run, except that what was signed stays signed. */
  close(): void {
    if (this.#over) return
    this.#over = true
    for (const timer of ['soft', 'hard', 'hint', 'stall']) this.options.push({ kind: 'cancel', timer: `${timer}/${this.id}` })
    // A later use of the pads would show the message.
    this.#secrets?.secret.fill(0)
  }

  start(): void {
    this.options.push({ kind: 'draw-keys', run: this.id })
    this.#enter('ke')
  }

  takeKeys(secret: Uint8Array, salt: Uint8Array, aux: Uint8Array, outputKey: Uint8Array): void {
    if (this.#over || this.#secrets !== undefined) return
    const { crypto, me } = this.options
    this.#secrets = { secret, salt, outputKey }
    const pop = crypto.sign(popHash(crypto, hexBytes(this.id), this.index, hexBytes(me)), secret, aux)
    this.#say('ke', encodeKe({ publicKey: crypto.publicKeyOf(secret), pop }))
  }

  takeWord(word: Word): void {
    const index = this.transcript.indexOf(word.author)
    if (index < 0) return
    const slot = `${phaseOf(word.type)}/${index}`
    const first = this.#slots.get(slot)
    if (first !== undefined && first.hash !== word.hash) return this.#foundTwo(first, word, index)
    if (first !== undefined) return
    this.#slots.set(slot, word)
    if (this.#isLate) this.#lateSlots.add(slot)
    if (isMalformed(this.options.crypto, word, index, this.transcript.count)) return this.options.fault(this, 'BADMSG', [index], [word])
    this.#pending[phaseOf(word.type)].set(index, word)
    if ((word.type === 'nak' || word.type === 'rv') && index !== this.index) {
      // What binds everybody has to reach everybody, though its author may have told us alone.
      this.options.push({ kind: 'forward', frames: [word.frame], to: this.options.keys.filter(key => key !== this.options.me && key !== word.author) })
    }
    this.#look()
  }

  /** Takes up every word that can be judged now, then does what follows. */
  #look(): void {
    for (const phase of PHASES) for (const [index, word] of [...this.#pending[phase]]) {
      if (this.#over) return
      const fits = this.transcript.fits(word)
      if (fits === false) this.#askAbout(word)
      if (fits !== true) continue
      this.#pending[phase].delete(index)
      this.#take(word, index)
    }
    if (!this.#over) this.#advance()
  }

  /** Its author has heard somebody say something else, or has heard more, or makes it up: its own copies tell. */
  #askAbout(word: Word): void {
    const phase = prevPhase(word)!
    const slot = slotOf(word.author, word.type)
    if (this.#asked.has(slot)) return
    this.#asked.add(slot)
    this.options.push({ kind: 'ask', to: [word.author], run: this.id, phase, indices: this.options.keys.map((_, index) => index) })
  }

  #take(word: Word, index: number): void {
    this.transcript.add(word)
    switch (word.type) {
      case 'dc':
        if (breaksCommitment(this.options.crypto, this.transcript, index)) this.options.fault(this, 'BADCOMMIT', [index], [word])
        break
      case 'ack':
        this.#close({ kind: 'ack', from: index, txid: toHex(readAck(word.body)!.txid) })
        break
      case 'nak':
        this.#close({ kind: 'nak', from: index, hash: word.hash })
        break
      case 'rv':
        this.#close({ kind: 'rv', from: index })
        break
      case 'sg':
        this.#close({ kind: 'sg', from: index })
        if (this.#plan !== undefined && !checkPartyWitnesses(this.#plan, index, readSg(word.body)!.witnesses, this.options.crypto)) this.options.fault(this, 'BADSIG', [index], [word])
        break
      case 'ke':
      case 'cm':
    }
  }

  /** Two signed words in one slot. Both are shown; of a verdict, the closing hears both, so that it never signs on one of them. */
  #foundTwo(first: Word, second: Word, index: number): void {
    this.#close({ kind: 'liar', peer: index })
    this.options.fault(this, 'EQUIV', [index], [first, second])
  }

  #advance(): void {
    const { transcript } = this
    if (this.#phase === 'ke' && transcript.has('ke') && this.#secrets !== undefined) {
      const same = sameKeys(transcript)
      if (same.length > 0) return this.options.fault(this, 'SAMEX', same, same.map(index => transcript.at('ke', index)!))
      this.#enter('cm')
      const { secret, outputKey } = this.#secrets
      this.options.push({ kind: 'pad', run: this.id, index: this.index, secret, publicKeys: transcript.publicKeys(), message: toNumber(outputKey) })
    }
    if (this.#phase === 'cm' && transcript.has('cm')) {
      this.#enter('dc')
      this.#say('dc', encodeDc({ prev: hexBytes(transcript.prevAfter('cm')!), salt: this.#secrets!.salt, vectorBytes: this.#vector! }))
    }
    if (this.#phase === 'dc' && transcript.has('dc') && !this.#over) {
      this.#enter('verdict')
      this.#polynomial = transcript.polynomial()
      if (this.index < SOLVERS) this.#solve()
      else this.options.push({ kind: 'schedule', timer: `hint/${this.id}`, delayMs: this.options.timing.hintMs })
    }
    this.#lookAtEnd()
  }

  #lookAtEnd(): void {
    const { transcript } = this
    if (this.#over || this.#phase !== 'final') return
    const finals = transcript.words('final')
    if (this.#closing.stage === 'revealing' && !this.#isJudging && finals.length === transcript.count && finals.every(({ type }) => type === 'rv')) {
      this.#isJudging = true
      this.options.push({ kind: 'judge', run: this.id, transcript })
    }
    if (this.#closing.stage === 'signing' && finals.length === transcript.count && finals.every(({ type }) => type === 'sg')) {
      this.options.done(this, finishMix(this.#plan!, finals.map(({ body }) => readSg(body)!.witnesses)))
    }
  }

  takeVector(vector: readonly bigint[]): void {
    if (this.#over || this.#secrets === undefined || this.#vector !== undefined) return
    this.#vector = writeElements(vector)
    const { crypto } = this.options
    this.#say('cm', encodeCm({
      prev: hexBytes(this.transcript.prevAfter('ke')!),
      commitment: commitment(crypto, hexBytes(this.id), this.index, this.#vector, this.#secrets.salt),
    }))
  }

  #solve(): void {
    if (this.#isSolving || this.#polynomial === undefined) return
    this.#isSolving = true
    this.options.push({ kind: 'solve', run: this.id, polynomial: this.#polynomial })
  }

  /** One try for each peer: a wrong list costs half a millisecond. */
  takeHint(from: PeerId, roots: readonly bigint[]): void {
    if (this.#polynomial === undefined || this.#closing.stage !== 'waiting' || this.#hinters.has(from)) return
    this.#hinters.add(from)
    if (areRoots(this.#polynomial, roots)) this.takeRoots(roots, false)
  }

  takeRoots(roots: readonly bigint[] | null, own = true): void {
    if (this.#over || this.#closing.stage !== 'waiting' || this.#polynomial === undefined) return
    this.options.push({ kind: 'cancel', timer: `hint/${this.id}` })
    if (own && roots !== null) this.options.push({ kind: 'hint', run: this.id, roots })
    const mine = toNumber(this.#secrets!.outputKey)
    if (roots === null) return this.#refuse(NAK_REASONS.roots)
    if (!areOutputKeys(roots)) return this.#refuse(NAK_REASONS.keys)
    if (!roots.includes(mine)) return this.#refuse(NAK_REASONS.mine)
    this.#plan = planMix(this.options.parties, roots.map(toElement), this.options.terms)
    this.#close({ kind: 'decide', txid: this.#plan.txid })
    this.#look()
  }

  #refuse(reason: number): void {
    this.#nakReason = reason
    this.#close({ kind: 'decide', txid: null })
    this.#look()
  }

  #nakReason = 0

  takeJudgement(faults: ReadonlyMap<number, Fault>): void {
    if (this.#over) return
    const kinds = new Map<Fault, number[]>()
    for (const [index, fault] of faults) kinds.set(fault, [...kinds.get(fault) ?? [], index])
    for (const [fault, blamed] of kinds) this.options.fault(this, fault, blamed, [])
  }

  takeWitnesses(witnesses: readonly (readonly Uint8Array[])[]): void {
    if (this.#closing.stage !== 'signing' || this.#plan === undefined) return
    const prev = hexBytes(this.transcript.prevAfter('verdict')!)
    // Written down before it is sent: after a crash the wallet still knows which transaction may yet confirm.
    this.options.push({ kind: 'store', key: `signed/${this.id}`, value: encodeSg({ prev, witnesses }), sync: true })
    this.#say('sg', encodeSg({ prev, witnesses }))
  }

  /** Whose word of this phase is not here, ourselves aside. At the end a word of the other kind is as good as none. */
  missing(): number[] {
    const wanted = this.#closing.stage === 'revealing' ? 'rv' : 'sg'
    return this.options.keys.map((_, index) => index).filter(index => {
      const word = this.transcript.at(this.#phase, index)
      return index !== this.index && (word === undefined || (this.#phase === 'final' && word.type !== wanted))
    })
  }

  onTimer(timer: string): void {
    if (this.#over) return
    if (timer === 'hint') return this.#solve()
    const missing = this.missing()
    if (timer === 'soft') {
      this.#isLate = true
      const { keys, me } = this.options
      if (missing.length > 0) this.options.push({ kind: 'ask', to: keys.filter(key => key !== me), run: this.id, phase: this.#phase, indices: missing })
    }
    if (timer !== 'hard' || missing.length === 0) return
    this.options.push({ kind: 'vote', run: this.id, phase: this.#phase, missing })
    this.options.push({ kind: 'schedule', timer: `stall/${this.id}`, delayMs: this.options.timing.hardMs })
  }

  #enter(phase: Phase): void {
    const { timing, push, runNumber } = this.options
    this.#phase = phase
    this.#isLate = false
    const hardMs = phase === 'final' && this.#closing.stage === 'signing' ? timing.signMs : timing.hardMs
    push({ kind: 'phase', run: this.id, runNumber, phase, peers: this.transcript.count })
    push({ kind: 'cancel', timer: `stall/${this.id}` })
    push({ kind: 'schedule', timer: `soft/${this.id}`, delayMs: timing.softMs })
    push({ kind: 'schedule', timer: `hard/${this.id}`, delayMs: hardMs })
  }

  #close(input: ClosingInput): void {
    const { state, outputs } = closingStep(this.#closing, input)
    this.#closing = state
    for (const output of outputs) {
      switch (output.kind) {
        case 'say-ack':
          this.#say('ack', encodeAck({ prev: hexBytes(this.transcript.prevAfter('dc')!), txid: hexBytes(output.txid) }))
          break
        case 'say-nak':
          this.#say('nak', encodeNak({ prev: hexBytes(this.transcript.prevAfter('dc')!), reason: this.#nakReason }))
          break
        case 'sign':
          this.#sign()
          break
        case 'reveal':
          this.#reveal(output.nak)
          break
        case 'bad-ack':
          this.options.fault(this, 'BADACK', [output.peer], [this.transcript.at('verdict', output.peer)!])
          break
        case 'liar':
          // The words themselves were shown where they met: see `#foundTwo`.
      }
    }
  }

  /** From here on this run is never revealed. */
  #sign(): void {
    const plan = this.#plan!
    this.#enter('final')
    this.options.push({ kind: 'store', key: `final/${this.id}`, value: Uint8Array.of(1, ...plan.unsigned), sync: true })
    this.options.push({ kind: 'sign', run: this.id, plan, party: this.index, outputKey: this.#secrets!.outputKey })
  }

  /** From here on this run is never signed. */
  #reveal(nak: string): void {
    const { secret, outputKey } = this.#secrets!
    this.#enter('final')
    this.options.push({ kind: 'store', key: `final/${this.id}`, value: Uint8Array.of(2), sync: true })
    this.#say('rv', encodeRv({ prev: hexBytes(this.transcript.prevAfter('dc')!), nak: hexBytes(nak), secret, message: outputKey }))
  }

  #say(type: WordType, body: Uint8Array): void {
    this.options.push({ kind: 'say', run: this.id, type, body })
  }

}
