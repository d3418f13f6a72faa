import { p2tr, p2wpkh, Transaction } from '@scure/btc-signer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taprootScript } from '../../../lib/bitcoin/address.ts'
import { finishPsbt, withParticipants } from '../../../lib/bitcoin/psbt.ts'
import type { TweakRule } from '../../../lib/bitcoin/taproot.ts'
import type { P2PMessage } from '../../../lib/contracts/message.ts'
import type { IProtocolHandler, ProtocolContext } from '../../../lib/contracts/protocol.ts'
import { fromHex, toHex } from '../../../lib/foundation/hex.ts'
import { musig2Protocol } from '../../../lib/protocols/musig2/definition.ts'
import { openInvitation, rendezvousTag, type Invitation } from '../../../lib/protocols/musig2/invitation.ts'
import { ANNOUNCEMENTS_BURST, INVITATIONS_PER_PEER_MAX, OPENINGS_BURST, STRANGER_STATEMENTS_BURST } from '../../../lib/protocols/musig2/limits.ts'
import { Rendezvous, rendezvousPoint } from '../../../lib/protocols/musig2/rendezvous.ts'
import { membershipDigest, slotOf } from '../../../lib/protocols/musig2/statement.ts'
import { sessionIdOf, type SessionTerms } from '../../../lib/protocols/musig2/terms.ts'
import type { SimNode } from '../../../lib/testing/sim-node.ts'
import { backend, bytesOf } from './support/table.ts'
import { keyOf, secretOf, Wallets } from './support/wallets.ts'

// guard: deadline 300 s

/** Speaks the words of musig2 and none of its rules. */
class Mallory implements IProtocolHandler {
  readonly protocolName = 'musig2'
  readonly definition = musig2Protocol
  readonly heard: P2PMessage[] = []
  context!: ProtocolContext
  /** What it answers to `open`. */
  boxes: (tags: Uint8Array[], asker: string) => (Uint8Array | null)[] = tags => tags.map(() => null)

  onRegister(context: ProtocolContext): void {
    this.context = context
  }

  async handleMessage(message: P2PMessage): Promise<void> {
    this.heard.push(message)
    if (message.type === 'open') await this.context.reply(message, { boxes: this.boxes((message.payload as { tags: Uint8Array[] }).tags, message.from) })
    if (message.type === 'sync') await this.context.reply(message, { frames: [] })
  }

  /** A rendezvous of its own, and what it says to whoever opens it. */
  invite(name: string, terms: Partial<SessionTerms>, change: { index?: number; secret?: Uint8Array; id?: Uint8Array; remainingMs?: number } = {}): Rendezvous {
    const random = (length: number): Uint8Array => bytesOf(`${name} ${length} ${this.heard.length}`).slice(0, length)
    const rendezvous = new Rendezvous(() => backend, random)
    const whole: SessionTerms = { keys: [keyOf('mallory'), keyOf('alice')], tweaks: [], subject: { kind: 'message', message: bytesOf(name) }, description: '', ...terms }
    const id = change.id ?? sessionIdOf(backend, whole, rendezvous.id)
    const index = change.index ?? 0
    const self = this.context.localPeer.peerId
    const proof = backend.sign(membershipDigest(backend, id, whole.keys[index]!, self), change.secret ?? secretOf('mallory'), new Uint8Array(32))
    const join = this.context.author({ type: 'join', payload: { session: id, index, boot: new Uint8Array(16), proof, record: new Uint8Array(0) }, slot: slotOf('join', id, index) })
    const invitation = (frame: Uint8Array): Invitation => ({ terms: whole, creatorIndex: index, remainingMs: change.remainingMs ?? 20_000, join: frame })
    let frame = new Uint8Array(0)
    void join.then(made => (frame = Uint8Array.from(made)))
    const before = this.boxes
    this.boxes = (tags, asker) => rendezvous.boxes(tags, asker, self, whole.keys, () => invitation(frame), random).map((box, at) => box ?? before(tags, asker)[at] ?? null)
    return rendezvous
  }

