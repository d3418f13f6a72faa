import Type from 'typebox'
import { Bytes } from '../../protocol-kit/bytes.ts'
import { defineProtocol } from '../../protocol-kit/define-protocol.ts'
import {
  BUCKETS_MAX, FRAME_BYTES_MAX, ID_BYTES, IDS_PER_WORD_MAX, ITEMS_PER_WORD_MAX, PATH_KEYS_MAX, TOPIC_CHARS_MAX, TOPICS_PER_PEER_MAX,
} from './limits.ts'

const Topic = Type.String({ minLength: 1, maxLength: TOPIC_CHARS_MAX })
const Topics = Type.Array(Topic, { minItems: 1, maxItems: TOPICS_PER_PEER_MAX })
/** Ids one after the other; the state refuses what is not a multiple of 32 bytes. */
const Ids = Bytes({ min: ID_BYTES, max: ID_BYTES * IDS_PER_WORD_MAX })
const Count = Type.Integer({ minimum: 0, maximum: 0xffff_ffff })

const Item = Type.Object({
  topic: Topic,
  hops: Type.Integer({ minimum: 1, maximum: 255 }),
  path: Bytes({ max: ID_BYTES * PATH_KEYS_MAX }),
  frame: Bytes({ min: 1, max: FRAME_BYTES_MAX }),
})
const Bucket = Type.Object({ at: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), count: Count, sum: Count })
const Cursor = Type.Object({ at: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), index: Count })

/** PROTOCOL.md says who says which word when. Every word is hop-local; authors' signatures are inside the items. */
export const gossipProtocol = defineProtocol({
  name: 'gossip',
  version: 1,
  auth: 'channel',
  messages: {
    subscribe: Type.Object({ topics: Topics }),
    unsubscribe: Type.Object({ topics: Topics }),
    items: Type.Object({ list: Type.Array(Item, { minItems: 1, maxItems: ITEMS_PER_WORD_MAX }) }),
    have: Type.Object({ list: Type.Array(Type.Object({ topic: Topic, ids: Ids }), { minItems: 1, maxItems: TOPICS_PER_PEER_MAX }) }),
    want: Type.Object({ ids: Ids }),
    'dont-want': Type.Object({ ids: Ids }),
    graft: Type.Object({ topic: Topic }),
    prune: Type.Object({ topic: Topic, backoffMs: Type.Integer({ minimum: 0, maximum: 3_600_000 }) }),
  },
  requests: {
    sync: {
      request: Type.Object({
        topic: Topic,
        key: Count,
        buckets: Type.Array(Bucket, { maxItems: BUCKETS_MAX }),
        cursor: Type.Union([Cursor, Type.Null()]),
      }),
      reply: Type.Object({ ids: Bytes({ max: ID_BYTES * IDS_PER_WORD_MAX }), next: Type.Union([Cursor, Type.Null()]) }),
    },
  },
})
export type GossipProtocol = typeof gossipProtocol

export type Item = Type.Static<typeof Item>
export type SyncCursor = Type.Static<typeof Cursor>
export type SyncBucket = Type.Static<typeof Bucket>

/** The type of what an author signs. No word: it travels inside `items` alone. */
export const PUBLICATION = 'publication'
