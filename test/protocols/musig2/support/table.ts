import { aggregateKeys, aggregateNonces, SecretNonce, signingSession, type AggregateKey, type SigningSession } from '../../../../lib/bitcoin/bip327/index.ts'
import { fromBig, ORDER, toBig } from '../../../../lib/crypto/internal.ts'
import { toHex } from '../../../../lib/foundation/hex.ts'
import { loadPayloadChecker } from '../../../../lib/protocol-kit/payload-check.ts'
import type { SessionEffect } from '../../../../lib/protocols/musig2/events.ts'
import { SessionState } from '../../../../lib/protocols/musig2/state.ts'
import { membershipDigest, noncesHash, rosterHash, type Abort, type Join, type LeaveReason, type Nonce, type Partial, type Statement } from '../../../../lib/protocols/musig2/statement.ts'
import { fastBackend } from '../../../support/backends.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

await loadPayloadChecker()
export const backend = await fastBackend()

/** 32 bytes that follow from a text. */
export function bytesOf(text: string): Uint8Array {
  return backend.sha256(new TextEncoder().encode(text))
}

let frames = 0
/** The rules look at frames only to hand them on. */
export function frameOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text} ${frames++}`)
}

/** Somebody with a key and a peer, and what it would say. */
export class Signer {
  readonly index: number
  readonly peer: string
  readonly secret: Uint8Array
  readonly key: Uint8Array
  boot: string

  constructor(index: number, seed = 'table') {
    this.index = index
    this.secret = bytesOf(`${seed} secret ${index}`)
    this.key = backend.publicKeyOf(this.secret)
    this.peer = toHex(backend.publicKeyOf(bytesOf(`${seed} peer ${index}`)).slice(1))
    this.boot = toHex(bytesOf(`${seed} boot ${index}`).slice(0, 16))
  }
}

/** What all signers of one session know, and what an honest one says. */
export class Table {
  readonly signers: Signer[]
  readonly aggregate: AggregateKey
  readonly id = bytesOf('a session')
  readonly message = bytesOf('a message')
  readonly #nonces = new Map<number, SecretNonce>()

  constructor(count: number, seed = 'table') {
    this.signers = Array.from({ length: count }, (_, index) => new Signer(index, seed))
    this.aggregate = aggregateKeys(backend, this.signers.map(({ key }) => key))
  }

  state(index: number, options: { isInitiator?: boolean; boot?: string; allow?: boolean } = {}): SessionState {
    const { peer, boot } = this.signers[index]!
    const state = new SessionState({
      id: this.id, aggregate: this.aggregate, message: this.message, own: [index], self: peer, boot: options.boot ?? boot, isInitiator: options.isInitiator ?? index === 0, backend: () => backend,
    })
    if (options.allow !== false) {
      state.handle({ kind: 'allow', step: 'nonce' })
      state.handle({ kind: 'allow', step: 'partial' })
    }
    return state
  }

  get peers(): string[] {
    return this.signers.map(({ peer }) => peer)
  }

  join(index: number, peer = this.signers[index]!.peer): Join {
    const { key, secret, boot } = this.signers[index]!
    const proof = backend.sign(membershipDigest(backend, this.id, key, peer), secret, new Uint8Array(32))
    return { type: 'join', author: peer, index, boot, proof, record: new Uint8Array(0), frame: frameOf(`join ${index}`) }
  }

  secretNonce(index: number): SecretNonce {
    const { key, secret } = this.signers[index]!
    return SecretNonce.generate({ publicKey: key, secret, aggregateKey: this.aggregate.publicKey, message: this.message, extra: bytesOf(`${index} ${this.#nonces.size}`) })
  }

  /** The honest nonce of this signer; the same when asked again. */
  nonce(index: number, change: globalThis.Partial<Nonce> = {}): Nonce {
    let nonce = this.#nonces.get(index)
    if (nonce === undefined) this.#nonces.set(index, nonce = this.secretNonce(index))
    const { peer, boot } = this.signers[index]!
    return { type: 'nonce', author: peer, index, boot, nonce: nonce.publicNonce, roster: toHex(rosterHash(backend, this.id, this.peers)), frame: frameOf(`nonce ${index}`), ...change }
  }

  /** Signs in this session, as its rules ask; the secret nonce is gone then. */
  partialIn(index: number, { session, hash }: { session: SigningSession; hash: Uint8Array }): Partial {
    const { peer, boot, secret } = this.signers[index]!
    const secretNonce = this.#nonces.get(index)!
    this.#nonces.delete(index)
    return { type: 'partial', author: peer, index, boot, partial: secretNonce.sign(backend, session, index, secret), nonces: toHex(hash), frame: frameOf(`partial ${index}`) }
  }

  /** Signs over these nonces; the secret one is gone then. */
  partial(index: number, nonces: readonly Uint8Array[], change: globalThis.Partial<Partial> = {}): Partial {
    const { peer, boot, secret } = this.signers[index]!
    const secretNonce = this.#nonces.get(index)!
    this.#nonces.delete(index)
    const session = signingSession(backend, this.aggregate, aggregateNonces(backend, nonces), this.message)
    return { type: 'partial', author: peer, index, boot, partial: secretNonce.sign(backend, session, index, secret), nonces: toHex(noncesHash(backend, this.id, nonces)), frame: frameOf(`partial ${index}`), ...change }
  }

  abort(index: number, reason: LeaveReason, peer = this.signers[index]!.peer): Abort {
    const { key, secret, boot } = this.signers[index]!
    const proof = backend.sign(membershipDigest(backend, this.id, key, peer), secret, new Uint8Array(32))
    return { type: 'abort', author: peer, index, boot, proof, reason, text: '', frame: frameOf(`abort ${index}`) }
  }
}

