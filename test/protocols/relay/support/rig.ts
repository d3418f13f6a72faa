import { fromHex } from '../../../../lib/foundation/hex.ts'
import type { RelayEffect, RelayInput, Stated, Statement } from '../../../../lib/protocols/relay/events.ts'
import { HOPS_MAX, SEALED_BYTES_MIN } from '../../../../lib/protocols/relay/limits.ts'
import { RelayState, type RelayStateOptions } from '../../../../lib/protocols/relay/state.ts'

export const WALL_MS = 1_700_000_000_000

/** The id of the peer so called. */
export function idOf(name: string): string {
  return Buffer.from(name.padEnd(32, '.')).toString('hex').slice(0, 64)
}

export function bytesOf(name: string): Uint8Array {
  return fromHex(idOf(name))
}

/** 16 bytes for a number. */
export function tagOf(number: number): Uint8Array {
  const id = new Uint8Array(16)
  new DataView(id.buffer).setUint32(0, number)
  return id
}

/** Bytes that claim an author, as a signed frame does; `mark` tells one from another. */
export function claimBy(name: string, mark = 0): Uint8Array {
  const statement = new Uint8Array(120).fill(mark, 34)
  statement.set(bytesOf(name), 2)
  return statement
}

export function sealed(size = SEALED_BYTES_MIN): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes[0] = 0x80
  return bytes
}

type Word = 'seek' | 'found' | 'receipt' | 'carry' | 'lost'

/** The rules of one node, `me`, without a node. Effects gather in `out` until they are taken. */
export class Rig {
  readonly state: RelayState
  nowMs = 0
  out: RelayEffect[] = []
  #ids = 0

