import type { PeerId } from '../../../../lib/contracts/message.ts'
import type { Receivers, RequestPayload, RequestType, ReplyPayload, Responders } from '../../../../lib/contracts/protocol.ts'
import { dhtProtocol, type DhtProtocol } from '../../../../lib/protocols/dht/index.ts'
import type { FindReply, FindRequest } from '../../../../lib/protocols/dht/definition.ts'
import { Targets } from '../../../../lib/protocols/dht/position.ts'
import { baseBackend } from '../../../../lib/crypto/select.node.ts'
import { ProtocolHandler } from '../../../../lib/protocol-kit/protocol-handler.ts'

export const targets = new Targets(baseBackend())
const NOTHING = new Uint8Array(0)

export interface Said { type: string; id: string; sets: string[]; seq: number; created: number; expires: number; data: unknown; gone: boolean }

/** Speaks the DHT's words as it pleases. */
export class Mallory extends ProtocolHandler<DhtProtocol> {
  /** What it answers to a find; nothing by default. */
  onFind: (ask: FindRequest) => Partial<FindReply> = () => ({})
  onList: () => { rows: Uint8Array; split: boolean } = () => ({ rows: NOTHING, split: false })
  onFetch: () => { frames: Uint8Array[] } = () => ({ frames: [] })
  finds = 0
  readonly puts: unknown[] = []

  protected readonly receive: Receivers<DhtProtocol> = { here: () => {}, changed: () => {} }
  protected override readonly answer: Responders<DhtProtocol> = {
    find: ask => {
      this.finds++
      return { closer: NOTHING, token: new Uint8Array(8), count: 0, split: false, frames: [], ...this.onFind(ask) }
    },
    put: ask => {
      this.puts.push(ask)
      return { verdict: 'stored', waitMs: 0, seq: 0, split: false }
    },
    list: () => this.onList(),
    fetch: () => this.onFetch(),
    where: () => ({ records: [] }),
    watch: () => ({ forMs: 60_000 }),
    carry: () => ({ frame: NOTHING }),
  }

  constructor() {
    super(dhtProtocol)
  }

  get context_() {
    return this.context
  }

  async greet(to: PeerId): Promise<void> {
    await this.context.send(to, { type: 'here', payload: { serves: true, record: await this.context.addresses.own() } })
  }

  async say(to: PeerId, type: string, payload: unknown): Promise<void> {
    await this.context.send(to, { type, payload })
  }

  async ask<T extends RequestType<DhtProtocol>>(to: PeerId, type: T, payload: RequestPayload<DhtProtocol, T>): Promise<ReplyPayload<DhtProtocol, T>> {
    return (await this.context.request(to, { type, payload }, { timeoutMs: 5_000 })).payload as ReplyPayload<DhtProtocol, T>
  }

  /** A record in its own name, whatever it says. */
  async record(said: Partial<Said> = {}, type = 'record'): Promise<Uint8Array> {
    const nowMs = this.context.clock.now()
    return await this.context.author({ type, payload: { type: 'thing', id: 'x', sets: ['thing'], seq: nowMs, created: nowMs, expires: nowMs + 60_000, data: 1, gone: false, ...said } })
  }

  /** Asks for leave, then puts. */
  async put(to: PeerId, frame: Uint8Array, { target = targets.item('thing', 'x').bytes, slot = 0, cas = null as number | null, token = undefined as Uint8Array | undefined } = {}) {
    const leave = token ?? (await this.ask(to, 'find', { target, records: false, token: true })).token
    return await this.ask(to, 'put', { target, slot, token: leave, frame, cas })
  }
}
