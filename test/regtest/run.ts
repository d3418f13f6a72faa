// `npm run test:regtest`: what needs a real Bitcoin node. Needs BITCOIND (a program) or BITCOIN_RPC_URL (a node on regtest); without
// either it says what it skipped. `npm run test:regtest -- musig2` runs the files whose name contains the word.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { attachNode, startNode, type RegtestNode } from './support/node.ts'

/** Each file *.regtest.ts exports these. */
export interface RegtestModule {
  /** What is shown, in one line. */
  readonly title: string
  /** Throws where it does not hold. */
  run(node: RegtestNode, say: (text: string) => void): Promise<void>
}

const words = process.argv.slice(2)
const files = readdirSync(import.meta.dirname).filter(name => name.endsWith('.regtest.ts') && (words.length === 0 || words.some(word => name.includes(word)))).sort()
const { BITCOIND: program, BITCOIN_RPC_URL: url } = process.env

process.exitCode = await main()

async function main(): Promise<number> {
  if (files.length === 0) {
    console.error(`no *.regtest.ts in ${import.meta.dirname}${words.length > 0 ? ` matches ${words.join(', ')}` : ''}`)
    return 1
  }
  const modules = await Promise.all(files.map(async name => await import(pathToFileURL(join(import.meta.dirname, name)).href) as RegtestModule))
  if (!program && !url) {
    for (const { title } of modules) console.log(`SKIPPED  ${title}`)
    console.log(`\n${modules.length} skipped: set BITCOIND to the path of a bitcoind, or BITCOIN_RPC_URL to a node on regtest`)
    return 0
  }
  const node = url ? await attachNode(url) : await startNode(program!)
  let failed = 0
  try {
    console.log(`${node.version}, regtest, block ${await node.rpc.call('getblockcount')}\n`)
    for (const module of modules) if (!await passes(module, node)) failed++
  } finally {
    await node.stop()
  }
  console.log(`\n${modules.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

async function passes({ title, run }: RegtestModule, node: RegtestNode): Promise<boolean> {
  console.log(title)
  const startedMs = performance.now()
  try {
    await run(node, text => console.log(`    ${text}`))
    console.log(`    ok, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
    return true
  } catch (error) {
    console.log(`    FAILED ${error instanceof Error ? error.stack : String(error)}`)
    return false
  }
}