  announce(to: string, rendezvous: Uint8Array): Promise<void> {
    return this.context.send(to, { type: 'announce', payload: { rendezvous, deadlineMs: this.context.clock.now() + 20_000 } })
  }
}

/** alice, bob and so on, each linked to mallory. */
async function besieged(count: number, options: Parameters<typeof Wallets.of>[1] = {}): Promise<{ wallets: Wallets; mallory: Mallory; node: SimNode; codes: string[]; [Symbol.asyncDispose](): Promise<void> }> {
  const wallets = await Wallets.of(count, options)
  const mallory = new Mallory()
  const node = await wallets.sim.addNode('mallory', { config: { sybilCost: false }, protocols: () => [mallory] })
  for (const wallet of wallets.nodes) await wallets.sim.connect(node, wallet)
  const codes: string[] = []
  wallets.sim.node('alice').coordinator.on('error', ({ code }) => void codes.push(code))
  return { wallets, mallory, node, codes, [Symbol.asyncDispose]: () => wallets[Symbol.asyncDispose]() }
}

const outside = suite('musig2 and somebody outside')

outside('the public hears 32 bytes and a time, and whoever asks what they mean learns nothing, not even that there is a session', async () => {
  await using stage = await besieged(2)
  const { wallets, mallory } = stage
  wallets.holders.set('bob', () => {})
  void wallets.begin()
  await wallets.sim.run({ forMs: 1_000 })
  const [announced] = mallory.heard.filter(({ type }) => type === 'announce')
  assert.equal(Object.keys(announced!.payload as object).sort(), ['deadlineMs', 'rendezvous'])
  assert.equal(mallory.heard.filter(({ type }) => type !== 'announce'), [], 'nothing else reaches a stranger')
  const alice = wallets.sim.node('alice').id
  const { rendezvous } = announced!.payload as { rendezvous: Uint8Array }
  const guess = [bytesOf('a guess'), rendezvousTag(backend, backend.ecdh(secretOf('mallory'), rendezvousPoint(rendezvous))!, rendezvous, mallory.context.localPeer.peerId, alice)]
  const ask = (payload: object): Promise<unknown> => wallets.sim.clock.drive(mallory.context.request(alice, { type: 'open', payload })).then(({ payload: said }) => said)
  assert.equal(await ask({ rendezvous, tags: guess }), { boxes: [null, null] })
  assert.equal(await ask({ rendezvous: bytesOf('no session'), tags: guess }), { boxes: [null, null] }, 'a session that is none is answered alike')
  // A tag that bob made for alice says nothing in mallory's hand.
  const shared = backend.ecdh(secretOf('bob'), rendezvousPoint(rendezvous))!
  const borrowed = rendezvousTag(backend, shared, rendezvous, wallets.sim.node('bob').id, alice)
  assert.equal(await ask({ rendezvous, tags: [borrowed] }), { boxes: [null] })
})

