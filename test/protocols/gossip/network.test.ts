import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { settle } from '../../support/until.ts'
import { Club, payloadsOf } from './support/club.ts'

const gossip = suite('gossip between coordinators')

gossip('the far end of a line of five hears it once, with hops, path and author', async () => {
  await using club = new Club()
  const members = await club.members(5)
  await club.line(members)
  const [first, , , , last] = members as [typeof members[0], typeof members[0], typeof members[0], typeof members[0], typeof members[0]]
  const { messageId, peers } = await first.node.publish('news', { text: 'hello' })
  await settle()
  assert.is(peers, 1)
  assert.equal(payloadsOf(last), [{ text: 'hello' }])
  const { item } = last.heard[0]!
  assert.is(item.from, first.node.id)
  assert.is(item.messageId, messageId)
  assert.is(item.hops, 4)
  assert.equal(item.path, members.slice(1, 4).map(({ node }) => node.id))
  assert.is(item.topic, 'news')
  assert.is(first.heard.length, 0, 'nobody hears what it says itself')
})

gossip.run()
