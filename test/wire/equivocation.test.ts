import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { concatBytes } from '../../lib/foundation/bytes.ts'
import type { OutgoingFields, SignedMessage } from '../../lib/wire/author.ts'
import { decodeCbor, encodeCbor } from '../../lib/wire/cbor.ts'
import { checkEquivocation, EQUIVOCATION_BYTES_MAX, equivocationIn, equivocationProof, statementOfFrame } from '../../lib/wire/equivocation.ts'
import { SlotMemory } from '../../lib/wire/slot-memory.ts'
import { fastBackend } from '../support/backends.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { note, Person, signed, signedTogether } from './support/people.ts'

const crypto = await fastBackend()
const inSlot = (payload: unknown, more: Partial<OutgoingFields> = {}): OutgoingFields => note(payload, { protocol: 'vote', slot: 'round 7', ...more })
const proofOf = (a: Uint8Array, b: Uint8Array): Uint8Array => equivocationProof(statementOfFrame(a, crypto), statementOfFrame(b, crypto))

const proofs = suite('proof of equivocation')

proofs('two different statements of one author in one slot are proven to anyone, in either order', async () => {
  const mallory = new Person('mallory')
  const [yes, no] = [(await signed(mallory, inSlot('yes'))).frame, (await signed(mallory, inSlot('no'))).frame]
  const shown = checkEquivocation(proofOf(yes, no), crypto)!
  assert.equal([shown.author, shown.network, shown.protocol, shown.type, shown.slot], [mallory.id, 'test', 'vote', 'note', 'round 7'])
  assert.equal(proofOf(no, yes), shown.proof, 'one proof, whoever makes it')
  assert.equal(checkEquivocation(shown.proof)!.author, mallory.id, 'the default backend agrees')
  assert.equal(equivocationIn([yes, no], crypto)!.proof, shown.proof)
})

proofs('it holds for messages of bursts as for plain ones, and shows no payload', async () => {
  const mallory = new Person('mallory')
  const secret = 'a secret that is nobody else\'s business'
  const burst = await signedTogether(mallory, [inSlot(secret), note(1), note(2)])
  const plain = await signed(mallory, inSlot('another secret'))
  const proof = proofOf(burst[0]!.frame, plain.frame)
  assert.is(checkEquivocation(proof, crypto)!.author, mallory.id)
  assert.not.ok(Buffer.from(proof).includes('secret'))
  assert.ok(proof.length < 1_000)
})

proofs('the largest proof there can be fits', async () => {
  const mallory = new Person('mallory', { network: 'n'.repeat(32) })
  const long = (payload: string): OutgoingFields => ({ type: 't'.repeat(64), payload, protocol: 'p'.repeat(64), slot: 's'.repeat(128), messageId: payload.repeat(64), inReplyTo: 'r'.repeat(64), to: mallory.identity.publicKey })
  const many = (first: string): OutgoingFields[] => [long(first), ...Array.from({ length: 63 }, (_, index) => note(index))]
  const a = await signedTogether(mallory, many('a'))
  const b = await signedTogether(mallory, many('b'))
  const proof = proofOf(a[0]!.frame, b[0]!.frame)
  assert.ok(proof.length <= EQUIVOCATION_BYTES_MAX, `${proof.length}`)
  assert.ok(checkEquivocation(proof, crypto))
})

