import type { IClock } from '../../contracts/clock.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { IStore } from '../../contracts/store.ts'
import { fromUtf8, utf8 } from '../../foundation/bytes.ts'
import { MARKER_SLACK_MS, SESSIONS_MAX } from './limits.ts'

/** That a nonce of ours left in a session: after a restart there is nothing to go on with, and a second nonce would name us as cheats. */
export interface Marker {
  readonly session: string
  /** Our signers: their keys as hex. */
  readonly own: readonly { readonly index: number; readonly key: string }[]
  /** Whom to tell after a restart. */
  readonly peers: readonly PeerId[]
  /** Unix time in milliseconds, of our clock when it was stored. */
  readonly untilMs: number
}

const PREFIX = 'nonce-left/'

/** Markers are the only thing a session stores. There is no secret in them. */
export class Markers {
  readonly #store: IStore
  readonly #clock: IClock
  readonly #abandoned = new Map<string, Marker>()

  constructor(store: IStore, clock: IClock) {
    this.#store = store
    this.#clock = clock
  }

  /** Sessions of an earlier start of this node that may still be waited for. */
  get abandoned(): ReadonlyMap<string, Marker> {
    return this.#abandoned
  }

  /** Durable when this resolves: only then may the nonce leave. */
  async put(marker: Marker): Promise<void> {
    await this.#store.put(PREFIX + marker.session, utf8(JSON.stringify(marker)), { sync: true })
  }

  async drop(session: string): Promise<void> {
    await this.#store.delete(PREFIX + session)
  }

  /** Reads what an earlier start has left; what is over is deleted. */
  async load(): Promise<void> {
    for await (const [key, value] of this.#store.entries(PREFIX, { limit: 2 * SESSIONS_MAX })) {
      const marker = parse(value)
      if (marker === null || marker.untilMs + MARKER_SLACK_MS < this.#clock.now()) await this.#store.delete(key)
      else this.#abandoned.set(marker.session, marker)
    }
  }
}

/** Our own writing, and yet a disk may have changed it. */
function parse(value: Uint8Array): Marker | null {
  try {
    const marker = JSON.parse(fromUtf8(value)) as Marker
    return typeof marker.session === 'string' && Array.isArray(marker.own) && Array.isArray(marker.peers) && Number.isFinite(marker.untilMs) ? marker : null
  } catch {
    return null
  }
}
