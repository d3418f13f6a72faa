// guard: deadline 300 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkEvidence, decodeEvidence, encodeEvidence, evidenceOf, type Evidence } from '../../../lib/protocols/coinjoin/evidence.ts'
import { CHEATS, type Cheat } from './support/cheats.ts'
import { breaches } from './support/honest.ts'
import { loadWasmBackend } from '../../../lib/crypto/wasm.ts'
import { finish, Table as AnyTable, type Seat, type TableOptions } from './support/table.ts'

const crypto = await loadWasmBackend()
class Table extends AnyTable {
  constructor(options: TableOptions) {
    super({ crypto, ...options })
  }
}

const cheats = suite('every cheat at one table of five')

const honestAt = (table: Table, by: readonly number[]): Seat[] => table.seats.filter(({ number }) => !by.includes(number))

/** What everybody who kept to the rules must have in the end. */
function judge(table: Table, { name, by, found, mayComplete }: Cheat): void {
  assert.equal(breaches(table, by), [], name)
  const txids = new Set<string>()
  for (const seat of honestAt(table, by)) {
    assert.is(seat.outcome?.kind, 'mixed', `${name}: seat ${seat.number} ended with ${JSON.stringify(seat.outcome, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`)
    if (seat.outcome?.kind === 'mixed') txids.add(seat.outcome.txid)
    for (const cause of seat.excluded) assert.ok(found.includes(cause.kind === 'fault' ? cause.fault : cause.kind), `${name}: found ${cause.kind === 'fault' ? cause.fault : cause.kind}`)
    const out = new Set(seat.excluded.flatMap(({ blamed }) => blamed.map(key => table.seatOf(key).number)))
    if (!mayComplete || out.size > 0) assert.equal([...out].sort(), [...by], `${name}: seat ${seat.number} threw out`)
  }
  assert.is(txids.size, 1, `${name}: all have one transaction`)
}

async function shown(table: Table, evidence: Evidence): Promise<boolean> {
  const checked = await checkEvidence(decodeEvidence(encodeEvidence(evidence))!, {
    crypto, params: table.params, verify: frame => table.verify(frame), run: work => Promise.resolve(finish(work)),
  })
  return checked !== null
}

for (const cheat of CHEATS) {
  cheats(`${cheat.name}: the cheat alone is out, the others mix, and outsiders can see why`, async () => {
    const table = new Table({ peers: 5, seed: cheat.name, ...cheat.options(cheat.by) })
    table.play()
    judge(table, cheat)
    for (const seat of honestAt(table, cheat.by)) for (const cause of seat.excluded) {
      if (cause.kind !== 'fault') continue
      const evidence = evidenceOf(cause, table.roster, table.epoch)
      assert.ok(await shown(table, evidence), `${cheat.name}: ${cause.fault} cannot be shown`)
      // The same words against somebody who is honest show nothing.
      const framed = honestAt(table, cheat.by).find(({ key }) => cause.active.includes(key))!
      assert.not.ok(await shown(table, { ...evidence, blamed: [framed.key] }), `${cheat.name}: ${cause.fault} can be turned against the honest`)
    }
  })
}

cheats('two cheats at once are both found, in as many runs', () => {
  const garbage = CHEATS.find(({ name }) => name === 'a garbage vector')!
  const liar = CHEATS.find(({ name }) => name === 'a NAK after all have acknowledged')!
  const table = new Table({ peers: 6, seed: 'two', hooks: garbage.options([1]).hooks!, tampers: liar.options([3]).tampers! })
  table.play()
  assert.equal(breaches(table, [1, 3]), [])
  for (const seat of honestAt(table, [1, 3])) {
    assert.is(seat.outcome?.kind, 'mixed')
    assert.equal(seat.excluded.map(cause => cause.kind === 'fault' ? cause.fault : cause.kind), ['BADVECTOR', 'EQUIV'])
  }
})

cheats('too few are left: the round ends and says so', () => {
  const silent = CHEATS.find(({ name }) => name === 'silence at CM')!
  const table = new Table({ peers: 3, seed: 'few', ...silent.options([1]) })
  table.play()
  for (const seat of honestAt(table, [1])) assert.is(seat.outcome?.kind === 'failed' && seat.outcome.code, 'too-few')
  assert.equal(breaches(table, [1]), [])
})