/** One off: a number below n still, and wrong. */
export function spoilt(partial: Uint8Array): Uint8Array {
  return fromBig((toBig(partial) + 1n) % ORDER)
}

/** What a session's effects say in a line, without timers. */
export function kindsOf(effects: readonly SessionEffect[]): string[] {
  return effects.filter(({ kind }) => kind !== 'schedule' && kind !== 'cancel').map(({ kind }) => kind)
}

/** How one signer departs from what it should say. Null says nothing at all. */
export type Mischief = (statement: Statement, to: number, round: Round) => Statement | readonly Statement[] | null

/**
 * All signers of a table with their rules, and statements carried between them by hand in an order that a seed decides. `mischief` changes what the cheat says,
 * for each who hears it.
 */
export class Round {
  readonly table: Table
  readonly states: SessionState[]
  readonly cheat: number
  readonly blamed: { by: number; peerId: string; code: string; evidence: readonly Uint8Array[] }[] = []
  readonly #below: (count: number) => number
  readonly #mischief: Mischief | undefined
  #wire: { to: number; statement: Statement }[] = []
  /** Questions under way: they are answered like any other message. */
  #asked: { from: number; to: number }[] = []
  readonly nonces = new Map<string, Uint8Array[]>()

  constructor(table: Table, seed: number | string, cheat = -1, mischief?: Mischief) {
    this.table = table
    this.cheat = cheat
    this.#mischief = mischief
    const random = seededRandom(seed)
    this.#below = count => ((random(1)[0]! << 8) | random(1)[0]!) % count
    this.states = table.signers.map((_, index) => table.state(index))
  }

  /** Everybody agrees, and all that follows happens. */
  play(): void {
    this.states.forEach((state, index) => {
      this.run(index, state.handle({ kind: 'start', remainingMs: 60_000 }))
      this.run(index, state.handle({ kind: 'consent' }))
    })
    this.settle()
  }

  settle(): void {
    while (this.#wire.length + this.#asked.length > 0) {
      if (this.#wire.length > 0) {
        const [{ to, statement }] = this.#wire.splice(this.#below(this.#wire.length), 1) as [{ to: number; statement: Statement }]
        this.run(to, this.states[to]!.handle({ kind: 'statement', statement }))
      } else {
        const { from, to } = this.#asked.shift()!
        if (to === this.cheat) continue
        const none = new Uint8Array(0)
        for (const statement of this.states[to]!.lackedBy({ joins: none, nonces: none, partials: none })) this.run(from, this.states[from]!.handle({ kind: 'statement', statement }))
        this.run(from, this.states[from]!.handle({ kind: 'shown', from: this.table.signers[to]!.peer }))
      }
    }
  }

  /** A timer of everybody's runs out. */
  fire(timer: string): void {
    this.states.forEach((state, index) => this.run(index, state.handle({ kind: 'timer', timer })))
    this.settle()
  }

  get honest(): number[] {
    return this.states.flatMap((_, index) => index === this.cheat ? [] : [index])
  }

  run(index: number, effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'join': this.#said(index, this.table.join(index)); break
        case 'nonce': this.#said(index, this.table.nonce(index)); break
        case 'sign': this.#said(index, this.table.partialIn(index, effect)); break
        case 'leave': this.#said(index, { ...this.table.abort(index, effect.reason), text: effect.text }); break
        case 'tell':
          // Joins reach everybody here, introduced or not: who introduces whom is for the network's tests.
          this.#tell(index, effect.statements, effect.statements.every(({ type }) => type === 'join') ? this.table.peers : effect.to)
          break
        case 'show': this.#asked.push({ from: index, to: this.table.peers.indexOf(effect.from) }); break
        case 'ask':
          this.honest.filter(other => other !== index).forEach(other => this.#asked.push({ from: index, to: other }))
          break
        case 'blame': this.blamed.push({ by: index, peerId: effect.peerId, code: effect.code, evidence: effect.evidence }); break
        default:
      }
    }
  }

  #said(index: number, statement: Statement): void {
    this.run(index, this.states[index]!.handle({ kind: 'statement', statement }))
  }

  #tell(from: number, statements: readonly Statement[], to: readonly string[]): void {
    for (const peer of to) {
      const target = this.table.peers.indexOf(peer)
      if (target === from || target < 0) continue
      for (const statement of statements) {
        const changed = from === this.cheat && statement.author === this.table.signers[from]!.peer ? this.#mischief!(statement, target, this) : statement
        for (const each of changed === null ? [] : [changed].flat() as Statement[]) this.#wire.push({ to: target, statement: each })
      }
    }
  }
}
