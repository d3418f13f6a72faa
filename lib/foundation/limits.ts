import type { Limits } from '../contracts/limits.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** What a node allows unless told otherwise. docs/limits.md gives the reason for each figure. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  channelFrameBytesMax: 128 * KIB,
  handshakeFrameBytesMax: KIB,
  messageBytesMax: 96 * KIB,
  largeMessageBytesMax: MIB,
  headerBytesMax: KIB,
  coalesceBytesMax: 64 * KIB,
  payloadDepthMax: 16,
  payloadItemsMax: 16_384,
  fragmentAssembliesMax: 2,
  fragmentTimeoutMs: 30_000,
  burstMessagesMax: 64,
  burstRootsMax: 64,

  messageAgeMsMax: 120_000,
  messageLeadMsMax: 30_000,
  seenMsMin: 300_000,
  seenMessagesMax: 1_048_576,
  restartGraceMs: 30_000,

  handshakesPerSecond: 20,
  handshakesPerSubnetPerSecond: 2,
  handshakesPendingMax: 10,
  handshakeTimeoutMs: 5_000,
  dialTimeoutMs: 10_000,
  connectionsPerAddressMax: 3,
  connectionsPerSubnetMax: 4,
  shortLivedConnectionsMax: 32,
  shortLivedIdleMsMax: 30_000,

  messagesPerSecond: 50,
  messagesBurst: 200,
  bytesPerSecond: 256 * KIB,
  bytesBurst: MIB,
  trustedBytesPerSecond: 1024 * MIB,
  trustedBytesBurst: 1024 * MIB,
  strangerMs: 60_000,
  failedSignaturesPerSecond: 2,
  failedSignaturesBurst: 20,
  faultsPerSecond: 5,
  faultsBurst: 50,
  pingsPerTenSeconds: 10,

  outboxBytesHigh: MIB,
  outboxBytesMax: 3 * MIB,
  outboxStallMs: 10_000,
  handlersPerPeerMax: 1_024,
  requestsPerPeerMax: 1_024,
  requestTimeoutMs: 10_000,

  heartbeatTimeoutMs: 5_000,
  heartbeatMissesMax: 5,
  reconnectMsMin: 1_000,
  reconnectMsMax: 60_000,
  closeTimeoutMs: 2_000,

  reputationPeersMax: 4_096,
  bansMax: 16_384,
  discourageMs: 86_400_000,
  workBitsMin: 20,
  workBitsMax: 24,
  joinsPerMinuteCalm: 30,
  statementsMax: 8_192,

  addressBookMax: 1_024,
  protocolsMax: 32,
} satisfies Limits)

/** The defaults with the caller's own figures over them. Throws RangeError for one that is not a number above zero. */
export function limitsFrom(overrides: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new RangeError(`limits.${name} is not a limit; docs/limits.md lists them`)
    if (typeof value !== 'number' || !(value > 0)) throw new RangeError(`limits.${name} must be a number above 0, got ${String(value)}`)
  }
  return Object.freeze({ ...DEFAULT_LIMITS, ...overrides })
}
