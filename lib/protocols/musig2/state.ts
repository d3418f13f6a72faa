import type { PeerId } from '../../contracts/message.ts'
import type { IStateMachine } from '../../contracts/state-machine.ts'
import { Contributions } from './contributions.ts'
import type { AbortReason, Phase, SessionEffect, SessionInput, Step, Verdict } from './events.ts'
import { JUSTIFY_MS, LINGER_MS, RETRY_MS_MAX, RETRY_MS_MIN } from './limits.ts'
import type { SessionStateOptions } from './session-options.ts'
import { hasMember, membersOf, Slots } from './slots.ts'
import { membershipDigest, type Join, type LeaveReason, type Statement } from './statement.ts'

export const DEADLINE = 'deadline'
export const RETRY = 'retry'
export const LINGER = 'linger'
const JUSTIFY = 'justify/'
const NOTHING: readonly SessionEffect[] = Object.freeze([])

/**
 * One session as a pure machine: what members said and what time it is go in, what to do comes out. Everything is decided anew from what has been said so
 * far, so the order in which it came does not matter.
 */
export class SessionState implements IStateMachine<SessionInput, SessionEffect> {
  readonly #options: SessionStateOptions
  readonly #slots: Slots
  readonly #contributions: Contributions
  readonly #allowed = new Set<Step>()
  readonly #asked = new Set<string>()
  readonly #suspects = new Map<number, AbortReason>()
  /** Signers whose word has not been compared with what we know. */
  readonly #unjudged: { readonly nonces: Set<number>; readonly partials: Set<number> }
  #out: SessionEffect[] = []
  #consented = false
  #phase: Phase = 'gathering'
  #signature: Uint8Array | undefined
  #verdict: Verdict | undefined
  #retryMs = RETRY_MS_MIN

  constructor(options: SessionStateOptions) {
    this.#options = options
    this.#slots = new Slots(options.aggregate.keys.length)
    this.#contributions = new Contributions(options, this.#slots)
    const all = options.aggregate.keys.map((_, index) => index)
    this.#unjudged = { nonces: new Set(all), partials: new Set(all) }
  }

  handle(input: SessionInput, _nowMs = 0): readonly SessionEffect[] {
    this.#take(input)
    if (this.#out.length === 0) return NOTHING
    const out = this.#out
    this.#out = []
    return out
  }

  get phase(): Phase {
    return this.#phase
  }

  get signature(): Uint8Array | undefined {
    return this.#signature
  }

  get verdict(): Verdict | undefined {
    return this.#verdict
  }

  /** Who speaks for each signer, as far as that is known. */
  get peers(): (PeerId | undefined)[] {
    return this.#slots.joins.map((_, index) => this.#slots.peerOf(index))
  }

  isMember(peer: PeerId): boolean {
    return this.#slots.isMember(peer)
  }

  /** The signer's join, once it is here. */
  joinOf(index: number): Join | undefined {
    return this.#slots.joins[index]?.[0]
  }

  /** Of every signer that has joined. */
  get joins(): Join[] {
    return this.#slots.joins.flatMap(([join]) => join ?? [])
  }

  /** All that a peer has said, in order of the steps. */
  saidBy(peer: PeerId): Statement[] {
    const { joins, nonces, partials, aborts } = this.#slots
    return [joins, nonces, partials, aborts].flatMap(slots => slots.flat() as Statement[]).filter(({ author }) => author === peer)
  }

  /** True once the signer's word of this step is here. */
  hasSaid(step: Step, index: number): boolean {
    return this.#slots.of(step)[index]!.length > 0
  }

  /** Statements held for authors whose join has not come. */
  get early(): number {
    return this.#slots.early
  }

  /** What we have, for `sync`. */
  get holdings(): { joins: Uint8Array; nonces: Uint8Array; partials: Uint8Array } {
    const { joins, nonces, partials, signers } = this.#slots
    const held = (slots: readonly unknown[][]): Uint8Array => membersOf(signers, index => slots[index]!.length > 0)
    return { joins: held(joins), nonces: held(nonces), partials: held(partials) }
  }

  /** What somebody lacks who has this much, joins first; aborts, and both sides of a contradiction, always. */
  lackedBy({ joins, nonces, partials }: { joins: Uint8Array; nonces: Uint8Array; partials: Uint8Array }): Statement[] {
    const lacked = (slots: readonly (readonly Statement[])[], held: Uint8Array): Statement[] =>
      slots.flatMap((slot, index) => slot.length > 1 || !hasMember(held, index) ? slot : [])
    const slots = this.#slots
    return [...lacked(slots.joins, joins), ...slots.aborts.flat(), ...lacked(slots.nonces, nonces), ...lacked(slots.partials, partials)]
  }

  #take(input: SessionInput): void {
    switch (input.kind) {
      case 'start':
        this.#out.push({ kind: 'schedule', timer: DEADLINE, delayMs: input.remainingMs }, { kind: 'schedule', timer: RETRY, delayMs: this.#retryMs })
        return
      case 'consent':
        this.#consented = true
        return this.#advance()
      case 'allow':
        this.#allowed.add(input.step)
        return this.#advance()
      case 'leave': return this.#leave(input.reason, input.text)
      case 'statement': return this.#hear(input.statement)
      case 'shown': return this.#shown(input.from)
      case 'timer': return this.#timer(input.timer)
    }
  }

