import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../../lib/foundation/hex.ts'
import { keyOf, NAMES, Wallets } from './support/wallets.ts'
import { backend } from './support/table.ts'

// guard: deadline 300 s

const network = suite('musig2 between coordinators')

for (const count of [2, 3, 5]) {
  network(`${count} wallets that know each other sign, and all hold the same verified signature`, async () => {
    await using wallets = await Wallets.of(count)
    const promise = wallets.begin()
    await wallets.settle()
    const { signature, publicKey } = await promise
    assert.ok(backend.verify(signature, wallets.message, publicKey))
    for (const { name } of wallets.nodes) {
      const end = wallets.endOf(name)
      assert.ok('result' in end, wallets.tell(name))
      assert.equal('result' in end && end.result.signature, signature)
      assert.is(wallets.musig2(name).getStats().secretNonces, 0)
    }
  })
}

network('in a star the one in the middle carries what the others say', async () => {
  await using wallets = await Wallets.of(5, { star: true })
  void wallets.begin()
  await wallets.settle()
  for (const name of NAMES) assert.is(wallets.tell(name), 'complete')
  assert.ok(wallets.musig2('alice').getStats().counters['passed-on']! > 0)
})

network('whoever is asked sees who asks, for what, and with whom', async () => {
  await using wallets = await Wallets.of(3)
  void wallets.begin({ message: new TextEncoder().encode('a text of its own'), description: 'rent' })
  await wallets.settle()
  const [request] = wallets.requests.get('bob')!
  assert.equal(request!.signers.map(toHex), wallets.keys.map(toHex))
  assert.equal([request!.from, request!.initiatorIndex, request!.own, request!.description, request!.opaque], [wallets.sim.node('alice').id, 0, [1], 'rent', false])
  assert.equal(request!.message, new TextEncoder().encode('a text of its own'))
  assert.equal(request!.publicKey, wallets.musig2('alice').aggregate(wallets.keys).publicKey)
})

network('the long way takes each step when it is told to, twice as well as once', async () => {
  await using wallets = await Wallets.of(2)
  wallets.holders.set('bob', request => request.approve({ allowOpaque: true, manual: true }))
  const [alice, bob] = ['alice', 'bob'].map(name => wallets.musig2(name))
  const drive = <T>(promise: Promise<T>): Promise<T> => wallets.sim.clock.drive(promise)
  const id = await drive(alice!.createSession(wallets.keys, wallets.message))
  await wallets.sim.runUntil(() => bob!.sessions()[0]?.phase === 'nonces', { withinMs: 5_000 })
  const shared = Promise.all([alice!.shareNonces(id), bob!.shareNonces(id), alice!.shareNonces(id)])
  await drive(shared)
  assert.is(alice!.getStats().secretNonces, 1)
  await wallets.sim.run({ forMs: 1_000 })
  assert.is(alice!.sessions()[0]!.phase, 'partials', 'nobody signs before it is told to')
  await drive(Promise.all([alice!.sharePartialSig(id), bob!.sharePartialSig(id)]))
  await drive(bob!.sharePartialSig(id))
  const [one, other] = await drive(Promise.all([alice!.result(id), bob!.result(id)]))
  assert.equal(one.signature, other.signature)
  assert.ok(backend.verify(one.signature, wallets.message, one.publicKey))
})

network('ten sessions at once over one mesh end with ten signatures', async () => {
  await using wallets = await Wallets.of(4)
  const names = wallets.nodes.map(({ name }) => name)
  for (let at = 0; at < 10; at++) void wallets.begin({ message: Uint8Array.of(at), signers: at % 2 === 0 ? wallets.keys : [...wallets.keys].reverse() }, names[at % 4])
  await wallets.settle(10)
  for (const name of names) {
    const ends = wallets.ends.get(name)!
    assert.is(ends.filter(end => 'result' in end).length, 10, wallets.tell(name))
  }
})

network('whoever declines is named, with its words, to everybody', async () => {
  await using wallets = await Wallets.of(4)
  wallets.holders.set('carol', request => request.decline('not today'))
  void wallets.begin()
  await wallets.settle(1, 20_000)
  for (const name of NAMES.slice(0, 4)) {
    assert.is(wallets.tell(name), 'declined carol')
    const end = wallets.endOf(name)
    assert.match('error' in end ? end.error.message : '', /not today/)
  }
})

