import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ARRIVALS_MAX, ATTEMPTS_MAX, DELIVERIES_PER_NEIGHBOUR_MAX } from '../../../lib/protocols/relay/limits.ts'
import { Relay } from '../../../lib/protocols/relay/index.node.ts'
import { charged, idOf, Rig, settled, tagOf, told } from './support/rig.ts'

const ends = suite('relay: the two ends')
const ID = tagOf(500_001)

/** The id under which our own search went out last. */
function ownTag(rig: Rig): number {
  const sought = rig.out.findLast(effect => effect.kind === 'send' && effect.type === 'seek')
  if (sought?.kind !== 'send' || sought.type !== 'seek') throw new Error('nothing was sought')
  return new DataView(sought.payload.id.buffer).getUint32(0)
}

/** A sender that has found ways through all of these, and handed its envelope to the first. */
function sender(...vias: string[]): Rig {
  const rig = new Rig()
  rig.join(...vias)
  rig.signed(rig.send('1'))
  const tag = ownTag(rig)
  for (const via of vias) rig.found(via, tag, { seeker: 'me' })
  return rig
}

// The author.

ends('a target that is a neighbour gets it directly, and its receipt settles it', () => {
  const rig = new Rig()
  rig.join('target', 'bob')
  assert.equal(told(rig.send('1')), ['carry>target'])
  assert.equal(settled(rig.receipt('target', ID)), ['1 received'])
  assert.is(rig.state.stats.sends, 0)
})

ends('the first answer sends it off, and the receipt settles it', () => {
  const rig = sender('alice', 'bob')
  assert.equal(told(rig.out, 'carry'), ['carry>alice'])
  assert.equal(settled(rig.receipt('alice', ID)), ['1 received'])
})

ends('no receipt in four seconds: the next way is taken, and a late receipt of the first still counts', () => {
  const rig = sender('alice', 'bob')
  const before = rig.nowMs
  assert.equal(told(rig.fire('receipt:1')), ['carry>bob'])
  assert.is(rig.nowMs - before, 4_000)
  assert.equal(settled(rig.receipt('alice', ID)), ['1 received'])
})

ends('a way that says lost is left at once, and for the others as well', () => {
  const rig = sender('alice', 'bob')
  assert.equal(told(rig.lost('alice', ID)), ['carry>bob'])
  assert.equal(told(rig.send('2')), ['carry>bob'])
})

ends('lost is believed only of whoever has it now', () => {
  const rig = sender('alice', 'bob', 'mallory')
  assert.equal(told(rig.lost('mallory', ID)), [])
  assert.equal(told(rig.lost('alice', ID, 3)), [])
  assert.is(rig.counted('lost-unasked'), 2)
})

ends('where all ways fail it searches once more, and then says that no receipt came', () => {
  const rig = sender('alice')
  const again = rig.lost('alice', ID)
  assert.equal(told(rig.signed(again)), ['seek>alice'])
  rig.found('alice', ownTag(rig), { seeker: 'me', mark: 8 })
  assert.equal(settled(rig.lost('alice', ID, 1)), ['1 no-receipt'])
})

ends(`one envelope is handed on ${ATTEMPTS_MAX} times and no more`, () => {
  const rig = sender('alice', 'bob', 'carol')
  rig.lost('alice', ID, 0)
  rig.lost('bob', ID, 1)
  rig.signed(rig.lost('carol', ID, 2))
  const tag = ownTag(rig)
  rig.found('alice', tag, { seeker: 'me', mark: 8 })
  assert.equal(settled(rig.lost('alice', ID, 3)), ['1 no-receipt'])
  assert.is(told(rig.out, 'carry').length, ATTEMPTS_MAX)
})

ends('a forged receipt is charged to the hop and settles nothing', () => {
  for (const says of [{ by: idOf('mallory') }, { digest: 'other' }, { id: 'ff' }]) {
    const rig = sender('mallory', 'bob')
    const effects = rig.receipt('mallory', ID, { says })
    assert.equal([charged(effects), settled(effects)], [['ERR_RELAY_FORGED mallory'], []])
    rig.fire('receipt:1')
    assert.equal(settled(rig.receipt('bob', ID)), ['1 received'])
  }
})

ends('a receipt from who was never handed the envelope, or under another key, is not even checked', () => {
  const rig = sender('alice', 'bob')
  assert.equal(rig.receipt('bob', ID), [])
  assert.equal(rig.receipt('alice', ID, { target: 'mallory' }), [])
  assert.is(rig.counted('receipt-unasked'), 2)
})

ends('a neighbour that goes with the envelope is a way that failed', () => {
  const rig = sender('alice', 'bob')
  assert.equal(told(rig.leave('alice')), ['carry>bob'])
})

ends('a neighbour that cannot be sent to likewise', () => {
  const rig = sender('alice', 'bob')
  assert.equal(told(rig.feed({ kind: 'unsent', to: idOf('alice'), id: Buffer.from(ID).toString('hex'), attempt: 0 })), ['carry>bob'])
})