outside('cannot join, abort, complete or fill a slot, and the session ends as if it were not there', async () => {
  await using stage = await besieged(3)
  const { wallets, mallory, codes } = stage
  wallets.holders.set('carol', request => request.approve({ allowOpaque: true, manual: true }))
  void wallets.begin()
  await wallets.sim.runUntil(() => wallets.musig2('bob').sessions()[0]?.phase === 'nonces', { withinMs: 5_000 })
  const { sessionId } = wallets.musig2('alice').sessions()[0]!
  const session = fromHex(sessionId)
  const said: [string, number, object][] = [
    ['join', 1, { proof: backend.sign(membershipDigest(backend, session, keyOf('mallory'), mallory.context.localPeer.peerId), secretOf('mallory'), new Uint8Array(32)), record: new Uint8Array(0) }],
    ['nonce', 2, { nonce: Uint8Array.of(...keyOf('x'), ...keyOf('y')), roster: bytesOf('roster') }],
    ['partial', 2, { partial: bytesOf('partial'), nonces: bytesOf('nonces') }],
    ['abort', 2, { proof: new Uint8Array(64), reason: 'cancelled', text: '' }],
  ]
  for (const [type, index, fields] of said) {
    const frame = await mallory.context.author({ type, payload: { session, index, boot: new Uint8Array(16), ...fields }, slot: slotOf(type as 'join', session, index) })
    for (const { id } of wallets.nodes) void mallory.context.send(id, { type: 'statements', payload: { session, frames: [frame], pass: Uint8Array.of(255) } })
  }
  await wallets.sim.run({ forMs: 500 })
  assert.is(codes.filter(code => code === 'ERR_MUSIG2_NOT_A_MEMBER').length, 4)
  assert.equal(wallets.musig2('alice').sessions()[0]!.peers, wallets.nodes.map(({ id }) => id))
  assert.equal(mallory.heard.filter(({ type }) => type === 'statements'), [], 'nobody tells it')
  for (const { name } of wallets.nodes) assert.is(wallets.musig2(name).getStats().counters['passed-on'], undefined, 'nobody passes on for it')
  const empty = new Uint8Array(0)
  const { payload } = await wallets.sim.clock.drive(mallory.context.request(wallets.sim.node('alice').id, { type: 'sync', payload: { session, joins: empty, nonces: empty, partials: empty } }))
  assert.equal(payload, { frames: [] })
  const request = wallets.requests.get('carol')![0]!
  request.approve({ allowOpaque: true })
  await wallets.settle(1, 10_000)
  for (const { name } of wallets.nodes) assert.is(wallets.tell(name), 'complete')
})

outside('frames that are none cost who brings them, and nobody else', async () => {
  await using stage = await besieged(2)
  const { wallets, mallory, codes } = stage
  wallets.holders.set('bob', () => {})
  void wallets.begin()
  await wallets.sim.runUntil(() => wallets.musig2('bob').sessions().length === 1, { withinMs: 5_000 })
  const session = fromHex(wallets.musig2('alice').sessions()[0]!.sessionId)
  const alice = wallets.sim.node('alice').id
  const other = await mallory.context.author({ type: 'hello', payload: null })
  const misfit = await mallory.context.author({ type: 'nonce', payload: { session, index: 300 } })
  const unslotted = await mallory.context.author({ type: 'abort', payload: { session, index: 1, boot: new Uint8Array(16), proof: new Uint8Array(64), reason: 'cancelled', text: '' } })
  for (const frame of [Uint8Array.of(1, 2, 3), other, misfit, unslotted]) void mallory.context.send(alice, { type: 'statements', payload: { session, frames: [frame], pass: new Uint8Array(0) } })
  await wallets.sim.run({ forMs: 500 })
  assert.equal(codes.map(code => code.slice(0, 16)).sort(), ['ERR_PROTOCOL_BAD', 'ERR_PROTOCOL_BAD', 'ERR_PROTOCOL_BAD', 'ERR_WIRE_MALFORM'])
  assert.is(wallets.musig2('alice').getStats().counters['bad-frame'], 4)
  assert.is(wallets.musig2('alice').sessions()[0]!.phase, 'gathering')
})

outside('a flood of statements by a stranger is dropped unread past its bound', async () => {
  await using stage = await besieged(2)
  const { wallets, mallory } = stage
  wallets.holders.set('bob', () => {})
  void wallets.begin()
  await wallets.sim.runUntil(() => wallets.musig2('bob').sessions().length === 1, { withinMs: 5_000 })
  const session = fromHex(wallets.musig2('alice').sessions()[0]!.sessionId)
  const frame = await mallory.context.author({ type: 'abort', payload: { session, index: 1, boot: new Uint8Array(16), proof: new Uint8Array(64), reason: 'cancelled', text: '' }, slot: slotOf('abort', session, 1) })
  const alice = wallets.sim.node('alice').id
  for (let count = 0; count < STRANGER_STATEMENTS_BURST + 10; count++) void mallory.context.send(alice, { type: 'statements', payload: { session, frames: [frame], pass: new Uint8Array(0) } })
  await wallets.sim.run({ forMs: 200 })
  assert.is(wallets.musig2('alice').getStats().counters['stranger-limited'], 10)
})

