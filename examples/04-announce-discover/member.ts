import { createInterface } from 'node:readline'
import { P2PCoordinator, type AnnouncementHandle } from '../../lib/index.ts'
import { Dht } from '../../lib/protocols/dht/index.node.ts'
import { ROUND_TYPE, waitingRound, type Round } from './round.ts'

/** One node in a process of its own. It does what the lines it reads say, and answers each with a line. */
export async function member(name: string, addresses: readonly string[]): Promise<void> {
  const node = new P2PCoordinator({ heartbeatInterval: 5_000 })
  node.registerProtocol(new Dht())
  const { address } = await node.listen('ws://127.0.0.1:0')
  for (const known of addresses) await node.connectToPeer(known)
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  say(`${address}#${node.id}`)

  const rounds = new Map<string, AnnouncementHandle<unknown>>()
  const stop = new AbortController()
  for await (const line of createInterface({ input: process.stdin })) {
    const [order = '', id = '', amount = '0'] = line.split(' ')
    switch (order) {
      case 'announce': {
        const round: Round = { denomination: Number(amount), minParticipants: 5, status: 'waiting' }
        rounds.set(id, await node.announceResource(ROUND_TYPE, id, round, { ttl: 1800 }))
        say(`${name} has announced ${id} of ${amount}`)
        break
      }
      case 'nonsense': {
        await node.announceResource(ROUND_TYPE, id, { status: 'waiting', denomination: 'a lot' })
        say(`${name} has announced nonsense as ${id}`)
        break
      }
      case 'find': {
        const found = await node.discoverResources<Round>(ROUND_TYPE, waitingRound(Number(id)))
        say(`${name} finds ${found.map(round => `${round.resourceId} (${round.data.denomination}, by ${round.creatorPeerId.slice(0, 8)})`).sort().join(', ') || 'nothing'}`)
        break
      }
      case 'withdraw': {
        await rounds.get(id)?.withdraw()
        say(`${name} has withdrawn ${id}`)
        break
      }
      case 'watch': {
        void (async () => {
          for await (const { kind, resource } of node.watchResources(ROUND_TYPE, waitingRound(0), { signal: stop.signal })) say(`${name} sees ${kind} ${resource.resourceId}`)
        })()
        break
      }
    }
  }
  stop.abort()
  await node.shutdown()
}
