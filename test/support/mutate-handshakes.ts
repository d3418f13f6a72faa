import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { P2PError } from '../../lib/contracts/errors.ts'
import type { RandomBytes } from '../../lib/contracts/random.ts'
import { equalBytes } from '../../lib/foundation/bytes.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { SecureLink } from '../../lib/peers/noise/secure-link.ts'
import { fastBackend } from './backends.ts'
import type { PairedChannel } from './channel-pair.ts'
import { ManualClock } from './manual-clock.ts'
import { below, seededRandom } from './seeded-random.ts'
import { begin, person, secureOptions, type Attempt, type Person } from './secure-pair.ts'

/**
 * Handshakes in which mallory changes one of the four frames: the three acts and the listener's first
 * sealed frame. None may come to a link, none may end in anything but a refusal, none may go on for ever.
 */
export interface Campaign { count: number; seed: number; backend?: ICryptoBackend }

export interface CampaignResult {
  handshakes: number
  /** Ended in a link at an end that must not have believed what it saw, or in one that opened mallory's frame. */
  accepted: number
  /** Ended in something other than a refusal of ours. */
  crashed: number
  /** Did not end although frames came, or not even at the deadline where one was held back. */
  hung: number
  /** The first that went wrong, to look at: seed, number and what was done. */
  firstFault: string | undefined
}

interface Mutation { name: string; change: (frame: Uint8Array, random: RandomBytes, earlier: Uint8Array) => readonly Uint8Array[] }

const MUTATIONS: readonly Mutation[] = [
  { name: 'one bit flipped', change: (frame, random) => [edited(frame, random, byte => byte ^ (1 << below(random, 8)))] },
  { name: 'one byte set', change: (frame, random) => [edited(frame, random, () => random(1)[0]!)] },
  { name: 'several bytes set', change: (frame, random) => [edited(edited(edited(frame, random, () => 0), random, () => 255), random, () => random(1)[0]!)] },
  { name: 'ephemeral key negated', change: frame => [negated(frame)] },
  { name: 'pattern byte changed', change: frame => [Uint8Array.of(frame[0]! ^ 1, ...frame.subarray(1))] },
  { name: 'cut short', change: (frame, random) => [frame.subarray(0, below(random, frame.length))] },
  { name: 'made longer', change: (frame, random) => [Uint8Array.of(...frame, ...random(1 + below(random, 2_000)))] },
  { name: 'random bytes of the same length', change: (frame, random) => [random(frame.length)] },
  { name: 'zeros', change: frame => [new Uint8Array(frame.length)] },
  { name: 'the same frame of an earlier handshake', change: (_frame, _random, earlier) => [earlier] },
  { name: 'random bytes before it', change: (frame, random) => [random(frame.length), frame] },
  { name: 'sent twice', change: frame => [frame, frame] },
  { name: 'held back', change: () => [] },
]
const FRAMES = ['act one', 'act two', 'act three', 'first sealed frame'] as const
/** More turns of the event loop than any handshake over a pipe takes. */
const TURNS_MAX = 100
const REFUSALS = ['ERR_PEER_HANDSHAKE_FAILED', 'ERR_PEER_HANDSHAKE_TIMEOUT']

/** Runs `count` mutated handshakes one after the other; the same seed gives the same mutations. */
export async function mutateHandshakes({ count, seed, backend }: Campaign): Promise<CampaignResult> {
  const stage = await setStage(backend ?? await fastBackend(), seed)
  const result: CampaignResult = { handshakes: 0, accepted: 0, crashed: 0, hung: 0, firstFault: undefined }
  for (let index = 0; index < count; index++) {
    const { outcome, what } = await oneMutated(stage)
    result.handshakes++
    if (outcome === 'refused') continue
    result[outcome]++
    result.firstFault ??= `seed ${seed}, handshake ${index}: ${what}: ${outcome}`
  }
  return result
}

interface Stage { random: RandomBytes; backend: ICryptoBackend; alice: Person; bob: Person; earlier: { XK: Uint8Array[]; XX: Uint8Array[] } }

async function setStage(backend: ICryptoBackend, seed: number): Promise<Stage> {
  const stage = { random: seededRandom(`mutations ${seed}`), backend, alice: person('alice', backend), bob: person('bob', backend), earlier: { XK: [], XX: [] } }
  return { ...stage, earlier: { XK: await framesOf(stage, 'XK'), XX: await framesOf(stage, 'XX') } }
}

