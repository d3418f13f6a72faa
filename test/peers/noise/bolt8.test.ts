import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ICryptoBackend } from '../../../lib/contracts/crypto.ts'
import { EMPTY_BYTES, concatBytes, utf8 } from '../../../lib/foundation/bytes.ts'
import { fromHex, toHex } from '../../../lib/foundation/hex.ts'
import { CipherState } from '../../../lib/peers/noise/cipher-state.ts'
import { Initiator, Responder } from '../../../lib/peers/noise/handshake.ts'
import type { LinkKeys, PartyOptions } from '../../../lib/peers/noise/party.ts'
import { allBackends } from '../../support/backends.ts'
import { rejection } from '../../support/rejection.ts'

/** BOLT 8, appendix A, on every backend, with its prologue and without our rule about parity. */

interface Step { input?: string; output?: string; error?: string; sk?: string; rk?: string }
interface Case { name: string; keys: Record<string, string>; steps: Step[] }
interface Vectors {
  prologue: string
  initiator: Case[]
  responder: Case[]
  messages: { plaintext: string; count: number; outputs: Record<string, string>; ck: string; sk: string; rk: string }
}

const vectors = JSON.parse(await readFile(new URL('../../vectors/bolt8/transport_vectors.json', import.meta.url), 'utf8')) as Vectors
const bolt8 = suite('BOLT 8, appendix A')

/** What our refusal says for each error of the vectors. */
const REASONS: Record<string, RegExp> = {
  ACT1_READ_FAILED: /^act one: expected 50 bytes/,
  // 01 is XX with us, whose act one has another size.
  ACT1_BAD_VERSION: /^act one: expected 34 bytes of XX/,
  ACT1_BAD_PUBKEY: /^act one: the ephemeral key is not a point/,
  ACT1_BAD_TAG: /^act one: its tag does not open/,
  ACT2_READ_FAILED: /^act two: expected 50 bytes/,
  ACT2_BAD_VERSION: /^act two: expected pattern byte 0/,
  ACT2_BAD_PUBKEY: /^act two: the ephemeral key is not a point/,
  ACT2_BAD_TAG: /^act two: its tag does not open/,
  ACT3_READ_FAILED: /^act three: expected 66 to/,
  ACT3_BAD_VERSION: /^act three: expected pattern byte 0/,
  ACT3_BAD_CIPHERTEXT: /^act three: the static key does not open/,
  ACT3_BAD_PUBKEY: /^act three: the static key is not a point/,
  ACT3_BAD_TAG: /^act three: the hello does not open/,
}
/** The appendix gives the responder's keys in its text. */
const RESPONDER = { static: '21'.repeat(32), ephemeral: '22'.repeat(32) }

for (const backend of await allBackends()) {
  const on = `on ${backend.name} (${backend.curve} and ${backend.symmetric})`
  for (const each of vectors.initiator) bolt8(`${each.name} ${on}`, () => runInitiator(backend, each))
  for (const each of vectors.responder) bolt8(`${each.name} ${on}`, () => runResponder(backend, each))
  bolt8(`${vectors.messages.count} messages across two key rotations ${on}`, () => runMessages(backend))
}

bolt8('all sixteen cases of the appendix are there', () => {
  assert.is(vectors.initiator.length, 5)
  assert.is(vectors.responder.length, 10)
  assert.is(Object.keys(vectors.messages.outputs).length, 6)
})

async function runInitiator(backend: ICryptoBackend, { keys, steps }: Case): Promise<void> {
  const initiator = new Initiator({ ...party(backend, keys['ls.priv']!, keys['e.priv']!), pattern: 'XK', remoteStatic: fromHex(keys['rs.pub']!) })
  assert.is(toHex(initiator.actOne()), steps[0]!.output)
  const last = steps.at(-1)!
  const actTwo = initiator.actTwo(fromHex(steps[1]!.input!))
  if (last.output === 'error') return expectRefusal(actTwo, last)
  await actTwo
  assert.is(toHex(await initiator.actThree(EMPTY_BYTES)), steps[2]!.output)
  expectKeys(backend, initiator.split(), last)
}

async function runResponder(backend: ICryptoBackend, { steps }: Case): Promise<void> {
  const responder = new Responder(party(backend, RESPONDER.static, RESPONDER.ephemeral))
  const last = steps.at(-1)!
  const actOne = responder.actOne(fromHex(steps[0]!.input!))
  if (steps.length === 2) return expectRefusal(actOne, last)
  await actOne
  assert.is(toHex(await responder.actTwo()), steps[1]!.output)
  const actThree = responder.actThree(fromHex(steps[2]!.input!))
  if (last.output === 'error') return expectRefusal(actThree, last)
  assert.equal((await actThree).hello, EMPTY_BYTES)
  expectKeys(backend, responder.split(), last)
}

/** BOLT 8 seals a length (2) and then the body; both use the same state, so a message is two uses. */
function runMessages(backend: ICryptoBackend): void {
  const { plaintext, count, outputs, ck, sk } = vectors.messages
  const body = fromHex(plaintext)
  const sealing = new CipherState(backend, fromHex(sk), fromHex(ck))
  const opening = new CipherState(backend, fromHex(sk), fromHex(ck))
  for (let index = 0; index < count; index++) {
    const length = sealing.seal(Uint8Array.of(body.length >>> 8, body.length))
    const sealed = sealing.seal(body)
    if (outputs[index] !== undefined) assert.is(toHex(concatBytes(length, sealed)), outputs[index], `message ${index}`)
    assert.equal(opening.open(length), Uint8Array.of(0, body.length))
    assert.equal(opening.open(sealed), body)
  }
}

function party(backend: ICryptoBackend, secretHex: string, ephemeralHex: string): PartyOptions {
  const secret = fromHex(secretHex)
  return {
    backend,
    random: () => fromHex(ephemeralHex),
    prologue: utf8(vectors.prologue),
    staticKey: { point: backend.publicKeyOf(secret), ecdh: async point => backend.ecdh(secret, point)! },
    parityRule: false,
  }
}

async function expectRefusal(act: Promise<unknown>, { error }: Step): Promise<void> {
  const refusal = await rejection(act)
  assert.is(refusal.code, 'ERR_PEER_HANDSHAKE_FAILED')
  assert.match(refusal.message, REASONS[error!.split(' ')[0]!]!)
}

/** A state shows no key: what it seals and opens does. The vectors' ck is that of the successful handshake. */
function expectKeys(backend: ICryptoBackend, keys: LinkKeys, { sk, rk }: Step): void {
  const ck = fromHex(vectors.messages.ck)
  const word = utf8('to the other end')
  assert.equal(keys.sealing.seal(word), new CipherState(backend, fromHex(sk!), ck).seal(word))
  assert.equal(keys.opening.open(new CipherState(backend, fromHex(rk!), ck).seal(word)), word)
}

bolt8.run()
