import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator } from '../../lib/index.ts'
import { until } from '../support/until.ts'
import { complaintsAbout, runSample } from './samples.ts'
import { connectedPair, coordinatorGiven } from './support.ts'

const test = suite('Example 3: Protocol Handler')

// The sample uses a type that the example before it imports.
const before = "import { P2PMessage, PeerInfo } from 'peerweft'"

test('compiles as it stands', async () => {
  await using coordinator = new P2PCoordinator()
  assert.equal(complaintsAbout('example-3', { given: coordinatorGiven(coordinator), before }), [])
})

test('the handler hears what is sent under its name, from whom the user calls alice', async () => {
  await using pair = await connectedPair()
  const { printed } = await runSample('example-3', { given: coordinatorGiven(pair.bob), before })
  await pair.alice.sendTo('bob', { type: 'any', protocol: 'simple', payload: { n: 1 } })
  await pair.alice.sendTo('bob', { type: 'any', payload: 'not for it' })
  await pair.alice.sendTo('bob', { type: 'any', protocol: 'simple', payload: { n: 2 } })
  await until(() => printed.length === 2, 'two lines')
  assert.equal(printed, [1, 2].map(n => [`[simple] From ${pair.alice.id}:`, { n }]))
  assert.equal(pair.bob.getStats().protocols, ['simple'])
})

test.run()
