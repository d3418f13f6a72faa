import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { KeyAggregator } from '../../../lib/bitcoin/bip327/index.ts'
import { loadPayloadChecker, PayloadChecks } from '../../../lib/protocol-kit/payload-check.ts'
import { musig2Invitation, musig2Protocol, musig2Statements } from '../../../lib/protocols/musig2/definition.ts'
import { MuSig2 } from '../../../lib/protocols/musig2/handler.ts'
import * as limits from '../../../lib/protocols/musig2/limits.ts'
import { checkTerms, type SessionTerms } from '../../../lib/protocols/musig2/terms.ts'
import { backend, bytesOf } from './support/table.ts'
import { keyOf, secretOf, Wallets } from './support/wallets.ts'

await loadPayloadChecker()

// guard: deadline 300 s

const bounds = suite('the bounds of musig2')

const keys = (count: number): Uint8Array[] => Array.from({ length: count }, (_, at) => Uint8Array.of(2, ...bytesOf(`key ${at}`)))
const terms = (change: Partial<SessionTerms> = {}): SessionTerms => ({ keys: keys(2), tweaks: [], subject: { kind: 'message', message: new Uint8Array(32) }, description: '', ...change })
const taproot = { kind: 'taproot' } as const

const pairs: [string, SessionTerms, SessionTerms][] = [
  ['signers', terms({ keys: keys(limits.SIGNERS_MAX) }), terms({ keys: keys(limits.SIGNERS_MAX + 1) })],
  ['message', terms({ subject: { kind: 'message', message: new Uint8Array(limits.MESSAGE_BYTES_MAX) } }), terms({ subject: { kind: 'message', message: new Uint8Array(limits.MESSAGE_BYTES_MAX + 1) } })],
  ['PSBT', terms({ subject: { kind: 'psbt', psbt: new Uint8Array(limits.PSBT_BYTES_MAX), inputIndex: 0 } }), terms({ subject: { kind: 'psbt', psbt: new Uint8Array(limits.PSBT_BYTES_MAX + 1), inputIndex: 0 } })],
  ['description', terms({ description: 'x'.repeat(limits.DESCRIPTION_CHARS_MAX) }), terms({ description: 'x'.repeat(limits.DESCRIPTION_CHARS_MAX + 1) })],
  ['tweaks', terms({ tweaks: Array.from({ length: limits.TWEAKS_MAX }, () => taproot) }), terms({ tweaks: Array.from({ length: limits.TWEAKS_MAX + 1 }, () => taproot) })],
  ['path', terms({ tweaks: [{ kind: 'bip32', path: Array.from({ length: limits.PATH_STEPS_MAX }, () => 1) }] }), terms({ tweaks: [{ kind: 'bip32', path: Array.from({ length: limits.PATH_STEPS_MAX + 1 }, () => 1) }] })],
]
for (const [name, most, more] of pairs) {
  bounds(`${name}: as much as allowed is taken, one more is refused`, () => {
    checkTerms(most)
    assert.throws(() => checkTerms(more), RangeError)
  })
}

bounds('other terms that no session can have are refused as well', () => {
  for (const bad of [
    terms({ keys: keys(1) }), terms({ keys: [keyOf('a'), keyOf('a')] }), terms({ keys: [keyOf('a'), new Uint8Array(32)] }), terms({ tweaks: [{ kind: 'taproot', merkleRoot: new Uint8Array(31) }] }),
    terms({ tweaks: [{ kind: 'raw', tweak: new Uint8Array(31), xOnly: true }] }), terms({ tweaks: [{ kind: 'other' } as never] }), terms({ tweaks: [{ kind: 'bip32', path: [] }] }), terms({ tweaks: [{ kind: 'bip32', path: [1.5] }] }),
    terms({ subject: { kind: 'psbt', psbt: new Uint8Array(0), inputIndex: 0 } }), terms({ subject: { kind: 'psbt', psbt: Uint8Array.of(1), inputIndex: -1 } }),
  ]) assert.throws(() => checkTerms(bad), (error: unknown) => error instanceof RangeError || error instanceof TypeError)
})

bounds('one node signs with a bounded number of keys', () => {
  const secrets = (count: number): Uint8Array[] => Array.from({ length: count }, (_, at) => bytesOf(`secret ${at}`))
  assert.is(new MuSig2({ keys: secrets(limits.OWN_KEYS_MAX), crypto: backend }).publicKeys.length, limits.OWN_KEYS_MAX)
  assert.throws(() => new MuSig2({ keys: secrets(limits.OWN_KEYS_MAX + 1), crypto: backend }), /at most 64 keys, got 65/)
  assert.throws(() => new MuSig2({ keys: new Uint8Array(32), crypto: backend }), RangeError)
  assert.throws(() => new MuSig2({ keys: { publicKey: new Uint8Array(33) } as never, crypto: backend }), TypeError)
})

