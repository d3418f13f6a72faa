// guard: deadline 240 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildMember, Member, untilAll } from './support/fleet.ts'

const MEMBERS = 20
const KILLED = 5
/** Of each publisher; with the interval it makes a stream of six seconds. */
const MESSAGES = 60
const EVERY_MS = 100
const PUBLISHERS = 10

const processes = suite('twenty processes on one machine')

/** Whether everybody can be reached from everybody over links. */
function areOne(links: ReadonlyMap<string, readonly string[]>): boolean {
  const reached = new Set<string>()
  const queue = [...links.keys()].slice(0, 1)
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (reached.has(id)) continue
    reached.add(id)
    queue.push(...(links.get(id) ?? []))
  }
  return [...links.keys()].every(id => reached.has(id))
}

processes('find each other from one address, lose five to kill -9 in the middle of a stream, and every survivor has every message', async () => {
  using built = await buildMember()
  const members: Member[] = []
  const print = (text: string): void => console.log(`    ${text}`)
  const startedAt = performance.now()
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
  try {
    // Only the first one's address is known to anybody.
    members.push(new Member(built.program, 'member-0'))
    const first = await members[0]!.ask('listen')
    for (let index = 1; index < MEMBERS; index++) members.push(new Member(built.program, `member-${index}`, first.address))
    const ids = [first.id, ...(await Promise.all(members.slice(1).map(member => member.ask('listen')))).map(({ id }) => id)]
    const foundMs = await untilAll('all are one network, with four links each', async () => {
      const peers = await Promise.all(members.map(member => member.ask('peers')))
      return peers.every(({ subscribers }) => subscribers >= 4) && areOne(new Map(peers.map(({ linked }, index) => [ids[index]!, linked])))
    }, 60_000)
    const degrees = (await Promise.all(members.map(member => member.ask('peers')))).map(({ linked }) => linked.length).sort((a, b) => a - b)
    assert.is(new Set(members.map(({ pid }) => pid)).size, MEMBERS)
    print(`${MEMBERS} processes, one known address: all linked ${seconds(foundMs)} after they listened, ${seconds(performance.now() - startedAt)} after the start; links ${degrees[0]} to ${degrees.at(-1)}, median ${degrees[MEMBERS / 2]}`)

    // Every second one publishes; of the five that are killed the first is the one they all began with, and some publish.
    const publishers = members.filter((_, index) => index % 2 === 0).slice(0, PUBLISHERS)
    const victims = [0, 4, 8, 13, 17].slice(0, KILLED).map(index => members[index]!)
    const survivors = members.filter(member => !victims.includes(member))
    const streamAt = performance.now()
    await Promise.all(publishers.map(member => member.ask('publish', { count: MESSAGES, everyMs: EVERY_MS })))
    for (const [index, victim] of victims.entries()) {
      await untilAll('the stream is in its middle', async () => (await survivors[1]!.ask('published')) >= 15 + 5 * index, 60_000)
      await victim.kill()
    }
    const stillToCome = MESSAGES - await survivors[1]!.ask('published')
    print(`5 of them killed by pid, ${seconds(performance.now() - streamAt)} into the stream, with ${stillToCome} of ${MESSAGES} messages of each to come`)
    assert.ok(stillToCome > 10, 'they were killed in mid-stream')

    const publishing = publishers.filter(member => survivors.includes(member))
    await untilAll('the survivors have published all they have', async () => (await Promise.all(publishing.map(member => member.ask('published')))).every(count => count === MESSAGES), 60_000)
    const saidAt = performance.now()

    // Nobody hears what it says itself, so that what survivors should have differs by their own.
    const ofSurvivors = publishing.flatMap(({ name }) => Array.from({ length: MESSAGES }, (_, number) => `${name}/${number}`))
    const isOwn = (member: Member, message: string): boolean => message.startsWith(`${member.name}/`)
    let heard: Map<string, number>[] = []
    await untilAll('every survivor has every message', async () => {
      heard = (await Promise.all(survivors.map(member => member.ask('heard')))).map(entries => new Map(entries))
      const all = new Set(ofSurvivors.concat(...heard.map(each => [...each.keys()])))
      return survivors.every((member, index) => [...all].every(message => isOwn(member, message) || heard[index]!.has(message)))
    }, 60_000)
    const lastMs = performance.now() - saidAt

    const all = new Set(heard.flatMap(each => [...each.keys()]))
    const ofVictims = [...all].filter(message => victims.some(victim => isOwn(victim, message)))
    assert.is(ofSurvivors.filter(message => all.has(message)).length, publishing.length * MESSAGES)
    assert.ok(ofVictims.length > 0, 'what the victims said before they died is heard as well')
    const deliveries = heard.reduce((sum, each) => sum + each.size, 0)
    const twice = heard.reduce((sum, each) => sum + [...each.values()].filter(count => count > 1).length, 0)
    assert.is(twice, 0, 'nobody hears anything twice')
    print(`${survivors.length} survivors have all ${publishing.length * MESSAGES} messages of survivors and all ${ofVictims.length} that the killed got out: ${deliveries} deliveries, ${twice} twice, the last within ${seconds(lastMs)} of the last publication`)

    const codes = await Promise.all(survivors.map(member => member.stop()))
    assert.equal(codes, survivors.map(() => 0), 'every survivor ends by itself')
    print(`all in ${seconds(performance.now() - startedAt)}`)
  } finally {
    for (const member of members) member.end()
  }
})

processes.run()
