import { EMPTY_BYTES, concatBytes, equalBytes, wipe } from '../../foundation/bytes.ts'
import { EVEN_Y, Party, type LinkKeys, type PartyOptions } from './party.ts'
import {
  ACT_THREE_BYTES_MAX, ACT_THREE_BYTES_MIN, HELLO_BYTES_MAX, PATTERNS, POINT_BYTES, SEALED_POINT_BYTES, patternOf, type Act, type Pattern,
} from './pattern.ts'

/** XK needs the listener's key and never does without it; XX must not be given one, lest it be taken for checked. */
export type InitiatorOptions = PartyOptions & ({ pattern: 'XK'; remoteStatic: Uint8Array } | { pattern: 'XX'; remoteStatic?: undefined })

/** What was computed for an ephemeral key before act two has brought it. */
interface Foreseen {
  readonly point: Uint8Array
  readonly ephemeralDh: Uint8Array
  readonly staticDh: Promise<Uint8Array>
}

/**
 * The dialler's side: `actOne()`, `await actTwo(frame)`, `await actThree(hello)`, `split()`.
 * Each act can throw ERR_PEER_HANDSHAKE_FAILED; after that nothing goes on.
 */
export class Initiator extends Party {
  readonly pattern: Pattern
  #remoteEphemeral = EMPTY_BYTES
  #remoteStatic: Uint8Array | undefined
  #foreseen: Foreseen | undefined

  /** Throws RangeError for a listener's key of another form; that it is no point shows in act one. */
  constructor(options: InitiatorOptions) {
    super(options)
    this.pattern = options.pattern
    if (options.pattern === 'XX') return
    if (options.remoteStatic.length !== POINT_BYTES || (this.parityRule && options.remoteStatic[0] !== EVEN_Y)) throw new RangeError('the listener\'s key must be 33 bytes that begin with 02')
    this.#remoteStatic = new Uint8Array(options.remoteStatic)
  }