/** The four frames of an honest handshake between the same two. */
async function framesOf(stage: Stage, pattern: 'XK' | 'XX'): Promise<Uint8Array[]> {
  const { dialling, accepting, channels } = start(stage, pattern, new ManualClock(), (_index, frame) => [frame])
  await Promise.all([dialling, accepting])
  const [actOne, actThree] = channels.dialler.sent
  const [actTwo, first] = channels.listener.sent
  return [actOne!, actTwo!, actThree!, first!]
}

async function oneMutated(stage: Stage): Promise<{ outcome: 'accepted' | 'crashed' | 'hung' | 'refused'; what: string }> {
  const { random, earlier } = stage
  const pattern = below(random, 2) === 0 ? 'XK' : 'XX'
  const target = below(random, FRAMES.length)
  const mutation = MUTATIONS[below(random, MUTATIONS.length)]!
  const clock = new ManualClock()
  const attempt = start(stage, pattern, clock, (index, frame) => index === target ? changed(frame, mutation.change, random, earlier[pattern][index]!) : [frame])
  return { outcome: await outcomeOf(attempt, clock, mutation.name === 'held back'), what: `${pattern}, ${FRAMES[target]}, ${mutation.name}` }
}

/** Something other than the frame itself, whatever the dice say. */
function changed(frame: Uint8Array, change: Mutation['change'], random: RandomBytes, earlier: Uint8Array): readonly Uint8Array[] {
  const frames = change(frame, random, earlier)
  return frames.length === 1 && equalBytes(frames[0]!, frame) ? changed(frame, MUTATIONS[0]!.change, random, earlier) : frames
}

function start({ backend, alice, bob }: Stage, pattern: 'XK' | 'XX', clock: ManualClock, meddle: (index: number, frame: Uint8Array) => readonly Uint8Array[]): Attempt {
  return begin(
    { ...secureOptions(alice, backend, { clock }), remoteKey: pattern === 'XK' ? bob.identity.publicKey : undefined },
    secureOptions(bob, backend, { clock }),
    (frame, from, index) => meddle(index * 2 + (from === 'listener' ? 1 : 0), frame),
  )
}

async function outcomeOf({ dialling, accepting, channels }: Attempt, clock: ManualClock, mayNeedClock: boolean): Promise<'accepted' | 'crashed' | 'hung' | 'refused'> {
  let waiting = 2
  const [dialler, listener] = [dialling, accepting].map(end => end.catch((error: unknown) => error).finally(() => { waiting-- }))
  await turnsUntil(() => waiting === 0)
  if (waiting > 0 && mayNeedClock) {
    clock.advance(DEFAULT_LIMITS.handshakeTimeoutMs)
    await turnsUntil(() => waiting === 0)
  }
  if (waiting > 0) return 'hung'
  const ends = [await dialler, await listener]
  const may = mayLink(channels)
  if ((!may.dialler && ends[0] instanceof SecureLink) || (!may.listener && ends[1] instanceof SecureLink)) return 'accepted'
  if (opensMore(ends[0], channels.dialler) || opensMore(ends[1], channels.listener)) return 'accepted'
  const orderly = ends.every(end => end instanceof SecureLink || (end instanceof P2PError && REFUSALS.includes(end.code)))
  return orderly && clock.timers === 0 ? 'refused' : 'crashed'
}

/** An end may believe the other only where all that both had read by then was what the other had sent. */
function mayLink({ dialler, listener }: Attempt['channels']): { dialler: boolean; listener: boolean } {
  const intact = (from: PairedChannel, to: PairedChannel, index: number): boolean => {
    const [sent, arrived] = [from.sent[index], to.arrived[index]]
    return sent !== undefined && arrived !== undefined && equalBytes(sent, arrived)
  }
  const acts = intact(dialler, listener, 0) && intact(listener, dialler, 0) && intact(dialler, listener, 1)
  return { dialler: acts && intact(listener, dialler, 1), listener: acts }
}

/** Nobody sealed anything after the handshake, so whatever else arrived was mallory's. */
function opensMore(end: unknown, channel: PairedChannel): boolean {
  return end instanceof SecureLink && channel.arrived.slice(2).some(frame => end.open(frame) !== null)
}

async function turnsUntil(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX && !done(); turn++) await new Promise(resolve => setImmediate(resolve))
}

function edited(frame: Uint8Array, random: RandomBytes, edit: (byte: number) => number): Uint8Array {
  const copy = frame.slice()
  const at = below(random, copy.length)
  copy[at] = edit(copy[at]!)
  return copy
}

/** The same x with the other Y: the likeliest point to be taken for the one that was sent. */
function negated(frame: Uint8Array): Uint8Array {
  const copy = frame.slice()
  copy[1] = copy[1]! ^ 1
  return copy
}
