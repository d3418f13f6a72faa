import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { LeastAuth, IProtocolHandler } from '../contracts/protocol.ts'
import type { Limits } from '../contracts/limits.ts'
import type { P2PMessage } from '../contracts/message.ts'
import { Intake } from '../wire/intake.ts'
import { isPeerId } from '../peers/name-book.ts'
import type { SimNode } from './sim-node.ts'
import { fingerprint } from './stand-in-mixing.ts'

/** Messages remembered per node to find a second delivery; the older half is forgotten when it is full. */
const REMEMBERED_MAX = 200_000
/** docs/wire.md, section 10: a refusal needs no signature. */
const REFUSAL_TYPE = 'error'

/** What a handler was given, of one run of a node's program. */
interface Given { start: number; recent: Set<string>; older: Set<string> }

/**
 * Looks at every message just before its handler does, and says what should have kept it away: no valid proof, the wrong
 * author, too old or too early, too large, or here before. It checks again from the author's bytes what the node's own intake has checked.
 */
export class Audit {
  readonly #intake: Intake
  readonly #given = new Map<SimNode, Given>()

  constructor(backend: ICryptoBackend, network: string) {
    this.#intake = new Intake({
      crypto: () => backend, clock: { now: () => 0, elapsedMs: () => 0 }, limits: DEFAULT_LIMITS, network,
      publicKey: new Uint8Array(32), startedAtMs: 0, mayHaveRunBefore: false,
      leastAuth: () => 'signature', messageBytesMax: () => DEFAULT_LIMITS.largeMessageBytesMax,
    })
  }

  /** What is wrong with handing this message to this handler; undefined when nothing is. */
  problemWith(message: P2PMessage, node: SimNode, handler: IProtocolHandler | undefined): string | undefined {
    const limits = { ...DEFAULT_LIMITS, ...node.options.config?.limits }
    const { frame } = message
    return problemOfTime(message, node, limits)
      ?? (frame === undefined ? problemOfUnsigned(message, handler) : this.#problemOfFrame(message, frame, handler, limits))
      ?? this.#problemOfRepetition(message, node)
  }

  #problemOfFrame(message: P2PMessage, frame: Uint8Array, handler: IProtocolHandler | undefined, limits: Limits): string | undefined {
    const bytesMax = handler?.definition?.messageBytesMax ?? limits.messageBytesMax
    if (frame.length > bytesMax) return `a frame of ${frame.length} bytes where ${bytesMax} are allowed`
    let proven: P2PMessage
    try {
      proven = this.#intake.verify(frame)
    } catch (error) {
      return `a frame that does not verify: ${String(error)}`
    }
    if (isPeerId(message.from) && proven.from !== message.from) return `said to be from ${message.from}, proven to be from ${proven.from}`
    if (proven.messageId !== message.messageId || proven.type !== message.type || proven.timestamp !== message.timestamp) return 'the message and its frame differ'
    return undefined
  }

  #problemOfRepetition(message: P2PMessage, node: SimNode): string | undefined {
    const given = this.#givenTo(node)
    const key = `${message.from}${message.messageId}${message.frame === undefined ? message.timestamp : fingerprint(message.frame)}`
    if (given.recent.has(key) || given.older.has(key)) return `handed over twice: ${message.type} ${message.messageId} of ${message.from}`
    given.recent.add(key)
    if (given.recent.size >= REMEMBERED_MAX / 2) {
      given.older = given.recent
      given.recent = new Set()
    }
    return undefined
  }

  /** A program that starts again knows nothing of what its predecessor was given. */
  #givenTo(node: SimNode): Given {
    let given = this.#given.get(node)
    if (given === undefined || given.start !== node.starts) this.#given.set(node, given = { start: node.starts, recent: new Set(), older: new Set() })
    return given
  }
}

function problemOfTime({ timestamp }: P2PMessage, node: SimNode, limits: Limits): string | undefined {
  const ageMs = node.clock.now() - timestamp
  if (ageMs > limits.messageAgeMsMax) return `${ageMs} ms old where ${limits.messageAgeMsMax} are allowed`
  if (-ageMs > limits.messageLeadMsMax) return `${-ageMs} ms ahead where ${limits.messageLeadMsMax} are allowed`
  return undefined
}

function problemOfUnsigned(message: P2PMessage, handler: IProtocolHandler | undefined): string | undefined {
  if (message.via !== undefined) return 'unsigned, and through somebody else'
  if (leastAuthOf(handler, message.type) === 'channel') return undefined
  return `unsigned, where '${message.type}' of ${handler?.protocolName ?? 'no protocol'} must be signed`
}

function leastAuthOf(handler: IProtocolHandler | undefined, type: string): LeastAuth {
  if (handler !== undefined && type === REFUSAL_TYPE) return 'channel'
  const auth = handler?.definition?.auth
  if (auth === undefined || typeof auth === 'string') return auth ?? 'signature'
  return Object.hasOwn(auth, type) ? auth[type]! : 'signature'
}

/** A bound that this node has gone beyond; undefined when it keeps to all of them. */
export function brokenBound(node: SimNode): string | undefined {
  const limits = { ...DEFAULT_LIMITS, ...node.options.config?.limits }
  const { peers, pendingRequests, seenMessages } = node.coordinator.getStats()
  const connectionsMax = (node.options.config?.maxConnections ?? 50) + limits.shortLivedConnectionsMax
  const bounds: [what: string, value: number, max: number][] = [
    ['connected peers', peers.connectedPeers, connectionsMax],
    ['peers known', peers.totalPeers, limits.addressBookMax + connectionsMax],
    ['handshakes under way', peers.pendingHandshakes, Math.max(limits.handshakesPendingMax, 1_024)],
    ['requests waiting', pendingRequests, limits.requestsPerPeerMax * connectionsMax],
    ['messages remembered', seenMessages, limits.seenMessagesMax],
  ]
  const broken = bounds.find(([, value, max]) => value > max)
  return broken && `${node.name} holds ${broken[1]} ${broken[0]} where ${broken[2]} are allowed`
}
