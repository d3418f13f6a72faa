/**
 * The demo: five real node processes on loopback WebSockets find each other, prove who they are,
 * exchange signed messages, answer questions, turn a stranger away, publish without a link between all,
 * whisper through others, announce a round and find it by what it is like, take in who comes late,
 * sign one transaction with three keys, and mix their coins. Ends by itself.
 *
 *     npm start
 */
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { MemoryChain } from '../../lib/protocols/coinjoin/index.node.ts'
import { serveChain } from '../07-coinjoin-round/chain-server.ts'
import { Actor } from './cast.ts'
import type { Network } from './stage.ts'
import { stages } from './stages.ts'

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin']
const startedAt = performance.now()
const stamp = (): string => `${((performance.now() - startedAt) / 1000).toFixed(2).padStart(6)} s`
const say = (text: string): void => console.log(`${stamp()}  ${text}`)

console.log('peerweft: five nodes, five processes, no server in the middle\n')
const chain = new MemoryChain(createNobleBackend())
const chainServer = await serveChain(chain)
const chainUrl = chainServer.url
const network: Network = {
  actors: NAMES.map(name => new Actor(name, { chainUrl })), ids: new Map(), addresses: new Map(), chain, chainUrl, say: text => say(`    ${text}`),
}
const summary: string[] = []
try {
  for (const [index, stage] of stages.entries()) {
    say(`${index + 1}. ${stage.title}`)
    summary.push(await stage.run(network))
  }
  const codes = await Promise.all(network.actors.map(actor => actor.stop()))
  if (codes.some(code => code !== 0)) throw new Error(`a node ended with code ${codes.join(', ')}`)
  say(`${stages.length + 1}. All five have closed their links and ended by themselves`)
  console.log(`\nDone in ${((performance.now() - startedAt) / 1000).toFixed(1)} s:`)
  for (const line of summary) console.log(`  - ${line}`)
} catch (error) {
  for (const actor of network.actors) actor.kill()
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  chainServer.close()
}
