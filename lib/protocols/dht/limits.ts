/** Bounds that hold whatever the options say; those that an operator may change are in `parameters.ts`. */

const KIB = 1024
const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Keys and positions: SHA-256, and x-only keys. */
export const KEY_BYTES = 32
/** What names one publisher's one thing wherever it lies. */
export const ENTRY_BYTES = 16
/** The netgroup of somebody named: a /24, or a hash of a /48; zeros where nobody knows. */
export const GROUP_BYTES = 4
/** One node named in an answer. */
export const ROW_BYTES = KEY_BYTES + GROUP_BYTES
/** Nodes named in one answer: k of them. */
export const ROWS_MAX = 20
/** A record as its author's frame: a value of 4 KiB at most, with its header and proof. */
export const FRAME_BYTES_MAX = 5 * KIB
/** UTF-16 units of a type, of an id, and of the name of a set. */
export const TYPE_CHARS_MAX = 64
export const ID_CHARS_MAX = 128
export const SET_CHARS_MAX = 160
/** Sets one record may be listed in: its type, and four attributes. */
export const SETS_MAX = 5
/** A set's tree has so many levels below its root: 64 leaves. */
export const SHARD_DEPTH_MAX = 6
/** From so many live entries on, a holder says that a set has split; writers then go one level down. */
export const SPLIT_AT = 128
/** Entries under one key. */
export const PER_KEY_MAX = 512
/** Records sent along with an answer, and their bytes. */
export const INLINE_FRAMES_MAX = 8
export const INLINE_BYTES_MAX = 8 * KIB
/** One page: entries and bytes. */
export const PAGE_ENTRIES_MAX = 64
export const PAGE_BYTES_MAX = 64 * KIB
/** A row of a list: the entry and its sequence number. */
export const LIST_ROW_BYTES = ENTRY_BYTES + 8
/** How far ahead a record may say it ends. */
export const LIFETIME_MS_MAX = 24 * 60 * MINUTE
/** How far writers' and holders' clocks may be apart: as far as the wire lets messages be. */
export const CLOCK_SKEW_MS = 2 * MINUTE
/** Relays one question passes at most. */
export const HOPS_MAX = 6
/** Nodes one lookup asks at most: eight paths with eight each, and as many again. */
export const ASKS_MAX = 128
/** Nodes one lookup remembers at most. */
export const CANDIDATES_MAX = 2_048
/** After so many that did not answer, whatever else the same node named is not asked. */
export const NAMED_IN_VAIN_MAX = 3
/** Positions remembered: another is a hash away. */
export const POSITIONS_MAX = 16_384
/** Contacts: more than there will ever be links. */
export const CONTACTS_MAX = 4_096
/** Announcements of our own that are kept alive. */
export const OWN_MAX = 4_096
/** Peers whose rates are watched. */
export const RATED_PEERS_MAX = 4_096
/** A write token is good for one to two of these. */
export const TOKEN_MS = 5 * MINUTE
export const TOKEN_BYTES = 8
/** Addresses of contacts kept in the store, for the next start. */
export const KEPT_CONTACTS_MAX = 20
/** Peers told of changes under one key, changes of how many keys one peer may ask for, and all of them. */
export const WATCHERS_PER_KEY_MAX = 64
export const WATCHES_PER_PEER_MAX = 64
export const WATCHES_MAX = 4_096
/** For how long a peer is told, unless it asks again. */
export const WATCH_MS = 10 * MINUTE
