import type { Outcome, RunOptions, Task } from '../../../bench/command.ts'
import { describeMachine, machineLines } from '../../../bench/machine.ts'
import { COLUMNS, type Row } from '../../../bench/report.ts'
import { SimulatedMesh } from '../../../../lib/testing/simulated-mesh.ts'
import { MuSig2 } from '../../../../lib/protocols/musig2/handler.ts'
import { cheats, MALLORY } from '../support/cheats.ts'
import { end, permutations, played } from '../support/orders.ts'
import { carolGoesOn, waitingForCarol } from '../support/phases.ts'
import { backend, bytesOf, Round, Table } from '../support/table.ts'
import { approve, Wallets } from '../support/wallets.ts'

/** The proofs that the design asks of MuSig2 sessions, each a count of what held out of what was tried. */

interface Tally { tried: number; held: number; failures: string[] }
type Measure = (options: { quick: boolean }) => Promise<Tally>

const SIGNERS = 100
const CPU_SECONDS_MAX = 20

class Counter implements Tally {
  tried = 0
  held = 0
  readonly failures: string[] = []

  note(holds: boolean, what: string): void {
    this.tried++
    if (holds) this.held++
    else if (this.failures.length < 5) this.failures.push(what)
  }
}

const orders = (count: number): Measure => async () => {
  const counter = new Counter()
  const session = played(count)
  const [joins, nonces, partials] = [session.joins, session.nonces, session.partials].map(each => each.slice(1))
  const expected = end(session, [...joins!, ...nonces!, ...partials!])
  counter.note(expected.startsWith('complete'), expected)
  for (const first of permutations(nonces!)) for (const second of permutations(partials!)) counter.note(end(session, [...joins!, ...first, ...second]) === expected, 'another end')
  return counter
}

const cheatsNamed: Measure = async ({ quick }) => {
  const counter = new Counter()
  for (const cheat of cheats) {
    for (let seed = 0; seed < (quick ? 1 : 20); seed++) {
      const table = new Table(4)
      const round = new Round(table, `${cheat.name} ${seed}`, MALLORY, cheat.mischief(table))
      round.play()
      cheat.timers?.forEach(timer => round.fire(timer))
      for (const index of round.honest) {
        const { phase, verdict } = round.states[index]!
        const named = phase === 'aborted' && [cheat.reason, cheat.or].includes(verdict!.reason) && verdict!.culprits.join() === String(MALLORY)
        counter.note(cheat.reason === 'complete' ? phase === 'complete' : named, `${cheat.name}, seed ${seed}: signer ${index} ends ${phase} ${verdict?.reason} ${verdict?.culprits.join()}`)
      }
    }
  }
  return counter
}

const restarts: Measure = async ({ quick }) => {
  const counter = new Counter()
  for (const phase of ['asked', 'gathering', 'nonces', 'partials'] as const) {
    for (const power of quick ? [true] : [true, false]) {
      await using wallets = await waitingForCarol(phase)
      wallets.holders.set('bob', approve)
      wallets.sim.crash('bob', { power })
      await wallets.sim.run({ forMs: 1_000 })
      await wallets.sim.restart('bob')
      const gone = phase === 'nonces' || phase === 'partials'
      if (gone) await wallets.settle(1, 30_000, ['alice', 'carol'])
      else {
        await wallets.sim.runUntil(() => wallets.requests.get('bob')!.length === 2, { withinMs: 20_000 })
        await carolGoesOn(wallets)
        await wallets.settle(1, 20_000)
      }
      for (const name of gone ? ['alice', 'carol'] : ['alice', 'bob', 'carol']) {
        counter.note(wallets.tell(name) === (gone ? 'restarted bob' : 'complete'), `restart in ${phase}: ${name} says ${wallets.tell(name)}`)
      }
      counter.note(wallets.musig2('bob').getStats().secretNonces === 0, `restart in ${phase}: bob holds a nonce`)
    }
  }
  return counter
}

