import type { PeerId } from '../../contracts/message.ts'
import type { IStateMachine } from '../../contracts/state-machine.ts'
import type { MixParty, MixTerms } from '../../bitcoin/coinjoin-transaction.ts'
import { toHex } from '../../foundation/hex.ts'
import { runId } from './hashes.ts'
import { EARLY_WORDS_MAX, RUNS_MAX, type Timing } from './limits.ts'
import { Run, type RunOptions } from './run.ts'
import { LEAVE_REASONS, type Cause, type Leave, type Outcome, type ProvenFault, type SessionEffect, type SessionInput, type Vote } from './session-types.ts'
import { Ballot } from './votes.ts'
import { wordsThatShow } from './evidence-words.ts'
import { hexBytes, type Phase, type Word } from './words.ts'

export interface Member { readonly key: PeerId; readonly party: MixParty }

export interface SessionOptions {
  readonly crypto: RunOptions['crypto']
  readonly timing: Timing
  readonly me: PeerId
  readonly session: Uint8Array
  /** The roster; ourselves among them. */
  readonly members: readonly Member[]
  readonly minPeers: number
  readonly terms: MixTerms
}

/**
 * The members of one roster until they have a transaction or too few are left: run after run, each without those whom the last
 * one showed to be at fault. Who is left, and nothing else, names a run; so peers that learn of faults in another order still meet.
 */
export class Session implements IStateMachine<SessionInput, SessionEffect> {
  readonly #options: SessionOptions
  readonly #effects: SessionEffect[] = []
  readonly #runs = new Map<string, Run>()
  readonly #causes: Cause[] = []
  readonly #excluded = new Set<PeerId>()
  readonly #votedOut = new Set<PeerId>()
  readonly #ballot = new Ballot()
  readonly #early = new Map<PeerId, Word[]>()
  readonly #earlyVotes = new Map<PeerId, Vote>()
  readonly #askedFor = new Map<PeerId, Set<string>>()
  #current: Run | undefined
  #outcome: Outcome | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  /** Why each of those is out who is, in order. */
  get causes(): readonly Cause[] {
    return this.#causes
  }

  get run(): Run | undefined {
    return this.#current
  }

  runOf(id: string): Run | undefined {
    return this.#runs.get(id)
  }

  /** Those that are left, ascending. */
  get active(): readonly PeerId[] {
    return this.#options.members.map(({ key }) => key).filter(key => !this.#excluded.has(key)).sort()
  }

  handle(input: SessionInput, _nowMs = 0): readonly SessionEffect[] {
    if (this.#outcome === undefined) this.#take(input)
    return this.#effects.splice(0)
  }

  #take(input: SessionInput): void {
    switch (input.kind) {
      case 'start': return this.#begin()
      case 'word': return this.#takeWord(input.word)
      case 'vote': return this.#takeVote(input.vote)
      case 'leave': return this.#takeLeave(input.leave)
      case 'keys': return this.#runs.get(input.run)?.takeKeys(input.secret, input.salt, input.aux, input.outputKey)
      case 'vector': return this.#runs.get(input.run)?.takeVector(input.vector)
      case 'solved': return this.#runs.get(input.run)?.takeRoots(input.roots)
      case 'hint': return this.#runs.get(input.run)?.takeHint(input.from, input.roots)
      case 'judged': return this.#runs.get(input.run)?.takeJudgement(input.faults)
      case 'signed': return this.#runs.get(input.run)?.takeWitnesses(input.witnesses)
      case 'not-signed': return this.#leave(LEAVE_REASONS.refused, { kind: 'failed', code: 'refused', why: `the wallet did not sign: ${input.why}` })
      case 'causes': return this.#exclude(input.causes)
      case 'timer': return this.#onTimer(input.timer)
      case 'seen': return this.#seen(this.#runs.get(input.run))
      case 'abandon': return this.#leave(LEAVE_REASONS.abandoned, { kind: 'failed', code: 'abandoned', why: input.why })
    }
  }

