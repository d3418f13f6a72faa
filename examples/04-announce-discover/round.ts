import Type from 'typebox'
import { Compile } from 'typebox/schema'
import type { ResourceAnnouncement } from '../../lib/index.ts'

/** What a round says of itself. Anybody can announce anything under this type, so readers look before they believe. */
const Round = Type.Object({
  denomination: Type.Integer({ minimum: 1 }),
  minParticipants: Type.Integer({ minimum: 2, maximum: 100 }),
  status: Type.Union([Type.Literal('waiting'), Type.Literal('full')]),
})
export type Round = Type.Static<typeof Round>

export const ROUND_TYPE = 'coinjoin-round'
const checker = Compile(Round)

/** A filter that types what passes it: rounds that wait, of at least so much. */
export function waitingRound(denominationMin: number): (resource: ResourceAnnouncement) => resource is ResourceAnnouncement<Round> {
  return (resource): resource is ResourceAnnouncement<Round> => checker.Check(resource.data) && resource.data.status === 'waiting' && resource.data.denomination >= denominationMin
}
