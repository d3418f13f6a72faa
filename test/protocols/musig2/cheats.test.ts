import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../../lib/foundation/hex.ts'
import type { AbortReason } from '../../../lib/protocols/musig2/events.ts'
import { DEADLINE, LINGER, RETRY } from '../../../lib/protocols/musig2/state.ts'
import { noncesHash, rosterHash, type Nonce, type Partial, type Statement } from '../../../lib/protocols/musig2/statement.ts'
import { backend, bytesOf, frameOf, kindsOf, Round, Signer, spoilt, Table, type Mischief } from './support/table.ts'

/** Mallory is the third of four. */
const MALLORY = 2

interface Cheat {
  name: string
  mischief: (table: Table) => Mischief
  reason: AbortReason | 'complete'
  /** Which of two it is depends on what comes first. */
  or?: AbortReason
  /** Timers that have to run out first. */
  timers?: string[]
  /** Frames that prove it; 0 for what only each node itself can judge. */
  evidence: number
}

const only = (type: Statement['type'], change: (statement: never, to: number) => Statement | readonly Statement[] | null): Mischief =>
  (statement, to) => statement.type === type ? change(statement as never, to) : statement

const cheats: Cheat[] = [
  { name: 'a public nonce that is no point', mischief: () => only('nonce', (nonce: Nonce) => ({ ...nonce, nonce: new Uint8Array(66) })), reason: 'bad-nonce', evidence: 1 },
  { name: 'a public nonce of the wrong length', mischief: () => only('nonce', (nonce: Nonce) => ({ ...nonce, nonce: nonce.nonce.slice(1) })), reason: 'bad-nonce', evidence: 1 },
  { name: 'a public nonce that is infinity in one half', mischief: () => only('nonce', (nonce: Nonce) => ({ ...nonce, nonce: Uint8Array.of(...nonce.nonce.subarray(0, 33), ...new Uint8Array(33)) })), reason: 'bad-nonce', evidence: 1 },
  { name: 'a partial signature that does not verify', mischief: () => only('partial', (partial: Partial) => ({ ...partial, partial: spoilt(partial.partial) })), reason: 'bad-partial', evidence: 5 },
  { name: 'a partial signature that is no number below n', mischief: () => only('partial', (partial: Partial) => ({ ...partial, partial: new Uint8Array(32).fill(255) })), reason: 'bad-partial', evidence: 5 },
  { name: 'a partial signature of the wrong length', mischief: () => only('partial', (partial: Partial) => ({ ...partial, partial: new Uint8Array(31) })), reason: 'bad-partial', evidence: 5 },
  {
    name: 'two public nonces, one for each half of the others',
    mischief: table => {
      const other = frameOf('the other nonce')
      const { publicNonce } = table.secretNonce(MALLORY)
      return only('nonce', (nonce: Nonce, to) => to === 0 ? { ...nonce, nonce: publicNonce, frame: other } : nonce)
    },
    reason: 'two-nonces', evidence: 2,
  },
  { name: 'two public nonces to everybody', mischief: table => { const { publicNonce } = table.secretNonce(MALLORY); return only('nonce', (nonce: Nonce) => [nonce, { ...nonce, nonce: publicNonce }]) }, reason: 'two-nonces', evidence: 2 },
  { name: 'two partial signatures, both bad', mischief: () => only('partial', (partial: Partial) => [{ ...partial, partial: spoilt(partial.partial) }, { ...partial, partial: spoilt(spoilt(partial.partial)) }]), reason: 'two-partials', or: 'bad-partial', evidence: 2 },
  { name: 'a partial signature over other nonces', mischief: table => only('partial', (partial: Partial) => ({ ...partial, partial: spoilt(partial.partial), nonces: toHex(noncesHash(backend, table.id, [bytesOf('none')])) })), reason: 'other-nonces', timers: ['justify/2'], evidence: 0 },
  { name: 'a good partial signature said to be over other nonces', mischief: table => only('partial', (partial: Partial) => ({ ...partial, nonces: toHex(noncesHash(backend, table.id, [bytesOf('none')])) })), reason: 'complete', evidence: 0 },
  { name: 'a nonce for another roster', mischief: table => only('nonce', (nonce: Nonce) => ({ ...nonce, roster: toHex(rosterHash(backend, table.id, [])) })), reason: 'other-roster', timers: ['justify/2'], evidence: 0 },
  { name: 'joins from two peers', mischief: table => only('join', (join: Statement) => [join, table.join(MALLORY, new Signer(9).peer)]), reason: 'two-joins', evidence: 2 },
  { name: 'no join', mischief: () => only('join', () => null), reason: 'silent', timers: [RETRY, DEADLINE], evidence: 0 },
  { name: 'no nonce', mischief: () => only('nonce', () => null), reason: 'silent', timers: [RETRY, DEADLINE], evidence: 0 },
  { name: 'no partial signature', mischief: () => only('partial', () => null), reason: 'silent', timers: [RETRY, DEADLINE], evidence: 0 },
  { name: 'its own word that it does not want to', mischief: table => only('nonce', () => table.abort(MALLORY, 'cancelled')), reason: 'cancelled', evidence: 0 },
  { name: 'a nonce in a second run of its program', mischief: table => { const { publicNonce } = table.secretNonce(MALLORY); return only('nonce', (nonce: Nonce) => [nonce, { ...nonce, boot: '00'.repeat(16), nonce: publicNonce }]) }, reason: 'restarted', evidence: 0 },
  { name: 'nonces to some only', mischief: () => only('nonce', (nonce: Nonce, to) => to === 0 ? null : nonce), reason: 'complete', timers: [RETRY, RETRY], evidence: 0 },
  { name: 'partial signatures to some only', mischief: () => only('partial', (partial: Partial, to) => to === 1 ? null : partial), reason: 'complete', timers: [RETRY], evidence: 0 },
]

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
