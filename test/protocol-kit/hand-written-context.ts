import type { IClock, OutgoingMessage, P2PError, P2PMessage, PeerId, PeerInfo, ProtocolContext, WaitOptions } from '../../lib/index.ts'
import { MemoryStore } from '../../lib/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** What a plugin said, in order. */
export type Said =
  | { verb: 'send'; to: PeerId; message: OutgoingMessage; options: WaitOptions | undefined }
  | { verb: 'broadcast'; message: OutgoingMessage; except: readonly PeerId[] | undefined }
  | { verb: 'request'; to: PeerId; message: OutgoingMessage; options: WaitOptions | undefined }
  | { verb: 'reply'; to: P2PMessage; payload: unknown }
  | { verb: 'report'; error: P2PError }

export interface HandWritten extends ProtocolContext {
  readonly clock: IClock & ManualClock
  readonly said: Said[]
  readonly abort: AbortController
  /** What sending and asking come to. */
  onSend: (to: PeerId | undefined, message: OutgoingMessage) => Promise<void>
  onRequest: (to: PeerId, message: OutgoingMessage) => Promise<P2PMessage>
}

/** A context that somebody outside this repository could have written: it knows the public types and nothing else. */
export function handWrittenContext(localId: PeerId = 'aa'.repeat(32)): HandWritten {
  const said: Said[] = []
  const abort = new AbortController()
  const localPeer: PeerInfo = { peerId: localId, addresses: {}, state: 'connected', lastSeen: 0 }
  const nobody = (): never => {
    throw new Error('nobody plays this role here')
  }
  const context: HandWritten = {
    said,
    abort,
    localPeer,
    clock: new ManualClock(),
    store: new MemoryStore(),
    signal: abort.signal,
    resources: { announce: nobody, discover: nobody, discoverPage: nobody, get: nobody, watch: nobody, getStats: () => ({ totalAnnouncements: 0 }) },
    pubsub: { publish: nobody, subscribe: nobody },
    addresses: { add: async () => false, sample: () => [], own: async () => new Uint8Array(0) },
    onSend: async () => {},
    onRequest: () => new Promise<P2PMessage>(() => {}),
    peers: () => [],
    randomBytes: length => new Uint8Array(length).fill(7),
    connect: async () => localPeer,
    disconnect: async () => {},
    send: async (to, message, options) => {
      said.push({ verb: 'send', to, message, options })
      await context.onSend(to, message)
    },
    broadcast: async (message, options) => {
      said.push({ verb: 'broadcast', message, except: options?.except })
      await context.onSend(undefined, message)
    },
    request: async (to, message, options) => {
      said.push({ verb: 'request', to, message, options })
      return await context.onRequest(to, message)
    },
    reply: async (to, payload) => void said.push({ verb: 'reply', to, payload }),
    author: async () => new Uint8Array(0),
    verify: nobody,
    deliver: nobody,
    ephemeral: nobody,
    report: error => void said.push({ verb: 'report', error }),
  }
  return context
}

export function messageFrom(from: PeerId, type: string, payload: unknown, fields: Partial<P2PMessage> = {}): P2PMessage {
  return { type, from, payload, timestamp: 0, messageId: 'm-1', ...fields }
}

export function peer(peerId: PeerId): PeerInfo {
  return { peerId, addresses: {}, state: 'connected', lastSeen: 0 }
}
