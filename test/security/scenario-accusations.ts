import type { Row } from '../bench/report.ts'
import type { RunOptions } from '../bench/command.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { Author } from '../../lib/wire/author.ts'
import { Intake } from '../../lib/wire/intake.ts'
import { quickRandom, standInSignature, withStandIn } from '../hostile/mutations.ts'
import { fastBackend } from '../support/backends.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** The half of bar P8 that must never happen: honest authors, however they restart, and what one node makes of it. */

export const ACCUSATION_ROWS = ['P8 false accusations', 'P8 guilty found'] as const

const AUTHORS = 16
const SLOTS = 4_096
const DAY_MS = 86_400_000

export interface AccusationCampaign {
  statements: number
  seed: number
  /** Planted: processes that keep their boot when they start again, so that two starts look like one. */
  withoutFreshBoots?: boolean
  /** Planted: nobody looks at slots. */
  withoutWatching?: boolean
}

export interface AccusationResult { accused: number; taken: number; guilty: number; found: number }

/** Through a whole intake, on a clock that is stepped, with signatures that cost nothing. */
export async function accusations({ statements, seed, withoutFreshBoots = false, withoutWatching = false }: AccusationCampaign): Promise<AccusationResult> {
  const crypto = withStandIn(await fastBackend())
  const random = seededRandom(`accusations ${seed}`)
  const fraction = quickRandom(seed)
  const choose = (count: number): number => Math.floor(fraction() * count)
  const clock = new ManualClock()
  const proofs: Uint8Array[] = []
  const intake = new Intake({
    crypto: () => crypto, clock, limits: DEFAULT_LIMITS, network: 'test', publicKey: new Uint8Array(32).fill(9), startedAtMs: clock.now(),
    mayHaveRunBefore: false, leastAuth: () => 'signature', messageBytesMax: () => DEFAULT_LIMITS.messageBytesMax, random,
  })
  if (!withoutWatching) intake.onEquivocation = proof => void proofs.push(proof)
  const started = (index: number, device: number, starts: number): { author: Author; key: Uint8Array; says: string } => {
    const key = crypto.sha256(Uint8Array.of(index))
    const boot = crypto.sha256(Uint8Array.of(index, device, withoutFreshBoots ? 0 : starts & 255, withoutFreshBoots ? 0 : starts >> 8)).slice(0, 16)
    const identity = { publicKey: key, sign: async (digest: Uint8Array) => standInSignature(key, digest), ecdh: async () => key }
    return { author: new Author({ identity, crypto: () => crypto, clock, random, network: 'test', boot, limits: DEFAULT_LIMITS }), key, says: `${index}/${device}/${starts}` }
  }
  const devices = Array.from({ length: 2 * AUTHORS }, (_, index) => ({ starts: 0, now: started(index >> 1, index & 1, 0) }))
  let taken = 0
  const say = async (by: (typeof devices)[number]['now'], slot: number, payload: string): Promise<void> => {
    // A wall clock that is set back now and then.
    const timestamp = clock.now() - (choose(8) === 0 ? choose(100_000) : 0)
    const frame = await new Promise<Uint8Array>((resolve, reject) => by.author.sign({ protocol: 'vote', type: 'cast', payload, slot: String(slot), timestamp }, (error, signed) => (signed === null ? reject(error as Error) : resolve(signed.frame))))
    try {
      intake.deliver(frame, by.key)
      taken++
    } catch {
      // Said before, in the same words.
    }
  }
  for (let count = 0; count < statements; count++) {
    if (count % 1_000 === 0) clock.advance(1_000)
    const index = choose(devices.length)
    const device = devices[index]!
    if (choose(2_000) === 0) device.now = started(index >> 1, index & 1, ++device.starts)
    const slot = choose(SLOTS)
    await say(device.now, slot, `${device.now.says} has one thing to say in ${slot}`)
  }
  const accused = proofs.length
  // So that the silence above means something: who does say two things is found every time.
  clock.advance(DAY_MS)
  const guilty = 100
  for (let slot = 0; slot < guilty; slot++) {
    const { now } = devices[slot % devices.length]!
    for (const payload of ['one', 'another']) await say(now, SLOTS + slot, payload)
  }
  return { accused, taken, guilty, found: proofs.length - accused }
}

export async function rows({ quick, progress }: RunOptions): Promise<Row[]> {
  const statements = quick ? 20_000 : 1_000_000
  progress(`  ${statements} honest statements`)
  const { accused, taken, guilty, found } = await accusations({ statements, seed: 20_261_120 })
  const extra = { samples: statements, taken, authors: AUTHORS }
  return [
    { row: 'P8 false accusations', unit: 'proofs', ours: accused, peer: null, ratio: null, bar: 0, holds: accused === 0 && taken > statements / 10, ...extra },
    { row: 'P8 guilty found', unit: 'of 100', ours: found, peer: null, ratio: null, bar: guilty, holds: found === guilty, ...extra },
  ]
}
