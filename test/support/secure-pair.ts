import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { createIdentity, type LocalIdentity } from '../../lib/crypto/identity.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { encodeHello, type Hello } from '../../lib/peers/hello.ts'
import { acceptSecure, dialSecure, type DialSecureOptions, type SecureLink, type SecureOptions } from '../../lib/peers/noise/secure-link.ts'
import { channelPair, type Meddle, type PairedChannel } from './channel-pair.ts'
import { ManualClock } from './manual-clock.ts'
import { seededRandom } from './seeded-random.ts'

/** Somebody with a key: the same for the same name. */
export interface Person { name: string; identity: LocalIdentity; hello: Hello }

export function person(name: string, backend: ICryptoBackend): Person {
  const random = seededRandom(`person ${name}`)
  const identity = createIdentity({ secret: random(32), backend, random })
  const hello: Hello = {
    boot: random(16), timestampMs: 1_700_000_000_000, role: 'node', addresses: [`ws://${name}.example:9735`],
    protocols: [{ name: 'peerweft/gossip', version: 1 }], work: new Uint8Array(0),
  }
  return { name, identity, hello }
}

export function secureOptions(who: Person, backend: ICryptoBackend, overrides: Partial<SecureOptions> = {}): SecureOptions {
  return {
    identity: who.identity, crypto: () => backend, random: seededRandom(`${who.name} draws ${draws++}`), networkId: 'test',
    hello: encodeHello(who.hello), limits: DEFAULT_LIMITS, clock: new ManualClock(), ...overrides,
  }
}

/** No two handshakes of a run share ephemeral keys, and each run has the same ones. */
let draws = 0

export interface Attempt {
  dialling: Promise<SecureLink>
  accepting: Promise<SecureLink>
  channels: { dialler: PairedChannel; listener: PairedChannel }
}

/** Begins a handshake between two ends over a pipe that somebody may meddle with. */
export function begin(dialler: DialSecureOptions, listener: SecureOptions, meddle?: Meddle): Attempt {
  const channels = channelPair(meddle)
  const dialling = dialSecure(channels.dialler, dialler)
  const accepting = acceptSecure(channels.listener, listener)
  // A test looks at them one after the other.
  dialling.catch(() => {})
  accepting.catch(() => {})
  return { dialling, accepting, channels }
}
