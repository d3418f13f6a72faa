/** The acts without a link between everybody: a topic, a private word, and somebody who comes late. */
import { Actor } from './cast.ts'
import { short, until, type Network, type Stage } from './stage.ts'

const HEADLINE = 'the market opens at nine'

/** alice - bob - carol - dave - erin: every other link is cut. */
async function cutToChain({ actors, ids }: Network): Promise<void> {
  for (const [index, actor] of actors.entries()) {
    const others = actors.filter((_, other) => Math.abs(other - index) > 1).map(({ name }) => ids.get(name)!)
    await actor.ask('cut', others)
  }
  await until('the chain is all that is left', async () => {
    const counts = await Promise.all(actors.map(async actor => (await actor.ask('peers')).length))
    return counts.join() === [1, ...actors.slice(2).map(() => 2), 1].join()
  })
}

export const publish: Stage = {
  title: 'All links are cut but four, and alice publishes to everybody',
  async run(network) {
    const { actors, ids, say } = network
    const [alice, ...others] = actors
    await cutToChain(network)
    say(`links now: ${actors.map(({ name }) => name).join(' - ')}`)
    await alice!.ask('publish', HEADLINE)
    for (const actor of others) {
      await until(`${actor.name} has heard it`, async () => (await actor.ask('news')).length === 1)
      const { text, author, hops, ms } = (await actor.ask('news'))[0]!
      if (text !== HEADLINE || author !== ids.get('alice')) throw new Error(`${actor.name} heard '${text}' from ${short(author)}`)
      say(`${actor.name.padEnd(5)}  heard '${text}' by ${short(author)}, after ${hops} ${hops === 1 ? 'hop' : 'hops'} and ${ms} ms`)
    }
    return 'one publication reached all five, four hops at most, signed by its author and no relay'
  },
}

export const whisper: Stage = {
  title: 'alice has something for erin alone, to whom she has no link',
  async run({ actors, ids, say }) {
    const [alice, erin] = [actors[0]!, actors.at(-1)!]
    const direct = await alice.ask('whisper', ids.get('erin')!, 'psst', 'direct')
    if (direct.code !== 'ERR_PEER_NOT_CONNECTED') throw new Error(`without a link it was sent all the same: ${JSON.stringify(direct)}`)
    say(`sent directly it is refused (${direct.code})`)
    const first = await alice.ask('whisper', ids.get('erin')!, 'psst', 'any')
    const second = await alice.ask('whisper', ids.get('erin')!, 'are you there?', 'any')
    if (first.code ?? second.code) throw new Error(`it did not arrive: ${first.code ?? second.code}`)
    const { whispers } = await erin.ask('whispers')
    if (whispers.map(({ text }) => text).join() !== 'psst,are you there?' || whispers.some(({ from }) => from !== ids.get('alice'))) throw new Error(`erin heard ${JSON.stringify(whispers)}`)
    const carried = (await Promise.all(actors.slice(1, -1).map(actor => actor.ask('whispers')))).map(each => each.carried)
    say(`by way of bob, carol and dave it takes ${first.ms.toFixed(0)} ms, the second, along the way now known, ${second.ms.toFixed(0)} ms`)
    say(`each of the three carried ${carried[0]} sealed envelopes and could read none; erin signed for both`)
    return 'two sealed messages crossed three relays to a node without a link, each acknowledged by its key'
  },
}

export const late: Stage = {
  title: 'frank comes late; BOOTSTRAP_PEERS tells him of erin and of nobody else',
  async run({ actors, ids, addresses, chainUrl, say }) {
    const { hostname, port } = new URL(addresses.get('erin')!)
    const frank = new Actor('frank', { bootstrap: `${hostname}:${port}:NS`, chainUrl })
    try {
      const { id } = await frank.ask('listen')
      await until('frank has found all five', async () => (await frank.ask('peers')).length === actors.length)
      const found = await frank.ask('peers')
      if (!actors.every(({ name }) => found.includes(ids.get(name)!))) throw new Error(`frank found ${found.map(short).join(', ')}`)
      say(`frank  key ${short(id)} found ${found.length} nodes, each handed on as a record signed by its owner`)
      await until('frank has heard the news', async () => (await frank.ask('news')).length === 1)
      const { text, author, ageMs } = (await frank.ask('news'))[0]!
      if (text !== HEADLINE || author !== ids.get('alice')) throw new Error(`frank heard '${text}' from ${short(author)}`)
      say(`frank  was not there ${(ageMs / 1000).toFixed(1)} s ago, and knows all the same: '${text}' by ${short(author)}`)
      const code = await frank.stop()
      if (code !== 0) throw new Error(`frank ended with code ${code}`)
    } finally {
      frank.kill()
    }
    return 'a sixth node found the other five from one address, and the news it had missed'
  },
}
