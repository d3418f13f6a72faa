import { createNobleBackend } from '../../../../lib/crypto/noble.ts'
import { drawScalar } from '../../../../lib/crypto/draw-scalar.ts'
import { transactionOf, taprootScript, type MixParty, type MixPlan } from '../../../../lib/bitcoin/coinjoin-transaction.ts'
import type { ICryptoBackend } from '../../../../lib/contracts/crypto.ts'
import type { P2PMessage, PeerId } from '../../../../lib/contracts/message.ts'
import type { RandomBytes } from '../../../../lib/contracts/random.ts'
import { fromHex, toHex } from '../../../../lib/foundation/hex.ts'
import { judgeReveals } from '../../../../lib/protocols/coinjoin/checks.ts'
import { orderedRoster } from '../../../../lib/protocols/coinjoin/evidence.ts'
import { mod, toNumber } from '../../../../lib/protocols/coinjoin/field.ts'
import { sessionId } from '../../../../lib/protocols/coinjoin/hashes.ts'
import { TIMING } from '../../../../lib/protocols/coinjoin/limits.ts'
import { paddedVector } from '../../../../lib/protocols/coinjoin/pads.ts'
import { hashOfParams, mixParams, type MixParams } from '../../../../lib/protocols/coinjoin/params.ts'
import { partyOf, termsOf } from '../../../../lib/protocols/coinjoin/parties.ts'
import { encodePr, prOf, prSlot, type Pr } from '../../../../lib/protocols/coinjoin/pr.ts'
import { findRoots, type Sliced } from '../../../../lib/protocols/coinjoin/roots.ts'
import type { Cause, Outcome, SessionEffect, SessionInput } from '../../../../lib/protocols/coinjoin/session-types.ts'
import { Session } from '../../../../lib/protocols/coinjoin/session.ts'
import { encodeLeave, encodeMiss, leaveOf, voteOf } from '../../../../lib/protocols/coinjoin/votes.ts'
import { slotOf, wordOf, type Word, type WordType } from '../../../../lib/protocols/coinjoin/words.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

/** The members of one session around a table: real state machines and mathematics, no network, signatures stood in for by a register. */

/** What somebody does instead of what the rules say: what goes to one recipient in place of a word. */
export type Tamper = (word: Word, to: PeerId, seat: Seat) => readonly Word[]

export interface TableOptions {
  peers: number
  seed?: number | string
  crypto?: ICryptoBackend
  /** By seat number, not by index in the run. */
  tampers?: Readonly<Record<number, (table: Table) => Tamper>>
  /** An effect of this seat's own that is carried out otherwise; true means it has been dealt with. */
  hooks?: Readonly<Record<number, (effect: SessionEffect, seat: Seat, table: Table) => boolean>>
  /** What this seat is told in place of an input; null is nothing. */
  ears?: Readonly<Record<number, (input: SessionInput, seat: Seat) => SessionInput | null>>
  minPeers?: number
  /** One way, in ms. */
  latencyMs?: (from: number, to: number) => number
  feeRate?: number
  withChange?: boolean
  /** Real coins in place of made-up ones, each under an untweaked key. */
  coins?: readonly { txid: string; vout: number; amount: bigint; secret: Uint8Array }[]
}

interface Happening { atMs: number; order: number; run: () => void }

export interface Seat {
  readonly number: number
  readonly key: PeerId
  readonly session: Session
  readonly coins: readonly Uint8Array[]
  /** What it wrote down, in order. */
  readonly stored: { key: string; value: Uint8Array }[]
  readonly said: Word[]
  readonly secrets: Map<string, Uint8Array>
  readonly outputKeys: string[]
  readonly excluded: Cause[]
  outcome: Outcome | undefined
  crashed: boolean
  /** Broadcast transactions. */
  readonly sent: { txid: string; transaction: Uint8Array }[]
}

export const noble = createNobleBackend()

export class Table {
  readonly params: MixParams
  readonly seats: Seat[] = []
  readonly roster: readonly Pr[]
  readonly epoch = 1_000
  readonly crypto: ICryptoBackend
  readonly random: RandomBytes
  readonly #frames = new Map<string, P2PMessage>()
  readonly #happenings: Happening[] = []
  readonly #timers = new Map<string, Happening>()
  readonly #tampers = new Map<number, Tamper>()
  readonly #options: TableOptions
  #order = 0
  /** What has confirmed. */
  readonly chain: MixPlan[] = []
  nowMs = 0
  messages = 0

