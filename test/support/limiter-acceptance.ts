import type { ILimiter } from '../../lib/contracts/limiter.ts'
import { expect, expectEqual, type AcceptanceCase } from '../../lib/testing/acceptance.ts'

/** One limiter of `points` points that come back within `windowMs`, and a way to let time pass. */
export interface LimiterFixture {
  limiter: ILimiter
  /** Points one key has to spend at once. */
  points: number
  /** After this long without spending, a key has all its points again. */
  windowMs: number
  /** Keys held at once. */
  keysMax: number
  advance(ms: number): void | Promise<void>
}

/** What every `ILimiter` promises. Mount it with `for (const { name, run } of cases) test(name, run)`. */
export function limiterAcceptance(open: () => LimiterFixture | Promise<LimiterFixture>): AcceptanceCase[] {
  const cases: Record<string, (fixture: LimiterFixture) => Promise<void>> = {
    'a key may spend its points at once, and no more': async ({ limiter, points }) => {
      for (let spent = 0; spent < points; spent++) expectEqual(await limiter.take('alice'), 0, `point ${spent + 1} of ${points}`)
      expect(await limiter.take('alice') > 0, 'the next is refused')
    },
    'a refusal says how long to wait, as a whole number of milliseconds; so long after it, it is allowed': async ({ limiter, points, advance }) => {
      for (let spent = 0; spent < points; spent++) await limiter.take('alice')
      const waitMs = await limiter.take('alice')
      expect(Number.isInteger(waitMs) && waitMs > 0, `a whole number above zero, got ${waitMs}`)
      await advance(waitMs)
      expectEqual(await limiter.take('alice'), 0, `after ${waitMs} ms`)
    },
    'keys are independent': async ({ limiter, points }) => {
      for (let spent = 0; spent <= points; spent++) await limiter.take('alice')
      expectEqual(await limiter.take('bob'), 0, 'bob has spent nothing')
      expect(await limiter.take('alice') > 0, 'alice still waits')
    },
    'several points may be spent in one go': async ({ limiter, points }) => {
      expectEqual(await limiter.take('alice', points - 1), 0, 'all but one')
      expect(await limiter.take('alice', 2) > 0, 'two where one is left')
    },
    'after a quiet window all points are there again': async ({ limiter, points, windowMs, advance }) => {
      for (let spent = 0; spent < points; spent++) await limiter.take('alice')
      await advance(windowMs)
      expectEqual(await limiter.take('alice', points), 0, 'all of them in one go')
    },
    'size counts the keys held, and never goes beyond its bound': async ({ limiter, keysMax }) => {
      for (let key = 0; key < keysMax; key++) expectEqual(await limiter.take(`key ${key}`), 0, `key ${key}`)
      expectEqual(limiter.size, keysMax, 'keys held')
      for (let key = 0; key < 20; key++) await limiter.take(`another ${key}`)
      expect(limiter.size <= keysMax, `at most ${keysMax} keys, got ${limiter.size}`)
    },
    'when no more keys can be held a new one waits, and those held are served as before': async ({ limiter, keysMax, points }) => {
      for (let key = 0; key < keysMax; key++) await limiter.take(`key ${key}`)
      const waitMs = await limiter.take('one too many')
      expect(Number.isInteger(waitMs) && waitMs > 0, `a wait, got ${waitMs}`)
      expectEqual(await limiter.take('key 0', points - 1), 0, 'a key that is held')
    },
    'keys that have all their points again make room for others': async ({ limiter, keysMax, windowMs, advance }) => {
      for (let key = 0; key < keysMax; key++) await limiter.take(`key ${key}`)
      await advance(windowMs)
      expectEqual(await limiter.take('a new one'), 0, 'there is room')
    },
  }
  return Object.entries(cases).map(([name, run]) => ({ name, run: async () => run(await open()) }))
}
