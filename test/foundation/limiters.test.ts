import { RateLimiterMemory } from 'rate-limiter-flexible'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { flexibleLimiter } from '../../lib/foundation/rate-limiter-adapter.ts'
import { TokenBucket, TokenBucketLimiter } from '../../lib/foundation/token-bucket.ts'
import { limiterAcceptance } from '../support/limiter-acceptance.ts'
import { ManualClock } from '../support/manual-clock.ts'

const acceptance = suite('limiters, acceptance')

const KEYS_MAX = 30

for (const { name, run } of limiterAcceptance(() => {
  const clock = new ManualClock()
  return { limiter: new TokenBucketLimiter({ clock, perSecond: 10, burst: 5, keysMax: KEYS_MAX }), points: 5, windowMs: 500, keysMax: KEYS_MAX, advance: ms => clock.advance(ms) }
})) acceptance(`token bucket: ${name}`, run)

// The library reads the machine's clock, so here time really passes; its window is a second at least.
for (const { name, run } of limiterAcceptance(() => ({
  limiter: flexibleLimiter(new RateLimiterMemory({ points: 5, duration: 1 }), { keysMax: KEYS_MAX, windowMs: 1_000, elapsedMs: () => performance.now() }),
  points: 5, windowMs: 1_000, keysMax: KEYS_MAX, advance: ms => new Promise(resolve => setTimeout(resolve, ms + 5)),
}))) acceptance(`rate-limiter-flexible: ${name}`, run)

const buckets = suite('token buckets')

buckets('points come back steadily, never beyond the burst', () => {
  const clock = new ManualClock()
  const bucket = new TokenBucket(clock, 4, 8)
  assert.is(bucket.take(8), 0)
  assert.is(bucket.take(), 250)
  clock.advance(249)
  assert.is(bucket.take(), 1)
  clock.advance(1)
  assert.is(bucket.take(), 0)
  clock.advance(3_600_000)
  assert.ok(bucket.full)
  assert.is(bucket.take(8), 0)
  assert.is(bucket.take(), 250)
})

buckets('more than the burst is served from a full bucket and leaves a debt, so that nothing waits for ever', () => {
  const clock = new ManualClock()
  const bucket = new TokenBucket(clock, 10, 5)
  assert.is(bucket.take(1), 0)
  assert.is(bucket.take(20), 100, 'not from a bucket that is not full')
  clock.advance(100)
  assert.is(bucket.take(20), 0)
  assert.is(bucket.take(1), 1_600, 'fifteen of debt and one more')
})

buckets('spending goes through in any case and says how long to rest', () => {
  const clock = new ManualClock()
  const bucket = new TokenBucket(clock, 1_000, 100)
  assert.equal([bucket.spend(60), bucket.spend(40), bucket.spend(25), bucket.spend(0)], [0, 0, 25, 25])
  clock.advance(25)
  assert.equal([bucket.spend(0), bucket.full], [0, false])
})

buckets('a refused key costs nothing: asking again and again does not make the wait longer', () => {
  const clock = new ManualClock()
  const limiter = new TokenBucketLimiter({ clock, perSecond: 2, burst: 1, keysMax: 10 })
  limiter.take('alice')
  for (let count = 0; count < 100; count++) assert.is(limiter.take('alice'), 500)
  clock.advance(500)
  assert.is(limiter.take('alice'), 0)
})

const adapter = suite('rate-limiter-flexible adapter')

adapter('a store that fails is not taken for a refusal', async () => {
  const limiter = flexibleLimiter({ consume: () => Promise.reject(new Error('redis is down')) }, { keysMax: 10, windowMs: 1_000, elapsedMs: () => 0 })
  await Promise.resolve(limiter.take('alice')).then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'redis is down'))
})

adapter('the library\'s refusal becomes a wait of at least a millisecond', async () => {
  for (const [msBeforeNext, waitMs] of [[250, 250], [0, 1], [0.2, 1], [-5, 1]] as const) {
    // As the library does: a plain object, no error.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const limiter = flexibleLimiter({ consume: () => Promise.reject({ msBeforeNext }) }, { keysMax: 10, windowMs: 1_000, elapsedMs: () => 0 })
    assert.is(await limiter.take('alice'), waitMs)
  }
})

acceptance.run()
buckets.run()
adapter.run()
