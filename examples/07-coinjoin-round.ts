/**
 * Five wallets in five processes make one transaction with five equal outputs, and no process, no server and no observer learns whose output is
 * whose. One of them misbehaves if asked to: it is found out, thrown out with what proves it, and the other four mix.
 *
 *     npx tsx examples/07-coinjoin-round.ts [--cheat garbage|silent|false-alarm|bad-signature|equivocate]
 */
import { parseArgs } from 'node:util'
import { Transaction } from '@scure/btc-signer'
import { CHEATS, type CheatName } from './07-coinjoin-round/cheats.ts'
import { DENOMINATION, play } from './07-coinjoin-round/play.ts'

const { values } = parseArgs({ options: { cheat: { type: 'string' } } })
const how = values.cheat as CheatName | undefined
if (how !== undefined && !Object.hasOwn(CHEATS, how)) {
  console.error(`--cheat takes one of ${Object.keys(CHEATS).join(', ')}, got ${how}`)
  process.exit(2)
}

const names = ['alice', 'bob', 'carol', 'dave', how === undefined ? 'erin' : 'mallory']
if (how !== undefined) console.log(`mallory cheats: ${CHEATS[how]}\n`)
const { txid, raw, results, excluded, coins, elapsedMs } = await play({ names, cheat: how && { name: 'mallory', how }, say: text => console.log(text) })

for (const [name, why] of excluded) if (why.length > 0) console.log(`${name.padEnd(7)} threw mallory out: ${why.join(', ')}`)
const transaction = Transaction.fromRaw(raw, { allowUnknownOutputs: true })
const outputs = Array.from({ length: transaction.outputsLength }, (_, index) => transaction.getOutput(index))
const equal = outputs.filter(({ amount }) => amount === BigInt(DENOMINATION))
console.log(`\ntransaction ${txid}: ${transaction.vsize} vB, ${Math.max(...elapsedMs).toFixed(0)} ms after the roster was fixed`)

console.log('\nWhat everybody can see, members too:')
for (const [name, { amount }] of coins) if (results.has(name)) console.log(`  a coin of ${amount} sats went in`)
for (const { amount } of outputs) if (amount !== BigInt(DENOMINATION)) console.log(`  change of ${amount} sats came out: by its amount it belongs to one of the coins`)
console.log(`  ${equal.length} outputs of ${DENOMINATION} sats came out, under keys that nobody has seen before`)
console.log(`\nWhat nobody can tell: whose of the ${equal.length} is whose. Each process knows its own, and no more:`)
for (const [name, { output, fee }] of results) {
  const mine = equal.findIndex(({ script }) => Buffer.from(script!).toString('hex') === output)
  if (mine < 0) throw new Error(`${name} does not find its output`)
  console.log(`  ${name.padEnd(7)} knows that number ${mine + 1} is its own, for ${fee} sats of fee`)
}
if (new Set([...results.values()].map(({ output }) => output)).size !== equal.length) throw new Error('two wallets claim one output')
