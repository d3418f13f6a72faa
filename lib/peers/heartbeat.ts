import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { Link } from './link.ts'

export interface HeartbeatOptions {
  clock: IClock
  intervalMs: number
  limits: Pick<Limits, 'heartbeatTimeoutMs' | 'heartbeatMissesMax'>
  /** After each answered ping. */
  onAnswer(): void
}

/**
 * Pings one link at an even pace and cuts it after too many misses in a row. A beat counts as missed
 * when nothing at all has come since the ping: a busy peer is alive even if its pong stands in a queue.
 */
export function startHeartbeat(link: Link, options: HeartbeatOptions): Disposable {
  const { clock, intervalMs, limits } = options
  let misses = 0
  let timer = clock.schedule(intervalMs, beat)

  function beat(): void {
    const seenBefore = link.framesRead
    let answered = false
    link.ping(() => {
      answered = true
      misses = 0
      options.onAnswer()
    })
    timer = clock.schedule(limits.heartbeatTimeoutMs, () => {
      if (answered || link.framesRead !== seenBefore) misses = 0
      else misses++
      if (misses >= limits.heartbeatMissesMax) return giveUp()
      timer = clock.schedule(Math.max(0, intervalMs - limits.heartbeatTimeoutMs), beat)
    })
  }

  function giveUp(): void {
    const error = new P2PError(ErrorCode.PEER_UNRESPONSIVE, `${link.id} answered none of ${misses} heartbeats`, { peerId: link.id })
    link.cut('timeout', error)
  }

  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
