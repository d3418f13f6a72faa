/** Bounds that hold whatever the options say. PROTOCOL.md says how they go together. */

const KIB = 1024
const SECOND = 1_000

/** Random, chosen by whoever begins a search or a delivery. */
export const ID_BYTES = 16
export const KEY_BYTES = 32
export const DIGEST_BYTES = 32
/** docs/wire.md, section 11: kind, one-time point, tag, and a frame of at least one byte. */
export const ENVELOPE_KIND = 0x80
export const SEALED_BYTES_MIN = 1 + 33 + 16 + 1
/** The largest message frame, sealed. */
export const SEALED_BYTES_MAX = 96 * KIB + 50
/** What this protocol's messages may hold: an envelope and its address. */
export const MESSAGE_BYTES_MAX = 104 * KIB
/** A signed statement: header, two keys, the longest proof of a burst. */
export const STATEMENT_BYTES_MAX = KIB

/** Transmissions, at most: seeds 000 and 001 promise ten hops. */
export const HOPS_MAX = 10
/** A first search goes no farther: with eight links each, four hops reach thousands. */
export const NEAR_HOPS = 4
/** How long the searches for one key wait, one after the other: near, far, far again. */
export const SEARCHES: readonly { readonly hops: number; readonly waitMs: number }[] = [
  { hops: NEAR_HOPS, waitMs: 1_500 }, { hops: HOPS_MAX, waitMs: 5 * SECOND }, { hops: HOPS_MAX, waitMs: 8 * SECOND },
]

/** Searches heeded from one neighbour. */
export const SEEKS_PER_SECOND = 2
export const SEEKS_BURST = 8
/** Searches handed on, of all neighbours together: each costs a signature check here and a message on every link. */
export const FORWARDS_PER_SECOND = 3
export const FORWARDS_BURST = 12
/** Searches of our own; with those handed on never more than what a neighbour puts up with. */
export const OWN_SEEKS_PER_SECOND = 1
export const OWN_SEEKS_BURST = 4
/** Answers to those who seek us: each costs a signature. */
export const ANSWERS_PER_SECOND = 4
export const ANSWERS_BURST = 32
/** More searches than any honest node hands on are a breach. */
export const PATIENCE_PER_SECOND = 5
export const PATIENCE_BURST = 24
/** Statements and refusals nobody asked for; more are a breach. */
export const NOISE_PER_SECOND = 5
export const NOISE_BURST = 50

/** Envelopes carried for one neighbour (peers.md: what a stranger may send). */
export const CARRIES_PER_SECOND = 50
export const CARRIES_BURST = 200
export const CARRY_BYTES_PER_SECOND = 256 * KIB
export const CARRY_BYTES_BURST = KIB * KIB
/** Bytes carried for all together, unless the options say otherwise. */
export const TOTAL_BYTES_PER_SECOND = KIB * KIB
/** Of those, in seconds' worth, at once. */
export const TOTAL_BURST_SECONDS = 4

/** A search is remembered longer than it can be accepted: age plus lead, with room. Else a captured one could be let loose again. */
export const SEEN_MS = 180 * SECOND
export const SEEN_MAX = 4_096
/** How old a search may be by its author's clock, and how far ahead of ours (docs/limits.md). */
export const SEEK_AGE_MS_MAX = 120 * SECOND
export const SEEK_LEAD_MS_MAX = 30 * SECOND
/** Ways remembered to one key, and neighbours that one search is answered to. */
export const WAYS_MAX = 3
export const ROUTES_MAX = 4_096
/** A way nobody has confirmed for so long is forgotten. */
export const ROUTE_MS = 300 * SECOND
/** Envelopes under way whose receipt may yet come back through us. */
export const PENDING_MAX = 4_096
export const PENDING_PER_NEIGHBOUR_MAX = 256
export const PENDING_MS = 10 * SECOND
/** Envelopes that came for us, remembered so that the receipt can be given again; and those being handled, of one neighbour. */
export const ARRIVALS_MAX = 4_096
export const ARRIVAL_MS = 120 * SECOND
export const DELIVERIES_PER_NEIGHBOUR_MAX = 64

/** Envelopes of our own under way. */
export const SENDS_MAX = 256
/** How often one of them is handed to a neighbour. */
export const ATTEMPTS_MAX = 4
/** A receipt takes no longer: ten hops there and back, and the target's handler. */
export const RECEIPT_MS = 4 * SECOND
/** Where the caller names no deadline. */
export const SEND_TIMEOUT_MS = 20 * SECOND
/** Neighbours, more than `maxConnections` will ever be. */
export const NEIGHBOURS_MAX = 4_096
export const SWEEP_MS = 5 * SECOND
