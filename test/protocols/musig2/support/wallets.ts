import { toHex } from '../../../../lib/foundation/hex.ts'
import { MuSig2 } from '../../../../lib/protocols/musig2/handler.ts'
import type { MuSig2Options, SessionRequest } from '../../../../lib/protocols/musig2/options.ts'
import type { SigningRequest } from '../../../../lib/protocols/musig2/request.ts'
import { Simulation } from '../../../../lib/testing/simulation.ts'
import type { SimNode } from '../../../../lib/testing/sim-node.ts'
import type { SimulationOptions } from '../../../../lib/testing/simulation-options.ts'
import type { MuSig2Abort } from '../../../../lib/protocols/musig2/abort-error.ts'
import type { MuSig2Result } from '../../../../lib/protocols/musig2/options.ts'
import { backend, bytesOf } from './table.ts'

export const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin']

/** How a wallet answers. */
export type Holder = (request: SigningRequest) => void | Promise<void>
export const approve: Holder = request => request.approve({ allowOpaque: true })

/** What came of a session for one wallet. */
export type End = { result: MuSig2Result } | { error: MuSig2Abort & { code: string } }

/** Wallets on simulated machines: whole coordinators, real MuSig2, simulated message signatures. */
export class Wallets implements AsyncDisposable {
  readonly sim: Simulation
  readonly nodes: SimNode[] = []
  readonly ends = new Map<string, End[]>()
  readonly requests = new Map<string, SigningRequest[]>()
  readonly holders = new Map<string, Holder>()
  readonly message = bytesOf('what they sign')

  constructor(options: SimulationOptions = {}) {
    this.sim = new Simulation({ seed: 1, latencyMs: 20, redialMs: 2_000, ...options })
  }

  static async of(count: number, options: SimulationOptions & { star?: boolean; musig2?: Partial<MuSig2Options>; unlinked?: boolean } = {}): Promise<Wallets> {
    const { star, musig2, unlinked, ...rest } = options
    const wallets = new Wallets(rest)
    for (let index = 0; index < count; index++) await wallets.add(NAMES[index] ?? `signer-${index}`, { musig2 })
    if (unlinked !== true) await wallets.link(star === true)
    return wallets
  }

  async add(name: string, { musig2, key = secretOf(name) }: { musig2?: Partial<MuSig2Options> | undefined; key?: Uint8Array } = {}): Promise<SimNode> {
    this.ends.set(name, [])
    this.requests.set(name, [])
    const node = await this.sim.addNode(name, {
      // What a stranger's key costs is for other tests: it is work, and there are many nodes here.
      config: { heartbeatInterval: 5_000, sybilCost: false },
      protocols: () => {
        const handler = new MuSig2({ keys: key, crypto: backend, ...musig2 })
        handler.onRequest(request => {
          this.requests.get(name)!.push(request)
          return (this.holders.get(name) ?? approve)(request)
        })
        handler.events.on('complete', result => void this.ends.get(name)!.push({ result }))
        handler.events.on('aborted', error => void this.ends.get(name)!.push({ error }))
        return [handler]
      },
    })
    this.nodes.push(node)
    return node
  }

  async link(star: boolean): Promise<void> {
    for (const [at, node] of this.nodes.entries()) for (const other of this.nodes.slice(0, star ? Math.min(1, at) : at)) await this.sim.connect(node, other)
  }

  musig2(name: string): MuSig2 {
    return this.sim.node(name).handler(MuSig2)
  }

  get keys(): Uint8Array[] {
    return this.nodes.map(({ name }) => keyOf(name))
  }

  /** alice begins; what comes of it is in `ends`, or thrown at once where it cannot be begun. */
  begin(request: Partial<SessionRequest> = {}, by = 'alice'): Promise<MuSig2Result> {
    const promise = this.musig2(by).sign({ signers: this.keys, message: this.message, timeoutMs: 30_000, ...request })
    promise.catch(() => {})
    return promise
  }

  /** Lets the world go on until every wallet that is up has heard the end of this many sessions. */
  async settle(count = 1, withinMs = 60_000, names = this.nodes.map(({ name }) => name)): Promise<void> {
    await this.sim.runUntil(() => names.every(name => !this.sim.node(name).isUp || this.ends.get(name)!.length >= count), { withinMs, what: `${count} sessions to end at ${names.join(', ')}: ${names.map(name => `${name} ${this.ends.get(name)!.length}`).join(', ')}` })
  }

  endOf(name: string): End {
    return this.ends.get(name)!.at(-1)!
  }

  /** `complete`, or the reason and the names of the culprits. */
  tell(name: string): string {
    const end = this.ends.get(name)!.at(-1)
    if (end === undefined) return 'nothing'
    if ('result' in end) return 'complete'
    return `${end.error.reason} ${end.error.culprits.map(({ publicKey }) => this.nodes.find(node => toHex(keyOf(node.name)) === toHex(publicKey))?.name).join(' ')}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.shutdown()
  }
}

export function secretOf(name: string): Uint8Array {
  return bytesOf(`key of ${name}`)
}

export function keyOf(name: string): Uint8Array {
  return backend.publicKeyOf(secretOf(name))
}
