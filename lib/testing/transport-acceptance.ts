import type { AcceptanceCase } from './acceptance.ts'
import { backpressure } from './transport-cases-backpressure.ts'
import { dialling } from './transport-cases-dialling.ts'
import { endings } from './transport-cases-endings.ts'
import { frames } from './transport-cases-frames.ts'
import { TransportStage, type TransportAcceptanceOptions, type TransportFixture, type TransportPlay } from './transport-stage.ts'

export type { TransportAcceptanceOptions, TransportFixture } from './transport-stage.ts'

/**
 * What every transport promises, as cases for any test framework:
 * `for (const { name, run } of transportAcceptance(make)) test(name, run)`. `make` is called for each
 * case and gives it a fresh transport and the addresses to use.
 */
export function transportAcceptance(make: () => Promise<TransportFixture>, options: TransportAcceptanceOptions = {}): AcceptanceCase[] {
  const plays: Record<string, TransportPlay> = { ...dialling(options), ...frames(options), ...endings(options), ...backpressure(options) }
  return Object.entries(plays).map(([name, play]) => ({
    name,
    async run() {
      const stage = new TransportStage(await make(), options)
      try {
        await play(stage)
      } finally {
        await stage[Symbol.asyncDispose]()
      }
    },
  }))
}
