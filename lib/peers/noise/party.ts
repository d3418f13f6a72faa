import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { IIdentity } from '../../contracts/identity.ts'
import type { RandomBytes } from '../../contracts/random.ts'
import { concatBytes, wipe } from '../../foundation/bytes.ts'
import type { CipherState } from './cipher-state.ts'
import { drawEphemeral, type Ephemeral } from './ephemeral.ts'
import { PATTERNS, patternOf, type Act, type Pattern } from './pattern.ts'
import { SymmetricState } from './symmetric-state.ts'

const SHARED_BYTES = 32
/** A compressed point with an even Y begins with this; ids are x coordinates and always mean that point. */
export const EVEN_Y = 2

/** A static key as a point, and the one thing a handshake needs its secret for. */
export interface StaticKey {
  /** 33 bytes, compressed. */
  readonly point: Uint8Array
  readonly ecdh: (point: Uint8Array) => Promise<Uint8Array>
}

export interface PartyOptions {
  backend: ICryptoBackend
  /** Draws the ephemeral secret. The handshake owns what it gets, and wipes it. */
  random: RandomBytes
  /** Drawn before, for this handshake alone, which takes it over. */
  ephemeral?: Ephemeral | undefined
  prologue: Uint8Array
  staticKey: StaticKey
  /**
   * False admits static keys of odd Y. For the vectors of BOLT 8 alone, whose keys know no such rule.
   * @internal
   */
  parityRule?: boolean
}

/** What a finished handshake leaves: one state for each direction. */
export interface LinkKeys { sealing: CipherState; opening: CipherState }

/** An identity as a handshake sees it. */
export function staticKeyOf(identity: IIdentity): StaticKey {
  return { point: evenPoint(identity.publicKey), ecdh: point => identity.ecdh(point) }
}

/** The point of an x-only key. */
export function evenPoint(publicKey: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(EVEN_Y), publicKey)
}

export function handshakeError(reason: string, cause?: unknown): P2PError {
  return new P2PError(ErrorCode.PEER_HANDSHAKE_FAILED, reason, { cause })
}

/**
 * What both ends of a handshake do alike. Acts come in order, each once; anything wrong in one ends
 * the handshake, wipes it, and says in which act and why.
 */
export abstract class Party {
  protected readonly backend: ICryptoBackend
  protected readonly staticKey: StaticKey
  protected readonly parityRule: boolean
  readonly #random: RandomBytes
  readonly #prologue: Uint8Array
  #next: Act | 'split' | 'nothing' = 'one'
  #noise: SymmetricState | undefined
  #secret: Uint8Array | undefined
  /** The point of `#secret`, until it is sent. */
  #ephemeral: Uint8Array | undefined

  constructor(options: PartyOptions) {
    this.backend = options.backend
    this.staticKey = options.staticKey
    this.parityRule = options.parityRule ?? true
    this.#random = options.random
    this.#prologue = options.prologue
    this.#secret = options.ephemeral?.secret
    this.#ephemeral = options.ephemeral?.point
  }