outside('announcements and questions beyond their bounds are not heeded', async () => {
  await using stage = await besieged(1)
  const { wallets, mallory } = stage
  const alice = wallets.sim.node('alice').id
  for (let count = 0; count < ANNOUNCEMENTS_BURST + 7; count++) void mallory.announce(alice, bytesOf(`rendezvous ${count}`))
  await wallets.sim.run({ forMs: 100 })
  assert.is(wallets.musig2('alice').getStats().counters['announcement-limited'], 7)
  const stats = wallets.musig2('alice').getStats()
  assert.is(stats.rendezvous, ANNOUNCEMENTS_BURST - (stats.counters['open-failed'] ?? 0))

  void wallets.begin({ signers: [keyOf('alice'), keyOf('mallory')] })
  await wallets.sim.runUntil(() => mallory.heard.some(({ type }) => type === 'announce'), { withinMs: 2_000 })
  const { rendezvous } = mallory.heard.find(({ type }) => type === 'announce')!.payload as { rendezvous: Uint8Array }
  const shared = backend.ecdh(secretOf('mallory'), rendezvousPoint(rendezvous))!
  const tag = rendezvousTag(backend, shared, rendezvous, mallory.context.localPeer.peerId, alice)
  const open = async (tags: Uint8Array[]): Promise<(Uint8Array | null)[]> => ((await wallets.sim.clock.drive(mallory.context.request(alice, { type: 'open', payload: { rendezvous, tags } }))).payload as { boxes: (Uint8Array | null)[] }).boxes
  const [box] = await open([tag])
  assert.equal(openInvitation(backend, shared, tag, box!)!.terms.keys.map(toHex), [keyOf('alice'), keyOf('mallory')].map(toHex), 'a member is answered')
  const [again] = await open([tag])
  assert.not.equal(again, box, 'sealed anew each time')
  for (let asked = 2; asked < OPENINGS_BURST; asked += 32) await open(Array.from({ length: Math.min(32, OPENINGS_BURST - asked) }, () => bytesOf('guess')))
  let told = 0
  while ((await open([tag]))[0] !== null) assert.ok(++told < 40, 'past its bound a member is told nothing either')
  await wallets.sim.run({ forMs: 1_000 })
  assert.not.equal(await open([tag]), [null], 'later it is')
})

outside.run()

const inside = suite('musig2 and a member who invites to something else')

async function invited(change: Partial<SessionTerms>, how: Parameters<Mallory['invite']>[2] = {}, options: Parameters<typeof Wallets.of>[1] = {}) {
  const stage = await besieged(1, options)
  const rendezvous = stage.mallory.invite('invited', change, how)
  await stage.wallets.sim.run({ forMs: 50 })
  void stage.mallory.announce(stage.wallets.sim.node('alice').id, rendezvous.id)
  await stage.wallets.sim.run({ forMs: 1_000 })
  return { ...stage, asked: stage.wallets.requests.get('alice')! }
}

inside('an invitation in order reaches the holder: the stage is sound', async () => {
  await using stage = await invited({})
  assert.is(stage.asked.length, 1)
  assert.equal(stage.codes, [])
})

const refused: [string, Partial<SessionTerms>, Parameters<Mallory['invite']>[2]][] = [
  ['by somebody who holds no key of the session', {}, { secret: secretOf('somebody else') }],
  ['with a join for another session than its terms', {}, { id: bytesOf('another session') }],
  ['with one key twice', { keys: [keyOf('mallory'), keyOf('alice'), keyOf('alice')] }, {}],
  ['with a key that is no point', { keys: [keyOf('mallory'), keyOf('alice'), Uint8Array.of(2, ...new Uint8Array(31), 5)] }, {}],
  ['with a tweak of n or more', { tweaks: [{ kind: 'raw', tweak: new Uint8Array(32).fill(255), xOnly: false }] }, {}],
  ['with a PSBT that is none', { subject: { kind: 'psbt', psbt: Uint8Array.of(1), inputIndex: 0 } }, {}],
]
for (const [name, terms, how] of refused) {
  inside(`one ${name} asks nobody anything`, async () => {
    await using stage = await invited(terms, how)
    assert.equal(stage.asked, [])
    const told = stage.codes.filter(code => code.startsWith('ERR_MUSIG2'))
    assert.ok(told.length >= 1 && told.every(code => code === 'ERR_MUSIG2_BAD_INVITATION' || code === 'ERR_MUSIG2_NOT_A_MEMBER'), told.join())
  })
}