  // What members say.

  #hear(statement: Statement): void {
    const { self, isInitiator } = this.#options
    if (!this.#maySpeak(statement)) return this.#blameStranger(statement)
    const taken = this.#slots.take(statement)
    if (taken === 'stranger') return this.#blameStranger(statement)
    if (taken !== 'new') return
    this.#contributions.heard(statement)
    if (statement.author === self) this.#out.push(this.#tellAll([statement], true))
    else if (statement.type === 'join' && isInitiator) this.#introduce(statement.author, statement)
    if (statement.type === 'join') for (const early of this.#slots.releaseEarly(statement.index)) this.#hear(early)
    this.#advance()
  }

  /** Joins and leaves are proved by the key itself; the rest by belonging to who joined, which `Slots` looks at. */
  #maySpeak(statement: Statement): boolean {
    const key = this.#options.aggregate.keys[statement.index]
    if (key === undefined) return false
    if (statement.author === this.#options.self || (statement.type !== 'join' && statement.type !== 'abort')) return true
    const backend = this.#options.backend()
    return backend.verify(statement.proof, membershipDigest(backend, this.#options.id, key, statement.author), key.subarray(1))
  }

  #blameStranger({ author, type, index, frame }: Statement): void {
    if (author === this.#options.self) return
    this.#out.push({ kind: 'blame', peerId: author, code: 'ERR_MUSIG2_NOT_A_MEMBER', text: `said '${type}' for signer ${index} without speaking for it`, evidence: [frame] })
  }

  #introduce(peer: PeerId, join: Statement): void {
    const others = this.#slots.joins.flat().filter(({ author }) => author !== peer)
    if (others.length > 0) this.#out.push({ kind: 'tell', to: [peer], statements: others, pass: false })
    const to = others.map(({ author }) => author).filter(author => author !== this.#options.self)
    if (to.length > 0) this.#out.push({ kind: 'tell', to, statements: [join], pass: false })
  }

  #tellAll(statements: readonly Statement[], pass: boolean): SessionEffect {
    const to = [...new Set(this.#slots.joins.flat().map(({ author }) => author))].filter(author => author !== this.#options.self)
    return { kind: 'tell', to, statements, pass }
  }

  // What follows from all that has been said.

  #advance(): void {
    if (this.#signature !== undefined) return
    const signature = this.#contributions.signature()
    if (signature !== null) return this.#complete(signature)
    if (this.#verdict !== undefined) return
    const verdict = this.#contributions.verdict()
    if (verdict !== null) return this.#abort(verdict.reason, verdict.culprits, verdict.statements, verdict.evidence, verdict.text)
    if (this.#consented) this.#step()
  }

  #step(): void {
    const { own } = this.#options
    this.#once('join', () => own.forEach(index => this.#out.push({ kind: 'join', index })))
    const { rostered } = this.#contributions
    if (rostered === null) return
    this.#enter('nonces')
    if (this.#allowed.has('nonce')) this.#once('nonce', () => own.forEach(index => this.#out.push({ kind: 'nonce', index, roster: rostered.bytes })))
    this.#suspectOthers('other-roster', this.#unjudged.nonces, this.#slots.nonces, ({ roster: said }) => said === rostered.hex)
    const { session, noncesHash: hash } = this.#contributions
    if (session === null) return
    this.#enter('partials')
    if (this.#allowed.has('partial') && this.#suspects.size === 0) this.#once('sign', () => own.forEach(index => this.#out.push({ kind: 'sign', index, session, hash: hash!.bytes })))
    this.#suspectOthers('other-nonces', this.#unjudged.partials, this.#slots.partials, ({ nonces: said }) => said === hash!.hex)
  }

  /** Whoever speaks of another roster or other nonces may have been lied to: it is asked to show them, and named if it cannot. */
  #suspectOthers<T extends Statement>(reason: AbortReason, unjudged: Set<number>, slots: readonly (readonly T[])[], agrees: (statement: T) => boolean): void {
    for (const index of unjudged) {
      const statement = slots[index]![0]
      if (statement === undefined) continue
      unjudged.delete(index)
      if (agrees(statement) || this.#suspects.has(index)) continue
      this.#suspects.set(index, reason)
      this.#out.push({ kind: 'schedule', timer: `${JUSTIFY}${index}`, delayMs: JUSTIFY_MS }, { kind: 'show', from: statement.author })
    }
  }

  #shown(from: PeerId): void {
    if (this.#verdict !== undefined) return
    for (const [index, reason] of this.#suspects) if (this.#slots.peerOf(index) === from) return this.#unjustified(index, reason)
  }

  #unjustified(index: number, reason: AbortReason): void {
    this.#abort(reason, [index], [], [], reason === 'other-roster' ? 'made its nonce for another roster and showed no other join' : 'signed over other nonces and showed none that are')
  }

  // Time.

  #timer(timer: string): void {
    if (timer === LINGER) return void this.#out.push({ kind: 'forget' })
    if (this.#signature !== undefined || this.#verdict !== undefined) return
    if (timer === DEADLINE) return this.#deadline()
    if (timer === RETRY) return this.#retry()
    const index = Number(timer.slice(JUSTIFY.length))
    const reason = this.#suspects.get(index)
    if (reason !== undefined) this.#unjustified(index, reason)
  }

  #retry(): void {
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX)
    this.#out.push({ kind: 'ask' }, { kind: 'schedule', timer: RETRY, delayMs: this.#retryMs })
  }

  #deadline(): void {
    const bad = this.#contributions.badPartials()
    if (bad.length > 0) {
      const { reason, culprits, statements, evidence, text } = this.#contributions.blamePartials(bad)
      return this.#abort(reason, culprits, statements, evidence, text)
    }
    const missing = (slots: readonly (readonly Statement[])[]): number[] => slots.flatMap((slot, index) => slot.length === 0 ? [index] : [])
    const { joins, nonces, partials } = this.#slots
    const waiting = [{ what: 'join', of: missing(joins) }, { what: 'nonce', of: missing(nonces) }, { what: 'partial signature', of: missing(partials) }].find(({ of }) => of.length > 0)
    this.#abort('silent', waiting?.of ?? [...this.#suspects.keys()], [], [], `the deadline came without a ${waiting?.what ?? 'proof'} of signer ${waiting?.of.join(', ') ?? ''}`)
  }

  // Ends.

  #leave(reason: LeaveReason, text: string): void {
    if (this.#signature !== undefined || this.#verdict !== undefined) return
    for (const index of this.#options.own) this.#out.push({ kind: 'leave', index, reason, text })
    this.#abort(reason, this.#options.own, [], [], text)
  }

  #complete(signature: Uint8Array): void {
    this.#signature = signature
    this.#enter('complete')
    this.#out.push({ kind: 'complete', signature })
    this.#end()
  }

  #abort(reason: AbortReason, culprits: readonly number[], statements: readonly Statement[], evidence: readonly Uint8Array[], text: string): void {
    this.#verdict = { reason, culprits, evidence, phase: this.#phase, text }
    this.#enter('aborted')
    if (statements.length > 0) this.#out.push(this.#tellAll(statements, false))
    for (const index of culprits) this.#blameCulprit(index, reason, evidence, text)
    this.#out.push({ kind: 'aborted', verdict: this.#verdict })
    this.#end()
  }

  /** Leaving is allowed, and who is silent may be offline: nobody is blamed for them. */
  #blameCulprit(index: number, reason: AbortReason, evidence: readonly Uint8Array[], text: string): void {
    const peer = this.#slots.peerOf(index)
    if (peer === undefined || peer === this.#options.self || evidence.length === 0) return
    const code = reason.startsWith('two-') ? 'ERR_MUSIG2_EQUIVOCATION' : 'ERR_MUSIG2_BAD_CONTRIBUTION'
    this.#out.push({ kind: 'blame', peerId: peer, code, text: `signer ${index} ${text}`, evidence })
  }

  #end(): void {
    for (const timer of [DEADLINE, RETRY, ...[...this.#suspects.keys()].map(index => `${JUSTIFY}${index}`)]) this.#out.push({ kind: 'cancel', timer })
    this.#out.push({ kind: 'drop' }, { kind: 'schedule', timer: LINGER, delayMs: this.#options.lingerMs ?? LINGER_MS })
  }

  #enter(phase: Phase): void {
    if (ORDER[phase] <= ORDER[this.#phase]) return
    this.#phase = phase
    this.#out.push({ kind: 'phase', phase })
  }

  #once(what: string, run: () => void): void {
    if (this.#asked.has(what)) return
    this.#asked.add(what)
    run()
  }
}

/** A valid signature beats any abort, so `complete` is last. */
const ORDER: Record<Phase, number> = { gathering: 0, nonces: 1, partials: 2, aborted: 3, complete: 4 }
