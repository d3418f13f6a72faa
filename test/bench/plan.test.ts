import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fixed, judge, scaled, sourcesOf, timesPeer, type Plan } from './plan.ts'
import { Rounds, type Source } from './rounds.ts'

/** A side that measures these values, one a round; an Error stands for a measurement that failed. */
function side(key: string, log: string[], ...values: (number | Error)[]): Source {
  let round = 0
  return {
    key,
    field: 'value',
    async measure() {
      log.push(key)
      const value = values[round++ % values.length]
      if (value instanceof Error) throw value
      return { value }
    },
  }
}

async function judged(plan: Plan, rounds: number) {
  const measured = new Rounds()
  await measured.run([{ ...plan, name: plan.row, sources: sourcesOf(plan) }], rounds, () => {})
  return judge(plan, measured)
}

const bars = suite('bench bars')

bars('a bar in figures of another machine grows and shrinks with the peer', () => {
  assert.is(scaled(6, 12)(12), 6)
  assert.is(scaled(6, 12)(6), 3)
  assert.is(scaled(6, 12)(24), 12)
  assert.is(scaled(6, 12)(null), null)
  assert.is(timesPeer(4)(10), 40)
  assert.is(fixed(25)(null), 25)
})

bars('more is better for a rate, less for a time, and the ratio says how far ahead we are', async () => {
  const rate = await judged({ row: 'rate', unit: 'msgs/s', better: 'more', ours: side('a', [], 40), peer: side('b', [], 10), bar: timesPeer(4) }, 1)
  assert.equal([rate.ratio, rate.bar, rate.holds], [4, 40, true])
  const time = await judged({ row: 'time', unit: 'ms', better: 'less', ours: side('a', [], 5), peer: side('b', [], 10), ceiling: side('c', [], 1), bar: timesPeer(0.4) }, 1)
  assert.equal([time.ratio, time.bar, time.holds, time.share], [2, 4, false, 0.2])
})

bars('the figure is the median of the rounds', async () => {
  const row = await judged({ row: 'time', unit: 'ms', better: 'less', ours: side('a', [], 9, 1, 2), bar: fixed(2) }, 3)
  assert.equal([row.ours, row.least, row.most, row.samples, row.holds], [2, 1, 9, 3, true])
})

bars('one failed measurement of ours fails the row, and one of the peer does not', async () => {
  const lost = new Error('sent 10 messages, but 9 arrived')
  const ours = await judged({ row: 'rate', unit: '', better: 'more', ours: side('a', [], 50, lost, 50), peer: side('b', [], 10), bar: timesPeer(4) }, 3)
  assert.equal([ours.ours, ours.holds, ours.error], [50, false, lost.message])
  const peer = await judged({ row: 'rate', unit: '', better: 'more', ours: side('a', [], 50), peer: side('b', [], 10, lost, 10), bar: timesPeer(4) }, 3)
  assert.equal([peer.peer, peer.holds], [10, true])
})

bars('a bar that rests on a peer who gave no figure does not hold', async () => {
  const row = await judged({ row: 'rate', unit: '', better: 'more', ours: side('a', [], 50), peer: side('b', [], new Error('no')), bar: timesPeer(4) }, 1)
  assert.equal([row.peer, row.bar, row.ratio, row.holds], [null, null, null, false])
})

bars('sides take turns, and what two rows share is measured once a round', async () => {
  const log: string[] = []
  const shared = side('shared', log, 1)
  const groups = [
    { name: 'one', sources: [side('a', log, 1), shared] },
    { name: 'two', sources: [shared, side('b', log, 1)] },
    { name: 'three', sources: [side('c', log, 1)], once: true },
    { name: 'four', sources: [side('d', log, 1), side('e', log, 1)], repeats: 2 },
  ]
  await new Rounds().run(groups, 2, () => {})
  assert.is(log.join(' '), 'a shared b c d e d e a shared b d e d e')
})

bars.run()
