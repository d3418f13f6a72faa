import type { GossipOptions } from '../../../../lib/protocols/gossip/index.ts'
import type { Fidelity } from './ground.ts'

/** One figure beside what it may be. */
export interface Check {
  readonly what: string
  readonly unit: string
  readonly ours: number
  readonly bar: number
  readonly better: 'less' | 'more'
}

/** What one run of a bar came to. */
export interface Measured {
  readonly checks: readonly Check[]
  /** How many deliveries the figures rest on. */
  readonly samples: number
  /** What else was seen. */
  readonly figures: Readonly<Record<string, unknown>>
}

export interface BarOptions {
  n: number
  seed: number
  fidelity?: Fidelity | undefined
  messages?: number
  /** To see what a bar is worth without one of the defences. */
  gossip?: GossipOptions
}

export function holds({ ours, bar, better }: Check): boolean {
  return better === 'less' ? ours <= bar : ours >= bar
}

export const atMost = (what: string, unit: string, ours: number, bar: number): Check => ({ what, unit, ours, bar, better: 'less' })
export const atLeast = (what: string, unit: string, ours: number, bar: number): Check => ({ what, unit, ours, bar, better: 'more' })

/** What every honest node should have heard, in per cent. */
export const delivered = (share: number, percent = 100): Check => atLeast('delivered', '%', share * 100, percent)
