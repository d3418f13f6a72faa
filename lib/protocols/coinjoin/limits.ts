/** Every bound of the protocol, and why. */

/** An index is one byte, and 50 vectors of 50 elements fit into one answer. */
export const PEERS_MAX = 50
/** Two cannot hide from each other. */
export const PEERS_MIN = 3
/** PRs that may wait for one epoch's close; of more, the first by order of arrival stay. */
export const PRS_MAX = 200
/** A PR may bring so many inputs at most, whatever the params allow. */
export const INPUTS_MAX = 10
/** A PR's frame: ten P2WPKH inputs with proofs, an address record, and the wire around them. */
export const PR_FRAME_BYTES_MAX = 8_192
/** A word's frame: the vector of 50 elements, or the witnesses of ten inputs, and what the wire adds. */
export const WORD_FRAME_BYTES_MAX = 4_096
/** Frames in one message of ours: all vectors of a run. */
export const FRAMES_MAX = 64
/** Words of one author kept for runs that we do not know yet. */
export const EARLY_WORDS_MAX = 16
/** Questions answered to one member in one session: each phase of ten runs, three times over. */
export const ANSWERS_MAX = 150
/** After so many runs a session is over: ten peers have been thrown out. */
export const RUNS_MAX = 10
/** Rosters after the first that one epoch may try. */
export const ROSTER_REPEATS_MAX = 2
/** An evidence object: 50 peers' PRs and three phases of words. */
export const EVIDENCE_BYTES_MAX = 900_000
/** Outpoints banned at once; the ban that ends first makes room. */
export const BANS_MAX = 10_000
/** PRs close so long before the epoch's boundary, so that they have reached all when it comes. */
export const CLOSE_BEFORE_MS = 10_000

export interface Timing {
  /** After it the others are asked for what is missing. */
  readonly softMs: number
  /** After it we vote. */
  readonly hardMs: number
  /** The same for signatures, where a person may have to confirm. */
  readonly signMs: number
  /** Votes that may still come are waited for. */
  readonly settleMs: number
  /** Peers beyond the first few wait so long for somebody else's roots before they look for them. */
  readonly hintMs: number
}
export const TIMING: Timing = { softMs: 10_000, hardMs: 30_000, signMs: 60_000, settleMs: 1_500, hintMs: 1_500 }
/** Peers of the lowest indices that look for the roots at once. */
export const SOLVERS = 2