ends('who does not wait any more leaves nothing behind', () => {
  const rig = new Rig()
  rig.join('alice')
  rig.signed(rig.send('1'))
  rig.feed({ kind: 'cancel', ref: '1' })
  const { sends, searches } = rig.state.stats
  assert.equal([sends, searches], [0, 0])
  assert.throws(() => rig.fire(`seek:${idOf('target')}`), /no timer/)
})

// The target.

ends('what comes for us is handed in once, and receipted to who brought it', () => {
  const rig = new Rig()
  rig.join('alice')
  const [deliver] = rig.carry('alice', 1, { to: 'me' })
  assert.is(deliver?.kind, 'deliver')
  const key = deliver?.kind === 'deliver' ? deliver.key : ''
  assert.equal(told(rig.signed(rig.feed({ kind: 'delivered', key, isTaken: true }))), ['receipt>alice'])
})

ends('the same envelope again is not handed in again; the receipt is given again', () => {
  const rig = new Rig()
  rig.join('alice', 'bob')
  rig.carry('alice', 1, { to: 'me' })
  assert.equal(rig.carry('bob', 1, { to: 'me', attempt: 1 }), [], 'while it is being opened')
  assert.equal(told(rig.signed(rig.feed({ kind: 'delivered', key: `${Buffer.from(tagOf(1)).toString('hex')}/d1`, isTaken: true }))), ['receipt>bob'])
  assert.equal(told(rig.carry('alice', 1, { to: 'me', attempt: 2 })), ['receipt>alice'])
  assert.is(rig.out.filter(({ kind }) => kind === 'deliver').length, 1)
})

ends('another envelope under the same id is another: nobody can use up an id', () => {
  const rig = new Rig()
  rig.join('mallory', 'alice')
  assert.is(rig.carry('mallory', 1, { to: 'me', digest: 'junk' })[0]?.kind, 'deliver')
  assert.is(rig.carry('alice', 1, { to: 'me', digest: 'true' })[0]?.kind, 'deliver')
})

ends('what is refused here is given back, and may come again', () => {
  const rig = new Rig()
  rig.join('alice')
  rig.carry('alice', 1, { to: 'me' })
  const effects = rig.feed({ kind: 'delivered', key: `${Buffer.from(tagOf(1)).toString('hex')}/d1`, isTaken: false })
  assert.ok(effects.some(effect => effect.kind === 'send' && effect.type === 'lost' && effect.payload.why === 'refused'))
  assert.is(rig.carry('alice', 1, { to: 'me' })[0]?.kind, 'deliver')
})

ends(`${DELIVERIES_PER_NEIGHBOUR_MAX} envelopes of one neighbour are being handled; more are given back as busy, and the others lose nothing`, () => {
  const rig = new Rig()
  rig.join('mallory', 'alice')
  for (let tag = 0; tag < DELIVERIES_PER_NEIGHBOUR_MAX; tag++) assert.is(rig.carry('mallory', tag, { to: 'me' })[0]?.kind, 'deliver')
  assert.equal(told(rig.carry('mallory', 999, { to: 'me' })), ['lost>mallory'])
  assert.is(rig.carry('alice', 1_000, { to: 'me' })[0]?.kind, 'deliver')
  rig.feed({ kind: 'delivered', key: `${Buffer.from(tagOf(3)).toString('hex')}/d1`, isTaken: true })
  assert.is(rig.carry('mallory', 1_001, { to: 'me' })[0]?.kind, 'deliver')
})

ends(`${ARRIVALS_MAX} arrivals are remembered, each for two minutes`, () => {
  const rig = new Rig()
  const names = Array.from({ length: ARRIVALS_MAX / DELIVERIES_PER_NEIGHBOUR_MAX + 1 }, (_, index) => `n${index}`)
  rig.join(...names)
  for (let tag = 0; tag < ARRIVALS_MAX; tag++) rig.carry(names[Math.floor(tag / DELIVERIES_PER_NEIGHBOUR_MAX)]!, tag, { to: 'me' })
  assert.equal(told(rig.carry(names.at(-1)!, 99_999, { to: 'me' })), [`lost>${names.at(-1)}`])
  rig.pass(120_000)
  rig.fire('sweep')
  assert.is(rig.state.stats.arrivals, 0)
  assert.is(rig.carry(names.at(-1)!, 99_999, { to: 'me' })[0]?.kind, 'deliver')
})

// Options.

ends('options and arguments that cannot work are refused with what was expected', async () => {
  assert.throws(() => new Relay({ bytesPerSecond: 0 }), /bytesPerSecond must be a number above 0/)
  assert.throws(() => new Relay({ carries: 'no' as never }), /carries must be true or false/)
  assert.throws(() => new Relay().getStats(), (error: { code?: string }) => error.code === 'ERR_PROTOCOL_NOT_REGISTERED')
})

ends.run()
