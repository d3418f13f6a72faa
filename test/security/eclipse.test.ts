import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eclipses, FEW_PLACES, MANY_PLACES, shares } from './scenario-address-book.ts'

/** The bars P1 and P2 in small; at full size they are rows of a scenario. */
const test = suite('eclipse')

const SIZE = { worlds: 1, calmHours: 3, attackHours: 4, restarts: 6 }

test('an attacker with addresses in 32 netgroups never surrounds a node, and leaves it three honest links at least', async () => {
  const { restarts, eclipsed, atLeastThree } = shares(await eclipses(FEW_PLACES, SIZE))
  assert.equal([restarts, eclipsed, atLeastThree], [6, 0, 1])
})

test('were whom to dial drawn evenly from all that was heard, it would: the check can fail', async () => {
  const { atLeastThree } = shares(await eclipses(FEW_PLACES, SIZE, ['draws']))
  assert.ok(atLeastThree < 0.98, `${100 * atLeastThree} % of restarts`)
})

test('an attacker with addresses in 4,600 netgroups does not surround a node', async () => {
  const { eclipsed } = shares(await eclipses(MANY_PLACES, SIZE))
  assert.is(eclipsed, 0)
})

test('were no anchors kept, no netgroup kept apart and all drawn evenly, it would: the check can fail', async () => {
  const { eclipsed } = shares(await eclipses(MANY_PLACES, SIZE, ['draws', 'anchors', 'netgroups']))
  assert.ok(eclipsed > 0.01, `${100 * eclipsed} % of restarts`)
})

test.run()
