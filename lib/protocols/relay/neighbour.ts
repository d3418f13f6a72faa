import type { IClock } from '../../contracts/clock.ts'
import type { PeerId } from '../../contracts/message.ts'
import { TokenBucket } from '../../foundation/token-bucket.ts'
import {
  CARRIES_BURST, CARRIES_PER_SECOND, CARRY_BYTES_BURST, CARRY_BYTES_PER_SECOND, NOISE_BURST, NOISE_PER_SECOND, PATIENCE_BURST, PATIENCE_PER_SECOND, SEEKS_BURST, SEEKS_PER_SECOND,
} from './limits.ts'

type Clock = Pick<IClock, 'elapsedMs'>

/** A linked peer that speaks this protocol, and what it may cost us. */
export class Neighbour {
  readonly id: PeerId
  readonly seeks: TokenBucket
  /** What an honest neighbour cannot exceed. */
  readonly patience: TokenBucket
  readonly noise: TokenBucket
  readonly carries: TokenBucket
  readonly carryBytes: TokenBucket
  /** Envelopes of its under way through us, and being handed in here. */
  pending = 0
  deliveries = 0

  constructor(id: PeerId, clock: Clock) {
    this.id = id
    this.seeks = new TokenBucket(clock, SEEKS_PER_SECOND, SEEKS_BURST)
    this.patience = new TokenBucket(clock, PATIENCE_PER_SECOND, PATIENCE_BURST)
    this.noise = new TokenBucket(clock, NOISE_PER_SECOND, NOISE_BURST)
    this.carries = new TokenBucket(clock, CARRIES_PER_SECOND, CARRIES_BURST)
    this.carryBytes = new TokenBucket(clock, CARRY_BYTES_PER_SECOND, CARRY_BYTES_BURST)
  }
}
