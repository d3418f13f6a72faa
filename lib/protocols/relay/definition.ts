import Type from 'typebox'
import { Bytes } from '../../protocol-kit/bytes.ts'
import { defineProtocol } from '../../protocol-kit/define-protocol.ts'
import { ATTEMPTS_MAX, HOPS_MAX, ID_BYTES, KEY_BYTES, MESSAGE_BYTES_MAX, SEALED_BYTES_MAX, SEALED_BYTES_MIN, STATEMENT_BYTES_MAX } from './limits.ts'

const Id = Bytes({ min: ID_BYTES, max: ID_BYTES })
const Key = Bytes({ min: KEY_BYTES, max: KEY_BYTES })
const Hops = Type.Integer({ minimum: 1, maximum: HOPS_MAX })
const Statement = Bytes({ min: 1, max: STATEMENT_BYTES_MAX })

/** PROTOCOL.md says who says which word when. Every word is hop-local; what ends prove to each other is signed inside. */
export const relayProtocol = defineProtocol({
  name: 'relay',
  version: 1,
  auth: 'channel',
  messageBytesMax: MESSAGE_BYTES_MAX,
  messages: {
    seek: Type.Object({ id: Id, target: Key, hops: Hops, statement: Statement }),
    found: Type.Object({ id: Id, seeker: Key, statement: Statement }),
    carry: Type.Object({
      id: Id, to: Key, attempt: Type.Integer({ minimum: 0, maximum: ATTEMPTS_MAX - 1 }), hops: Hops, sealed: Bytes({ min: SEALED_BYTES_MIN, max: SEALED_BYTES_MAX }),
    }),
    receipt: Type.Object({ id: Id, statement: Statement }),
    lost: Type.Object({ id: Id, attempt: Type.Integer({ minimum: 0, maximum: ATTEMPTS_MAX - 1 }), why: Type.Union([Type.Literal('no-way'), Type.Literal('busy'), Type.Literal('refused')]) }),
  },
})
export type RelayProtocol = typeof relayProtocol

/** Types of what the ends sign. No words: they travel inside words alone. */
export const SEEKING = 'seeking'
export const HERE = 'here'
export const RECEIVED = 'received'