  constructor(options: TableOptions) {
    this.#options = options
    this.crypto = options.crypto ?? noble
    this.random = seededRandom(options.seed ?? 1)
    const denomination = 100_000
    this.params = mixParams({ network: 'regtest', denomination, feeRate: options.feeRate ?? 2, minPeers: options.minPeers ?? 3, expiry: 0xffff_ffff })
    const hash = hashOfParams(this.crypto, this.params)
    const drafts = Array.from({ length: options.peers }, (_, number) => this.#draft(number, hash, denomination))
    this.roster = orderedRoster(this.crypto, this.params, drafts.map(({ pr }) => pr))
    const session = sessionId(this.crypto, hash, this.epoch, this.roster.map(({ id }) => fromHex(id)))
    const members = this.roster.map(pr => ({ key: pr.author, party: partyOf(pr) }))
    for (const { pr, coins, number } of drafts) {
      this.seats.push({
        number, key: pr.author, coins, stored: [], said: [], secrets: new Map(), outputKeys: [], excluded: [], outcome: undefined, crashed: false, sent: [],
        session: new Session({ crypto: this.crypto, timing: TIMING, me: pr.author, session, members, minPeers: this.params.minPeers, terms: termsOf(this.params) }),
      })
    }
    for (const [number, make] of Object.entries(options.tampers ?? {})) this.#tampers.set(Number(number), make(this))
  }

  #draft(number: number, paramsHash: Uint8Array, denomination: number): { pr: Pr; coins: Uint8Array[]; number: number } {
    const author = toHex(this.crypto.publicKeyOf(drawScalar(this.random)).slice(1))
    const real = this.#options.coins?.[number]
    const coin = real?.secret ?? this.crypto.evenSecret(drawScalar(this.random))
    const script = taprootScript(this.crypto.publicKeyOf(coin).slice(1))
    const changeScript = this.#options.withChange === false ? null : taprootScript(this.crypto.publicKeyOf(drawScalar(this.random)).slice(1))
    const body = encodePr({
      paramsHash, epoch: this.epoch, changeScript, record: new Uint8Array(0),
      inputs: [{ txid: real?.txid ?? toHex(this.random(32)), vout: real?.vout ?? number, amount: real?.amount ?? BigInt(denomination + 5_000 + number), script, proof: [new Uint8Array(64)] }],
    })
    const message = this.register({ type: 'pr', from: author, payload: body, slot: prSlot(this.epoch) })
    return { pr: prOf(this.crypto, message)!, coins: [coin], number }
  }

  /** A signed frame, stood in for: whoever shows these bytes shows what the author said. */
  register(said: { type: string; from: PeerId; payload: unknown; slot?: string }): P2PMessage {
    const frame = Uint8Array.from(Buffer.from(`${said.from}/${said.type}/${said.slot ?? ''}/${toHex(said.payload as Uint8Array)}`))
    const message = { ...said, timestamp: 0, messageId: toHex(frame).slice(0, 16), protocol: 'coinjoin', frame } as P2PMessage
    this.#frames.set(toHex(frame), message)
    return message
  }

  verify(frame: Uint8Array): Promise<P2PMessage> {
    const known = this.#frames.get(toHex(frame))
    return known === undefined ? Promise.reject(new Error('not signed by its author')) : Promise.resolve(known)
  }

  makeWord(author: PeerId, run: string, type: WordType, body: Uint8Array): Word {
    return wordOf(this.crypto, this.register({ type, from: author, payload: body, slot: slotOf(run, type) }))!
  }

  seatOf(key: PeerId): Seat {
    return this.seats.find(seat => seat.key === key)!
  }

  /** Everybody begins; then what happens, happens in its order. */
  play(untilMs = 600_000): void {
    for (const seat of this.seats) this.#at(0, () => this.tell(seat, { kind: 'start' }))
    this.run(untilMs)
  }

  run(untilMs: number): void {
    for (;;) {
      let next = -1
      for (let i = 0; i < this.#happenings.length; i++) {
        const candidate = this.#happenings[i]!
        const best = this.#happenings[next]
        if (best === undefined || candidate.atMs < best.atMs || (candidate.atMs === best.atMs && candidate.order < best.order)) next = i
      }
      const happening = this.#happenings[next]
      if (happening === undefined || happening.atMs > untilMs) return
      this.#happenings.splice(next, 1)
      this.nowMs = happening.atMs
      happening.run()
    }
  }

