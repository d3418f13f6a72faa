/**
 * Every bound on what a stranger can cost us, in one object; docs/limits.md has a row for each.
 * Sizes are in bytes, times in milliseconds, rates per second. Defaults: `foundation/limits.ts`.
 */
export interface Limits {
  /** One transport frame, which is one sealed channel frame. */
  channelFrameBytesMax: number
  /** One transport frame before the handshake has finished. */
  handshakeFrameBytesMax: number
  /** A whole message (its frame) unless its protocol declares more. */
  messageBytesMax: number
  /** The most a protocol may declare for its own messages; carried in fragments. */
  largeMessageBytesMax: number
  /** The header of a message. */
  headerBytesMax: number
  /** What leaves for one peer in one tick shares a channel frame up to about this size. */
  coalesceBytesMax: number
  /** Nesting of arrays and maps in a payload. */
  payloadDepthMax: number
  /** Values in a payload, counting every array element, map key and map value. */
  payloadItemsMax: number
  /** Messages that may be half received from one peer, in fragments. */
  fragmentAssembliesMax: number
  /** How long a message may take to arrive whole, once its first fragment has. */
  fragmentTimeoutMs: number
  /** Messages under one burst signature. */
  burstMessagesMax: number
  /** Burst roots remembered as verified, for each delivering peer. */
  burstRootsMax: number

  /** How old a message may be, by its own timestamp and our clock. */
  messageAgeMsMax: number
  /** How far ahead of our clock a message may be. */
  messageLeadMsMax: number
  /** How long a seen message is remembered: longer than age plus lead. */
  seenMsMin: number
  /** Messages remembered; beyond it new signed traffic is refused, never old entries dropped. */
  seenMessagesMax: number
  /** After a start, relayed messages older than start plus this are ignored. */
  restartGraceMs: number

  /** Handshakes begun a second by strangers, node-wide; public networks only. */
  handshakesPerSecond: number
  /** The same for one /24 or /48. */
  handshakesPerSubnetPerSecond: number
  /** Handshakes under way at once. */
  handshakesPendingMax: number
  /** From the socket's opening to the finished handshake. */
  handshakeTimeoutMs: number
  /** One attempt to open a socket. */
  dialTimeoutMs: number
  /** Connections from one IP address; public networks only. */
  connectionsPerAddressMax: number
  /** Peers that dialled us from one /24 or /48; public networks only. */
  connectionsPerSubnetMax: number
  /** Links beyond `maxConnections` that lookups may hold for a short while. */
  shortLivedConnectionsMax: number
  /** How long such a link may stay idle. */
  shortLivedIdleMsMax: number

  /** A stranger's messages, sustained; above it its channel is read more slowly. */
  messagesPerSecond: number
  messagesBurst: number
  /** A stranger's bytes, sustained. */
  bytesPerSecond: number
  bytesBurst: number
  /** A peer in good standing: bytes only. */
  trustedBytesPerSecond: number
  trustedBytesBurst: number
  /** Connected this long without fault, a stranger is in good standing. */
  strangerMs: number
  /** Signature checks that failed, for one peer; beyond it the peer is cut. */
  failedSignaturesPerSecond: number
  failedSignaturesBurst: number
  /** Malformed or refused input from one peer; beyond it the peer is cut. */
  faultsPerSecond: number
  faultsBurst: number
  /** Pings from one peer in ten seconds. */
  pingsPerTenSeconds: number

  /** Bytes queued for one peer before `send` waits. */
  outboxBytesHigh: number
  /** Bytes queued for one peer before `send` rejects. */
  outboxBytesMax: number
  /** A peer that takes nothing for this long while bytes are queued is cut. */
  outboxStallMs: number
  /** Handler calls of one peer under way at once; beyond it its channel is not read. */
  handlersPerPeerMax: number
  /** Requests of ours waiting for one peer's answers. */
  requestsPerPeerMax: number
  /** A request without a deadline of its own. */
  requestTimeoutMs: number

  /** How long a pong may take. */
  heartbeatTimeoutMs: number
  /** Missed in a row before the peer is dropped. */
  heartbeatMissesMax: number
  /** First wait before dialling again. */
  reconnectMsMin: number
  reconnectMsMax: number
  /** From goodbye to the socket's end. */
  closeTimeoutMs: number

  /** Peers whose score is kept, those nearest to 50 going first. */
  reputationPeersMax: number
  /** Peers refused at once; past it the ban that would end first is lifted. */
  bansMax: number
  /** How long a peer is refused whose score fell below 20. */
  discourageMs: number
  /** Bits of work a stranger's key must show, or levels of another `ISybilCost`; public networks only. */
  workBitsMin: number
  /** The same while many join, and the most this node pays itself. */
  workBitsMax: number
  /** New keys let in within a minute before the next costs a bit more; twice as many, another bit. */
  joinsPerMinuteCalm: number
  /** First statements in slots, kept to be held against second ones. */
  statementsMax: number

  /** Addresses kept of peers we are not connected to. */
  addressBookMax: number
  /** Protocols one node may register, and one hello may name. */
  protocolsMax: number
}