const honest: Record<string, (alice: Person) => Promise<[SignedMessage, SignedMessage]>> = {
  'the same said twice': async alice => [await signed(alice, inSlot('yes')), await signed(alice, inSlot('yes'))],
  'the same said again after the clock was set back': async alice => {
    const first = await signed(alice, inSlot('yes'))
    return [first, await signed(alice, inSlot('yes', { timestamp: alice.clock.now() - 86_400_000 }))]
  },
  'another thing after a restart': async alice => [await signed(alice, inSlot('yes')), await signed(new Person('alice', { boot: new Uint8Array(16).fill(7) }), inSlot('no'))],
  'another thing on a second device': async alice => [await signed(alice, inSlot('yes')), await signed(new Person('alice', { boot: new Uint8Array(16).fill(9) }), inSlot('no'))],
  'another slot': async alice => [await signed(alice, inSlot('yes')), await signed(alice, inSlot('no', { slot: 'round 8' }))],
  'another protocol': async alice => [await signed(alice, inSlot('yes')), await signed(alice, inSlot('no', { protocol: 'poll' }))],
  'another type': async alice => [await signed(alice, inSlot('yes')), await signed(alice, inSlot('no', { type: 'memo' }))],
  'no slot at all': async alice => [await signed(alice, note('yes', { protocol: 'vote' })), await signed(alice, note('no', { protocol: 'vote' }))],
  'one with a slot, one without': async alice => [await signed(alice, inSlot('yes')), await signed(alice, note('no', { protocol: 'vote' }))],
  'no protocol': async alice => [await signed(alice, note('yes', { slot: 's' })), await signed(alice, note('no', { slot: 's' }))],
  'another author': async alice => [await signed(alice, inSlot('yes')), await signed(new Person('bob', { boot: new Uint8Array(16).fill(7) }), inSlot('no'))],
}
for (const [what, said] of Object.entries(honest)) {
  proofs(`no equivocation: ${what}`, async () => {
    const [a, b] = await said(new Person('alice', { boot: new Uint8Array(16).map((_, index) => index) }))
    for (const [first, second] of [[a, b], [b, a]] as const) {
      assert.is(checkEquivocation(proofOf(first.frame, second.frame), crypto), undefined)
      assert.is(equivocationIn([first.frame, second.frame], crypto), undefined)
    }
  })
}

proofs('what only a link vouches for proves nothing', async () => {
  const mallory = new Person('mallory')
  const plain = mallory.author.channelFrame(inSlot('yes'))
  const signedOne = (await signed(mallory, inSlot('no'))).frame
  assert.is(checkEquivocation(proofOf(plain, signedOne), crypto), undefined)
  assert.is(checkEquivocation(proofOf(plain, mallory.author.channelFrame(inSlot('no'))), crypto), undefined)
})

proofs('every changed byte makes it no proof, and nothing throws', async () => {
  const mallory = new Person('mallory')
  const proof = proofOf((await signed(mallory, inSlot('yes'))).frame, (await signed(mallory, inSlot('no'))).frame)
  for (let index = 0; index < proof.length; index++) {
    const changed = proof.slice()
    changed[index]! ^= 1 << (index % 8)
    assert.is(checkEquivocation(changed, crypto), undefined, `byte ${index}`)
  }
  for (let size = 0; size < proof.length; size += 7) assert.is(checkEquivocation(proof.subarray(0, size), crypto), undefined)
})

proofs('the wrong order, a third statement, another version and too many bytes are no proof', async () => {
  const mallory = new Person('mallory')
  const proof = proofOf((await signed(mallory, inSlot('yes'))).frame, (await signed(mallory, inSlot('no'))).frame)
  const [version, a, b] = decodeCbor(proof) as [number, Uint8Array, Uint8Array]
  for (const bad of [[version, b, a], [version, a, a], [version, a, b, a], [2, a, b], [version, a], 'x', null]) assert.is(checkEquivocation(encodeCbor(bad), crypto), undefined)
  assert.is(checkEquivocation(concatBytes(proof, Uint8Array.of(0)), crypto), undefined)
  assert.is(checkEquivocation(new Uint8Array(EQUIVOCATION_BYTES_MAX + 1), crypto), undefined)
  for (const evidence of [[], [a], [a, b], [new Uint8Array(0), new Uint8Array(0)]]) assert.is(equivocationIn(evidence, crypto), undefined)
})

