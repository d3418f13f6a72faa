import type { P2PMessage } from '../../../../lib/contracts/message.ts'
import { baseBackend } from '../../../../lib/crypto/select.node.ts'
import { gossipParameters, type GossipParameters } from '../../../../lib/protocols/gossip/parameters.ts'
import type { Item } from '../../../../lib/protocols/gossip/definition.ts'
import type { Entry } from '../../../../lib/protocols/gossip/entry.ts'
import type { GossipEffect, GossipEvent, GossipInput } from '../../../../lib/protocols/gossip/events.ts'
import { ItemIds, partsOf } from '../../../../lib/protocols/gossip/item-id.ts'
import { GossipState, type GossipStateOptions } from '../../../../lib/protocols/gossip/state.ts'
import { SimRandom } from '../../../../lib/testing/sim-random.ts'

export const TOPIC = 'news'
const START_MS = 1_700_000_000_000

/** The id of the peer so called. */
export function idOf(name: string): string {
  return Buffer.from(keyBytes(name)).toString('hex')
}

function keyBytes(name: string): Uint8Array {
  const key = new Uint8Array(32)
  key.set(Buffer.from(name).subarray(0, 32))
  return key
}

export interface Made { frame: Uint8Array; author: string; topic: string; body: unknown; timestampMs: number; messageId: string }

/** A signed frame by shape alone: what it says is in `made`, for the rig's own verifier. */
export class Press {
  static #presses = 0
  readonly #number = Press.#presses++
  readonly made = new Map<string, Made>()
  #count = 0

  frame({ author = 'author', body = 'text', topic = TOPIC, timestampMs = START_MS, signature = 1, size = 0 }: { author?: string; body?: unknown; topic?: string; timestampMs?: number; signature?: number; size?: number } = {}): Uint8Array {
    const payload = Buffer.alloc(Math.max(size, 16))
    payload.write(`${topic}/${String(body)}/${timestampMs}`)
    const header = Buffer.from(`header ${String(this.#count++).padStart(8, '0')}`)
    const frame = new Uint8Array(98 + 2 + header.length + payload.length)
    frame.set([1, 1])
    frame.set(keyBytes(author), 2)
    frame.fill(signature, 34, 98)
    frame[99] = header.length
    frame.set(header, 100)
    frame.set(payload, 100 + header.length)
    this.made.set(contentOf(frame), { frame, author, topic, body, timestampMs, messageId: `${this.#number}-${this.#count}` })
    return frame
  }

  /** The same words under another signature. Signature byte 0 means: does not verify. */
  resigned(frame: Uint8Array, signature: number): Uint8Array {
    const copy = frame.slice()
    copy.fill(signature, 34, 98)
    return copy
  }

  read(frame: Uint8Array): P2PMessage | null {
    const made = this.made.get(contentOf(frame))
    if (made === undefined || frame[34] === 0) return null
    return { type: 'publication', protocol: 'gossip', from: idOf(made.author), payload: { topic: made.topic, body: made.body }, timestamp: made.timestampMs, messageId: made.messageId }
  }
}

function contentOf(frame: Uint8Array): string {
  return Buffer.from(frame.subarray(98)).toString('latin1')
}

export interface RigOptions extends Partial<Omit<GossipStateOptions, 'parameters'>> {
  parameters?: Partial<GossipParameters>
  /** Answers `validate`; accepts by default. Undefined leaves it to the test. */
  verdict?: ((entry: Entry) => 'accept' | 'reject' | 'ignore' | 'busy' | undefined) | undefined
  /** False leaves `verify` to the test. */
  verifies?: boolean
  seed?: number
}

/** One state, the time it is told, and all that it wanted done. */
export class Rig {
  readonly state: GossipState
  readonly press = new Press()
  readonly effects: GossipEffect[] = []
  readonly ids = new ItemIds(baseBackend())
  /** Those the state runs on; `tune` changes them. */
  readonly parameters: GossipParameters
  nowMs = 1_000
  readonly #options: RigOptions
  #dueMs = new Map<string, number>()

  constructor(options: RigOptions = {}) {
    this.#options = options
    const random = new SimRandom(options.seed ?? 1)
    this.parameters = gossipParameters({ syncEveryMs: 0, ...options.parameters })
    this.state = new GossipState({
      ownKey: keyBytes('me'), hasher: baseBackend(), random: () => random.fraction(), ...options, parameters: this.parameters,
    })
    this.take({ kind: 'start' })
    this.take({ kind: 'join', topic: TOPIC })
  }

  get wallMs(): number {
    return START_MS + this.nowMs - 1_000
  }