inside('a tweak that is a bare number is declined without asking, unless the wallet takes such', async () => {
  const tweaks: TweakRule[] = [{ kind: 'raw', tweak: bytesOf('a tweak'), xOnly: true }]
  {
    await using stage = await invited({ tweaks })
    assert.equal(stage.asked, [])
    assert.is(stage.wallets.tell('alice'), 'declined alice')
  }
  await using willing = await invited({ tweaks }, {}, { musig2: { allowRawTweaks: true } })
  assert.is(willing.asked.length, 1)
})

inside('to a session that this node gave a nonce in before it restarted: its user is not asked, and the inviter is told', async () => {
  await using stage = await besieged(1)
  const { wallets, mallory } = stage
  const subject = { kind: 'message' as const, message: bytesOf('before the restart') }
  const rendezvous = mallory.invite('before the restart', { subject })
  const id = sessionIdOf(backend, { keys: [keyOf('mallory'), keyOf('alice')], tweaks: [], subject, description: '' }, rendezvous.id)
  const marker = { session: toHex(id), own: [{ index: 1, key: toHex(keyOf('alice')) }], peers: [], untilMs: wallets.sim.node('alice').clock.now() + 60_000 }
  await wallets.sim.clock.drive(wallets.sim.node('alice').store.put(`protocol/musig2/nonce-left/${toHex(id)}`, new TextEncoder().encode(JSON.stringify(marker)), { sync: true }))
  wallets.sim.crash('alice')
  await wallets.sim.run({ forMs: 1_000 })
  await wallets.sim.restart('alice')
  await wallets.sim.runUntil(() => mallory.context.peers().length === 1, { withinMs: 30_000 })
  await mallory.announce(wallets.sim.node('alice').id, rendezvous.id)
  await wallets.sim.run({ forMs: 1_000 })
  assert.equal(wallets.requests.get('alice'), [])
  assert.is(wallets.tell('alice'), 'restarted alice')
  assert.is(mallory.heard.filter(({ type }) => type === 'statements').length, 1)
})

inside('32 bare bytes are signed by nobody who did not say so', async () => {
  const wallets = await Wallets.of(2)
  await using _ = wallets
  const codes: string[] = []
  wallets.holders.set('bob', request => {
    assert.ok(request.opaque)
    try {
      request.approve()
    } catch (error) {
      codes.push((error as { code: string }).code)
      request.decline()
    }
  })
  void wallets.begin()
  await wallets.settle(1, 5_000)
  assert.equal(codes, ['ERR_MUSIG2_OPAQUE'])
  assert.is(wallets.tell('alice'), 'declined bob')
})

inside('one member may not fill the table of sessions alone', async () => {
  await using stage = await besieged(1)
  const { wallets, mallory } = stage
  wallets.holders.set('alice', () => {})
  const alice = wallets.sim.node('alice').id
  for (let count = 0; count < INVITATIONS_PER_PEER_MAX + 3; count++) {
    const rendezvous = mallory.invite(`session ${count}`, { description: String(count) })
    await wallets.sim.run({ forMs: 20 })
    void mallory.announce(alice, rendezvous.id)
    await wallets.sim.run({ forMs: 300 })
  }
  assert.is(wallets.musig2('alice').getStats().invited, INVITATIONS_PER_PEER_MAX)
  assert.is(wallets.musig2('alice').getStats().counters['sessions-full'], 3)
})

