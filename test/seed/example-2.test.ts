import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator } from '../../lib/index.ts'
import { rejection } from '../support/rejection.ts'
import { complaintsAbout, runSample } from './samples.ts'
import { coordinatorGiven, smallDirectory } from './support.ts'

const test = suite('Example 2: Resource Announcement')

test('compiles as it stands', async () => {
  await using coordinator = new P2PCoordinator()
  assert.equal(complaintsAbout('example-2', { given: coordinatorGiven(coordinator), after: 'export { rounds }' }), [])
})

test('without a plugin that plays the directory, it is told which to register', async () => {
  await using coordinator = new P2PCoordinator()
  const refusal = await rejection(runSample('example-2', { given: coordinatorGiven(coordinator) }))
  assert.is(refusal.code, 'ERR_RESOURCE_NO_DIRECTORY')
  assert.match(refusal.message, /such as the DHT/)
})

test('runs with whatever plays the directory', async () => {
  await using coordinator = new P2PCoordinator()
  coordinator.registerProtocol(smallDirectory())
  const { printed, exported } = await runSample('example-2', { given: coordinatorGiven(coordinator), after: 'export { rounds }' })
  const rounds = exported.rounds as { resourceId: string; data: unknown; createdAt: number; expiresAt: number }[]
  assert.equal(rounds.map(round => [round.resourceId, round.data, round.expiresAt - round.createdAt]), [['round-xyz', { denomination: 100_000_000, minParticipants: 5, status: 'waiting' }, 1_800_000]])
  assert.equal(printed, [['Available rounds:', rounds]])
})

test.run()
