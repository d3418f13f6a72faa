import type { Figures } from './programs.ts'

/** One measurement by one side. Sources with the same key are measured once a round and shared. */
export interface Source {
  readonly key: string
  /** Which of the measured figures is meant. */
  readonly field: string
  measure(): Promise<Figures>
}

/** Sources to be measured next to each other, so that a busy moment of the machine meets all of them. */
export interface Group {
  readonly name: string
  readonly sources: readonly Source[]
  /** How often in each round; and if only in the first, as for what does not vary. */
  readonly repeats?: number
  readonly once?: boolean
}

/** Every figure of a source, and what went wrong when it could not be had. */
interface Result {
  readonly figures: Figures[]
  readonly errors: string[]
}

export interface Summary {
  readonly median: number | null
  readonly least: number | null
  readonly most: number | null
  readonly samples: number
  readonly errors: readonly string[]
}

/** Measures A B C, A B C ... and keeps every figure, so that no side has the quiet minutes for itself. */
export class Rounds {
  readonly #results = new Map<string, Result>()

  async run(groups: readonly Group[], rounds: number, progress: (text: string) => void): Promise<void> {
    for (let round = 1; round <= rounds; round++) {
      const done = new Set<string>()
      for (const group of groups) {
        if (group.once === true && round > 1) continue
        for (let i = 0; i < (group.repeats ?? 1); i++) {
          const sources = i === 0 ? group.sources.filter(source => !done.has(source.key)) : group.sources
          for (const source of sources) await this.#measure(source, `round ${round} of ${rounds}, ${group.name}`, progress)
          for (const source of sources) done.add(source.key)
        }
      }
    }
  }

  summary(source: Source | undefined): Summary {
    const { figures, errors } = (source && this.#results.get(source.key)) ?? { figures: [], errors: [] }
    const values = figures.map(each => each[source?.field ?? '']).filter(value => typeof value === 'number').sort((a, b) => a - b)
    return {
      median: median(values),
      least: values[0] ?? null,
      most: values.at(-1) ?? null,
      samples: values.length,
      errors,
    }
  }

  async #measure(source: Source, where: string, progress: (text: string) => void): Promise<void> {
    let result = this.#results.get(source.key)
    if (result === undefined) this.#results.set(source.key, (result = { figures: [], errors: [] }))
    try {
      const figures = await source.measure()
      result.figures.push(figures)
      const value = figures[source.field]
      progress(`${where}: ${source.key}: ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      result.errors.push(text)
      progress(`${where}: ${source.key} failed: ${text}`)
    }
  }
}

/** The middle one of sorted values; of an even number, the mean of the two in the middle. */
function median(sorted: readonly number[]): number | null {
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  return high === undefined || low === undefined ? null : (low + high) / 2
}
