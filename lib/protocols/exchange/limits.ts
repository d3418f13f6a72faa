/** Bounds that hold whatever the options say. PROTOCOL.md says how they go together. */

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** One signed record: four addresses of 128 bytes, a header, the longest proof of a burst. */
export const RECORD_BYTES_MAX = 1_024
/** Records in one list (peers.md). */
export const RECORDS_PER_LIST_MAX = 64
/** And the share of what could be given: nobody reads the whole book by asking (peers.md). */
export const LIST_SHARE = 0.23
/** A list may hold so many whatever that share is: a book of ten is no secret, and a newcomer needs somebody. */
export const LIST_MIN = 8
/** Records in one `news`: with one every 30 s, exactly what a receiver takes in the long run, and under 1 KiB (seed 001). */
export const RECORDS_PER_NEWS = 3
/** What a receiver takes as one `news`: room for senders that know better. */
export const RECORDS_PER_NEWS_MAX = 8

/** Between two rounds of asking and telling (seed 001). */
export const ROUND_MS = 30 * SECOND
/** One list for one connection in this time (peers.md). */
export const LIST_EVERY_MS = 10 * MINUTE
/** And for one key so many more at once: whoever has crashed asks again. */
export const LISTS_BURST = 3
/** Lists asked for too early in that time before it is a breach; each is answered with nothing. */
export const EARLY_ASKS_MAX = 10
/** `news` heeded from one peer in a round; more is a breach beyond the double. */
export const NEWS_PER_ROUND_MAX = 2

/** Records taken from one peer (peers.md). */
export const INTAKE_PER_SECOND = 0.1
export const INTAKE_BURST = 100

/** A record says where its owner was; an hour later it may be anywhere (seed 001). */
export const RECORD_AGE_MS_MAX = 60 * MINUTE
/** Ahead of our clock: phones drift by minutes. */
export const RECORD_LEAD_MS_MAX = 2 * MINUTE
/** Our own is signed anew when it is so old. */
export const OWN_RECORD_MS = 10 * MINUTE

/** Records that we hand on: of peers met. */
export const BOOK_MAX = 1_024
/** Whoever was linked for so long is handed on for a while after it has gone. */
export const LASTING_MS = 10 * MINUTE
/** Records heard of, to be dialled. */
export const HEARSAY_MAX = 1_024
/** Of these from one source: a list, and what comes after it. */
export const HEARSAY_PER_SOURCE_MAX = 128
/** Records that wait to be checked; from one peer never more than its intake. */
export const CHECKS_MAX = 2_048

/** Dials of ours under way. */
export const DIALS_MAX = 4
export const DIAL_TIMEOUT_MS = 10 * SECOND
/** First wait before a key is dialled again, doubled each time. */
export const BACKOFF_MS_MIN = 30 * SECOND
export const BACKOFF_MS_MAX = 30 * MINUTE
/** Keys whose dials failed that are remembered. */
export const BACKOFFS_MAX = 1_024
/** Peers drawn from the node's address book when nobody was heard of. */
export const SAMPLE_COUNT = 16
/** First wait before bootstrap addresses are dialled, so that a node that is about to listen does; then doubled. */
export const BOOTSTRAP_MS_MIN = SECOND
export const BOOTSTRAP_MS_MAX = 30 * SECOND
/** Bootstrap addresses heeded. */
export const BOOTSTRAP_MAX = 64
export const ASK_TIMEOUT_MS = 10 * SECOND
/** Peers with a link that are remembered: more than `maxConnections` will ever be. */
export const PEERS_MAX = 4_096
/** Sources whose standing is remembered after their link has gone. */
export const STANDINGS_MAX = 4_096

/** What a source starts with, gains and loses: below zero nothing it says is heeded. */
export const STANDING = { start: 2, max: 10, reached: 1, unreachable: -0.5, invalid: -20 } as const
/** After so long without a word from it a source is judged anew. */
export const STANDING_MS = 60 * MINUTE
