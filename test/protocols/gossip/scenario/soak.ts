// G11: memory stays where it is, and nothing is heard twice.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Gossip } from '../../../../lib/protocols/gossip/index.node.ts'
import { DEFAULT_PARAMETERS } from '../../../../lib/protocols/gossip/parameters.ts'
import { atMost, delivered, type BarOptions, type Measured } from './check.ts'
import { groundOf, type Place } from './ground.ts'
import { TOPIC } from './world.ts'

const MINUTE = 60_000
const EVERY_MS = 20

export interface SoakOptions extends BarOptions {
  /** At 50 messages a second; four times as long as an id is remembered. */
  busyMinutes?: number
  /** Then at a message a minute. */
  quietHours?: number
  /** For a short soak, in which ids must be forgotten sooner to reach the point where as many go as come. */
  seenMs?: number
}

/** Of the busy time: by then ids have been forgotten for a while, as they live for a quarter of it, and up to a third longer in generations. */
const WARM_SHARE = 0.4

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is resident, and what is in use, once everything that may go has gone. */
function memoryMiB(): { resident: number; used: number } {
  collect()
  collect()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss / 2 ** 20, used: (heapUsed + external) / 2 ** 20 }
}

/** Up to 32 nodes, so that who has heard what fits into one number for each message. */
export async function g11({ n, seed, fidelity, busyMinutes = 20, quietHours = 24, seenMs = DEFAULT_PARAMETERS.seenMs }: SoakOptions): Promise<Measured> {
  if (n > 32) throw new RangeError(`the soak is for up to 32 nodes, got ${n}`)
  const ground = groundOf(fidelity ?? 'protocol', seed)
  const messages = busyMinutes * MINUTE / EVERY_MS + quietHours * 60
  const heard = new Uint32Array(messages)
  let twice = 0
  const nodes: { place: Place; gossip: Gossip }[] = []
  for (let index = 0; index < n; index++) {
    const gossip = new Gossip({ parameters: { seenMs, ageMsMax: seenMs * 0.4, leadMsMax: seenMs * 0.1, retentionMs: seenMs * 0.4 } })
    gossip.subscribe<number>(TOPIC, number => {
      if ((heard[number]! & (1 << index)) !== 0) twice++
      heard[number]! |= 1 << index
    })
    nodes.push({ gossip, place: await ground.add(`node-${index}`, gossip) })
  }
  await ground.linkAtRandom(16)
  await ground.run(5_000)
  let said = 0
  const say = async (everyMs: number): Promise<void> => {
    await ground.drive(ground.random.pick(nodes).gossip.publish(TOPIC, said++))
    await ground.run(everyMs)
  }
  const seenMost = (): number => Math.max(...nodes.map(({ gossip }) => gossip.getStats().seen))

  const busyUntilMs = ground.nowMs + busyMinutes * MINUTE
  const warmUntilMs = ground.nowMs + busyMinutes * WARM_SHARE * MINUTE
  while (ground.nowMs < warmUntilMs) await say(EVERY_MS)
  const warm = memoryMiB()
  let seen = 0
  while (ground.nowMs < busyUntilMs) {
    await say(EVERY_MS)
    if (said % 1_000 === 0) seen = Math.max(seen, seenMost())
  }
  const busy = memoryMiB()
  for (let minute = 0; minute < quietHours * 60; minute++) await say(MINUTE)
  const quiet = memoryMiB()
  await ground.run(5_000)
  const all = heard.subarray(0, said).reduce((sum, bits) => sum + ones(bits), 0)
  await ground.shutdown()
  const grown = (from: number, to: number): number => Math.max(0, to / from - 1) * 100
  return {
    samples: all, figures: { warm, busy, quiet, said },
    checks: [
      delivered(all / (said * (n - 1))),
      atMost('twice', 'deliveries', twice, 0),
      atMost('resident grown', '%', Math.max(grown(warm.resident, busy.resident), grown(warm.resident, quiet.resident)), 5),
      atMost('in use grown', '%', Math.max(grown(warm.used, busy.used), grown(warm.used, quiet.used)), 5),
      atMost('seen set', 'ids', seen, DEFAULT_PARAMETERS.seenMax),
    ],
  }
}

function ones(bits: number): number {
  let count = 0
  for (let rest = bits >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++
  return count
}
