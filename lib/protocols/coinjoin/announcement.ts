import { toHex } from '../../foundation/hex.ts'
import type { Hasher } from './hashes.ts'
import { hashOfParams, type MixParams } from './params.ts'

/** The type of resource by which rounds are announced. */
export const ROUND_RESOURCE = 'coinjoin-round'

/** What an announcement says: the params, and the two names that the older documents filter by. Nothing about any peer. */
export interface RoundData extends MixParams {
  readonly minParticipants: number
  readonly status: 'waiting'
}

export interface RoundAnnouncement {
  /** paramsHash in hex: an announcement cannot say one thing and be called another. */
  readonly id: string
  readonly params: MixParams
}

export function announcementOf(hasher: Hasher, params: MixParams): RoundAnnouncement {
  return { id: toHex(hashOfParams(hasher, params)), params }
}

export function roundDataOf(params: MixParams): RoundData {
  return { ...params, minParticipants: params.minPeers, status: 'waiting' }
}
