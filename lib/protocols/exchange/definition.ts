import Type from 'typebox'
import { Bytes } from '../../protocol-kit/bytes.ts'
import { defineProtocol } from '../../protocol-kit/define-protocol.ts'
import { RECORD_BYTES_MAX, RECORDS_PER_LIST_MAX, RECORDS_PER_NEWS_MAX } from './limits.ts'

const Record = Bytes({ min: 1, max: RECORD_BYTES_MAX })

/** PROTOCOL.md says who says which word when. Every word is hop-local; the records in it are signed by their owners. */
export const exchangeProtocol = defineProtocol({
  name: 'exchange',
  version: 1,
  auth: 'channel',
  messages: {
    news: Type.Object({ records: Type.Array(Record, { minItems: 1, maxItems: RECORDS_PER_NEWS_MAX }) }),
  },
  requests: {
    list: {
      request: Type.Object({ own: Type.Union([Record, Type.Null()]) }),
      reply: Type.Object({ records: Type.Array(Record, { maxItems: RECORDS_PER_LIST_MAX }) }),
    },
  },
})
export type ExchangeProtocol = typeof exchangeProtocol
