import type { P2PMessage, PeerId } from '../contracts/message.ts'
import { PeerState, type PeerInfo } from '../contracts/peer.ts'
import { fromHex } from '../foundation/hex.ts'
import { renamed } from '../wire/verified-message.ts'

/** Whoever wrote a message, in both tongues: keys for the rooms, the user's names for the surface. */
export interface Sender {
  readonly room: PeerInfo
  readonly surface: PeerInfo
}

/** The same message with the user's names in place of keys, where the user gave any. */
export function surfaceMessage(message: P2PMessage, nameOf: (id: PeerId) => string | undefined): P2PMessage {
  const from = nameOf(message.from)
  const to = message.to === undefined ? undefined : nameOf(message.to)
  const via = message.via === undefined ? undefined : nameOf(message.via)
  if (from === undefined && to === undefined && via === undefined) return message
  return renamed(message, { from: from ?? message.from, to: to ?? message.to, via: via ?? message.via })
}

/** An author we hold no link to: its words came through somebody else. */
export function distantSender(id: PeerId, name: string | undefined): Sender {
  const info = (peerId: PeerId): PeerInfo => ({
    peerId, publicKey: fromHex(id), addresses: {}, state: PeerState.DISCONNECTED, lastSeen: 0, trust: 'first-use',
    ...(name === undefined ? {} : { name }),
  })
  return { room: info(id), surface: info(name ?? id) }
}