network('a wallet without a listener declines for itself', async () => {
  await using wallets = await Wallets.of(2)
  wallets.musig2('bob').onRequest(undefined as never)
  void wallets.begin()
  await wallets.settle(1, 5_000)
  assert.is(wallets.tell('alice'), 'declined bob')
})

network('a wallet whose listener throws declines, and says so at home', async () => {
  await using wallets = await Wallets.of(2)
  const codes: string[] = []
  wallets.sim.node('bob').coordinator.on('error', error => void codes.push(error.code))
  wallets.holders.set('bob', () => { throw new Error('no screen') })
  void wallets.begin()
  await wallets.settle(1, 5_000)
  assert.is(wallets.tell('alice'), 'declined bob')
  assert.ok(codes.includes('ERR_PROTOCOL_LISTENER_FAILED'), codes.join())
})

network('whoever says nothing is named when the time is over', async () => {
  await using wallets = await Wallets.of(3)
  wallets.holders.set('carol', () => {})
  void wallets.begin({ timeoutMs: 10_000 })
  await wallets.sim.run({ forMs: 9_000 })
  assert.equal([...wallets.ends.values()].flat(), [])
  await wallets.settle(1, 5_000, ['alice', 'bob'])
  for (const name of ['alice', 'bob']) assert.is(wallets.tell(name), 'silent carol')
})

network('the initiator may change its mind: all are told', async () => {
  await using wallets = await Wallets.of(3)
  wallets.holders.set('carol', () => {})
  const controller = new AbortController()
  const promise = wallets.begin({ signal: controller.signal })
  await wallets.sim.run({ forMs: 2_000 })
  controller.abort(new Error('changed my mind'))
  await wallets.settle(1, 5_000)
  assert.is(wallets.tell('bob'), 'cancelled alice')
  assert.is(wallets.tell('carol'), 'cancelled alice')
  assert.is(await promise.catch((error: Error) => error.message), 'changed my mind')
})

network('finished sessions are forgotten after a while, with their markers', async () => {
  await using wallets = await Wallets.of(2, { musig2: { lingerMs: 5_000 } })
  void wallets.begin()
  await wallets.settle()
  const stored = async (): Promise<number> => {
    let count = 0
    for await (const _ of wallets.sim.node('bob').store.entries('protocol/musig2/')) count++
    return count
  }
  assert.is(await stored(), 1)
  await wallets.sim.run({ forMs: 6_000 })
  assert.equal(wallets.musig2('bob').sessions(), [])
  assert.is(await stored(), 0)
  const error = await wallets.musig2('bob').result('00').catch((thrown: { code: string }) => thrown)
  assert.is((error as { code: string }).code, 'ERR_MUSIG2_NO_SESSION')
})

network('what cannot be asked is told at once', async () => {
  await using wallets = await Wallets.of(2)
  const alice = wallets.musig2('alice')
  const message = new Uint8Array(32)
  const refused = async (request: object): Promise<string> => await alice.sign(request as never).then(() => 'signed', (error: Error) => error.message)
  assert.match(await refused({ signers: [keyOf('alice')], message }), /2 to 256 signers/)
  assert.match(await refused({ signers: [keyOf('alice'), keyOf('alice')], message }), /same key/)
  assert.match(await refused({ signers: [keyOf('bob'), keyOf('carol')], message }), /one of our own keys/)
  assert.match(await refused({ signers: wallets.keys }), /either a message or a psbt/)
  assert.match(await refused({ signers: wallets.keys, message, timeoutMs: 0 }), /timeoutMs/)
  assert.match(await refused({ signers: [keyOf('alice'), new Uint8Array(33)], message }), /pubkey of signer 1/)
  assert.match(await refused({ signers: wallets.keys, message, tweaks: [{ kind: 'raw', tweak: new Uint8Array(32).fill(255), xOnly: true }] }), /below n/)
  assert.match(await refused({ signers: wallets.keys, message, tweaks: [{ kind: 'bip32', path: [2 ** 31] }] }), /unhardened/)
  assert.match(await refused({ signers: wallets.keys, psbt: Uint8Array.of(1, 2, 3) }), /expected a PSBT/)
})

network.run()
