import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { accusations } from './scenario-accusations.ts'

const test = suite('accusations, small')

test('nobody honest is accused, and everybody guilty is found', async () => {
  const { accused, taken, guilty, found } = await accusations({ statements: 5_000, seed: 1 })
  assert.equal([accused, found], [0, guilty])
  assert.ok(taken > 1_000, `${taken} statements were taken`)
})

test('planted: processes that keep their boot would be accused, so the figure can fail', async () => {
  assert.ok((await accusations({ statements: 30_000, seed: 2, withoutFreshBoots: true })).accused > 0)
})

test('planted: where nobody looks, nobody is found', async () => {
  assert.is((await accusations({ statements: 100, seed: 3, withoutWatching: true })).found, 0)
})

test.run()
