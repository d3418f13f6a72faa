import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Auth, burstProof, encodeFrame, messageHash, parseFrame, type Frame } from '../../lib/wire/frame.ts'
import { burstDigest } from '../../lib/wire/hashing.ts'
import { ProofChecker } from '../../lib/wire/proof.ts'
import { note, notes, Person, signed, signedTogether } from './support/people.ts'

const proofs = suite('proof')

function setup(burstRootsMax = 64): { alice: Person; bob: Person; checker: ProofChecker } {
  const bob = new Person('bob')
  return { alice: new Person('alice'), bob, checker: new ProofChecker({ crypto: () => bob.crypto, network: 'test', burstRootsMax }) }
}

const hashOf = (person: Person, frame: Frame): Uint8Array => messageHash(person.crypto, frame.author, frame.header, frame.payload)

async function aliceBurst(alice: Person, count: number): Promise<Frame[]> {
  return (await signedTogether(alice, notes(count))).map(({ frame }) => parseFrame(frame, 98_304))
}

proofs('a plain signature proves its message, every time anew', async () => {
  const { alice, bob, checker } = setup()
  const frame = parseFrame((await signed(alice)).frame, 98_304)
  assert.is(frame.auth, Auth.SIGNATURE)
  assert.ok(checker.proves(frame, hashOf(bob, frame), 'carol'))
  assert.ok(checker.proves(frame, hashOf(bob, frame), 'carol'))
  assert.is(bob.calls.verify, 2)
})

proofs('a burst is verified once, and its other messages by their paths', async () => {
  const { alice, bob, checker } = setup()
  for (const frame of await aliceBurst(alice, 64)) assert.ok(checker.proves(frame, hashOf(bob, frame), 'carol'))
  assert.is(bob.calls.verify, 1)
})

proofs('what one peer delivered is not remembered for another', async () => {
  const { alice, bob, checker } = setup()
  const [frame] = await aliceBurst(alice, 2)
  checker.proves(frame!, hashOf(bob, frame!), 'carol')
  checker.proves(frame!, hashOf(bob, frame!), 'dave')
  assert.is(bob.calls.verify, 2)
  checker.forget('carol')
  checker.proves(frame!, hashOf(bob, frame!), 'carol')
  assert.is(bob.calls.verify, 3)
})

proofs('another signature beside a remembered root is checked, and refused', async () => {
  const { alice, bob, checker } = setup()
  const [frame, other] = await aliceBurst(alice, 2)
  assert.ok(checker.proves(frame!, hashOf(bob, frame!), 'carol'))
  const junk = parseFrame(encodeFrame(Auth.BURST, other!.author, burstProof(new Uint8Array(64).fill(7), 2, 1, other!.path), other!.header, other!.payload), 98_304)
  assert.not.ok(checker.proves(junk, hashOf(bob, junk), 'carol'))
  assert.is(bob.calls.verify, 2)
  // A failure is not remembered either: the right signature is still known, the wrong one is checked again.
  assert.ok(checker.proves(other!, hashOf(bob, other!), 'carol'))
  assert.is(bob.calls.verify, 2)
  assert.not.ok(checker.proves(junk, hashOf(bob, junk), 'carol'))
  assert.is(bob.calls.verify, 3)
})

proofs('a remembered root is not good for another author or count', async () => {
  const { alice, bob, checker } = setup()
  const [frame] = await aliceBurst(alice, 4)
  assert.ok(checker.proves(frame!, hashOf(bob, frame!), 'carol'))
  const { signature, header, payload, path } = frame!
  const mallory = new Person('mallory')
  const stolen = parseFrame(encodeFrame(Auth.BURST, mallory.identity.publicKey, burstProof(signature, 4, 0, path), header, payload), 98_304)
  assert.not.ok(checker.proves(stolen, hashOf(bob, stolen), 'carol'))
  // Index 0 has the same path of two among three and among four.
  const recounted = parseFrame(encodeFrame(Auth.BURST, frame!.author, burstProof(signature, 3, 0, path), header, payload), 98_304)
  assert.not.ok(checker.proves(recounted, hashOf(bob, recounted), 'carol'))
})

