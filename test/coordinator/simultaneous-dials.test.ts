import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RandomBytes } from '../../lib/contracts/random.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { fastBackend } from '../support/backends.ts'
import { JitteryTransport } from '../support/jittery-transport.ts'
import { DefinedHandler } from '../support/plain-handler.ts'
import { below, seededRandom } from '../support/seeded-random.ts'
import { diaryOf, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('simultaneous dials')

/** Of one frame or dial, in turns of the event loop. */
const JITTERS = [0, 1, 3, 8]
const backend = await fastBackend()
const identities = Array.from({ length: 6 }, (_, index) => createIdentity({ secret: seededRandom(`identity ${index}`)(32), backend }))

interface Player extends Resident {
  transport: JitteryTransport
  said: string[]
  heard: string[]
  say(text: string, to: string): Promise<void>
}

async function player(town: Town, name: string, random: RandomBytes, identity: number, filler: Uint8Array): Promise<Player> {
  const transport = new JitteryTransport(town.transport(), random, JITTERS[below(random, JITTERS.length)]!)
  const { node } = town.guest(name, { transports: [transport], identity: identities[identity]! })
  const talk = new DefinedHandler({ name: 'talk', messageBytesMax: 1_048_576 })
  node.registerProtocol(talk)
  const said: string[] = []
  const say = async (text: string, to: string): Promise<void> => {
    said.push(text)
    await node.sendTo(to, { protocol: 'talk', type: 'text', payload: { text, filler } })
  }
  // Told first, so that what is said in here is said at the earliest.
  node.on('connected', peer => void say(`${name} greets`, peer.peerId))
  const { address } = await node.listen(`memory:${name}`)
  return { node, address, transport, said, say, diary: diaryOf(node), get heard() { return talk.payloads.map(payload => (payload as { text: string }).text) } }
}

/** Dials, and goes on talking whatever happens to the links underneath. */
async function act(me: Player, other: Player, random: RandomBytes): Promise<void> {
  await settle(below(random, 12))
  const dialling = me.node.connectToPeer({ peerId: other.node.id, addresses: { memory: other.address }, state: 'disconnected', lastSeen: 0 })
  for (let index = 0; index < 6; index++) {
    await settle(below(random, 8))
    if (me.node.isConnected(other.node.id)) await me.say(`${me.node.peerId} says ${index}`, other.node.id)
  }
  await dialling
}

async function playOut(schedule: number, filler: Uint8Array): Promise<void> {
  const random = seededRandom(`schedule ${schedule}`)
  await using town = new Town()
  const first = below(random, identities.length)
  const alice = await player(town, 'alice', random, first, filler)
  const bob = await player(town, 'bob', random, (first + 1 + below(random, identities.length - 1)) % identities.length, filler)
  await Promise.all([act(alice, bob, random), act(bob, alice, random)])
  const seen = `schedule ${schedule}`
  await until(() => bob.heard.length >= alice.said.length && alice.heard.length >= bob.said.length, `${seen}: every message to arrive`)
  await until(() => alice.transport.open === 1 && bob.transport.open === 1, `${seen}: one link to be left`)
  await settle()

  assert.equal(bob.heard.sort(), alice.said.sort(), `${seen}: what bob heard`)
  assert.equal(alice.heard.sort(), bob.said.sort(), `${seen}: what alice heard`)
  assert.equal([alice.diary.connected, bob.diary.connected], [[bob.node.id], [alice.node.id]], `${seen}: announced once`)
  assert.equal([alice.diary.disconnected, bob.diary.disconnected, alice.diary.errors, bob.diary.errors], [[], [], [], []], `${seen}: nobody left`)
  assert.equal([alice.transport.open, bob.transport.open], [1, 1], `${seen}: one link`)
}

for (let batch = 0; batch < 4; batch++) {
  test(`end in one link on both sides and lose no message, schedules ${batch * 50} to ${batch * 50 + 49}`, async () => {
    for (let schedule = batch * 50; schedule < (batch + 1) * 50; schedule++) await playOut(schedule, new Uint8Array(0))
  })
}

test('messages that travel in pieces survive it, too', async () => {
  for (let schedule = 50; schedule < 90; schedule++) await playOut(schedule, new Uint8Array(200_000))
})

test.run()
