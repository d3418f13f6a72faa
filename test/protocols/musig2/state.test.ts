import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Statement } from '../../../lib/protocols/musig2/statement.ts'
import { backend, Round, Table } from './support/table.ts'

// guard: deadline 300 s

/** All orders of a list. */
function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield []
  for (const [at, item] of items.entries()) for (const rest of permutations([...items.slice(0, at), ...items.slice(at + 1)])) yield [item, ...rest]
}

/** A session with everything that was said in it. */
function played(count: number): { table: Table; joins: Statement[]; nonces: Statement[]; partials: Statement[] } {
  const table = new Table(count)
  const joins = table.signers.map(({ index }) => table.join(index))
  const nonces = table.signers.map(({ index }) => table.nonce(index))
  const all = nonces.map(({ nonce }) => nonce)
  return { table, joins, nonces, partials: table.signers.map(({ index }) => table.partial(index, all)) }
}

/** What alice holds in the end when the others' words come in this order; her own come when her rules ask for them. */
function end({ table, joins, nonces, partials }: ReturnType<typeof played>, order: readonly Statement[]): string {
  const alice = table.state(0)
  const asked: Statement[] = []
  const hear = (statement: Statement): void => run(alice.handle({ kind: 'statement', statement }))
  const run = (effects: ReturnType<typeof alice.handle>): void => {
    for (const { kind } of effects) {
      if (kind !== 'join' && kind !== 'nonce' && kind !== 'sign') continue
      const own = { join: joins, nonce: nonces, sign: partials }[kind][0]!
      assert.not.ok(asked.includes(own), `${kind} was asked for twice`)
      asked.push(own)
      hear(own)
    }
  }
  run(alice.handle({ kind: 'consent' }))
  order.forEach(hear)
  assert.is(asked.length, 3)
  return `${alice.phase} ${alice.signature?.join()}`
}

const rules = suite('a session by its rules')

for (const count of [2, 3, 4, 5]) {
  rules(`${count} signers: every order of arrival in both rounds gives the same signature`, () => {
    const session = played(count)
    const others = (statements: readonly Statement[]): Statement[] => statements.slice(1)
    const expected = end(session, [...others(session.joins), ...others(session.nonces), ...others(session.partials)])
    assert.match(expected, /^complete \d/)
    let orders = 0
    for (const nonces of permutations(others(session.nonces))) {
      for (const partials of permutations(others(session.partials))) {
        assert.is(end(session, [...others(session.joins), ...nonces, ...partials]), expected)
        orders++
      }
    }
    const factorial = [1, 1, 2, 6, 24][count - 1]!
    assert.is(orders, factorial ** 2)
    for (const joins of permutations(others(session.joins))) assert.is(end(session, [...joins, ...others(session.nonces), ...others(session.partials)]), expected)
  })

  rules(`${count} signers: any mixture of the rounds, with repetitions, gives the same signature`, () => {
    const session = played(count)
    const all = [session.joins, session.nonces, session.partials].flatMap(each => each.slice(1))
    const expected = end(session, all)
    fc.assert(fc.property(fc.shuffledSubarray([...all, ...all], { minLength: 2 * all.length }), order => {
      assert.is(end(session, order), expected)
    }), { numRuns: 60, seed: count })
  })

  rules(`${count} signers who all follow the rules end with one signature`, () => {
    for (let seed = 0; seed < 10; seed++) {
      const round = new Round(new Table(count), seed)
      round.play()
      const [first] = round.states
      for (const state of round.states) {
        assert.is(state.phase, 'complete', `seed ${seed}`)
        assert.equal(state.signature, first!.signature)
      }
      assert.ok(backend.verify(first!.signature!, round.table.message, round.table.aggregate.publicKey))
      assert.equal(round.blamed, [])
    }
  })
}

rules('a step that is not allowed yet waits, and happens once when it is, however often that is said', () => {
  const table = new Table(2)
  const alice = table.state(0, { allow: false })
  const kinds: string[] = []
  const note = (effects: ReturnType<typeof alice.handle>): void => {
    for (const effect of effects) {
      if (effect.kind === 'join' || effect.kind === 'nonce' || effect.kind === 'sign') kinds.push(effect.kind)
      if (effect.kind === 'join') note(alice.handle({ kind: 'statement', statement: table.join(0) }))
      if (effect.kind === 'nonce') note(alice.handle({ kind: 'statement', statement: table.nonce(0) }))
      if (effect.kind === 'sign') note(alice.handle({ kind: 'statement', statement: table.partial(0, effect.nonces) }))
    }
  }
  note(alice.handle({ kind: 'allow', step: 'partial' }))
  note(alice.handle({ kind: 'consent' }))
  assert.equal(kinds, ['join'])
  note(alice.handle({ kind: 'statement', statement: table.join(1) }))
  note(alice.handle({ kind: 'statement', statement: table.nonce(1) }))
  assert.equal(kinds, ['join'])
  note(alice.handle({ kind: 'allow', step: 'nonce' }))
  note(alice.handle({ kind: 'allow', step: 'nonce' }))
  assert.equal(kinds, ['join', 'nonce', 'sign'])
})

rules('whoever has not agreed says nothing, whatever it hears', () => {
  const table = new Table(2)
  const alice = table.state(0)
  assert.equal(alice.handle({ kind: 'statement', statement: table.join(1) }).filter(({ kind }) => ['join', 'nonce', 'sign'].includes(kind)), [])
})

rules.run()
