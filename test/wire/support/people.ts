import type { ICryptoBackend } from '../../../lib/contracts/crypto.ts'
import type { P2PError } from '../../../lib/contracts/errors.ts'
import type { IIdentity } from '../../../lib/contracts/identity.ts'
import type { Limits } from '../../../lib/contracts/limits.ts'
import type { LeastAuth } from '../../../lib/contracts/protocol.ts'
import { toHex } from '../../../lib/foundation/hex.ts'
import { DEFAULT_LIMITS } from '../../../lib/foundation/limits.ts'
import { Author, type OutgoingFields, type SignedMessage } from '../../../lib/wire/author.ts'
import { Intake, type Source } from '../../../lib/wire/intake.ts'
import { fastBackend } from '../../support/backends.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const fast = await fastBackend()

/** How often each was asked for. */
export interface Calls { sha256: number; verify: number; sign: number }

/** A backend that counts what it is asked. */
export function countingBackend(calls: Calls): ICryptoBackend {
  return {
    ...fast,
    sha256: data => (calls.sha256++, fast.sha256(data)),
    verify: (signature, message, publicKey) => (calls.verify++, fast.verify(signature, message, publicKey)),
    sign: (message, secret, auxRand) => (calls.sign++, fast.sign(message, secret, auxRand)),
  }
}

export interface PersonOptions {
  network?: string
  clock?: ManualClock
  limits?: Partial<Limits>
  leastAuth?: (protocol: string | null, type: string) => LeastAuth
  messageBytesMax?: (protocol: string | null) => number
  mayHaveRunBefore?: boolean
  boot?: Uint8Array
}

/** One node's half of the wire, with a key, a clock and randomness that are the same in every run. */
export class Person {
  readonly clock: ManualClock
  readonly limits: Limits
  readonly calls: Calls = { sha256: 0, verify: 0, sign: 0 }
  readonly crypto: ICryptoBackend
  readonly identity: IIdentity
  readonly id: string
  readonly author: Author
  readonly intake: Intake
  /** How a link to this person presents itself to the other end. */
  readonly source: Source

  constructor(name: string, options: PersonOptions = {}) {
    this.clock = options.clock ?? new ManualClock()
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.crypto = countingBackend(this.calls)
    const secret = fast.evenSecret(seededRandom(`secret of ${name}`)(32))
    const publicKey = fast.publicKeyOf(secret).slice(1)
    this.identity = {
      publicKey,
      sign: async digest => this.crypto.sign(digest, secret, new Uint8Array(32)),
      ecdh: async point => fast.ecdh(secret, point)!,
    }
    this.id = toHex(publicKey)
    this.source = { peerId: this.id, key: publicKey }
    const random = seededRandom(`randomness of ${name}`)
    const network = options.network ?? 'test'
    const crypto = () => this.crypto
    this.author = new Author({ identity: this.identity, crypto, clock: this.clock, random, network, boot: options.boot ?? random(16), limits: this.limits })
    this.intake = new Intake({
      crypto, clock: this.clock, limits: this.limits, network, publicKey, startedAtMs: this.clock.now(),
      mayHaveRunBefore: options.mayHaveRunBefore ?? false,
      leastAuth: options.leastAuth ?? (() => 'channel'),
      messageBytesMax: options.messageBytesMax ?? (() => this.limits.messageBytesMax),
      random,
    })
  }
}

export const note = (payload: unknown = 'hello', more: Partial<OutgoingFields> = {}): OutgoingFields => ({ type: 'note', payload, ...more })

/** Signed alone. */
export function signed(person: Person, fields: OutgoingFields = note()): Promise<SignedMessage> {
  return new Promise((resolve, reject) => {
    person.author.sign(fields, (error, message) => (message === null ? reject(error as Error) : resolve(message)))
  })
}

/** Signed in one tick, so in as few bursts as they fit in. */
export function signedTogether(person: Person, all: readonly OutgoingFields[]): Promise<SignedMessage[]> {
  return Promise.all(all.map(fields => signed(person, fields)))
}

export const notes = (count: number, more: Partial<OutgoingFields> = {}): OutgoingFields[] => Array.from({ length: count }, (_, index) => note(`hello ${index}`, more))

/** The errors told while `act` runs. */
export function refusedBy(act: (onRefused: (error: P2PError) => void) => void): P2PError[] {
  const errors: P2PError[] = []
  act(error => errors.push(error))
  return errors
}
