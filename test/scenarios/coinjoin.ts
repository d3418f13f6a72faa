import type { Outcome, RunOptions, Task } from '../bench/command.ts'
import type { Row } from '../bench/report.ts'
import { loadWasmBackend } from '../../lib/crypto/wasm.ts'
import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { mod, toNumber } from '../../lib/protocols/coinjoin/field.ts'
import { paddedVector, pairKey, prg } from '../../lib/protocols/coinjoin/pads.ts'
import { drawScalar } from '../../lib/crypto/draw-scalar.ts'
import { CHEATS, type Cheat } from '../protocols/coinjoin/support/cheats.ts'
import { breaches } from '../protocols/coinjoin/support/honest.ts'
import { exhaust, wander } from '../protocols/coinjoin/support/model.ts'
import { finish, Table } from '../protocols/coinjoin/support/table.ts'
import { below, seededRandom } from '../support/seeded-random.ts'

/** The bars of CoinJoin's design: schedules, honest rounds, cheats, crashes, and what colluders can tell. */

interface Sizes { games: number; honest: readonly number[]; cheatTables: readonly number[]; pairs: number; crashSteps: number; linkings: number }

const FULL: Sizes = { games: 3_000, honest: [3, 10, 25, 50], cheatTables: [5, 10], pairs: 40, crashSteps: Infinity, linkings: 1_000 }
const QUICK: Sizes = { games: 200, honest: [3, 5], cheatTables: [5], pairs: 3, crashSteps: 10, linkings: 100 }

const ROWS = ['schedules of three', 'schedules of four to six', 'honest', 'cheats', 'two cheats', 'crashes', 'linking'] as const
type RowName = (typeof ROWS)[number]
type Measure = (sizes: Sizes, crypto: ICryptoBackend, options: RunOptions) => Row

const MEASURES: Readonly<Record<RowName, Measure>> = {
  'schedules of three': () => {
    const all = [[true, true], [true, false], [false, true], [false, false]].map(found => exhaust({ peers: 3, found }))
    const broken = all.flatMap(result => [...result.broken, ...result.stuck])
    return none('schedules of three', 'rules broken', broken, { samples: all.reduce((sum, { states }) => sum + states, 0), endings: all.reduce((sum, { endings }) => sum + endings, 0) })
  },
  'schedules of four to six': ({ games }) => {
    const all = [4, 5, 6].map(peers => wander({ peers, games, seed: 70 + peers }))
    return none('schedules of four to six', 'rules broken', all.flatMap(result => [...result.broken, ...result.stuck]), { samples: all.reduce((sum, { endings }) => sum + endings, 0), states: all.reduce((sum, { states }) => sum + states, 0) })
  },
  honest: ({ honest }, crypto, { progress }) => {
    const failed: string[] = []
    const virtualMs: Record<string, number> = {}
    for (const peers of honest) {
      progress(`  ${peers} honest peers`)
      const table = new Table({ peers, crypto, seed: `honest ${peers}` })
      table.play()
      failed.push(...judge(table, [], peers))
      virtualMs[`ms${peers}`] = table.nowMs
    }
    return none('honest', 'rounds failed', failed, { samples: honest.length, ...virtualMs })
  },
  cheats: ({ cheatTables }, crypto, { progress }) => {
    const failed: string[] = []
    for (const peers of cheatTables) for (const cheat of CHEATS) {
      progress(`  ${peers} peers, ${cheat.name}`)
      const table = new Table({ peers, crypto, seed: `${peers} ${cheat.name}`, ...cheat.options(cheat.by) })
      table.play()
      failed.push(...judge(table, cheat.by, peers - cheat.by.length, cheat).map(text => `${cheat.name} at ${peers}: ${text}`))
    }
    return none('cheats', 'cheats not named alone', failed, { samples: cheatTables.length * CHEATS.length })
  },
  'two cheats': ({ pairs }, crypto, { progress }) => {
    const failed: string[] = []
    const random = seededRandom('pairs')
    const alone = CHEATS.filter(({ by }) => by.length === 1)
    for (let pair = 0; pair < pairs; pair++) {
      const [a, b] = [alone[below(random, alone.length)]!, alone[below(random, alone.length)]!]
      progress(`  ${a.name} and ${b.name}`)
      const [left, right] = [a.options([1]), b.options([4])]
      const table = new Table({
        peers: 7, crypto, seed: `pair ${pair}`, tampers: { ...left.tampers, ...right.tampers }, hooks: { ...left.hooks, ...right.hooks }, ears: { ...left.ears, ...right.ears },
      })
      table.play()
      failed.push(...judge(table, [1, 4], undefined).map(text => `${a.name} and ${b.name}: ${text}`))
    }
    return none('two cheats', 'pairs that broke a rule', failed, { samples: pairs })
  },
  crashes: ({ crashSteps }, crypto, { progress }) => {
    const failed: string[] = []
    let crashes = 0
    for (let step = 0; step < crashSteps; step++) {
      let effects = 0
      let isDead = false
      const table = new Table({ peers: 4, crypto, seed: 'crash', hooks: { 1: (_effect, seat, at) => {
        if (effects++ !== step) return false
        isDead = true
        at.crash(seat)
        return true
      } } })
      table.play()
      if (!isDead) break
      crashes++
      failed.push(...judge(table, [1], undefined).map(text => `after ${step} effects: ${text}`))
      if (step % 20 === 0) progress(`  a crash after ${step} effects`)
    }
    return none('crashes', 'rules broken', failed, { samples: crashes })
  },
  linking: ({ linkings }, crypto) => linking(linkings, crypto),
}

