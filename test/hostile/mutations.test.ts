import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mutateFrames } from './mutations.ts'
import { replayFrames } from './replays.ts'
import { mutateHandshakes } from '../support/mutate-handshakes.ts'

const mutations = suite('mutated frames and handshakes')

mutations('of 20,000 mutated frames lib takes what docs/wire.md lets in, no more and no less, and none brings it down', async () => {
  const { accepted, missed, crashed, taken, firstFault } = await mutateFrames({ frames: 20_000, seed: 1, signatures: 'stand-in' })
  assert.equal({ accepted, missed, crashed, firstFault }, { accepted: 0, missed: 0, crashed: 0, firstFault: undefined })
  assert.ok(taken > 1_000, `only ${taken} were taken: the campaign must not be all junk`)
})

mutations('the same with real signatures', async () => {
  const { accepted, missed, crashed, taken, firstFault } = await mutateFrames({ frames: 600, seed: 2, signatures: 'real' })
  assert.equal({ accepted, missed, crashed, firstFault }, { accepted: 0, missed: 0, crashed: 0, firstFault: undefined })
  assert.ok(taken > 50, `only ${taken} were taken`)
})

mutations('of 4,000 replays, on the same link, on new ones, on another peer\'s and after a restart, none is taken', async () => {
  const { taken, accepted, crashed, refused } = await replayFrames({ replays: 4_000, seed: 3 })
  assert.equal({ taken, accepted, crashed }, { taken: 2 * (200 + 200), accepted: 0, crashed: 0 })
  assert.ok((refused['ERR_WIRE_REPLAYED'] ?? 0) >= 3_000)
  assert.ok((refused['ERR_WIRE_BEFORE_RESTART'] ?? 0) >= 1_000)
})

mutations('of 500 mutated handshakes none is accepted, none crashes, none hangs', async () => {
  const { accepted, crashed, hung, firstFault } = await mutateHandshakes({ count: 500, seed: 3 })
  assert.equal({ accepted, crashed, hung, firstFault }, { accepted: 0, crashed: 0, hung: 0, firstFault: undefined })
})

mutations.run()
