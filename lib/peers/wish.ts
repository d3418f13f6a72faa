import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { PeerAddresses, PeerInfo } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import { toHex } from '../foundation/hex.ts'
import { transportFor } from './dialer.ts'
import { checkedName, isPeerId, type NameBook } from './name-book.ts'

/** What a caller's words to `connect` come down to. */
export interface Wish {
  /** For error texts: the name, id or address the caller used. */
  who: string
  /** The key that must answer, where one is known. */
  id?: PeerId | undefined
  /** A local name to bind to whoever answers. */
  name?: string
  addresses: PeerAddresses
  /** The caller told the key, rather than us having it from an earlier meeting. */
  given: boolean
  metadata?: Record<string, unknown> | undefined
}

type Surroundings = { names: NameBook; transports: readonly ITransport[] }

/** Whom the caller means, where, and by which name. Throws TypeError, RangeError, ERR_PEER_ID_MISMATCH, ERR_PEER_UNKNOWN. */
export function wishFor(peer: PeerInfo | string, surroundings: Surroundings): Wish {
  if (typeof peer === 'string') return wishForText(peer, surroundings)
  if (typeof peer !== 'object' || peer === null) throw new TypeError(`expected a PeerInfo, a URL, an id or a name, got ${peer === null ? 'null' : typeof peer}`)
  return wishForInfo(peer, surroundings.names)
}

function wishForInfo({ peerId, publicKey, addresses, metadata }: PeerInfo, names: NameBook): Wish {
  if (typeof addresses !== 'object' || addresses === null) throw new TypeError('a PeerInfo needs addresses, such as { websocket: "ws://..." }')
  const given = publicKey === undefined ? undefined : idOfKey(publicKey)
  if (peerId === undefined || peerId === '') return { who: describe(addresses), id: given, addresses, given: given !== undefined, metadata }
  if (isPeerId(peerId)) {
    if (given !== undefined && given !== peerId) throw new RangeError(`peerId ${peerId} and publicKey ${given} name two different peers`)
    return { who: peerId, id: peerId, addresses, given: true, metadata }
  }
  const bound = names.resolve(checkedName(peerId))
  if (bound !== undefined && given !== undefined && bound !== given) {
    throw new P2PError(ErrorCode.PEER_ID_MISMATCH, `'${peerId}' is bound to ${bound}, not to ${given}; call forget('${peerId}') only if you know that its key has changed`, { peerId })
  }
  return { who: peerId, name: peerId, id: bound ?? given, addresses, given: given !== undefined, metadata }
}

function wishForText(text: string, { names, transports }: Surroundings): Wish {
  const id = names.resolve(text)
  if (id !== undefined) return { who: text, id, addresses: {}, given: isPeerId(text) }
  const [address = '', fragment] = text.split('#')
  const transport = transportFor(address, transports)
  if (transport !== undefined) return wishForAddress(address, fragment, transport)
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) throw new P2PError(ErrorCode.TRANSPORT_NOT_AVAILABLE, `no transport of this node dials ${text}`)
  throw new P2PError(ErrorCode.PEER_UNKNOWN, `no peer is known as ${JSON.stringify(text)}; connect with a PeerInfo or a URL first`, { peerId: text })
}

/** `url#id` pins the key. */
function wishForAddress(address: string, fragment: string | undefined, transport: ITransport): Wish {
  if (fragment !== undefined && !isPeerId(fragment)) throw new RangeError(`after # an id of 64 lower-case hex digits is expected, got ${JSON.stringify(fragment)}`)
  return { who: address, id: fragment, addresses: { [transport.name]: address } as PeerAddresses, given: fragment !== undefined }
}

function idOfKey(publicKey: Uint8Array): PeerId {
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32) throw new TypeError('publicKey must be a Uint8Array of 32 bytes (x-only)')
  return toHex(publicKey)
}

function describe(addresses: PeerAddresses): string {
  const first = Object.values(addresses).find(address => typeof address === 'string')
  return first ?? 'an unnamed peer'
}
