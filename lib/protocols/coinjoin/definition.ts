import Type from 'typebox'
import { Bytes } from '../../protocol-kit/bytes.ts'
import { defineProtocol } from '../../protocol-kit/define-protocol.ts'
import { EVIDENCE_BYTES_MAX, FRAMES_MAX, PEERS_MAX, PR_FRAME_BYTES_MAX, PRS_MAX, RUNS_MAX, WORD_FRAME_BYTES_MAX } from './limits.ts'

const Hash = Bytes({ min: 32, max: 32 })
const Frames = Type.Array(Bytes({ min: 1, max: WORD_FRAME_BYTES_MAX }), { maxItems: FRAMES_MAX })
const PrFrames = Type.Array(Bytes({ min: 1, max: PR_FRAME_BYTES_MAX }), { maxItems: FRAMES_MAX })
const Indices = Bytes({ min: 1, max: PEERS_MAX })

/**
 * What one hop says to the next, answered for by the channel alone. Who speaks in a round is in the frames: each is signed by a
 * round's own key and checked by whoever relies on it. PROTOCOL.md has their bytes.
 */
export const coinjoinProtocol = defineProtocol({
  name: 'coinjoin',
  version: 1,
  auth: 'channel',
  messageBytesMax: 1_048_576,
  messages: {
    /** Requests to take part, on their way to everybody who speaks this protocol. */
    prs: Type.Object({ frames: PrFrames }),
    /** Words, votes and farewells of a round's members. */
    words: Type.Object({ frames: Frames }),
    /** The output keys of a run, ascending, by whoever found them. */
    roots: Type.Object({ run: Hash, roots: Bytes({ min: 32, max: 32 * PEERS_MAX }) }),
  },
  requests: {
    /** The PRs of an epoch that the answerer knows. */
    'known-prs': {
      request: Type.Object({ params: Hash, epoch: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) }),
      reply: Type.Object({ frames: Type.Array(Bytes({ min: 1, max: PR_FRAME_BYTES_MAX }), { maxItems: FRAMES_MAX }) }),
    },
    /** Words of a phase of a run that the answerer has heard. */
    missing: {
      request: Type.Object({ run: Hash, phase: Type.Integer({ minimum: 0, maximum: 4 }), indices: Indices }),
      reply: Type.Object({ frames: Frames }),
    },
    /** How a run came about: the roster's PRs, and why who was out was out, in order. */
    about: {
      request: Type.Object({ run: Hash }),
      reply: Type.Object({ prs: Bytes({ max: 32 * PRS_MAX }), causes: Type.Array(Hash, { maxItems: PEERS_MAX + RUNS_MAX }) }),
    },
    /** PRs by their ids. */
    'these-prs': {
      request: Type.Object({ ids: Bytes({ min: 32, max: 32 * FRAMES_MAX }) }),
      reply: Type.Object({ frames: PrFrames }),
    },
    /** One cause by its hash. */
    cause: {
      request: Type.Object({ id: Hash }),
      reply: Type.Object({ cause: Bytes({ max: EVIDENCE_BYTES_MAX }) }),
    },
  },
})
export type CoinJoinProtocol = typeof coinjoinProtocol
