import type { ICryptoBackend } from '../contracts/crypto.ts'
import { createNobleBackend } from '../crypto/noble.ts'
import { loadWasmBackend } from '../crypto/wasm.ts'
import type { FaultKind } from './fault-kinds.ts'
import type { LinkQuality } from './link-quality.ts'
import type { Seed } from './sim-random.ts'
import { simCrypto } from './stand-in-crypto.ts'

export interface SimulationOptions {
  /** Decides everything that is drawn. 1 by default: two runs are the same unless you ask for another. */
  seed?: Seed
  /** Whole coordinators. For thousands of nodes without wire and links there is `SimulatedMesh`. */
  fidelity?: 'full'
  /** By default a stand-in that is a thousand times faster than the curve and protects nothing; real ones are for protocols that compute with points. */
  crypto?: 'stand-in' | 'noble' | 'wasm' | ICryptoBackend
  /** One way, between two machines: drawn once for each pair from this range. 10 to 80 ms by default. */
  latencyMs?: number | readonly [min: number, max: number]
  /** How all links are by nature; perfect but for 2 ms of jitter by default. */
  quality?: Partial<Omit<LinkQuality, 'latencyMs'>>
  /** Unix time in milliseconds at which the world begins. */
  startMs?: number

  /** What goes wrong: nothing by default. */
  faults?: 'none' | 'all' | readonly FaultKind[]
  /** From one fault to the next, on average. 10 s by default. */
  faultEveryMs?: number
  /** Virtual time of the first that may come. 0 by default. */
  faultsFromMs?: number
  /** Virtual time after which nothing goes wrong and everything is mended, to see whether the nodes recover. Never by default. */
  faultsUntilMs?: number
  /** Numbers of the faults that come, as a failure names them; the others are left out. */
  onlyFaults?: readonly number[] | undefined

  /** How often what a dialling node wishes for is looked at: see `connect`. 15 s by default; Infinity leaves it to the coordinator. */
  redialMs?: number
  /** How often the bounds of each node are checked. 10 s by default. */
  checkEveryMs?: number
  /** How many of the latest events a failure can show. 200 by default. */
  keepEvents?: number
}

/** The backend that the option names. */
export async function backendFor({ crypto = 'stand-in', seed = 1 }: SimulationOptions): Promise<ICryptoBackend> {
  switch (crypto) {
    case 'stand-in': return simCrypto(seed)
    case 'noble': return createNobleBackend()
    case 'wasm': return await loadWasmBackend()
    default: return crypto
  }
}

/** Throws RangeError for an option that means nothing. */
export function checkSimulationOptions({ fidelity, faultEveryMs, checkEveryMs, redialMs }: SimulationOptions): void {
  if (fidelity !== undefined && fidelity !== 'full') throw new RangeError(`fidelity is 'full' here; for the handlers alone use SimulatedMesh, got ${JSON.stringify(fidelity)}`)
  for (const [name, value] of Object.entries({ faultEveryMs, checkEveryMs, redialMs })) {
    if (value !== undefined && !(value > 0)) throw new RangeError(`${name} must be a number above 0, got ${String(value)}`)
  }
}
