import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler, P2PMessage, ProtocolContext } from '../../../lib/index.ts'
import { aggregateKeys, aggregateNonces, SecretNonce, signingSession } from '../../../lib/bitcoin/bip327/index.ts'
import { MuSig2 } from '../../../lib/protocols/musig2/handler.ts'
import { musig2Protocol } from '../../../lib/protocols/musig2/definition.ts'
import { membershipDigest, noncesHash, slotOf, type StatementType } from '../../../lib/protocols/musig2/statement.ts'
import { Simulation } from '../../../lib/testing/simulation.ts'
import { backend, bytesOf, spoilt } from './support/table.ts'
import { keyOf, secretOf } from './support/wallets.ts'

/** Signs whatever it is told to. */
class Pen implements IProtocolHandler {
  readonly protocolName = 'musig2'
  readonly definition = musig2Protocol
  context!: ProtocolContext
  onRegister(context: ProtocolContext): void { this.context = context }
  async handleMessage(_: P2PMessage): Promise<void> {}
}

const session = bytesOf('a session')
const keys = ['alice', 'bob', 'mallory'].map(keyOf)
const message = bytesOf('a message')
const MALLORY = 2
const boot = new Uint8Array(16).fill(7)

/** mallory's pen and, apart from everything, carol, who was not there and judges. */
async function court() {
  const sim = new Simulation({ seed: 1 })
  const pen = new Pen()
  const otherPen = new Pen()
  const carol = new MuSig2({ keys: secretOf('carol'), crypto: backend })
  await sim.addNode('mallory', { protocols: () => [pen] })
  await sim.addNode('device', { protocols: () => [otherPen] })
  await sim.addNode('carol', { protocols: () => [carol] })
  const sign = (type: StatementType, fields: object, by = pen, index = MALLORY): Promise<Uint8Array> =>
    by.context.author({ type, payload: { session, index, boot, ...fields }, slot: slotOf(type, session, index) })
  const proof = (by: Pen): Uint8Array => backend.sign(membershipDigest(backend, session, keys[MALLORY]!, by.context.localPeer.peerId), secretOf('mallory'), new Uint8Array(32))
  const reasonOf = async (frames: readonly Uint8Array[], known = true): Promise<string> => {
    const proven = await carol.proven(frames, known ? { signers: keys, message } : undefined)
    return proven === null ? 'nothing' : `${proven.reason} ${proven.index} ${proven.authors.includes(pen.context.localPeer.peerId)}`
  }
  return { pen, otherPen, sign, proof, reasonOf, [Symbol.asyncDispose]: () => sim.shutdown() }
}

const roster = bytesOf('roster')
const nonceOf = (text: string): Uint8Array => Uint8Array.of(...keyOf(text), ...keyOf(`${text} again`))

const evidence = suite('evidence before somebody who was not there')

evidence('two nonces, or two partial signatures, of one run of a program prove it to anybody', async () => {
  await using stage = await court()
  const nonces = [await stage.sign('nonce', { roster, nonce: nonceOf('one') }), await stage.sign('nonce', { roster, nonce: nonceOf('two') })]
  assert.is(await stage.reasonOf(nonces, false), 'two-nonces 2 true')
  const partials = [await stage.sign('partial', { nonces: roster, partial: bytesOf('one') }), await stage.sign('partial', { nonces: roster, partial: bytesOf('two') })]
  assert.is(await stage.reasonOf(partials, false), 'two-partials 2 true')
})

evidence('the same twice, two runs, two authors, two sessions, two slots or two words prove nothing', async () => {
  await using stage = await court()
  const one = await stage.sign('nonce', { roster, nonce: nonceOf('one') })
  assert.is(await stage.reasonOf([one, await stage.sign('nonce', { roster, nonce: nonceOf('one') })]), 'nothing')
  assert.is(await stage.reasonOf([one, await stage.sign('nonce', { roster, nonce: nonceOf('two'), boot: new Uint8Array(16) })]), 'nothing')
  assert.is(await stage.reasonOf([one, await stage.sign('nonce', { roster, nonce: nonceOf('two') }, stage.otherPen)]), 'nothing')
  assert.is(await stage.reasonOf([one, await stage.sign('nonce', { roster, nonce: nonceOf('two') }, stage.pen, 1)]), 'nothing')
  assert.is(await stage.reasonOf([one, await stage.sign('partial', { nonces: roster, partial: bytesOf('two') })]), 'nothing')
  assert.is(await stage.reasonOf([one]), 'nothing')
  assert.is(await stage.reasonOf([]), 'nothing')
  const forged = Uint8Array.from(one, (byte, at) => at === one.length - 1 ? byte ^ 1 : byte)
  assert.is(await stage.reasonOf([one, forged]), 'nothing', 'a frame that was changed is nobody\'s word')
})

evidence('a nonce that is none proves itself', async () => {
  await using stage = await court()
  assert.is(await stage.reasonOf([await stage.sign('nonce', { roster, nonce: new Uint8Array(66) })], false), 'bad-nonce 2 true')
  assert.is(await stage.reasonOf([await stage.sign('nonce', { roster, nonce: nonceOf('one') })]), 'nothing')
})

evidence('two joins prove it where both prove the key', async () => {
  await using stage = await court()
  const join = (by: Pen, proof = stage.proof(by)): Promise<Uint8Array> => stage.sign('join', { proof, record: new Uint8Array(0) }, by)
  const both = [await join(stage.pen), await join(stage.otherPen)]
  assert.is(await stage.reasonOf(both), 'two-joins 2 true')
  assert.is(await stage.reasonOf(both, false), 'nothing', 'whoever does not know the keys cannot tell')
  assert.is(await stage.reasonOf([both[0]!, await join(stage.otherPen, new Uint8Array(64))]), 'nothing', 'anybody can claim a join')
})

evidence('a bad partial signature is proved by the nonces it names; a good one, or other nonces, prove nothing', async () => {
  await using stage = await court()
  const aggregate = aggregateKeys(backend, keys)
  const secrets = ['alice', 'bob', 'mallory'].map(secretOf)
  const made = secrets.map((secret, at) => SecretNonce.generate({ publicKey: keys[at]!, secret, aggregateKey: aggregate.publicKey, message, extra: Uint8Array.of(at) }))
  const publics = made.map(({ publicNonce }) => publicNonce)
  const signing = signingSession(backend, aggregate, aggregateNonces(backend, publics), message)
  const partial = made[MALLORY]!.sign(backend, signing, MALLORY, secrets[MALLORY]!)
  const nonces = await Promise.all(publics.map((nonce, at) => stage.sign('nonce', { roster, nonce }, at === MALLORY ? stage.pen : stage.otherPen, at)))
  const over = noncesHash(backend, session, publics)
  assert.is(await stage.reasonOf([...nonces, await stage.sign('partial', { nonces: over, partial: spoilt(partial) })]), 'bad-partial 2 true')
  assert.is(await stage.reasonOf([...nonces, await stage.sign('partial', { nonces: over, partial })]), 'nothing')
  assert.is(await stage.reasonOf([...nonces, await stage.sign('partial', { nonces: bytesOf('others'), partial: spoilt(partial) })]), 'nothing')
  assert.is(await stage.reasonOf([...nonces.slice(1), nonces[0]!, await stage.sign('partial', { nonces: over, partial: spoilt(partial) })]), 'nothing', 'nonces in another order are others')
})

evidence.run()