  constructor(options: Partial<RelayStateOptions> = {}) {
    this.state = new RelayState({ ownId: idOf('me'), carries: true, bytesPerSecond: 1024 * 1024, newId: () => tagOf(900_000 + this.#ids++), ...options })
    this.feed({ kind: 'start' })
  }

  feed(input: RelayInput): RelayEffect[] {
    const effects = [...this.state.handle(input, this.nowMs)]
    this.out.push(...effects)
    return effects
  }

  join(...names: string[]): void {
    for (const name of names) this.feed({ kind: 'joined', from: idOf(name) })
  }

  leave(name: string): RelayEffect[] {
    return this.feed({ kind: 'left', from: idOf(name) })
  }

  /** A search comes by, and its statement is as it says unless `says` has something else; null leaves it unchecked. */
  seek(from: string, tag: number, { seeker = 'seeker', target = 'target', hops = 5, says = {}, wallMs = WALL_MS, mark = 0 }: {
    seeker?: string; target?: string; hops?: number; says?: Partial<Extract<Statement, { type: 'seeking' }>>; wallMs?: number; mark?: number
  } = {}): RelayEffect[] {
    const stated: Stated = { word: 'seek', from: idOf(from), payload: { id: tagOf(tag), target: bytesOf(target), hops, statement: claimBy(seeker, mark) } }
    const effects = this.feed({ kind: 'word', stated })
    if (!effects.some(({ kind }) => kind === 'check')) return effects
    return this.feed({ kind: 'stated', stated, wallMs, statement: { type: 'seeking', by: idOf(seeker), id: hexOf(tag), target: idOf(target), timestampMs: WALL_MS, ...says } })
  }

  /** An answer comes back; it is checked if the rules ask for it. */
  found(from: string, tag: number, { seeker = 'seeker', target = 'target', mark = 1, says = {} }: {
    seeker?: string; target?: string; mark?: number; says?: Partial<Extract<Statement, { type: 'here' }>>
  } = {}): RelayEffect[] {
    const stated: Stated = { word: 'found', from: idOf(from), payload: { id: tagOf(tag), seeker: bytesOf(seeker), statement: claimBy(target, mark) } }
    const effects = this.feed({ kind: 'word', stated })
    if (!effects.some(({ kind }) => kind === 'check')) return effects
    return this.feed({ kind: 'stated', stated, wallMs: WALL_MS, statement: { type: 'here', by: idOf(target), id: hexOf(tag), seeker: idOf(seeker), ...says } })
  }

  carry(from: string, tag: number, { to = 'target', attempt = 0, hops = HOPS_MAX, bytes = sealed(), digest = 'd1' }: {
    to?: string; attempt?: number; hops?: number; bytes?: Uint8Array; digest?: string
  } = {}): RelayEffect[] {
    return this.feed({ kind: 'carry', from: idOf(from), digest, payload: { id: tagOf(tag), to: bytesOf(to), attempt, hops, sealed: bytes } })
  }

  receipt(from: string, id: Uint8Array, { target = 'target', digest = 'd1', says = {} }: {
    target?: string; digest?: string; says?: Partial<Extract<Statement, { type: 'received' }>>
  } = {}): RelayEffect[] {
    const stated: Stated = { word: 'receipt', from: idOf(from), payload: { id, statement: claimBy(target) } }
    const effects = this.feed({ kind: 'word', stated })
    if (!effects.some(({ kind }) => kind === 'check')) return effects
    return this.feed({ kind: 'stated', stated, wallMs: WALL_MS, statement: { type: 'received', by: idOf(target), id: Buffer.from(id).toString('hex'), digest, ...says } })
  }

  lost(from: string, id: Uint8Array, attempt = 0, why: 'no-way' | 'busy' | 'refused' = 'no-way'): RelayEffect[] {
    return this.feed({ kind: 'lost', from: idOf(from), payload: { id, attempt, why } })
  }

  send(ref: string, to = 'target', digest = 'd1'): RelayEffect[] {
    return this.feed({ kind: 'send', ref, to: idOf(to), sealed: sealed(), digest, id: tagOf(500_000 + Number(ref)) })
  }

  /** The signature that was asked for last is there. */
  signed(effects: readonly RelayEffect[], mark = 5): RelayEffect[] {
    const wanted = effects.findLast(effect => effect.kind === 'sign')
    if (wanted?.kind !== 'sign') throw new Error('nothing is to be signed')
    return this.feed({ kind: 'signed', purpose: wanted.purpose, statement: claimBy('me', mark) })
  }

  /** Teaches a way to `target` through `via`, by a search of `seeker` that came from `from`. */
  teach(via: string, { from = 'from', target = 'target', seeker = 'seeker', tag = 1 } = {}): void {
    this.seek(from, tag, { target, seeker })
    this.found(via, tag, { target, seeker })
  }

  /** Lets a timer run out that was scheduled: fails where there is none of that name. */
  fire(timer: string): RelayEffect[] {
    const scheduled = this.out.findLast(effect => (effect.kind === 'schedule' || effect.kind === 'cancel') && effect.timer === timer)
    if (scheduled?.kind !== 'schedule') throw new Error(`no timer '${timer}' is running`)
    this.nowMs += scheduled.delayMs
    return this.feed({ kind: 'timer', timer })
  }

  pass(ms: number): void {
    this.nowMs += ms
  }

  counted(reason: string): number {
    return this.state.stats.counters[reason] ?? 0
  }
}

/** Who is told which word, in order: `seek>bob`. */
export function told(effects: readonly RelayEffect[], ...words: Word[]): string[] {
  return effects.flatMap(effect => {
    if (effect.kind === 'hand-on' && (words.length === 0 || words.includes('carry'))) return [`carry>${nameOf(effect.to)}`]
    return effect.kind === 'send' && (words.length === 0 || words.includes(effect.type)) ? [`${effect.type}>${nameOf(effect.to)}`] : []
  })
}

/** Who is charged, with which code. */
export function charged(effects: readonly RelayEffect[]): string[] {
  return effects.flatMap(effect => effect.kind === 'blame' ? [`${effect.code} ${nameOf(effect.peerId)}`] : effect.kind === 'breach' ? [`${effect.code} ${nameOf(effect.from)}`] : [])
}

export function settled(effects: readonly RelayEffect[]): string[] {
  return effects.flatMap(effect => effect.kind === 'emit' ? [`${effect.event.ref} ${effect.event.outcome}`] : [])
}

function hexOf(tag: number): string {
  return Buffer.from(tagOf(tag)).toString('hex')
}

function nameOf(id: string): string {
  return Buffer.from(id, 'hex').toString().replace(/\.+$/, '')
}