inside.run()

const psbts = suite('musig2 and PSBTs')

/** Spends the signers' own coins, at a path if there is one. */
function spending(wallets: Wallets, path: number[] = [], { other = false, merkleRoot }: { other?: boolean; merkleRoot?: Uint8Array } = {}): Uint8Array {
  const { publicKey: internal } = wallets.musig2('alice').aggregate(wallets.keys, path.length > 0 ? [{ kind: 'bip32', path }] : [])
  const { publicKey } = wallets.musig2('alice').aggregate(wallets.keys, [...path.length > 0 ? [{ kind: 'bip32' as const, path }] : [], { kind: 'taproot', merkleRoot }])
  const transaction = new Transaction({ allowUnknownInputs: true })
  transaction.addInput({
    txid: '11'.repeat(32), index: 0, witnessUtxo: { script: taprootScript(other ? p2tr(keyOf('other').slice(1)).tweakedPubkey : publicKey), amount: 50_000n }, ...(other ? {} : { tapInternalKey: internal }), ...(merkleRoot === undefined ? {} : { tapMerkleRoot: merkleRoot }),
  })
  transaction.addOutput({ script: p2wpkh(keyOf('a shop')).script, amount: 49_000n })
  return transaction.toPSBT()
}

psbts('three wallets spend a taproot output of theirs, each having seen where the coins go', async () => {
  await using wallets = await Wallets.of(3)
  wallets.holders.set('bob', request => request.approve())
  wallets.holders.set('carol', request => request.approve())
  const promise = wallets.begin({ message: undefined as never, psbt: spending(wallets) })
  await wallets.settle(1, 10_000)
  const [request] = wallets.requests.get('bob')!
  assert.equal([request!.opaque, request!.psbt!.feeSats, request!.psbt!.outputs[0]!.amountSats], [false, 1_000n, 49_000n])
  const { psbt, signature, publicKey } = await promise
  assert.ok(backend.verify(signature, request!.message, publicKey))
  assert.is(finishPsbt(psbt!).hex.length > 200, true)
  assert.ok(finishPsbt(psbt!).hex.includes(toHex(signature)))
})

psbts('the same at a BIP32 path, and under a merkle root', async () => {
  await using wallets = await Wallets.of(2)
  const path = [0, 7]
  for (const options of [{}, { merkleRoot: bytesOf('scripts') }]) {
    const promise = wallets.begin({ message: undefined as never, psbt: spending(wallets, path, options), tweaks: [{ kind: 'bip32', path }] })
    await wallets.settle(wallets.ends.get('alice')!.length + 1, 10_000)
    assert.ok(finishPsbt((await promise).psbt!).txid)
  }
})

psbts('a PSBT that spends somebody else\'s coins, or names other signers, cannot be asked for', async () => {
  await using wallets = await Wallets.of(2)
  const codeOf = async (psbt: Uint8Array): Promise<string> => await wallets.musig2('alice').sign({ signers: wallets.keys, psbt }).then(() => 'signed', (error: { code: string }) => error.code)
  assert.is(await codeOf(spending(wallets, [], { other: true })), 'ERR_MUSIG2_BAD_TERMS')
  assert.is(await codeOf(spending(wallets, [3])), 'ERR_MUSIG2_BAD_TERMS')
  assert.is(await codeOf(withParticipants(spending(wallets), 0, keyOf('x'), [keyOf('x'), keyOf('y')])), 'ERR_MUSIG2_BAD_TERMS')
})

psbts('a member who invites to a PSBT of other coins is told on, and nobody is asked', async () => {
  const wallets = await Wallets.of(2)
  const psbt = spending(wallets, [], { other: true })
  await wallets[Symbol.asyncDispose]()
  await using stage = await invited({ subject: { kind: 'psbt', psbt, inputIndex: 0 } })
  assert.equal(stage.asked, [])
  assert.ok(stage.codes.includes('ERR_MUSIG2_BAD_INVITATION'))
})

psbts.run()