export const coinjoin: Task = {
  about: 'every order of a run\'s last words, honest rounds to 50, every cheat, crashes at every effect, what colluders can tell',
  rows: ROWS,
  rounds: 1,
  async run(options: RunOptions): Promise<Outcome> {
    const crypto = await loadWasmBackend()
    const sizes = options.quick ? QUICK : FULL
    const rows = ROWS.filter(row => options.rows.includes(row)).map(row => {
      options.progress(`measuring ${row}`)
      return MEASURES[row](sizes, crypto, options)
    })
    return { rows, heading: [`coinjoin: node ${process.version}, curve ${crypto.curve}, ${JSON.stringify(sizes)}`] }
  },
}

/** What is wrong at the end of a table: nobody honest may be without the transaction, or have broken a rule. */
function judge(table: Table, by: readonly number[], peers: number | undefined, cheat?: Cheat): string[] {
  const wrong = breaches(table, by)
  const honest = table.seats.filter(({ number }) => !by.includes(number))
  const txids = new Set(honest.map(({ outcome }) => (outcome?.kind === 'mixed' ? outcome.txid : `none: ${outcome?.kind === 'failed' ? outcome.why : 'no end'}`)))
  if (txids.size !== 1) wrong.push(`transactions ${[...txids].map(text => text.slice(0, 60)).join('; ')}`)
  if ([...txids].some(text => text.startsWith('none'))) wrong.push([...txids].join('; '))
  for (const seat of honest) {
    if (peers !== undefined && !cheat?.mayComplete && seat.outcome?.kind === 'mixed' && seat.outcome.peers !== peers) wrong.push(`seat ${seat.number} mixed with ${seat.outcome.peers} peers`)
    for (const cause of seat.excluded) {
      const found = cause.kind === 'fault' ? cause.fault : cause.kind
      if (cheat !== undefined && !cheat.found.includes(found)) wrong.push(`found ${found}`)
    }
  }
  return wrong
}

/**
 * Three of five collude: they know all their secrets, take their pads off the two others' vectors, and guess which of the two outputs that are
 * not theirs belongs to whom. Guesses: by the nearest first element, by its low bits, and by fitting the second element. Chance is one half.
 */
function linking(samples: number, crypto: ICryptoBackend): Row {
  const random = seededRandom('linking')
  const run = random(32)
  const right = { nearest: 0, bits: 0, fit: 0 }
  for (let sample = 0; sample < samples; sample++) {
    const secrets = Array.from({ length: 5 }, () => drawScalar(random))
    const publicKeys = secrets.map(secret => crypto.publicKeyOf(secret))
    const messages = Array.from({ length: 5 }, () => toNumber(crypto.publicKeyOf(drawScalar(random)).slice(1)))
    const vectors = messages.map((message, index) => finish(paddedVector(crypto, run, index, secrets[index]!, publicKeys, message)))
    // The outputs of the transaction, in its order, without the colluders' own.
    const [x, y] = messages.slice(0, 2).sort((a, b) => (a < b ? -1 : 1)) as [bigint, bigint]
    // What is left of the first one's vector once the colluders' pads are off: its powers under the one pad that they do not know.
    const rest = vectors[0]!.map((element, k) => [2, 3, 4].reduce((sum, theirs) => mod(sum - prg(crypto, pairKey(crypto, run, { mine: theirs, theirs: 0, secret: secrets[theirs]!, publicKeys }), 5)[k]!), element))
    const isX = messages[0] === x
    const far = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a)
    if ((far(rest[0]!, x) < far(rest[0]!, y)) === isX) right.nearest++
    if ((rest[0]! % 2n === x % 2n) === isX) right.bits++
    if ((far(rest[1]!, mod(x * x)) < far(rest[1]!, mod(y * y))) === isX) right.fit++
  }
  // Four standard deviations of a fair coin.
  const bar = 4 * Math.sqrt(samples) / 2
  const worst = Math.max(...Object.values(right).map(count => Math.abs(count - samples / 2)))
  return { row: 'linking', unit: 'guesses off chance', ours: worst, peer: null, ratio: null, bar, holds: worst <= bar, samples, ...right }
}

function none(row: RowName, unit: string, failed: readonly string[], extra: Record<string, unknown>): Row {
  return { row, unit, ours: failed.length, peer: null, ratio: null, bar: 0, holds: failed.length === 0, ...(failed.length > 0 ? { error: failed.slice(0, 5).join('\n') } : {}), ...extra }
}