const tenAtOnce: Measure = async () => {
  const counter = new Counter()
  await using wallets = await Wallets.of(5)
  const names = wallets.nodes.map(({ name }) => name)
  for (let at = 0; at < 10; at++) void wallets.begin({ message: bytesOf(`session ${at}`) }, names[at % names.length])
  await wallets.settle(10, 60_000)
  for (const name of names) for (const each of wallets.ends.get(name)!) counter.note('result' in each && backend.verify(each.result.signature, messageOf(each.result.sessionId), each.result.publicKey), `${name} has no valid signature`)
  return counter

  function messageOf(sessionId: string): Uint8Array {
    const asked = [...wallets.requests.values()].flat().find(request => request.sessionId === sessionId)
    return asked?.message ?? new Uint8Array(0)
  }
}

/** Of a hundred wallets over a simulated mesh, with message signatures by the simulator's stand-in. */
async function hundred(): Promise<{ tally: Tally; cpuSeconds: number }> {
  const tally = new Counter()
  const secrets = Array.from({ length: SIGNERS }, (_, at) => bytesOf(`one of a hundred ${at}`))
  const keys = secrets.map(secret => backend.publicKeyOf(secret))
  const message = bytesOf('a hundred signers')
  await using mesh = new SimulatedMesh({ seed: 1, latencyMs: [20, 80], maxConnections: SIGNERS })
  const handlers = secrets.map(secret => new MuSig2({ keys: secret, crypto: backend, allowOpaque: true }))
  const nodes = handlers.map((handler, index) => mesh.addNode(`signer-${index}`, [handler]))
  for (const [index, node] of nodes.entries()) for (const other of nodes.slice(0, index)) mesh.link(node, other)
  const signatures: Uint8Array[] = []
  for (const handler of handlers) {
    handler.onRequest(request => request.approve())
    handler.events.on('complete', ({ signature, publicKey }) => tally.note(backend.verify(signature, message, publicKey) && signatures.push(signature) > 0, 'a signature that does not verify'))
    handler.events.on('aborted', error => tally.note(false, error.message))
  }
  await mesh.run({ forMs: 100 })
  const before = process.cpuUsage()
  handlers[0]!.sign({ signers: keys, message, timeoutMs: 60_000 }).catch(() => {})
  await mesh.run({ forMs: 30_000 })
  const { user, system } = process.cpuUsage(before)
  if (tally.tried !== SIGNERS) tally.failures.push(`${tally.tried} of ${SIGNERS} ended`)
  return { tally, cpuSeconds: (user + system) / 1e6 }
}

const MEASURES: Record<string, Measure> = {
  'orders-2': orders(2), 'orders-3': orders(3), 'orders-4': orders(4), 'orders-5': orders(5),
  cheats: cheatsNamed, restarts, 'ten-sessions': tenAtOnce,
}

export const musig2Scenario: Task = {
  about: 'MuSig2: every order of arrival for 2 to 5 signers, each cheat named, restarts in every phase, ten sessions at once, 100 signers',
  rows: [...Object.keys(MEASURES), '100-signers', '100-signers-cpu'],
  rounds: 1,
  async run({ rows, quick, progress }: RunOptions): Promise<Outcome> {
    const measured: Row[] = []
    for (const [row, measure] of Object.entries(MEASURES)) {
      if (!rows.includes(row)) continue
      progress(`playing ${row}`)
      measured.push(tallied(row, await measure({ quick })))
    }
    if (rows.some(row => row.startsWith('100-signers'))) {
      progress('playing 100 signers')
      const { tally, cpuSeconds } = await hundred()
      measured.push(tallied('100-signers', tally, SIGNERS))
      measured.push({ row: '100-signers-cpu', unit: 's', ours: cpuSeconds, peer: null, ratio: null, bar: CPU_SECONDS_MAX, holds: cpuSeconds <= CPU_SECONDS_MAX })
    }
    return {
      heading: [...machineLines(describeMachine(), {}), `curve: ${backend.curve}; message signatures by the simulator's stand-in`],
      rows: measured.filter(({ row }) => rows.includes(row)), columns: [COLUMNS.row, COLUMNS.unit, COLUMNS.ours, COLUMNS.bar, COLUMNS.holds],
    }
  },
}

/** Holds where everything that was tried held, and something was. */
function tallied(row: string, { tried, held, failures }: Tally, atLeast = 1): Row {
  return { row, unit: 'held', ours: held, peer: null, ratio: null, bar: tried, holds: held === tried && tried >= atLeast, ...(failures.length > 0 ? { error: failures.join('; ') } : {}) }
}
