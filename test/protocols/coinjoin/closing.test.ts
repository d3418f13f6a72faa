// guard: deadline 300 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { closingStep, openClosing, type ClosingInput, type ClosingOutput, type ClosingState } from '../../../lib/protocols/coinjoin/closing.ts'
import { exhaust, wander } from './support/model.ts'

const closing = suite('how a run ends')

function play(inputs: readonly ClosingInput[], me = 0, count = 3): { state: ClosingState; outputs: ClosingOutput[] } {
  let state = openClosing(me, count)
  const outputs: ClosingOutput[] = []
  for (const input of inputs) {
    const step = closingStep(state, input)
    state = step.state
    outputs.push(...step.outputs)
  }
  return { state, outputs }
}
const kinds = (inputs: readonly ClosingInput[]): string[] => play(inputs).outputs.map(({ kind }) => kind)
const ack = (from: number, txid = 'aa'): ClosingInput => ({ kind: 'ack', from, txid })
const nak = (from: number): ClosingInput => ({ kind: 'nak', from, hash: `nak ${from}` })
const decide = (txid: string | null): ClosingInput => ({ kind: 'decide', txid })

closing('equal acknowledgements of all, and nothing less, are signed', () => {
  assert.equal(kinds([decide('aa'), ack(1), ack(2)]), ['say-ack', 'sign'])
  assert.equal(kinds([ack(1), ack(2), decide('aa')]), ['say-ack', 'sign'])
  assert.equal(kinds([decide('aa'), ack(1)]), ['say-ack'])
  assert.equal(kinds([ack(1), ack(2)]), [])
})

closing('an acknowledgement of another transaction is shown, and nobody signs', () => {
  assert.equal(play([decide('aa'), ack(1), ack(2, 'bb')]).outputs.slice(1), [{ kind: 'bad-ack', peer: 2 }])
  assert.equal(play([ack(2, 'bb'), ack(1), decide('aa')]).outputs.slice(1), [{ kind: 'bad-ack', peer: 2 }])
})

closing('a refusal is answered by revealing, after one\'s own verdict and citing it', () => {
  assert.equal(play([nak(1), decide('aa')]).outputs, [{ kind: 'say-ack', txid: 'aa' }, { kind: 'reveal', nak: 'nak 1' }])
  assert.equal(kinds([nak(1)]), [], 'not before one\'s own verdict')
  assert.equal(kinds([decide(null)]), ['say-nak'])
  assert.equal(play([decide(null), nak(0)]).outputs.at(-1), { kind: 'reveal', nak: 'nak 0' })
})

closing('who acknowledged and refuses is a liar, and nobody reveals for him', () => {
  assert.equal(kinds([decide('aa'), ack(1), nak(1)]), ['say-ack', 'liar'])
  assert.equal(play([decide('aa'), ack(1), nak(1), ack(2)]).state.stage, 'void')
  assert.equal(kinds([decide('aa'), { kind: 'liar', peer: 1 }, nak(2), ack(1), ack(2)]).filter(kind => kind === 'sign' || kind === 'reveal'), [])
})

closing('who has signed never reveals, whatever comes', () => {
  const { outputs, state } = play([decide('aa'), ack(1), ack(2), nak(1), nak(2), { kind: 'rv', from: 2 }])
  assert.equal(outputs.map(({ kind }) => kind), ['say-ack', 'sign', 'liar', 'liar'])
  assert.is(state.stage, 'signing')
})

closing('who has revealed never signs, whatever comes', () => {
  const { outputs, state } = play([decide('aa'), nak(1), ack(1), ack(2), ack(1)])
  assert.equal(outputs.map(({ kind }) => kind), ['say-ack', 'reveal', 'liar'])
  assert.is(state.stage, 'revealing')
})

closing('a signature and a reveal by one peer show a liar', () => {
  assert.equal(play([decide('aa'), { kind: 'sg', from: 2 }, { kind: 'rv', from: 2 }]).outputs.at(-1), { kind: 'liar', peer: 2, slot: 'final' })
})

closing('every order of deliveries, three peers of whom one says anything to anybody: no rule of safety breaks', () => {
  for (const honest of [[true, true], [true, false], [false, true], [false, false]]) {
    const { states, broken, endings, stuck } = exhaust({ peers: 3, found: [...honest] })
    assert.equal(broken, [], `found ${honest}`)
    assert.equal(stuck, [], `found ${honest}`)
    assert.ok(states > 1_000, `${states} states`)
    assert.ok(endings > 0)
  }
})

closing('the search can find a fault: one that signs on a majority, or reveals after signing, is caught', () => {
  for (const wrong of ['signs early', 'reveals late'] as const) {
    const { broken } = exhaust({ peers: 3, found: [true, true], wrong })
    assert.ok(broken.length > 0, wrong)
  }
})

closing('random orders at four to six peers: no rule of safety breaks', () => {
  for (const peers of [4, 5, 6]) {
    const { broken, stuck } = wander({ peers, games: 400, seed: peers })
    assert.equal(broken, [], `${peers} peers`)
    assert.equal(stuck, [], `${peers} peers`)
  }
})

closing.run()