cheats('many silent ones at once look like an attack on us: we leave', () => {
  const silent = CHEATS.find(({ name }) => name === 'silence at DC')!
  const table = new Table({ peers: 7, seed: 'third', ...silent.options([0, 2, 4]) })
  table.play()
  for (const seat of honestAt(table, [0, 2, 4])) assert.is(seat.outcome?.kind === 'failed' && seat.outcome.code, 'minority', JSON.stringify(seat.outcome?.kind))
})

cheats('without a majority nobody is thrown out, and the round ends', () => {
  const silent = CHEATS.find(({ name }) => name === 'silence at CM')!
  const table = new Table({ peers: 5, seed: 'no majority', ...silent.options([0, 2, 4]) })
  for (const seat of table.seats) if (seat.number % 2 === 0) table.crash(seat)
  table.play()
  for (const seat of honestAt(table, [0, 2, 4])) {
    assert.is(seat.outcome?.kind === 'failed' && seat.outcome.code, 'stalled')
    assert.equal(seat.excluded, [])
  }
})

cheats('who leaves is let go, and the others mix', () => {
  const table = new Table({ peers: 5, seed: 'leaving', hooks: { 2: (effect, seat, at) => {
    if (effect.kind !== 'pad') return false
    at.tell(seat, { kind: 'abandon', why: 'the user has changed her mind' })
    return true
  } } })
  table.play()
  assert.is(table.seats[2]!.outcome?.kind === 'failed' && table.seats[2]!.outcome.code, 'abandoned')
  for (const seat of honestAt(table, [2])) {
    assert.is(seat.outcome?.kind, 'mixed')
    assert.equal(seat.excluded.map(({ kind }) => kind), ['left'])
  }
})

cheats('a wallet that does not sign leaves, and its round goes on without it', () => {
  const table = new Table({ peers: 5, seed: 'unsigned', hooks: { 4: (effect, seat, at) => {
    if (effect.kind !== 'sign') return false
    at.tell(seat, { kind: 'not-signed', run: effect.run, why: 'the fee is too high' })
    return true
  } } })
  table.play()
  assert.is(table.seats[4]!.outcome?.kind === 'failed' && table.seats[4]!.outcome.code, 'refused')
  for (const seat of honestAt(table, [4])) assert.is(seat.outcome?.kind, 'mixed')
  assert.equal(breaches(table, [4]), [])
})

cheats('a peer that crashes at any step costs a run, and nobody a coin', () => {
  let crashes = 0
  for (let step = 0; step < 60; step += 3) {
    let effects = 0
    const table = new Table({ peers: 4, seed: 'crash', hooks: { 1: (_effect, seat, at) => {
      if (effects++ !== step) return false
      crashes++
      at.crash(seat)
      return true
    } } })
    table.play()
    assert.equal(breaches(table, [1]), [], `step ${step}`)
    for (const seat of honestAt(table, [1])) assert.is(seat.outcome?.kind, 'mixed', `step ${step}`)
  }
  assert.ok(crashes > 8, `${crashes} crashes`)
})

cheats('the roots come from one search; a wrong list from somebody else is tried once and not believed', () => {
  const searches: number[] = []
  const table = new Table({ peers: 6, seed: 'hints', hooks: Object.fromEntries(Array.from({ length: 6 }, (_, number) => [number, (effect, seat, at) => {
    if (effect.kind === 'solve') searches.push(number)
    if (effect.kind === 'hint' && number === 0) {
      for (const other of at.seats) for (let again = 0; again < 3; again++) at.tell(other, { kind: 'hint', run: effect.run, from: seat.key, roots: effect.roots.map(root => root + 1n) })
      return true
    }
    return false
  }])) })
  table.play()
  for (const seat of table.seats) assert.is(seat.outcome?.kind, 'mixed')
  assert.ok(searches.length <= 3, `${searches.length} searches`)
})

cheats.run()
