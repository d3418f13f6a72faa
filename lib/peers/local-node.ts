import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { IIdentity } from '../contracts/identity.ts'
import type { Limits } from '../contracts/limits.ts'
import type { ILogger } from '../contracts/logger.ts'
import type { LeastAuth } from '../contracts/protocol.ts'
import type { RandomBytes } from '../contracts/random.ts'
import type { IStore } from '../contracts/store.ts'
import { createIdentity } from '../crypto/identity.ts'
import { createNobleBackend } from '../crypto/noble.ts'
import { systemClock } from '../foundation/clock.ts'
import { toHex } from '../foundation/hex.ts'
import { limitsFrom } from '../foundation/limits.ts'
import { printable, silentLogger } from '../foundation/logger.ts'
import { MemoryStore } from '../foundation/memory-store.ts'
import { pooledRandom, secureRandom } from '../foundation/random.ts'
import { Author } from '../wire/author.ts'
import { Intake } from '../wire/intake.ts'
import { SpareEphemeral } from './noise/ephemeral.ts'

/** What is spoken here: asked by the wire for each message, told to peers in the hello. */
export interface Vocabulary {
  leastAuth(protocol: string | null, type: string): LeastAuth
  messageBytesMax(protocol: string | null): number
  list(): { name: string; version: number }[]
}

/** Which cryptography to run on, and how to get a faster one when the first socket is opened. */
export interface CryptoChoice {
  /** At hand at once. */
  base(): ICryptoBackend
  /** The best there is; `notes` says what was tried in vain. */
  best(): Promise<{ backend: ICryptoBackend; notes: string[] }>
}

export interface LocalNodeOptions {
  identity?: IIdentity | undefined
  clock?: IClock | undefined
  /** Every random byte of this node, keys included; production code leaves it out. */
  random?: RandomBytes | undefined
  store?: IStore | undefined
  logger?: ILogger | undefined
  /** Two networks never hear each other. 1 to 32 bytes of UTF-8. */
  networkId?: string | undefined
  limits?: Partial<Limits> | undefined
  crypto?: CryptoChoice | undefined
}

/** Everything that is one node's own, made once and handed down: who it is and what it runs on. */
export interface LocalNode {
  readonly identity: IIdentity
  /** 32 bytes, x-only. */
  readonly publicKey: Uint8Array
  /** The public key as 64 hex digits. */
  readonly id: string
  readonly boot: Uint8Array
  readonly networkId: string
  readonly clock: IClock
  /** For salts, ids and jitter. */
  readonly random: RandomBytes
  /** For keys: never pooled. */
  readonly secretRandom: RandomBytes
  readonly limits: Limits
  readonly logger: ILogger
  readonly store: IStore
  readonly author: Author
  readonly intake: Intake
  readonly vocabulary: Vocabulary
  /** For the next handshake. */
  readonly spareEphemeral: SpareEphemeral
  /** The backend in use now. */
  crypto(): ICryptoBackend
  /** Loads the best backend, once; cheap to call again. */
  loadCrypto(): Promise<void>
}

const NETWORK_ID_BYTES_MAX = 32
const DEFAULT_NETWORK_ID = 'peerweft'

/** Makes the node. `vocabulary` is read for each message, so protocols may come and go. */
export function createLocalNode(options: LocalNodeOptions, vocabulary: Vocabulary): LocalNode {
  const networkId = checkedNetworkId(options.networkId ?? DEFAULT_NETWORK_ID)
  const clock = options.clock ?? systemClock
  const secretRandom = options.random ?? secureRandom
  const random = pooledRandom(secretRandom)
  const limits = limitsFrom(options.limits)
  const choice = options.crypto ?? { base: createNobleBackend, best: async () => ({ backend: createNobleBackend(), notes: [] }) }
  const logger = options.logger === undefined ? silentLogger : printable(options.logger)

  let backend = choice.base()
  const crypto = () => backend
  const identity = options.identity ?? createIdentity({ backend, random: secretRandom })
  const boot = secretRandom(16)
  // An identity may copy its key each time it is asked, and the author asks for each message.
  const publicKey = identity.publicKey
  const signer: IIdentity = { publicKey, sign: digest => identity.sign(digest), ecdh: point => identity.ecdh(point) }
  const author = new Author({ identity: signer, crypto, clock, random, network: networkId, boot, limits })
  const intake = new Intake({
    crypto,
    clock,
    limits,
    network: networkId,
    publicKey,
    startedAtMs: clock.now(),
    // A key made just now has no past to be replayed; one that was given may have.
    mayHaveRunBefore: options.identity !== undefined,
    random: secretRandom,
    leastAuth: (protocol, type) => vocabulary.leastAuth(protocol, type),
    messageBytesMax: protocol => vocabulary.messageBytesMax(protocol),
  })

  let loading: Promise<void> | undefined
  const loadCrypto = (): Promise<void> => (loading ??= choice.best().then(best => {
    backend = best.backend
    const faster = identity as { useBackend?: (backend: ICryptoBackend) => void }
    faster.useBackend?.(backend)
    for (const note of best.notes) logger.warn(note)
  }))

  return {
    identity, boot, networkId, clock, random, secretRandom, limits, logger, author, intake, vocabulary, crypto, loadCrypto,
    publicKey,
    spareEphemeral: new SpareEphemeral(crypto, secretRandom, clock),
    id: toHex(publicKey),
    store: options.store ?? new MemoryStore(),
  }
}

/** What a node speaks that has no protocols: plain application messages, signed. */
export function plainVocabulary(limits: Pick<Limits, 'messageBytesMax'>): Vocabulary {
  return { leastAuth: () => 'signature', messageBytesMax: () => limits.messageBytesMax, list: () => [] }
}

function checkedNetworkId(networkId: string): string {
  const size = new TextEncoder().encode(networkId).length
  if (size < 1 || size > NETWORK_ID_BYTES_MAX) throw new RangeError(`networkId must be 1 to ${NETWORK_ID_BYTES_MAX} bytes of UTF-8, got ${size}`)
  return networkId
}