  /** The listener's key, 33 bytes: given (XK), or as act two has proved it (XX). */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic
  }

  actOne(): Uint8Array {
    this.enter('one')
    this.begin(this.pattern, this.#remoteStatic ?? EMPTY_BYTES)
    const e = this.newEphemeral()
    if (this.#remoteStatic) this.mixEphemeralDh('one', this.#remoteStatic, 'the listener\'s key')
    const act = concatBytes(Uint8Array.of(PATTERNS[this.pattern].byte), e, this.noise.encrypt(EMPTY_BYTES))
    this.leave('two')
    return act
  }

  /**
   * After act one: computes what follows if act two brings this ephemeral key, as the listener has let be known. If it brings another, the
   * work was in vain and nothing else has changed; what is no point is not looked at.
   */
  foresee(ephemeral: Uint8Array): void {
    if (ephemeral.length !== POINT_BYTES || !this.backend.isPoint(ephemeral)) return
    const point = new Uint8Array(ephemeral)
    const ephemeralDh = this.ephemeralDh(point)
    if (ephemeralDh === null) return
    const staticDh = this.staticDh(point)
    // Whoever needs it is told of its failure; it may also never be needed.
    staticDh.catch(() => {})
    this.#foreseen = { point, ephemeralDh, staticDh }
  }

  override wipe(): void {
    super.wipe()
    this.#forgetForeseen()
  }

  async actTwo(frame: Uint8Array): Promise<void> {
    this.enter('two')
    this.checkShape('two', frame, this.pattern, PATTERNS[this.pattern].actTwoBytes)
    this.#remoteEphemeral = new Uint8Array(frame.subarray(1, 1 + POINT_BYTES))
    this.noise.mixHash(this.#remoteEphemeral)
    if (this.#foreseen !== undefined && !equalBytes(this.#foreseen.point, this.#remoteEphemeral)) this.#forgetForeseen()
    this.mixEphemeralDh('two', this.#remoteEphemeral, 'the ephemeral key', this.#foreseen?.ephemeralDh)
    const tag = this.pattern === 'XX' ? this.#readStatic(frame.subarray(1 + POINT_BYTES)) : frame.subarray(1 + POINT_BYTES)
    this.open('two', tag, `its tag does not open: ${this.#noFit()}`)
    this.wipeEphemeral()
    this.leave('three')
  }

  /** XX: takes the listener's static key in and returns the tag that follows it. */
  #readStatic(rest: Uint8Array): Uint8Array {
    const s = this.openStatic('two', rest.subarray(0, SEALED_POINT_BYTES), this.#noFit())
    this.mixEphemeralDh('two', s, 'the static key')
    this.#remoteStatic = s
    return rest.subarray(SEALED_POINT_BYTES)
  }

  /** XK cannot tell the first two apart: both go into the very first hash. */
  #noFit(): string {
    return `${this.pattern === 'XK' ? 'the other end does not hold the key we dialled, or' : 'the other end'} is on another network, or an act was changed on the way`
  }

  async actThree(hello: Uint8Array): Promise<Uint8Array> {
    this.enter('three')
    if (hello.length > HELLO_BYTES_MAX) this.refuse('three', `expected a hello of at most ${HELLO_BYTES_MAX} bytes, got ${hello.length}`)
    const s = this.noise.encrypt(this.staticKey.point)
    await this.mixStaticDh('three', this.#remoteEphemeral, this.#foreseen?.staticDh)
    this.#foreseen = undefined
    const act = concatBytes(Uint8Array.of(PATTERNS[this.pattern].byte), s, this.noise.encrypt(hello))
    this.leave('split')
    return act
  }

  #forgetForeseen(): void {
    const foreseen = this.#foreseen
    this.#foreseen = undefined
    if (foreseen === undefined) return
    wipe(foreseen.ephemeralDh)
    void foreseen.staticDh.then(shared => wipe(shared), () => {})
  }

  /** What the link is sealed and opened with. Once, after act three. */
  split(): LinkKeys {
    const [sealing, opening] = this.splitKeys()
    return { sealing, opening }
  }
}

/**
 * The listener's side: `await actOne(frame)`, `await actTwo()`, `await actThree(frame)`, `split()`.
 * The dialler chooses the pattern in act one; acts of another pattern are refused from then on.
 */
export class Responder extends Party {
  #pattern: Pattern | undefined
  #remoteEphemeral = EMPTY_BYTES

  /** Undefined before act one. */
  get pattern(): Pattern | undefined {
    return this.#pattern
  }

  /** What can be computed before act one is here. May be left out. */
  prepare(): void {
    if (!this.hasEphemeral) this.drawEphemeral()
  }

  async actOne(frame: Uint8Array): Promise<void> {
    this.enter('one')
    const pattern = patternOf(frame[0]) ?? this.refuse('one', `expected pattern byte 0 or 1, got ${frame[0] ?? 'nothing'}`)
    this.checkShape('one', frame, pattern, PATTERNS[pattern].actOneBytes)
    this.#pattern = pattern
    this.#remoteEphemeral = this.#readEphemeral('one', frame.subarray(1, 1 + POINT_BYTES))
    this.begin(pattern, this.staticKey.point)
    this.noise.mixHash(this.#remoteEphemeral)
    if (pattern === 'XK') await this.mixStaticDh('one', this.#remoteEphemeral)
    this.open('one', frame.subarray(1 + POINT_BYTES), 'its tag does not open: the dialler expects another key, or is on another network')
    this.leave('two')
  }

  async actTwo(): Promise<Uint8Array> {
    this.enter('two')
    const pattern = this.#chosen
    const e = this.newEphemeral()
    this.mixEphemeralDh('two', this.#remoteEphemeral, 'the ephemeral key')
    const s = pattern === 'XX' ? this.noise.encrypt(this.staticKey.point) : EMPTY_BYTES
    if (pattern === 'XX') await this.mixStaticDh('two', this.#remoteEphemeral)
    const act = concatBytes(Uint8Array.of(PATTERNS[pattern].byte), e, s, this.noise.encrypt(EMPTY_BYTES))
    this.leave('three')
    return act
  }

  /** The dialler's key as a point, proved, and its hello, still encoded. */
  async actThree(frame: Uint8Array): Promise<{ remoteStatic: Uint8Array; hello: Uint8Array }> {
    this.enter('three')
    this.checkShape('three', frame, this.#chosen, ACT_THREE_BYTES_MIN, ACT_THREE_BYTES_MAX)
    const remoteStatic = this.openStatic('three', frame.subarray(1, 1 + SEALED_POINT_BYTES), 'the dialler is on another network, or an act was changed on the way')
    this.mixEphemeralDh('three', remoteStatic, 'the static key')
    this.wipeEphemeral()
    const hello = this.open('three', frame.subarray(1 + SEALED_POINT_BYTES), 'the hello does not open: the dialler does not hold the key it names')
    this.leave('split')
    return { remoteStatic, hello }
  }

  /** What the link is sealed and opened with: the dialler's pair, the other way round. */
  split(): LinkKeys {
    const [opening, sealing] = this.splitKeys()
    return { sealing, opening }
  }

  get #chosen(): Pattern {
    if (this.#pattern === undefined) throw new Error('act one decides the pattern')
    return this.#pattern
  }

  /** Checked at once, because the next to see it is our identity, which may live in a device. */
  #readEphemeral(act: Act, bytes: Uint8Array): Uint8Array {
    const e = new Uint8Array(bytes)
    if (!this.backend.isPoint(e)) this.refuse(act, 'the ephemeral key is not a point of secp256k1')
    return e
  }
}
