import type { SimRandom } from './sim-random.ts'

/** How one direction between two machines behaves. Rates are probabilities for each frame. */
export interface LinkQuality {
  /** One way, before anything is added. */
  latencyMs: number
  /** Up to so much is added to each frame. */
  jitterMs: number
  /** How often a frame takes much longer, and how much at most; most of the long ones are short. */
  tailRate: number
  tailMsMax: number
  /**
   * How often a packet is lost and sent again by the system: the frame comes late, and all behind it wait. That is all
   * that loss is to a reliable channel.
   */
  lossRate: number
  /** How often a frame is gone for good, as if the channel were made of datagrams. A sealed link does not survive it. */
  vanishRate: number
  /** How often both sockets break instead of carrying a frame. */
  resetRate: number

  // What only somebody on the path can do to a reliable channel. Sealed links are cut by it.
  duplicateRate: number
  reorderRate: number
  corruptRate: number
  truncateRate: number

  bytesPerSecond: number
}

/** A quiet, even network. */
export const PERFECT_LINK: Readonly<LinkQuality> = Object.freeze({
  latencyMs: 1, jitterMs: 0, tailRate: 0, tailMsMax: 0, lossRate: 0, vanishRate: 0, resetRate: 0,
  duplicateRate: 0, reorderRate: 0, corruptRate: 0, truncateRate: 0, bytesPerSecond: Infinity,
})

/** The least wait before something lost is sent again (RFC 6298 says 1 s, Linux does 200 ms); it doubles each time. */
const RETRANSMIT_MS = 200
const RETRANSMITS_MAX = 8

/** What a frame of a reliable channel waits for on its way, besides the line being busy. */
export function transitMs(quality: LinkQuality, random: SimRandom): number {
  let ms = quality.latencyMs
  if (quality.jitterMs > 0) ms += random.fraction() * quality.jitterMs
  if (random.chance(quality.tailRate)) ms += quality.tailMsMax * random.fraction() ** 3
  return quality.lossRate > 0 ? ms + retransmissionMs(quality.lossRate, random) : ms
}

/** The time a sender needs to get one packet through where each try may be lost. */
export function retransmissionMs(lossRate: number, random: SimRandom): number {
  let ms = 0
  for (let tries = 0; tries < RETRANSMITS_MAX && random.chance(lossRate); tries++) ms += RETRANSMIT_MS * 2 ** tries
  return ms
}

export type FrameFate = 'arrives' | 'vanishes' | 'resets' | 'duplicated' | 'reordered' | 'corrupted' | 'truncated'

/** What becomes of a frame on its way; one draw, and none where nothing can happen. */
export function fateOf(quality: LinkQuality, random: SimRandom): FrameFate {
  const { vanishRate, resetRate, duplicateRate, reorderRate, corruptRate, truncateRate } = quality
  if (vanishRate + resetRate + duplicateRate + reorderRate + corruptRate + truncateRate === 0) return 'arrives'
  let drawn = random.fraction()
  if ((drawn -= vanishRate) < 0) return 'vanishes'
  if ((drawn -= resetRate) < 0) return 'resets'
  if ((drawn -= duplicateRate) < 0) return 'duplicated'
  if ((drawn -= reorderRate) < 0) return 'reordered'
  if ((drawn -= corruptRate) < 0) return 'corrupted'
  if ((drawn -= truncateRate) < 0) return 'truncated'
  return 'arrives'
}

/** Two causes at once: delays add up, the worse rate and the narrower line count. */
export function worsened(quality: LinkQuality, by: Partial<LinkQuality>): LinkQuality {
  const worse = { ...quality }
  for (const [name, value] of Object.entries(by) as [keyof LinkQuality, number][]) {
    if (name === 'bytesPerSecond') worse[name] = Math.min(worse[name], value)
    else if (name === 'latencyMs' || name === 'jitterMs') worse[name] += value
    else worse[name] = Math.max(worse[name], value)
  }
  return worse
}