  /** Forgets every secret; whatever is asked of this handshake afterwards is refused. */
  wipe(): void {
    this.#next = 'nothing'
    this.#noise?.wipe()
    wipe(this.#secret)
  }

  protected get noise(): SymmetricState {
    if (this.#noise === undefined) throw new Error('no act has begun')
    return this.#noise
  }

  /** The listener's key is known to both ends of XK before they speak (Noise 7.3, pre-message `<- s`). */
  protected begin(pattern: Pattern, listenerPoint: Uint8Array): void {
    this.#noise = new SymmetricState(this.backend, PATTERNS[pattern].protocolName, this.#prologue)
    if (pattern === 'XK') this.#noise.mixHash(listenerPoint)
  }

  /** Until `leave`, every act is out of turn: an act that waits cannot run twice. */
  protected enter(act: Act): void {
    if (this.#next !== act) this.refuse(act, 'called out of turn, or after the handshake has ended')
    this.#next = 'nothing'
  }

  protected leave(next: Act | 'split'): void {
    this.#next = next
  }

  protected refuse(act: Act, reason: string, cause?: unknown): never {
    this.wipe()
    throw handshakeError(`act ${act}: ${reason}`, cause)
  }

  protected splitKeys(): [CipherState, CipherState] {
    if (this.#next !== 'split') this.refuse('three', 'not done: there are no keys yet, or no longer')
    const states = this.noise.split()
    this.wipe()
    return states
  }

  /** An act has exactly one size for each pattern, checked before anything is computed. */
  protected checkShape(act: Act, frame: Uint8Array, pattern: Pattern, bytesMin: number, bytesMax = bytesMin): void {
    const size = bytesMin === bytesMax ? `${bytesMin}` : `${bytesMin} to ${bytesMax}`
    if (frame.length < bytesMin || frame.length > bytesMax) this.refuse(act, `expected ${size} bytes of ${pattern}, got ${frame.length}`)
    const got = frame[0]
    if (patternOf(got) !== pattern) this.refuse(act, `expected pattern byte ${PATTERNS[pattern].byte} (${pattern}), got ${got}`)
  }

  /** Draws the ephemeral key before the act that sends it: while there is nothing else to do. */
  protected drawEphemeral(): Uint8Array {
    const { secret, point } = drawEphemeral(this.backend, this.#random)
    this.#secret = secret
    return (this.#ephemeral = point)
  }

  protected get hasEphemeral(): boolean {
    return this.#ephemeral !== undefined
  }

  /** A fresh ephemeral key: its secret stays inside, its point is mixed in and returned. */
  protected newEphemeral(): Uint8Array {
    const point = this.#ephemeral ?? this.drawEphemeral()
    this.#ephemeral = undefined
    this.noise.mixHash(point)
    return point
  }

  /** DH(our ephemeral key, their point); null where that is no point. */
  protected ephemeralDh(point: Uint8Array): Uint8Array | null {
    if (this.#secret === undefined) throw new Error('no ephemeral key yet')
    const { backend } = this
    return backend.ecdhOnce ? backend.ecdhOnce(this.#secret, point) : backend.ecdh(this.#secret, point)
  }

  /** Mixes DH(our ephemeral key, their point) in; a point that is none is refused here. `known` where it was computed before. */
  protected mixEphemeralDh(act: Act, point: Uint8Array, whose: string, known?: Uint8Array): void {
    this.noise.mixKey(known ?? this.ephemeralDh(point) ?? this.refuse(act, `${whose} is not a point of secp256k1`))
  }

  /** Mixes DH(our static key, their point) in. Nothing but checked points reaches an identity. `known` where it is being computed already. */
  protected async mixStaticDh(act: Act, point: Uint8Array, known = this.staticDh(point)): Promise<void> {
    const shared = await known.catch((cause: unknown) => this.refuse(act, 'our own identity did not do its part', cause))
    if (shared.length !== SHARED_BYTES) this.refuse(act, `our own identity gave a shared secret of ${shared.length} bytes, not ${SHARED_BYTES}`)
    this.noise.mixKey(shared)
  }

  protected async staticDh(point: Uint8Array): Promise<Uint8Array> {
    return await this.staticKey.ecdh(point)
  }

  /** No later act needs it: Noise 7, forward secrecy rests on its being forgotten. */
  protected wipeEphemeral(): void {
    wipe(this.#secret)
  }

  protected open(act: Act, sealed: Uint8Array, otherwise: string): Uint8Array {
    return this.noise.decrypt(sealed) ?? this.refuse(act, otherwise)
  }

  /** Their static key, sealed. Whether it is a point shows when it is first multiplied. */
  protected openStatic(act: Act, sealed: Uint8Array, meaning: string): Uint8Array {
    const point = new Uint8Array(this.open(act, sealed, `the static key does not open: ${meaning}`))
    if (this.parityRule && point[0] !== EVEN_Y) this.refuse(act, `the static key begins with ${hexByte(point[0])}, expected 02`)
    return point
  }
}

function hexByte(byte: number | undefined): string {
  return (byte ?? 0).toString(16).padStart(2, '0')
}
