import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Statement } from '../../../lib/protocols/musig2/statement.ts'
import { end, permutations, played } from './support/orders.ts'
import { backend, Round, Table } from './support/table.ts'

// guard: deadline 300 s

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
      if (effect.kind === 'sign') note(alice.handle({ kind: 'statement', statement: table.partialIn(0, effect) }))
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
