import type { PeerId } from './message.ts'

export const PeerState = {
  DISCONNECTED: 'disconnected',
  CONNECTING: 'connecting',
  CONNECTED: 'connected',
  DISCONNECTING: 'disconnecting',
  FAILED: 'failed',
} as const
export type PeerState = (typeof PeerState)[keyof typeof PeerState]

/** One optional address per transport name. A new transport adds its key by declaration merging. */
export interface PeerAddresses {
  websocket?: string
  webrtc?: { type: 'offer' | 'answer'; sdp: string }
  http?: string
  memory?: string
  libp2p?: string
}

export interface PeerInfo {
  /**
   * On the coordinator's surface: your local name for this peer if you bound one, else its public
   * key as 64 hex digits. Inside a protocol's room it is always the key.
   */
  peerId: PeerId
  /** Your local name for this peer, where you bound one. */
  name?: string | undefined
  /** 32-byte x-only secp256k1 key (BIP340); known once the handshake has finished. */
  publicKey?: Uint8Array
  addresses: PeerAddresses
  state: PeerState
  /** Unix time in milliseconds, on our clock. */
  lastSeen: number
  /** How we came by this key: told by the user, pinned under a name, or met for the first time. */
  trust?: 'given' | 'pinned' | 'first-use'
  /** Which side dialled: of the link we have, or had last. */
  direction?: 'inbound' | 'outbound'
  /** Where the link's other end is, as its transport says it: `ws://192.0.2.1:51112`. */
  remoteAddress?: string
  /** Round trip of the last heartbeat, in milliseconds. */
  roundTripMs?: number
  /** What it said it speaks, from the sealed part of the handshake. */
  protocols?: readonly { name: string; version: number }[]
  metadata?: Record<string, unknown>
}

/**
 * Why a link ended: `local` we closed it, `remote` they did, `timeout` it fell silent, `misbehaviour`
 * they broke a rule, `limit` no room was left, `shutdown` one side went down in good order, `error` the socket broke.
 */
export type DisconnectReason = 'local' | 'remote' | 'timeout' | 'misbehaviour' | 'limit' | 'shutdown' | 'error'
