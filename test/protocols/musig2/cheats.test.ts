import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEADLINE, LINGER } from '../../../lib/protocols/musig2/state.ts'
import type { Partial } from '../../../lib/protocols/musig2/statement.ts'
import { cheats, MALLORY, only } from './support/cheats.ts'
import { backend, bytesOf, kindsOf, Round, Signer, spoilt, Table } from './support/table.ts'

const suites = suite('a signer who cheats')

for (const { name, mischief, reason, or, timers = [], evidence } of cheats) {
  suites(`${name}: ${reason === 'complete' ? 'the others pass it on' : 'every honest member names exactly that signer'}`, () => {
    for (let seed = 0; seed < 6; seed++) {
      const table = new Table(4)
      const round = new Round(table, `${name} ${seed}`, MALLORY, mischief(table))
      round.play()
      if (timers.length > 0) {
        // Before the timers run out nobody is named: a line may be slow.
        for (const index of round.honest) assert.is(round.states[index]!.verdict, undefined, `seed ${seed}: too early`)
        timers.forEach(timer => round.fire(timer))
      }
      for (const index of round.honest) {
        const state = round.states[index]!
        if (reason === 'complete') {
          assert.is(state.phase, 'complete', `seed ${seed}`)
          continue
        }
        assert.equal([state.phase, state.verdict?.culprits], ['aborted', [MALLORY]], `seed ${seed}, signer ${index}: ${state.verdict?.reason}`)
        assert.ok([reason, or].includes(state.verdict!.reason), `seed ${seed}, signer ${index}: ${state.verdict!.reason}`)
        if (state.verdict!.reason === reason) assert.is(state.verdict!.evidence.length, evidence, `seed ${seed}, signer ${index}`)
      }
      // With evidence the house hears of it, and of nobody else.
      const blamed = round.blamed.filter(({ by }) => by !== MALLORY)
      assert.ok(blamed.every(({ peerId }) => peerId === table.signers[MALLORY]!.peer || peerId === new Signer(9).peer), JSON.stringify(blamed.map(({ code }) => code)))
      if (evidence > 0) assert.is(new Set(blamed.map(({ by }) => by)).size, 3)
    }
  })
}

suites('a cheat who is bad and another who is silent: at the deadline the one with proof is named', () => {
  const table = new Table(4)
  const round = new Round(table, 1, MALLORY, only('partial', (partial: Partial) => ({ ...partial, partial: spoilt(partial.partial) })))
  const silent = round.states[1]!
  const handle = silent.handle.bind(silent)
  silent.handle = input => handle(input).filter(({ kind }) => kind !== 'sign')
  round.play()
  round.fire(DEADLINE)
  for (const index of [0, 3]) assert.equal([round.states[index]!.verdict?.reason, round.states[index]!.verdict?.culprits], ['bad-partial', [MALLORY]])
})

suites('one bad partial signature beside a good one of the same signer: the valid signature beats the contradiction', () => {
  const table = new Table(3)
  const round = new Round(table, 1, MALLORY, only('partial', (partial: Partial) => [{ ...partial, partial: spoilt(partial.partial) }, partial]))
  round.play()
  for (const index of round.honest) {
    assert.is(round.states[index]!.phase, 'complete')
    assert.ok(backend.verify(round.states[index]!.signature!, table.message, table.aggregate.publicKey))
  }
})

suites('what completes the signature after an abort still completes it', () => {
  const table = new Table(2)
  const alice = table.state(0)
  alice.handle({ kind: 'consent' })
  const nonces = [table.nonce(0), table.nonce(1)]
  for (const statement of [table.join(0), table.join(1), ...nonces]) alice.handle({ kind: 'statement', statement })
  const [mine, theirs] = [0, 1].map(index => table.partial(index, nonces.map(({ nonce }) => nonce)))
  alice.handle({ kind: 'statement', statement: mine! })
  alice.handle({ kind: 'timer', timer: DEADLINE })
  assert.is(alice.phase, 'aborted')
  assert.ok(kindsOf(alice.handle({ kind: 'statement', statement: theirs! })).includes('complete'))
  assert.is(alice.phase, 'complete')
  assert.equal(kindsOf(alice.handle({ kind: 'timer', timer: LINGER })), ['forget'])
})

suites('a member that comes back remembers nothing, and hears from the others that it has spoken before', () => {
  const table = new Table(2)
  const alice = table.state(0, { boot: 'ff'.repeat(16) })
  alice.handle({ kind: 'consent' })
  alice.handle({ kind: 'statement', statement: table.join(0) })
  alice.handle({ kind: 'statement', statement: table.nonce(0) })
  alice.handle({ kind: 'statement', statement: table.join(1) })
  assert.equal([alice.verdict?.reason, alice.verdict?.culprits], ['restarted', [0]])
})

suites.run()

const outsiders = suite('somebody who belongs to no session')
const oscar = new Signer(7, 'outsider')

function gathered(): { table: Table; alice: ReturnType<Table['state']> } {
  const table = new Table(3)
  const alice = table.state(0)
  alice.handle({ kind: 'consent' })
  for (const index of [0, 1]) alice.handle({ kind: 'statement', statement: table.join(index) })
  return { table, alice }
}

outsiders('cannot take a slot: a join needs the key', () => {
  const { table, alice } = gathered()
  const forged = { ...table.join(2), author: oscar.peer }
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: forged })), ['blame'])
  const own = { ...table.join(2), author: oscar.peer, proof: backend.sign(bytesOf('anything'), oscar.secret, new Uint8Array(32)) }
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: own })), ['blame'])
  assert.equal(alice.peers[2], undefined)
})

outsiders('cannot take over a slot, fill one, abort or complete', () => {
  const { table, alice } = gathered()
  const nonce = { ...table.nonce(1), author: oscar.peer }
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: nonce })), ['blame'])
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: { ...table.abort(1, 'cancelled'), author: oscar.peer } })), ['blame'])
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: { ...table.abort(2, 'cancelled'), author: oscar.peer } })), ['blame'])
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: { ...table.join(1), index: 9 } })), ['blame'])
  assert.is(alice.phase, 'gathering')
})

outsiders('who speaks for a slot before its member has joined delays nobody, and fills no memory', () => {
  const { table, alice } = gathered()
  for (let count = 0; count < 50; count++) alice.handle({ kind: 'statement', statement: { ...table.nonce(2), author: new Signer(count, 'crowd').peer } })
  assert.is(alice.early, 2 * 3)
  const kinds = kindsOf(alice.handle({ kind: 'statement', statement: table.join(2) }))
  assert.is(kinds.filter(kind => kind === 'blame').length, 6, 'each is told of when the member has come')
  assert.is(alice.early, 0)
  assert.is(alice.phase, 'nonces')
})

outsiders('a member cannot speak for another', () => {
  const { table, alice } = gathered()
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: { ...table.nonce(0), author: table.signers[1]!.peer } })), ['blame'])
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: { ...table.abort(0, 'cancelled'), author: table.signers[1]!.peer } })), ['blame'])
})

outsiders('a join made for another session is no join here', () => {
  const { table, alice } = gathered()
  const other = new Table(3)
  Object.assign(other, { id: bytesOf('another session') })
  assert.equal(kindsOf(alice.handle({ kind: 'statement', statement: { ...other.join(2), author: table.signers[2]!.peer } })), ['blame'])
})

outsiders.run()
