// guard: deadline 300 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { play } from '../../../examples/07-coinjoin-round/play.ts'

const example = suite('example 07')

example('four processes mix, and the fifth, which cried wolf, is thrown out by all of them', async () => {
  const said: string[] = []
  const { txid, raw, results, excluded } = await play({ names: ['alice', 'bob', 'carol', 'dave', 'mallory'], cheat: { name: 'mallory', how: 'false-alarm' }, say: text => void said.push(text) })
  assert.is(results.size, 4)
  assert.ok(raw.length > 300)
  for (const [name, result] of results) {
    assert.is(result.txid, txid)
    assert.is(result.peers, 4)
    assert.ok(['FALSEALARM', 'left'].includes(excluded.get(name)!.join()), excluded.get(name)!.join())
  }
  assert.is(new Set([...results.values()].map(({ output }) => output)).size, 4)
  assert.is(new Set(said.flatMap(text => /process (\d+)/.exec(text)?.[1] ?? [])).size, 5)
})

example.run()