  crash(seat: Seat): void {
    seat.crashed = true
  }

  tell(seat: Seat, told: SessionInput): void {
    if (seat.crashed) return
    const ears = this.#options.ears?.[seat.number]
    const input = ears === undefined ? told : ears(told, seat)
    if (input === null) return
    for (const effect of seat.session.handle(input, this.nowMs)) {
      if (seat.crashed) return
      if (this.#options.hooks?.[seat.number]?.(effect, seat, this)) continue
      this.#carryOut(seat, effect)
    }
  }

  /** A word on its way to one, after the usual time. */
  deliver(word: Word, from: Seat, to: PeerId): void {
    this.messages++
    this.#at(this.#latency(from, to), () => this.tell(this.seatOf(to), { kind: 'word', word, from: from.key }))
  }

  sendWord(seat: Seat, word: Word, to: PeerId): void {
    const tampered = this.#tampers.get(seat.number)?.(word, to, seat) ?? [word]
    for (const instead of tampered) this.deliver(instead, seat, to)
  }

  #latency(from: Seat, to: PeerId): number {
    return this.#options.latencyMs?.(from.number, this.seatOf(to).number) ?? 20 + this.random(1)[0]! % 60
  }

  #at(delayMs: number, run: () => void): Happening {
    const happening = { atMs: this.nowMs + delayMs, order: this.#order++, run }
    this.#happenings.push(happening)
    return happening
  }