  take(input: GossipInput): readonly GossipEffect[] {
    const before = this.effects.length
    this.#run(this.state.handle(input, this.nowMs))
    return this.effects.slice(before)
  }

  #run(effects: readonly GossipEffect[]): void {
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.kind === 'schedule') this.#dueMs.set(effect.timer, this.nowMs + effect.delayMs)
      else if (effect.kind === 'verify' && this.#options.verifies !== false) this.verify(effect.entry)
      else if (effect.kind === 'validate') {
        const verdict = this.#options.verdict === undefined ? 'accept' : this.#options.verdict(effect.entry)
        if (verdict !== undefined) this.#run(this.state.handle({ kind: 'verdict', entry: effect.entry, verdict }, this.nowMs))
      }
    }
  }

  verify(entry: Entry): void {
    const message = this.press.read(entry.frame)
    const input: GossipInput = message === null
      ? { kind: 'unverified', entry, code: 'ERR_WIRE_BAD_SIGNATURE', fault: false }
      : { kind: 'verified', entry, message, wallMs: this.wallMs }
    this.#run(this.state.handle(input, this.nowMs))
  }

  /** Lets time pass, with every timer that falls due. */
  pass(ms: number): readonly GossipEffect[] {
    const before = this.effects.length
    const untilMs = this.nowMs + ms
    for (;;) {
      const next = [...this.#dueMs].filter(([, dueMs]) => dueMs <= untilMs).sort((a, b) => a[1] - b[1])[0]
      if (next === undefined) break
      this.#dueMs.delete(next[0])
      this.nowMs = Math.max(this.nowMs, next[1])
      this.take({ kind: 'timer', timer: next[0], wallMs: this.wallMs })
    }
    this.nowMs = untilMs
    return this.effects.slice(before)
  }

  /** Connected, and subscribed unless told otherwise. */
  peer(name: string, { outbound, netgroup, topics = [TOPIC] }: { outbound?: boolean; netgroup?: string; topics?: readonly string[] } = {}): string {
    const peerId = idOf(name)
    this.take({ kind: 'joined', facts: { peerId, key: keyBytes(name), outbound, netgroup } })
    if (topics.length > 0) this.take({ kind: 'subscribe', from: peerId, topics })
    return peerId
  }

  peers(count: number, options: { outbound?: boolean } = {}, prefix = 'peer'): string[] {
    return Array.from({ length: count }, (_, index) => this.peer(`${prefix}-${index}`, options))
  }

  item(from: string, frame: Uint8Array, { topic = TOPIC, hops = 1 }: { topic?: string; hops?: number } = {}): readonly GossipEffect[] {
    return this.take({ kind: 'item', from, item: { topic, hops, path: new Uint8Array(0), frame } })
  }

  /** A new good item from this peer. */
  good(from: string, options: Parameters<Press['frame']>[0] = {}): readonly GossipEffect[] {
    return this.item(from, this.press.frame({ timestampMs: this.wallMs, ...options }))
  }

  idOf(frame: Uint8Array): Uint8Array {
    return this.ids.idOf(frame, partsOf(frame)!)
  }

  get mesh(): string[] {
    return this.state.meshOf(TOPIC)
  }

  counter(name: string): number {
    return this.state.stats.counters[name] ?? 0
  }
}

// Looking at effects.

export function sends(effects: readonly GossipEffect[], type: string): { to: string; payload: never }[] {
  return effects.filter(effect => effect.kind === 'send' && effect.type === type) as never
}

export function pushes(effects: readonly GossipEffect[]): { to: string[]; item: Item }[] {
  return effects.filter(effect => effect.kind === 'push').map(({ to, item }) => ({ to: to.map(({ id }) => id), item }))
}

/** Everybody an item was pushed to. */
export function pushedTo(effects: readonly GossipEffect[]): string[] {
  return pushes(effects).flatMap(({ to }) => to)
}

export function delivered(effects: readonly GossipEffect[]): unknown[] {
  return effects.filter(effect => effect.kind === 'deliver').map(({ body }) => body)
}

export function verifications(effects: readonly GossipEffect[]): number {
  return effects.filter(effect => effect.kind === 'verify').length
}

export function blamed(effects: readonly GossipEffect[]): string[] {
  return effects.filter(effect => effect.kind === 'blame').map(({ peerId }) => peerId)
}

export function eventsIn<K extends GossipEvent['kind']>(effects: readonly GossipEffect[], kind: K): Extract<GossipEvent, { kind: K }>[] {
  return effects.flatMap(effect => (effect.kind === 'emit' && effect.event.kind === kind ? [effect.event] : [])) as never
}
