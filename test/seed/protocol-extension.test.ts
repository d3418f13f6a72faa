import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator } from '../../lib/index.ts'
import { diaryOf } from '../support/town.ts'
import { until } from '../support/until.ts'
import { complaintsAbout, runSample } from './samples.ts'
import { connectedPair, coordinatorGiven } from './support.ts'

const test = suite('Protocol Extension Pattern')

const after = 'export { handler }'

interface Doer { doSomething(): Promise<void> }

test('MyProtocolHandler compiles as it stands', async () => {
  await using coordinator = new P2PCoordinator()
  assert.equal(complaintsAbout('protocol-extension', { given: coordinatorGiven(coordinator), after }), [])
})

test('runs on both sides: hooks fire, its own verb reaches the other, and a restartable id is no duplicate across authors', async () => {
  await using pair = await connectedPair()
  const [alices, bobs] = [diaryOf(pair.alice), diaryOf(pair.bob)]
  const hers = await runSample('protocol-extension', { given: coordinatorGiven(pair.alice), after })
  const his = await runSample('protocol-extension', { given: coordinatorGiven(pair.bob), after })
  assert.equal([hers.printed, his.printed], [[['New peer: bob']], [[`New peer: ${pair.alice.id}`]]])
  await (hers.exported.handler as Doer).doSomething()
  await (his.exported.handler as Doer).doSomething()
  await until(() => hers.printed.length === 2 && his.printed.length === 2, 'both to hear')
  assert.equal([hers.printed[1], his.printed[1]], [['Received:', { data: 'hello' }], ['Received:', { data: 'hello' }]])
  await pair.alice.disconnectFromPeer('bob')
  await until(() => hers.printed.length === 3 && his.printed.length === 3, 'both to see the other leave')
  assert.equal([hers.printed[2], his.printed[2]], [['Peer left: bob'], [`Peer left: ${pair.alice.id}`]])
  assert.equal([alices.errors, bobs.errors, alices.messages, bobs.messages], [[], [], [], []])
})

test('Extensibility, as one line', async () => {
  await using coordinator = new P2PCoordinator()
  class MyProtocolHandler {
    readonly protocolName = 'mine'
    async handleMessage(): Promise<void> {}
  }
  const given = { ...coordinatorGiven(coordinator), MyProtocolHandler: { type: 'new () => peerweft.IProtocolHandler', value: MyProtocolHandler } }
  assert.equal(complaintsAbout('extensibility', { given }), [])
  await runSample('extensibility', { given })
  assert.equal(coordinator.getStats().protocols, ['mine'])
})

test('what was written to the document\'s types fits ours', () => {
  const imports = "import type { IProtocolHandler as Ours, P2PMessage, PeerInfo } from 'peerweft'"
  assert.equal(complaintsAbout('handler-interface', { before: imports, after: 'export const fits = (theirs: IProtocolHandler): Ours => theirs' }), [])
  const border = {
    before: "import type * as ours from 'peerweft'\nimport type { PeerState } from 'peerweft'\ntype PublicKey = Uint8Array\ntype WebRTCSessionDescription = { type: 'offer' | 'answer'; sdp: string }",
    after: [
      'export const message = (theirs: P2PMessage<number>): ours.P2PMessage<number> => theirs',
      'export const peer = (theirs: PeerInfo): ours.PeerInfo => theirs',
      'export const resource = (theirs: ResourceAnnouncement<number>): ours.ResourceAnnouncement<number> => theirs',
    ].join('\n'),
  }
  assert.equal(complaintsAbout('types', border), [])
})

test.run()