bounds('aggregates kept are bounded, and the one used longest ago goes', () => {
  let computed = 0
  const counting = new KeyAggregator(() => ({ ...backend, pointMultiply: (...args: Parameters<typeof backend.pointMultiply>) => { computed++; return backend.pointMultiply(...args) } }))
  const pair = (at: number): Uint8Array[] => [keyOf(`left ${at}`), keyOf(`right ${at}`)]
  for (let at = 0; at < 64; at++) counting.aggregate(pair(at))
  const before = computed
  counting.aggregate(pair(0))
  assert.is(computed, before, 'known')
  counting.aggregate(pair(64))
  assert.is(counting.size, 64)
  const after = computed
  counting.aggregate(pair(0))
  assert.is(computed, after, 'used lately, so still known')
  counting.aggregate(pair(1))
  assert.ok(computed > after, 'forgotten, so computed anew')
})

bounds('a node holds so many sessions and no more', async () => {
  await using wallets = await Wallets.of(2)
  wallets.holders.set('bob', () => {})
  const alice = wallets.musig2('alice')
  const ids = Array.from({ length: limits.SESSIONS_MAX }, (_, at) => alice.createSession(wallets.keys, bytesOf(`session ${at}`)))
  await wallets.sim.clock.drive(Promise.all(ids))
  assert.is(alice.getStats().sessions, limits.SESSIONS_MAX)
  const refused = await alice.createSession(wallets.keys, bytesOf('one more')).catch((error: { code: string }) => error.code)
  assert.is(refused, 'ERR_MUSIG2_TOO_MANY_SESSIONS')
  await wallets.sim.run({ forMs: 20_000 })
  assert.ok(wallets.musig2('bob').getStats().invited <= limits.INVITATIONS_PER_PEER_MAX)
})

bounds('rendezvous remembered are bounded', async () => {
  await using wallets = await Wallets.of(2)
  const context = (wallets.musig2('alice') as unknown as { context: { send(to: string, message: object): Promise<void> } }).context
  const bob = wallets.sim.node('bob').id
  let sent = 0
  while (sent < limits.RENDEZVOUS_MAX + 100) {
    for (let count = 0; count < 50; count++) void context.send(bob, { type: 'announce', payload: { rendezvous: bytesOf(`rendezvous ${sent++}`), deadlineMs: 1 } })
    await wallets.sim.run({ forMs: 11_000 })
  }
  assert.is(wallets.musig2('bob').getStats().rendezvous, limits.RENDEZVOUS_MAX)
})

bounds('words, statements and invitations beyond their sizes do not fit their schemas', () => {
  const words = new PayloadChecks(musig2Protocol)
  const session = new Uint8Array(32)
  const word = (frames: Uint8Array[], pass = new Uint8Array(0)): object => ({ session, frames, pass })
  const frame = new Uint8Array(limits.STATEMENT_BYTES_MAX)
  assert.ok(words.message('statements').fits(word([frame], new Uint8Array(limits.SIGNERS_MAX / 8))))
  assert.not.ok(words.message('statements').fits(word([])))
  assert.not.ok(words.message('statements').fits(word([new Uint8Array(limits.STATEMENT_BYTES_MAX + 1)])))
  assert.not.ok(words.message('statements').fits(word(Array.from({ length: limits.STATEMENTS_PER_WORD_MAX + 1 }, () => Uint8Array.of(1)))))
  assert.not.ok(words.message('statements').fits(word([frame], new Uint8Array(limits.SIGNERS_MAX / 8 + 1))))
  assert.not.ok(words.request('open').fits({ rendezvous: session, tags: Array.from({ length: limits.OWN_KEYS_MAX + 1 }, () => session) }))
  assert.not.ok(words.reply('open').fits({ boxes: [new Uint8Array(limits.BOX_BYTES_MAX + 1)] }))
  const statements = new PayloadChecks(musig2Statements)
  const join = (index: number, record: number): object => ({ session, index, boot: new Uint8Array(16), proof: new Uint8Array(64), record: new Uint8Array(record) })
  assert.ok(statements.message('join').fits(join(limits.SIGNERS_MAX - 1, limits.RECORD_BYTES_MAX)))
  assert.not.ok(statements.message('join').fits(join(limits.SIGNERS_MAX, 0)))
  assert.not.ok(statements.message('join').fits(join(0, limits.RECORD_BYTES_MAX + 1)))
  const invitations = new PayloadChecks(musig2Invitation)
  for (const bad of [null, {}, { version: 2 }, { version: 1, keys: [] }]) assert.not.ok(invitations.message('invitation').fits(bad))
})

bounds('an address record, a join with it, and 256 of them in one word stay within what the wire carries', async () => {
  await using wallets = await Wallets.of(2)
  wallets.holders.set('bob', () => {})
  void wallets.begin()
  await wallets.sim.runUntil(() => wallets.musig2('bob').sessions().length === 1, { withinMs: 5_000 })
  assert.ok(limits.WORD_BYTES_MAX + 4_096 < limits.MESSAGE_FRAME_BYTES_MAX)
  assert.ok(limits.RECORD_BYTES_MAX + 512 < limits.STATEMENT_BYTES_MAX)
  // The PSBT in hex, all keys in hex, the initiator's join in hex, and room for the rest.
  assert.ok(2 * limits.PSBT_BYTES_MAX + 69 * limits.SIGNERS_MAX + 2 * limits.STATEMENT_BYTES_MAX + 4_096 < limits.BOX_BYTES_MAX)
  assert.is(secretOf('alice').length, 32)
})

bounds.run()
