import type { ExchangeEffect, ExchangeInput } from '../../../../lib/protocols/exchange/events.ts'
import { ExchangeState, type ExchangeStateOptions } from '../../../../lib/protocols/exchange/state.ts'
import { SimRandom } from '../../../../lib/testing/sim-random.ts'

export const WALL_MS = 1_700_000_000_000

/** The id of the peer so called. */
export function idOf(name: string): string {
  return Buffer.from(name.padEnd(32, '.')).toString('hex').slice(0, 64)
}

export function nameOf(id: string): string {
  return Buffer.from(id, 'hex').toString().replace(/\.+$/, '')
}

/** Bytes that claim an owner, as a signed record does; `mark` tells one from another. */
export function recordOf(name: string, mark = 0): Uint8Array {
  const record = new Uint8Array(120).fill(mark, 34)
  record.set(Buffer.from(idOf(name), 'hex'), 2)
  return record
}

/** Whose records they are. */
export function ownersOf(records: readonly Uint8Array[]): string[] {
  return records.map(record => nameOf(Buffer.from(record.subarray(2, 34)).toString('hex')))
}

/** What checking a record comes to. */
export interface Check { statedAtMs?: number; usable?: boolean; group?: string; fault?: boolean }

/** The rules of one node, `me`, without a node. Checks and dials are answered by the test, through this. */
export class Rig {
  readonly state: ExchangeState
  nowMs = 0
  out: ExchangeEffect[] = []
  readonly scores = new Map<string, number>()
  sample: string[] = []

  constructor(options: Partial<ExchangeStateOptions> = {}) {
    const random = new SimRandom(1)
    this.state = new ExchangeState({
      ownId: idOf('me'), outboundTarget: 0, hasBootstrap: false, random: () => random.fraction(),
      scoreOf: id => this.scores.get(nameOf(id)) ?? 0, sample: () => this.sample.map(idOf), ...options,
    })
    this.feed({ kind: 'start' })
  }

  feed(input: ExchangeInput): ExchangeEffect[] {
    const effects = [...this.state.handle(input, this.nowMs)]
    this.out.push(...effects)
    return effects
  }

  join(name: string, { speaks = true, outbound = false, group }: { speaks?: boolean; outbound?: boolean; group?: string } = {}): ExchangeEffect[] {
    return this.feed({ kind: 'joined', from: idOf(name), speaks, outbound, group })
  }

  leave(name: string): ExchangeEffect[] {
    return this.feed({ kind: 'left', from: idOf(name) })
  }

  /** A peer joins and says where it is. */
  meet(name: string, mark = 0): void {
    this.join(name)
    this.check(this.ask(name, recordOf(name, mark)))
  }

  ask(name: string, own: Uint8Array | null = null): ExchangeEffect[] {
    return this.feed({ kind: 'asked', from: idOf(name), own })
  }

  /** What a peer that asks is given. */
  given(name: string): string[] {
    const answer = this.ask(name).find(effect => effect.kind === 'answer')
    return answer?.kind === 'answer' ? ownersOf(answer.records) : ['no answer']
  }

  list(from: string, records: readonly Uint8Array[]): ExchangeEffect[] {
    return this.feed({ kind: 'list', from: idOf(from), records })
  }

  news(from: string, records: readonly Uint8Array[]): ExchangeEffect[] {
    return this.feed({ kind: 'news', from: idOf(from), records })
  }

  /** Answers every check that was asked for. */
  check(effects: readonly ExchangeEffect[], { statedAtMs = WALL_MS + this.nowMs, usable = true, group, fault }: Check = {}): ExchangeEffect[] {
    return effects.flatMap(effect => {
      if (effect.kind !== 'check') return []
      const { from, owner, record } = effect
      if (fault !== undefined) return this.feed({ kind: 'unchecked', from, owner, isFault: fault })
      return this.feed({ kind: 'checked', from, owner, record, statedAtMs, wallMs: WALL_MS + this.nowMs, usable, group })
    })
  }

  dialled(name: string, outcome: 'linked' | 'failed' | 'full-there' | 'full-here' | 'unusable'): ExchangeEffect[] {
    if (outcome === 'linked') this.join(name, { outbound: true })
    return this.feed({ kind: 'dialled', to: idOf(name), outcome })
  }

  /** Lets a timer run out that was scheduled: fails where there is none of that name. */
  fire(timer: 'round' | 'bootstrap'): ExchangeEffect[] {
    const scheduled = this.out.findLast(effect => effect.kind === 'schedule' && effect.timer === timer)
    if (scheduled?.kind !== 'schedule') throw new Error(`no timer '${timer}' is running`)
    this.nowMs += scheduled.delayMs
    return this.feed({ kind: 'timer', timer })
  }

  /** Rounds, one after the other, and what they bring about. */
  rounds(count: number): ExchangeEffect[] {
    return Array.from({ length: count }, () => this.fire('round')).flat()
  }

  pass(ms: number): void {
    this.nowMs += ms
  }

  counted(reason: string): number {
    return this.state.stats.counters[reason] ?? 0
  }
}

/** Names after a kind: `ask`, `dial`, `check`. */
export function toWhom(effects: readonly ExchangeEffect[], kind: 'ask' | 'dial'): string[] {
  return effects.flatMap(effect => effect.kind === kind ? [nameOf((effect as { to: string }).to)] : [])
}

/** What is told to whom: `bob: carol, dave`. */
export function newsIn(effects: readonly ExchangeEffect[]): string[] {
  return effects.flatMap(effect => effect.kind === 'send' && effect.type === 'news' ? [`${nameOf(effect.to)}: ${ownersOf(effect.payload.records).join(', ')}`] : [])
}

export function charged(effects: readonly ExchangeEffect[]): string[] {
  return effects.flatMap(effect => effect.kind === 'blame' ? [`${effect.code} ${nameOf(effect.peerId)}`] : effect.kind === 'breach' ? [`${effect.code} ${nameOf(effect.from)}`] : [])
}

export function many(count: number, prefix = 'n'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}
