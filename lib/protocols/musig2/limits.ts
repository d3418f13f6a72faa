/** Bounds that hold whatever the options say; docs/limits.md has their consequences. */

/** Signers of one session: at 256 the public nonces with their proofs are 120 KiB, one message. */
export const SIGNERS_MAX = 256
/** What is signed, where it is no PSBT. */
export const MESSAGE_BYTES_MAX = 32 * 1024
/** A PSBT of a hundred inputs with their previous outputs is 20 KiB. */
export const PSBT_BYTES_MAX = 64 * 1024
/** UTF-16 units of what the initiator says about it. */
export const DESCRIPTION_CHARS_MAX = 512
/** Steps of a BIP32 path. */
export const PATH_STEPS_MAX = 8
/** Tweak rules of one session. */
export const TWEAKS_MAX = 4
/** Keys one node signs with. */
export const OWN_KEYS_MAX = 64
/** Sessions held at once, finished ones that linger included. */
export const SESSIONS_MAX = 256
/** Sessions at once that one peer has invited us to: it cannot fill the table alone. */
export const INVITATIONS_PER_PEER_MAX = 32
/** Rendezvous remembered, so that each is asked about once. The oldest is forgotten first. */
export const RENDEZVOUS_MAX = 4_096
/** Announcements heeded of one peer, a second and at once: each costs an ECDH for each of our keys. */
export const ANNOUNCEMENTS_PER_SECOND = 5
export const ANNOUNCEMENTS_BURST = 64
/** Questions about rendezvous answered to one peer, likewise: each costs a hash for each signer. */
export const OPENINGS_PER_SECOND = 10
export const OPENINGS_BURST = 128
/** Statements of one peer that does not belong to the session yet: each costs a signature check, and joining takes one. */
export const STRANGER_STATEMENTS_PER_SECOND = 2
export const STRANGER_STATEMENTS_BURST = 32
/** Peers whose budgets are remembered. */
export const BUDGETS_MAX = 4_096
/** Statements in one word: joins of all signers. */
export const STATEMENTS_PER_WORD_MAX = SIGNERS_MAX
/** One statement as its author's frame: the largest is a join with an address record. */
export const STATEMENT_BYTES_MAX = 3 * 1024
/** Frames in one word; what is left out is asked for again. */
export const WORD_BYTES_MAX = 200 * 1024
/** The whole word, as the wire carries it. */
export const MESSAGE_FRAME_BYTES_MAX = 256 * 1024
/** A sealed invitation: the PSBT in hex, 256 keys, and the initiator's join. */
export const BOX_BYTES_MAX = 192 * 1024
/** An address record, as its owner's frame. */
export const RECORD_BYTES_MAX = 1_536
/** Nonces that came before the join of their author, kept for all signers together. */
export const EARLY_PER_SIGNER_MAX = 2
/** Text of an abort. */
export const ABORT_CHARS_MAX = 200

/** A session without `timeoutMs`. People have to look at what they sign. */
export const TIMEOUT_MS = 120_000
export const TIMEOUT_MS_MAX = 24 * 3_600_000
/** How long a finished session is kept: for members that come back late, and for what is still on its way. */
export const LINGER_MS = 60_000
/** First wait before members are asked for what is missing; doubled up to the second. */
export const RETRY_MS_MIN = 1_000
export const RETRY_MS_MAX = 8_000
/** Linked members asked at each retry. */
export const RETRY_PEERS = 2
/** How long who spoke over other nonces, or another roster, may take to show them. */
export const JUSTIFY_MS = 5_000
/** One question between members. */
export const QUESTION_MS = 5_000
/** Dialling a member we have an address of. */
export const DIAL_MS = 10_000
/** A marker of a session whose nonce left is kept this long past the session's deadline: clocks may have been set. */
export const MARKER_SLACK_MS = 3_600_000
/** In larger sessions members without a link are reached through others: forty links of every wallet would be too many. */
export const DIAL_MEMBERS_MAX = 16
/** Between two questions to the directory that nobody asked for. */
export const DISCOVER_MS_MIN = 30_000
