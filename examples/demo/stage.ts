import type { PeerId } from '../../lib/index.ts'
import type { MemoryChain } from '../../lib/protocols/coinjoin/index.node.ts'
import type { Actor } from './cast.ts'

export interface Network {
  readonly actors: readonly Actor[]
  readonly ids: Map<string, PeerId>
  readonly addresses: Map<string, string>
  /** A made-up Bitcoin chain, and where the nodes may ask it. A real wallet asks its own node. */
  readonly chain: MemoryChain
  readonly chainUrl: string
  /** Everybody has joined the round: it gathers while other acts go on. */
  joined?: Promise<void>
  say(text: string): void
}

/** One act of the demo: it does one thing on the running network, says what happens, and returns a line for the summary. */
export interface Stage {
  readonly title: string
  run(network: Network): Promise<string>
}

/** The beginning of a key, for people. */
export function short(id: PeerId): string {
  return `${id.slice(0, 8)}...`
}

/** Asks again until it holds; the demo never sleeps blindly, and never waits for ever. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited 30 s in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
