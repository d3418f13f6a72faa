import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gossip } from '../../../lib/protocols/gossip/index.ts'
import { netgroupOf } from '../../../lib/protocols/gossip/facts.ts'
import { DEFAULT_PARAMETERS, gossipParameters } from '../../../lib/protocols/gossip/parameters.ts'

const parameters = suite('gossip: parameters')

parameters('presets carry the seeds\' numbers, and single figures win over them', () => {
  const mesh = gossipParameters({}, 'seedMesh')
  assert.equal([mesh.meshMax, mesh.meshMin, mesh.maxHops, mesh.nearest], [3, 2, 10, true])
  assert.equal([gossipParameters({}, 'seedNode').meshMax, gossipParameters({}, 'seedNode').maxHops], [8, 10])
  assert.is(gossipParameters({}, 'topicSwarm').meshMax, 6)
  assert.is(gossipParameters({ maxHops: 12 }, 'seedMesh').maxHops, 12)
  assert.equal(gossipParameters(), { ...DEFAULT_PARAMETERS })
})

for (const [what, changes] of [
  ['an unknown figure', { meshSize: 3 }], ['a negative one', { backoffMs: -1 }], ['no number', { maxHops: Number.NaN }],
  ['a minimum above the target', { meshMin: 9 }], ['a target above the maximum', { meshTarget: 13 }], ['no hops', { maxHops: 0 }], ['too many hops', { maxHops: 256 }],
  ['a memory shorter than what is accepted', { seenMs: 150_000 }], ['a heartbeat of nothing', { heartbeatMs: 0 }],
] as const) {
  parameters(`${what} is refused at once`, () => {
    assert.throws(() => new Gossip({ parameters: changes as never }), (error: Error) => error instanceof RangeError)
  })
}

parameters('another kind of value is a TypeError, an unknown preset a RangeError', () => {
  assert.throws(() => gossipParameters({ nearest: 1 as never }), (error: Error) => error instanceof TypeError)
  assert.throws(() => gossipParameters({}, 'seed' as never), (error: Error) => error instanceof RangeError)
})

parameters('netgroups are /24 and /48 of public addresses', () => {
  assert.equal([
    '203.0.113.9:8080', 'ws://203.0.113.200:1/x', '[2001:db8:1:2::3]:80', 'ws://[2001:db8::1]:9', '::ffff:203.0.113.7', '[::ffff:203.0.113.7]:1',
    '127.0.0.1:1', '10.1.2.3', '192.168.0.1', '172.20.0.1', '169.254.1.1', '[::1]:1', '[fe80::1]:1', '[fd00::1]:2', 'memory:alice', '', '300.1.1.1',
  ].map(netgroupOf), [
    '203.0.113', '203.0.113', '2001:0db8:0001', '2001:0db8:0000', undefined, '203.0.113',
    ...new Array<undefined>(11).fill(undefined),
  ])
})

parameters.run()