  #others(seat: Seat): PeerId[] {
    return this.seats.map(({ key }) => key).filter(key => key !== seat.key)
  }

  #carryOut(seat: Seat, effect: SessionEffect): void {
    switch (effect.kind) {
      case 'store':
        seat.stored.push(effect)
        break
      case 'say': {
        const word = this.makeWord(seat.key, effect.run, effect.type, effect.body)
        seat.said.push(word)
        for (const to of this.#others(seat)) this.sendWord(seat, word, to)
        this.#at(0, () => this.tell(seat, { kind: 'word', word, from: seat.key }))
        break
      }
      case 'vote': {
        const message = this.register({ type: 'miss', from: seat.key, payload: encodeMiss(effect.run, effect.phase, effect.missing) })
        for (const to of [seat.key, ...this.#others(seat)]) this.#give(seat, message.frame!, to)
        break
      }
      case 'leave': {
        const message = this.register({ type: 'leave', from: seat.key, payload: encodeLeave(sessionIdOf(this), effect.reason) })
        for (const to of this.#others(seat)) this.#give(seat, message.frame!, to)
        break
      }
      case 'forward':
        for (const to of effect.to) for (const frame of effect.frames) if (to !== seat.key) this.#give(seat, frame, to)
        break
      case 'ask':
        for (const to of effect.to) this.#at(this.#latency(seat, to), () => this.#answer(this.seatOf(to), seat, effect))
        break
      case 'ask-causes':
        this.#at(this.#latency(seat, effect.to), () => {
          const other = this.seatOf(effect.to)
          if (!other.crashed) this.#at(this.#latency(other, seat.key), () => this.tell(seat, { kind: 'causes', run: effect.run, causes: other.session.causes }))
        })
        break
      case 'draw-keys': {
        const secret = drawScalar(this.random)
        const outputKey = this.crypto.publicKeyOf(drawScalar(this.random)).slice(1)
        seat.stored.push({ key: `used/${toHex(outputKey)}`, value: outputKey })
        seat.secrets.set(effect.run, secret.slice())
        seat.outputKeys.push(toHex(outputKey))
        this.#at(1, () => this.tell(seat, { kind: 'keys', run: effect.run, secret, salt: this.random(32), aux: this.random(32), outputKey }))
        break
      }
      case 'pad': {
        const vector = finish(paddedVector(this.crypto, fromHex(effect.run), effect.index, effect.secret, effect.publicKeys, effect.message))
        this.#at(1, () => this.tell(seat, { kind: 'vector', run: effect.run, vector }))
        break
      }
      case 'solve': {
        const roots = finish(findRoots(effect.polynomial, () => mod(toNumber(this.random(48)))))
        this.#at(5, () => this.tell(seat, { kind: 'solved', run: effect.run, roots }))
        break
      }
      case 'hint':
        for (const to of this.#others(seat)) this.#at(this.#latency(seat, to), () => this.tell(this.seatOf(to), { kind: 'hint', run: effect.run, from: seat.key, roots: effect.roots }))
        break
      case 'judge': {
        const faults = finish(judgeReveals(this.crypto, effect.transcript))
        this.#at(5, () => this.tell(seat, { kind: 'judged', run: effect.run, faults }))
        break
      }
      case 'sign':
        this.#at(2, () => this.tell(seat, { kind: 'signed', run: effect.run, witnesses: signParty(this.crypto, effect.plan, effect.party, seat.coins) }))
        break
      case 'broadcast':
        seat.sent.push({ txid: effect.plan.txid, transaction: effect.transaction })
        this.#mine(effect.plan)
        break
      case 'schedule': {
        const name = `${seat.number}/${effect.timer}`
        this.#cancel(name)
        this.#timers.set(name, this.#at(effect.delayMs, () => this.tell(seat, { kind: 'timer', timer: effect.timer })))
        break
      }
      case 'cancel':
        this.#cancel(`${seat.number}/${effect.timer}`)
        break
      case 'excluded':
        seat.excluded.push(effect.cause)
        break
      case 'end':
        seat.outcome = effect.outcome
        break
      case 'phase':
    }
  }

  /** The first of several that spend one coin is what the chain takes; whoever signed it finds it there, a little later. */
  #mine(plan: MixPlan): void {
    const isTaken = plan.inputs.some(input => this.chain.some(known => known.inputs.some(({ txid, vout }) => txid === input.txid && vout === input.vout)))
    if (isTaken) return
    this.chain.push(plan)
    this.#at(20_000, () => {
      for (const seat of this.seats) for (const { key } of [...seat.stored]) {
        const run = seat.session.runOf(key.slice('final/'.length))
        if (run?.plan?.txid === plan.txid) this.tell(seat, { kind: 'seen', run: run.id })
      }
    })
  }

  #cancel(name: string): void {
    const found = this.#timers.get(name)
    const at = found === undefined ? -1 : this.#happenings.indexOf(found)
    if (at >= 0) this.#happenings.splice(at, 1)
    this.#timers.delete(name)
  }

  #answer(asked: Seat, asker: Seat, { run, phase, indices }: Extract<SessionEffect, { kind: 'ask' }>): void {
    if (asked.crashed) return
    for (const index of indices) {
      const word = asked.session.runOf(run)?.heard(phase, index)
      if (word === undefined) continue
      if (word.author === asked.key) this.sendWord(asked, word, asker.key)
      else this.#give(asked, word.frame, asker.key)
    }
  }

  /** A frame of anybody's, handed on. */
  #give(from: Seat, frame: Uint8Array, to: PeerId): void {
    const message = this.#frames.get(toHex(frame))!
    const word = wordOf(this.crypto, message)
    const vote = voteOf(message)
    const leave = leaveOf(message)
    // What it says itself, it says in its own way, however often.
    if (word?.author === from.key && to !== from.key) return this.sendWord(from, word, to)
    const input: SessionInput | null = word ? { kind: 'word', word, from: from.key } : vote ? { kind: 'vote', vote } : leave ? { kind: 'leave', leave } : null
    if (input !== null) this.#at(to === from.key ? 0 : this.#latency(from, to), () => this.tell(this.seatOf(to), input))
  }
}

function sessionIdOf(table: Table): Uint8Array {
  return sessionId(table.crypto, hashOfParams(table.crypto, table.params), table.epoch, table.roster.map(({ id }) => fromHex(id)))
}

/** To the end at once. */
export function finish<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** Key-path signatures for each input of one party, whose coins lie under untweaked keys. */
export function signParty(crypto: ICryptoBackend, plan: MixPlan, party: number, secrets: readonly Uint8Array[]): Uint8Array[][] {
  const transaction = transactionOf(plan)
  const witnesses: Uint8Array[][] = []
  plan.inputs.forEach((input, index) => {
    if (input.party !== party) return
    const digest = transaction.preimageWitnessV1(index, plan.inputs.map(({ script }) => script), 0, plan.inputs.map(({ amount }) => amount))
    witnesses[input.input] = [crypto.sign(digest, secrets[input.input]!, new Uint8Array(32))]
  })
  return witnesses
}

export type { MixParty }
