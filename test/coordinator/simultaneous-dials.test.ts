import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RandomBytes } from '../../lib/contracts/random.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { fastBackend } from '../support/backends.ts'
import { JitteryTransport } from '../support/jittery-transport.ts'
import { below, seededRandom } from '../support/seeded-random.ts'
import { diaryOf, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('simultaneous dials')

const SCHEDULES = 200
/** Of one frame or dial, in turns of the event loop. */
const JITTERS = [0, 1, 3, 8]
const backend = await fastBackend()
const identities = Array.from({ length: 6 }, (_, index) => createIdentity({ secret: seededRandom(`identity ${index}`)(32), backend }))

interface Player extends Resident {
  transport: JitteryTransport
  said: string[]
}

async function player(town: Town, name: string, random: RandomBytes, identity: number): Promise<Player> {
  const transport = new JitteryTransport(town.transport(), random, JITTERS[below(random, JITTERS.length)]!)
  const { node } = town.guest(name, { transports: [transport], identity: identities[identity]! })
  const said: string[] = []
  // Told first, so that what is said in here is said at the earliest.
  node.on('connected', peer => void say(node.peerId, `${name} greets`, peer.peerId))
  const say = async (_: string, text: string, to: string): Promise<void> => {
    said.push(text)
    await node.sendTo(to, { type: 'text', payload: text })
  }
  const { address } = await node.listen(`memory:${name}`)
  return { node, address, transport, said, diary: diaryOf(node) }
}

/** Dials, and goes on talking whatever happens to the links underneath. */
async function act(me: Player, other: Player, random: RandomBytes): Promise<void> {
  await settle(below(random, 12))
  const dialling = me.node.connectToPeer({ peerId: other.node.id, addresses: { memory: other.address }, state: 'disconnected', lastSeen: 0 })
  for (let index = 0; index < 6; index++) {
    await settle(below(random, 8))
    if (!me.node.isConnected(other.node.id)) continue
    me.said.push(`${me.node.peerId} says ${index}`)
    await me.node.sendTo(other.node.id, { type: 'text', payload: `${me.node.peerId} says ${index}` })
  }
  await dialling
}

function heardBy({ diary }: Player): unknown[] {
  return diary.messages.map(({ message }) => message.payload)
}

async function playOut(schedule: number): Promise<void> {
  const random = seededRandom(`schedule ${schedule}`)
  await using town = new Town()
  const first = below(random, identities.length)
  const alice = await player(town, 'alice', random, first)
  const bob = await player(town, 'bob', random, (first + 1 + below(random, identities.length - 1)) % identities.length)
  await Promise.all([act(alice, bob, random), act(bob, alice, random)])
  const seen = `schedule ${schedule}`
  await until(() => heardBy(bob).length >= alice.said.length && heardBy(alice).length >= bob.said.length, `${seen}: every message to arrive; alice heard ${heardBy(alice).length} of ${bob.said.length}, bob ${heardBy(bob).length} of ${alice.said.length}`)
  await until(() => alice.transport.open === 1 && bob.transport.open === 1, `${seen}: one link to be left, not ${alice.transport.open} and ${bob.transport.open}`)
  await settle()

  assert.equal(heardBy(bob).sort(), alice.said.sort(), `${seen}: what bob heard`)
  assert.equal(heardBy(alice).sort(), bob.said.sort(), `${seen}: what alice heard`)
  assert.equal([alice.diary.connected, bob.diary.connected], [[bob.node.id], [alice.node.id]], `${seen}: announced once`)
  assert.equal([alice.diary.disconnected, bob.diary.disconnected, alice.diary.errors, bob.diary.errors], [[], [], [], []], `${seen}: nobody left`)
  assert.equal([alice.transport.open, bob.transport.open], [1, 1], `${seen}: one link`)
}

for (let batch = 0; batch < 4; batch++) {
  test(`end in one link on both sides and lose no message, schedules ${batch * 50} to ${batch * 50 + 49}`, async () => {
    for (let schedule = batch * SCHEDULES / 4; schedule < (batch + 1) * SCHEDULES / 4; schedule++) await playOut(schedule)
  })
}

test.run()