  /** A new run of those that are left. Its name follows from who they are, and they are fewer each time: no name comes twice. */
  #begin(): void {
    const { members, minPeers, session, crypto, timing, me, terms } = this.#options
    const keys = this.active
    if (keys.length < minPeers) return this.#leave(LEAVE_REASONS.tooFew, { kind: 'failed', code: 'too-few', why: `${keys.length} peers are left, the round needs ${minPeers}` })
    if (this.#runs.size >= RUNS_MAX) return this.#leave(LEAVE_REASONS.stalled, { kind: 'failed', code: 'too-many-runs', why: `${RUNS_MAX} runs have failed` })
    const id = toHex(runId(crypto, session, this.#excluded.size, keys.map(hexBytes)))
    const run = new Run({
      crypto, timing, run: id, runNumber: this.#excluded.size, me, keys, terms,
      parties: keys.map(key => members.find(member => member.key === key)!.party),
      push: effect => void this.#effects.push(effect),
      fault: (of, fault, blamed, words) => this.#fault(of, fault, blamed, words),
      done: (of, transaction) => this.#done(of, transaction),
    })
    this.#runs.set(id, run)
    this.#current = run
    run.start()
    this.#replay(run)
  }

  /** What had come too early. */
  #replay(run: Run): void {
    for (const words of [...this.#early.values()]) {
      for (const word of words.filter(early => early.run === run.id)) if (this.#current === run) run.takeWord(word)
    }
    for (const vote of [...this.#earlyVotes.values()]) if (vote.run === run.id && this.#current === run) this.#takeVote(vote)
  }

  #takeWord(word: Word): void {
    const run = this.#runs.get(word.run)
    if (run !== undefined) return run.takeWord(word)
    if (!this.#isMember(word.author)) return
    const early = this.#early.get(word.author) ?? []
    if (early.length < EARLY_WORDS_MAX && !early.some(({ hash }) => hash === word.hash)) this.#early.set(word.author, [...early, word])
    this.#askCauses(word.author, word.run)
  }

  /** Somebody is in a run that we do not know: whoever brought about that it began, they can show it. */
  #askCauses(author: PeerId, run: string): void {
    const asked = this.#askedFor.get(author) ?? new Set()
    if (asked.has(run) || asked.size >= RUNS_MAX || this.#excluded.has(author)) return
    this.#askedFor.set(author, asked.add(run))
    this.#effects.push({ kind: 'ask-causes', to: author, run })
  }

  #isMember(key: PeerId): boolean {
    return this.#options.members.some(member => member.key === key)
  }

  // Votes.

  #takeVote(vote: Vote): void {
    const run = this.#runs.get(vote.run)
    if (run === undefined) {
      if (!this.#isMember(vote.author)) return
      this.#earlyVotes.set(vote.author, vote)
      return this.#askCauses(vote.author, vote.run)
    }
    if (!run.options.keys.includes(vote.author) || !this.#ballot.add(vote)) return
    this.#supply(run, vote)
    if (run === this.#current && this.#ballot.outvoted(run, vote.phase).length > 0) {
      this.#effects.push({ kind: 'schedule', timer: `settle/${run.id}/${vote.phase}`, delayMs: this.#options.timing.settleMs })
    }
  }

  /** A holder forwards instead of voting. */
  #supply(run: Run, vote: Vote): void {
    const frames = vote.missing.flatMap(index => run.heard(vote.phase, index)?.frame ?? [])
    if (frames.length > 0 && vote.author !== this.#options.me) this.#effects.push({ kind: 'forward', frames, to: [vote.author] })
  }

  #settle(run: Run, phase: Phase): void {
    const outvoted = this.#ballot.outvoted(run, phase)
    if (run !== this.#current || outvoted.length === 0) return
    if (outvoted.some(index => run.heardInTime(phase, index) && !isOtherKind(run, phase, index))) {
      return this.#leave(LEAVE_REASONS.minority, { kind: 'failed', code: 'minority', why: 'a majority did not hear somebody whom we heard in time: the members are split' })
    }
    this.#exclude([{
      kind: 'silence', run: run.id, active: run.options.keys, phase,
      blamed: outvoted.map(index => run.options.keys[index]!), votes: this.#ballot.votes(run.id, phase),
    }])
  }

  #takeLeave(leave: Leave): void {
    if (leave.session !== toHex(this.#options.session) || !this.#isMember(leave.author) || this.#excluded.has(leave.author)) return
    // Who leaves after all have acknowledged cannot take back what others may have signed: silence would say no more.
    this.#exclude([{ kind: 'left', blamed: [leave.author], leave }])
  }

  // Faults.

  #fault(run: Run, fault: ProvenFault, blamed: readonly number[], words: readonly Word[]): void {
    this.#exclude([{
      kind: 'fault', fault, run: run.id, active: run.options.keys, blamed: blamed.map(index => run.options.keys[index]!),
      words: wordsThatShow(run.transcript, fault, blamed, words),
    }])
  }

  #exclude(causes: readonly Cause[]): void {
    const fresh = causes.filter(({ blamed }) => blamed.some(key => !this.#excluded.has(key) && this.#isMember(key)))
    if (fresh.length === 0 || this.#outcome !== undefined) return
    for (const cause of fresh) {
      this.#causes.push(cause)
      for (const key of cause.blamed) {
        this.#excluded.add(key)
        if (cause.kind === 'silence') this.#votedOut.add(key)
      }
      this.#effects.push({ kind: 'excluded', cause })
    }
    const { me, members } = this.#options
    this.#current?.close()
    if (this.#excluded.has(me)) return this.#end({ kind: 'failed', code: 'expelled', why: 'the other members have excluded us' })
    if (this.#votedOut.size * 3 > members.length) {
      return this.#leave(LEAVE_REASONS.minority, { kind: 'failed', code: 'minority', why: `votes have excluded ${this.#votedOut.size} of ${members.length} members: who votes may be the attacker` })
    }
    this.#begin()
  }

  // Ends.

  #done(run: Run, transaction: Uint8Array): void {
    this.#effects.push({ kind: 'broadcast', run: run.id, plan: run.plan!, transaction })
    this.#end(this.#mixed(run, transaction))
  }

  /** A run that we signed and that had failed for us stays live: somebody held back what completes it, and has sent it now. */
  #seen(run: Run | undefined): void {
    if (run?.isSigned) this.#end(this.#mixed(run, null))
  }

  #mixed(run: Run, transaction: Uint8Array | null): Outcome {
    const plan = run.plan!
    return { kind: 'mixed', txid: plan.txid, transaction, peers: run.options.keys.length, fee: plan.parties[run.index]!.paid, outputKey: run.outputKey! }
  }

  /** Another roster takes its place: nobody is told, since nobody else is in it. */
  dissolve(): readonly SessionEffect[] {
    this.#outcome ??= { kind: 'failed', code: 'abandoned', why: 'another roster has taken its place' }
    this.#current?.close()
    return this.#effects.splice(0)
  }

  #leave(reason: number, outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#effects.push({ kind: 'leave', reason })
    this.#end(outcome)
  }

  #end(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#current?.close()
    this.#effects.push({ kind: 'end', outcome })
  }

  #onTimer(timer: string): void {
    const [kind = '', id = '', phase] = timer.split('/')
    const run = this.#runs.get(id)
    if (run === undefined || run !== this.#current) return
    if (kind === 'settle') return this.#settle(run, phase as Phase)
    if (kind === 'stall') return this.#leave(LEAVE_REASONS.stalled, { kind: 'failed', code: 'stalled', why: `no majority agreed on who was silent in phase ${run.phase}` })
    run.onTimer(kind)
  }
}

/** In the last phase a word of the other kind counts as none. */
function isOtherKind(run: Run, phase: Phase, index: number): boolean {
  return phase === 'final' && run.missing().includes(index)
}