proofs('a forged proof costs at most two checks of a signature, one of another place none', async () => {
  const mallory = new Person('mallory')
  const alice = new Person('alice')
  const frames = [(await signed(mallory, inSlot('yes'))).frame, (await signed(mallory, inSlot('no'))).frame, (await signed(mallory, inSlot('no', { slot: 'x' }))).frame]
  const forged = frames.map(frame => frame.slice())
  forged[0]![40]! ^= 1
  alice.calls.verify = 0
  checkEquivocation(proofOf(frames[0]!, frames[2]!), alice.crypto)
  assert.is(alice.calls.verify, 0)
  checkEquivocation(proofOf(forged[0]!, frames[1]!), alice.crypto)
  assert.ok(alice.calls.verify <= 2)
})

const watching = suite('intake: slots')

watching('a second statement in a slot is handed in, and proven', async () => {
  const [mallory, bob] = [new Person('mallory'), new Person('bob')]
  const found: Uint8Array[] = []
  bob.intake.onEquivocation = proof => found.push(proof)
  for (const payload of ['yes', 'yes', 'no']) {
    const { frame } = await signed(mallory, inSlot(payload))
    try {
      bob.intake.receiveFrame(frame, mallory.source)
    } catch (error) {
      assert.is((error as { code?: string }).code, 'ERR_WIRE_DUPLICATE')
    }
  }
  assert.is(found.length, 1)
  assert.is(checkEquivocation(found[0]!, crypto)!.author, mallory.id)
})

watching('also where one came in a burst, and the other through somebody else', async () => {
  const [mallory, bob, carol] = [new Person('mallory'), new Person('bob'), new Person('carol')]
  const found: Uint8Array[] = []
  bob.intake.onEquivocation = proof => found.push(proof)
  const [first] = await signedTogether(mallory, [inSlot('yes'), note(1)])
  bob.intake.receiveFrame(first!.frame, mallory.source)
  bob.intake.deliver((await signed(mallory, inSlot('no'))).frame, carol.identity.publicKey)
  assert.is(checkEquivocation(found[0]!, crypto)?.author, mallory.id)
})

for (const [what, said] of Object.entries(honest)) {
  watching(`nobody is accused of ${what}`, async () => {
    const bob = new Person('bob')
    bob.intake.onEquivocation = () => assert.unreachable('a false accusation')
    const alice = new Person('alice', { boot: new Uint8Array(16).map((_, index) => index) })
    for (const { frame } of await said(alice)) {
      try {
        bob.intake.receiveFrame(frame, { peerId: '', key: new Uint8Array(32), relayed: true })
      } catch (error) {
        assert.match((error as { code: string }).code, /^ERR_WIRE_(STALE|DUPLICATE)$/)
      }
    }
  })
}

watching('of 100,000 honest statements, restarts, rollbacks and second devices among them, none is accused', async () => {
  const random = seededRandom('honest')
  const memory = new SlotMemory(8_192)
  let accused = 0
  // By the memory alone: the curve would take minutes. What it is asked is what the intake asks it.
  for (let count = 0; count < 100_000; count++) {
    const [author, boot, slot] = random(3)
    const place = `${author! % 16}/${boot! % 64}/${slot}`
    // An honest author has one thing to say in a place, however often it says it.
    const payloadHash = crypto.sha256(new TextEncoder().encode(place))
    if (memory.contradicted(place, payloadHash, payloadHash, `hand ${author! % 4}`) !== undefined) accused++
  }
  assert.equal([accused, memory.size], [0, 8_192])
})

watching('past its bound whoever has most is forgotten first: a crowd of statements hides nobody else\'s', () => {
  const memory = new SlotMemory(64)
  const [one, other] = [Uint8Array.of(1), Uint8Array.of(2)]
  memory.contradicted('honest', one, one, 'carol')
  for (let index = 0; index < 10_000; index++) memory.contradicted(`flood ${index}`, one, one, 'mallory')
  assert.is(memory.size, 64)
  assert.equal(memory.contradicted('honest', other, other, 'carol'), one)
  assert.is(memory.contradicted('flood 0', other, other, 'mallory'), undefined, 'hers is forgotten')
})

proofs.run()
watching.run()