proofs('a remembered root is kept under everything that was checked', async () => {
  const { alice, bob, checker } = setup()
  const { digest, root } = { digest: burstDigest(bob.crypto, 'test', 4, new Uint8Array(32).fill(5)), root: new Uint8Array(32).fill(5) }
  const claim = { author: alice.identity.publicKey, count: 4, root, signature: await alice.identity.sign(digest) }
  assert.ok(checker.provesBurst(claim, 'carol'))
  const others = [{ author: new Person('mallory').identity.publicKey }, { count: 5 }, { root: new Uint8Array(32).fill(6) }, { signature: new Uint8Array(64) }]
  for (const other of others) assert.not.ok(checker.provesBurst({ ...claim, ...other }, 'carol'))
  assert.is(bob.calls.verify, 1 + others.length)
})

proofs('what is remembered does not change with the buffer it came in', async () => {
  const { alice, bob, checker } = setup()
  const [first, second] = await aliceBurst(alice, 2)
  const buffer = first!.bytes.slice()
  const frame = parseFrame(buffer, 98_304)
  assert.ok(checker.proves(frame, hashOf(bob, frame), 'carol'))
  buffer.fill(0)
  assert.ok(checker.proves(second!, hashOf(bob, second!), 'carol'))
  assert.is(bob.calls.verify, 1)
})

proofs('a forged or moved path proves nothing', async () => {
  const { alice, bob, checker } = setup()
  const [first, second] = await aliceBurst(alice, 4)
  const { author, signature, header, payload, path } = first!
  const forged = path.map(hash => hash.map(byte => byte ^ 1))
  for (const [index, hashes] of [[0, forged], [0, second!.path], [1, path], [2, path], [0, [path[1]!, path[0]!]]] as const) {
    const frame = parseFrame(encodeFrame(Auth.BURST, author, burstProof(signature, 4, index, hashes), header, payload), 98_304)
    assert.not.ok(checker.proves(frame, hashOf(bob, frame), 'carol'))
  }
})

proofs('a burst proof is no plain signature, and the reverse', async () => {
  const { alice, bob, checker } = setup()
  const [inBurst] = await aliceBurst(alice, 2)
  const asPlain = parseFrame(encodeFrame(Auth.SIGNATURE, inBurst!.author, inBurst!.signature, inBurst!.header, inBurst!.payload), 98_304)
  assert.not.ok(checker.proves(asPlain, hashOf(bob, asPlain), 'carol'))
  const plain = parseFrame((await signed(alice, note('alone'))).frame, 98_304)
  const asBurst = parseFrame(encodeFrame(Auth.BURST, plain.author, burstProof(plain.signature, 2, 0, [new Uint8Array(32)]), plain.header, plain.payload), 98_304)
  assert.not.ok(checker.proves(asBurst, hashOf(bob, asBurst), 'carol'))
})

proofs('a burst of another network proves nothing here', async () => {
  const { bob, checker } = setup()
  const [frame] = await aliceBurst(new Person('alice', { network: 'other' }), 2)
  assert.not.ok(checker.proves(frame!, hashOf(bob, frame!), 'carol'))
})

proofs('channel auth proves nothing to anyone', () => {
  const { alice, bob, checker } = setup()
  const frame = parseFrame(alice.author.channelFrame(note()), 98_304)
  assert.not.ok(checker.proves(frame, hashOf(bob, frame), alice.id))
  assert.is(bob.calls.verify, 0)
})

proofs('the roots remembered for a peer are bounded, the oldest goes first', async () => {
  const { alice, bob, checker } = setup(2)
  const bursts = [await aliceBurst(alice, 2), await aliceBurst(alice, 2), await aliceBurst(alice, 2)]
  for (const [frame] of bursts) checker.proves(frame!, hashOf(bob, frame!), 'carol')
  assert.is(bob.calls.verify, 3)
  for (const [, frame] of bursts.slice(1)) checker.proves(frame!, hashOf(bob, frame!), 'carol')
  assert.is(bob.calls.verify, 3)
  checker.proves(bursts[0]![1]!, hashOf(bob, bursts[0]![1]!), 'carol')
  assert.is(bob.calls.verify, 4)
})

proofs.run()
