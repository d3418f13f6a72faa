import Type from 'typebox'
import { Bytes } from '../../protocol-kit/bytes.ts'
import { defineProtocol } from '../../protocol-kit/define-protocol.ts'
import {
  ENTRY_BYTES, FRAME_BYTES_MAX, HOPS_MAX, INLINE_FRAMES_MAX, KEY_BYTES, LIST_ROW_BYTES, PAGE_ENTRIES_MAX, PER_KEY_MAX, ROW_BYTES, ROWS_MAX,
  SETS_MAX, SHARD_DEPTH_MAX, TOKEN_BYTES,
} from './limits.ts'

const Key = Bytes({ min: KEY_BYTES, max: KEY_BYTES })
const Frame = Bytes({ min: 1, max: FRAME_BYTES_MAX })
const Count = Type.Integer({ minimum: 0, maximum: 0xffff_ffff })
const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** Who is nearest to a key, and what lies there. */
const Find = Type.Object({ target: Key, records: Type.Boolean(), token: Type.Boolean() })
const Found = Type.Object({
  closer: Bytes({ max: ROW_BYTES * ROWS_MAX }),
  token: Bytes({ max: TOKEN_BYTES }),
  /** How many records lie there; the first of them are in `frames`. */
  count: Type.Integer({ minimum: 0, maximum: PER_KEY_MAX }),
  split: Type.Boolean(),
  frames: Type.Array(Frame, { maxItems: INLINE_FRAMES_MAX }),
})
const Put = Type.Object({
  target: Key,
  slot: Type.Integer({ minimum: 0, maximum: SETS_MAX * (SHARD_DEPTH_MAX + 1) }),
  token: Bytes({ max: TOKEN_BYTES }),
  frame: Frame,
  /** Only in the place of this sequence number; 0 for nothing; null for anything older. */
  cas: Type.Union([Seq, Type.Null()]),
})
const PutReply = Type.Object({ verdict: Type.String({ maxLength: 16 }), waitMs: Count, seq: Seq, split: Type.Boolean() })
const List = Type.Object({ target: Key })
const Listed = Type.Object({ rows: Bytes({ max: LIST_ROW_BYTES * PER_KEY_MAX }), split: Type.Boolean() })
const Fetch = Type.Object({ target: Key, entries: Bytes({ max: ENTRY_BYTES * PAGE_ENTRIES_MAX }) })
const Fetched = Type.Object({ frames: Type.Array(Frame, { maxItems: PAGE_ENTRIES_MAX }) })
const Where = Type.Object({ ids: Bytes({ min: KEY_BYTES, max: KEY_BYTES * ROWS_MAX }) })
const There = Type.Object({ records: Type.Array(Bytes({ min: 1, max: 2_048 }), { maxItems: ROWS_MAX }) })
const Watch = Type.Object({ target: Key })
const Watched = Type.Object({ forMs: Count })

/** PROTOCOL.md says who says which word when. Every word is hop-local; publishers' signatures are inside the records. */
export const dhtProtocol = defineProtocol({
  name: 'dht',
  version: 1,
  auth: 'channel',
  messages: {
    here: Type.Object({ serves: Type.Boolean(), record: Bytes({ max: 2_048 }) }),
    changed: Type.Object({ target: Key, frame: Frame }),
  },
  requests: {
    find: { request: Find, reply: Found },
    put: { request: Put, reply: PutReply },
    list: { request: List, reply: Listed },
    fetch: { request: Fetch, reply: Fetched },
    where: { request: Where, reply: There },
    watch: { request: Watch, reply: Watched },
    /** One of the questions above for somebody whom the asker has no link to. */
    carry: {
      request: Type.Object({
        /** Who is still to pass it on, the last being whom it is for; empty for whoever receives this. */
        route: Bytes({ max: KEY_BYTES * HOPS_MAX }),
        nonce: Bytes({ min: 16, max: 16 }),
        find: Type.Optional(Find),
        put: Type.Optional(Put),
        list: Type.Optional(List),
        fetch: Type.Optional(Fetch),
        where: Type.Optional(Where),
      }),
      /** The signed frame of whom it was for; empty where no answer can be had. */
      reply: Type.Object({ frame: Bytes({ max: 90_000 }) }),
    },
  },
})
export type DhtProtocol = typeof dhtProtocol

export type FindRequest = Type.Static<typeof Find>
export type FindReply = Type.Static<typeof Found>
export type PutRequest = Type.Static<typeof Put>
export type PutReply = Type.Static<typeof PutReply>
export type ListReply = Type.Static<typeof Listed>
export type FetchReply = Type.Static<typeof Fetched>
export type WhereReply = Type.Static<typeof There>

/** Questions that may be carried, with their answers. */
export interface Questions {
  find: { ask: FindRequest; reply: FindReply }
  put: { ask: PutRequest; reply: PutReply }
  list: { ask: Type.Static<typeof List>; reply: ListReply }
  fetch: { ask: Type.Static<typeof Fetch>; reply: FetchReply }
  where: { ask: Type.Static<typeof Where>; reply: WhereReply }
}
export type Question = keyof Questions

/** The type of a carried answer, signed by whom the question was for. No word: it travels inside `carry` alone. */
export const ANSWER = 'answer'
