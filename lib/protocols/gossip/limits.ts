/** Bounds that hold whatever the options say; those that an operator may change are in `parameters.ts`. */

const KIB = 1024

/** A topic's name, in UTF-16 units. */
export const TOPIC_CHARS_MAX = 64
/** A publication's body. Larger things are published by reference. */
export const BODY_BYTES_MAX = 64 * KIB
/** A body with its header, the longest proof of a burst, and the topic's name. */
export const FRAME_BYTES_MAX = BODY_BYTES_MAX + 2 * KIB
/** Items in one word. */
export const ITEMS_PER_WORD_MAX = 64
/** Frames in one word: with the rest they fit the wire's 96 KiB. */
export const ITEM_BYTES_PER_WORD_MAX = 72 * KIB
/** SHA-256. */
export const ID_BYTES = 32
/** One `have`, `want` or page of a sync; the largest is 32 KiB. */
export const IDS_PER_WORD_MAX = 1_024
/** Relays named in a path; the first ones stay when there are more. */
export const PATH_KEYS_MAX = 24
/** Topics in one `subscribe`, and those remembered of one peer. */
export const TOPICS_PER_PEER_MAX = 256
/** Topics we subscribe or publish to. */
export const TOPICS_MAX = 1_024
/** Peers with a link: more than `maxConnections` will ever be. */
export const PEERS_MAX = 4_096
/** Scores kept of peers that left. The one that left first goes first. */
export const RETAINED_SCORES_MAX = 4_096
/** Backoffs of one topic. Past it the one that ends first is forgotten. */
export const BACKOFFS_MAX = 4_096
/** Ids being pulled. Past it announcements are heeded again when some have come. */
export const WANTS_MAX = 16_384
/** Announcers remembered for one id that is being pulled. */
export const ANNOUNCERS_MAX = 4
/** Peers remembered as holders of one item: the largest mesh, and as many that announced it. */
export const HOLDERS_MAX = 32
/** Copies with another proof that wait while one is being checked. */
export const ALTERNATES_MAX = 4
/** Promises watched of all peers. Past it new ones go unwatched. */
export const PROMISES_MAX = 4_096
/** Id-and-proof pairs known to be invalid; the older half is forgotten when they are more. */
export const INVALID_MAX = 32_768
/** Buckets in one sync: an hour. */
export const BUCKETS_MAX = 360
/** Words that wait for a peer's outbox; past it pushes to it are dropped, as announcements will follow. */
export const WAITING_WORDS_MAX = 8
/** Items whose second pushes wait. Past it nobody waits. */
export const LATER_MAX = 4_096
/** Netgroups of which the early drop keeps a record. */
export const NETGROUPS_MAX = 4_096
/** Statements of which the item is remembered: five minutes at 200 a second, some 200 bytes each. */
export const STATEMENTS_MAX = 65_536
/** Authors whose equivocation has been told of; past it the first is told of again when it does it again. */
export const EQUIVOCATORS_MAX = 4_096
/** A namespace's name; what is left of a topic's characters is for the topic. */
export const NAMESPACE_CHARS_MAX = 32
/** Listeners on one topic. */
export const LISTENERS_MAX = 1_024
