import Type from 'typebox'
import { Bytes } from '../../protocol-kit/bytes.ts'
import { defineProtocol } from '../../protocol-kit/define-protocol.ts'
import {
  ABORT_CHARS_MAX, BOX_BYTES_MAX, MESSAGE_FRAME_BYTES_MAX, OWN_KEYS_MAX, RECORD_BYTES_MAX, SIGNERS_MAX, STATEMENT_BYTES_MAX, STATEMENTS_PER_WORD_MAX,
} from './limits.ts'

const Hash = Bytes({ min: 32, max: 32 })
const Index = Type.Integer({ minimum: 0, maximum: SIGNERS_MAX - 1 })
/** Which of the signers, one bit each, the lowest bit of the first byte first. */
const Members = Bytes({ max: SIGNERS_MAX / 8 })
const Frames = (min: number) => Type.Array(Bytes({ min: 1, max: STATEMENT_BYTES_MAX }), { minItems: min, maxItems: STATEMENTS_PER_WORD_MAX })

/** PROTOCOL.md says who says which word when. Words are hop-local; members' signatures are on the statements inside. */
export const musig2Protocol = defineProtocol({
  name: 'musig2',
  version: 1,
  auth: 'channel',
  messageBytesMax: MESSAGE_FRAME_BYTES_MAX,
  messages: {
    announce: Type.Object({ rendezvous: Hash, deadlineMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) }),
    statements: Type.Object({ session: Hash, frames: Frames(1), pass: Members }),
  },
  requests: {
    open: {
      request: Type.Object({ rendezvous: Hash, tags: Type.Array(Hash, { minItems: 1, maxItems: OWN_KEYS_MAX }) }),
      reply: Type.Object({ boxes: Type.Array(Type.Union([Bytes({ min: 1, max: BOX_BYTES_MAX }), Type.Null()]), { maxItems: OWN_KEYS_MAX }) }),
    },
    sync: {
      request: Type.Object({ session: Hash, joins: Members, nonces: Members, partials: Members }),
      reply: Type.Object({ frames: Frames(0) }),
    },
  },
})
export type MuSig2Protocol = typeof musig2Protocol

const Boot = Bytes({ min: 16, max: 16 })
const Proof = Bytes({ min: 64, max: 64 })

/**
 * What members sign. No words: they travel inside `statements` and `sync`, in their authors' frames. A contribution of a wrong length is let in here
 * and named by the rules, with the frame as evidence.
 */
export const musig2Statements = defineProtocol({
  name: 'musig2',
  version: 1,
  messages: {
    join: Type.Object({ session: Hash, index: Index, boot: Boot, proof: Proof, record: Bytes({ max: RECORD_BYTES_MAX }) }),
    nonce: Type.Object({ session: Hash, index: Index, boot: Boot, roster: Hash, nonce: Bytes({ max: 128 }) }),
    partial: Type.Object({ session: Hash, index: Index, boot: Boot, nonces: Hash, partial: Bytes({ max: 64 }) }),
    abort: Type.Object({ session: Hash, index: Index, boot: Boot, proof: Proof, reason: Type.Union([Type.Literal('declined'), Type.Literal('cancelled'), Type.Literal('restarted'), Type.Literal('failed')]), text: Type.String({ maxLength: ABORT_CHARS_MAX }) }),
  },
})

const HexKey = Type.String({ pattern: '^0[23][0-9a-f]{64}$' })
const Tweak = Type.Union([
  Type.Object({ kind: Type.Literal('bip32'), path: Type.Array(Type.Integer({ minimum: 0, maximum: 0x7fff_ffff }), { minItems: 1, maxItems: 8 }) }),
  Type.Object({ kind: Type.Literal('taproot'), merkleRoot: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })) }),
  Type.Object({ kind: Type.Literal('raw'), tweak: Type.String({ pattern: '^[0-9a-f]{64}$' }), xOnly: Type.Boolean() }),
])

/** What is in a sealed invitation, as JSON. */
export const musig2Invitation = defineProtocol({
  name: 'musig2',
  version: 1,
  messages: {
    invitation: Type.Object({
      version: Type.Literal(1),
      keys: Type.Array(HexKey, { minItems: 2, maxItems: SIGNERS_MAX }),
      tweaks: Type.Array(Tweak, { maxItems: 4 }),
      subject: Type.Union([
        Type.Object({ kind: Type.Literal('message'), message: Type.String({ pattern: '^([0-9a-f]{2})*$' }) }),
        Type.Object({ kind: Type.Literal('psbt'), psbt: Type.String({ pattern: '^([0-9a-f]{2})+$' }), inputIndex: Type.Integer({ minimum: 0, maximum: 10_000 }) }),
      ]),
      description: Type.String({ maxLength: 512 }),
      creatorIndex: Index,
      remainingMs: Type.Integer({ minimum: 0, maximum: 24 * 3_600_000 }),
      join: Type.String({ pattern: '^([0-9a-f]{2})+$' }),
    }),
  },
})
