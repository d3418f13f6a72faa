import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler, ProtocolContext } from '../../../lib/contracts/protocol.ts'
import type { IResourceDirectory, ResourceAnnouncement } from '../../../lib/contracts/resources.ts'
import { MuSig2 } from '../../../lib/protocols/musig2/handler.ts'
import { Gossip } from '../../../lib/protocols/gossip/handler.ts'
import { carolGoesOn, waitingForCarol } from './support/phases.ts'
import { approve, secretOf, Wallets } from './support/wallets.ts'
import { backend } from './support/table.ts'

// guard: deadline 300 s

const trouble = suite('musig2 in trouble')

for (const phase of ['asked', 'gathering'] as const) {
  trouble(`a member that restarts while it is ${phase === 'asked' ? 'being asked' : 'waiting for others to join'} is invited again, and the session completes`, async () => {
    await using wallets = await waitingForCarol(phase)
    wallets.holders.set('bob', approve)
    wallets.sim.crash('bob', { power: true })
    await wallets.sim.run({ forMs: 1_000 })
    await wallets.sim.restart('bob')
    await wallets.sim.runUntil(() => wallets.requests.get('bob')!.length === 2, { withinMs: 20_000 })
    await carolGoesOn(wallets)
    await wallets.settle(1, 20_000)
    for (const name of ['alice', 'bob', 'carol']) assert.is(wallets.tell(name), 'complete', name)
  })
}

for (const phase of ['nonces', 'partials'] as const) {
  trouble(`a member that restarts in phase '${phase}' says so and gives no second nonce, and everybody names it as restarted`, async () => {
    await using wallets = await waitingForCarol(phase)
    wallets.sim.crash('bob', { power: true })
    await wallets.sim.run({ forMs: 1_000 })
    await wallets.sim.restart('bob')
    await wallets.settle(1, 30_000, ['alice', 'carol'])
    for (const name of ['alice', 'carol']) assert.is(wallets.tell(name), 'restarted bob', name)
    assert.is(wallets.requests.get('bob')!.length, 1, 'its user is not asked again')
    for (const name of ['alice', 'bob', 'carol']) assert.is(wallets.musig2(name).getStats().secretNonces, 0, `${name} has dropped its secrets`)
    // The same signers begin again, and nothing of the old session is in the way.
    wallets.holders.set('carol', approve)
    void wallets.begin()
    await wallets.settle(2, 30_000, ['alice', 'carol'])
    for (const name of ['alice', 'bob', 'carol']) assert.is(wallets.tell(name), 'complete', name)
  })
}

trouble('a member that restarts tells every member it meets, not only the one who would invite it again', async () => {
  await using wallets = await waitingForCarol('nonces')
  wallets.sim.crash('bob', { power: true })
  await wallets.sim.run({ forMs: 1_000 })
  wallets.sim.partition([['alice'], ['bob', 'carol']])
  await wallets.sim.restart('bob')
  await wallets.settle(1, 20_000, ['carol'])
  assert.is(wallets.tell('carol'), 'restarted bob')
})

trouble('the marker is on the disk before the nonce leaves: whoever dies in between has told nobody', async () => {
  const wallets = await Wallets.of(2)
  await using _ = wallets
  const { store } = wallets.sim.node('bob')
  const put = store.put.bind(store)
  let died = false
  store.put = async (key, value, options) => {
    if (key.includes('nonce-left') && !died) {
      died = true
      assert.is(options?.sync, true)
      wallets.sim.crash('bob', { power: true })
    }
    return await put(key, value, options)
  }
  void wallets.begin({ timeoutMs: 30_000 })
  await wallets.sim.runUntil(() => died, { withinMs: 5_000 })
  await wallets.settle(1, 40_000, ['alice'])
  assert.is(wallets.tell('alice'), 'silent bob')
  const end = wallets.endOf('alice')
  assert.match('error' in end ? end.error.message : '', /without a nonce of signer 1/)
})

for (const phase of ['gathering', 'nonces', 'partials'] as const) {
  trouble(`a member whose line is cut in phase '${phase}' comes back and fetches what it missed`, async () => {
    await using wallets = await waitingForCarol(phase)
    const cut = wallets.sim.partition([['bob'], ['alice', 'carol']])
    await wallets.sim.run({ forMs: 1_000 })
    wallets.requests.get('carol')![0]!.approve({ allowOpaque: true })
    await wallets.sim.run({ forMs: 9_000 })
    cut[Symbol.dispose]()
    await wallets.settle(1, 30_000)
    for (const name of ['alice', 'bob', 'carol']) assert.is(wallets.tell(name), 'complete', name)
  })
}

trouble('a member that comes back after the others have finished still gets the signature', async () => {
  await using wallets = await waitingForCarol('partials')
  const cut = wallets.sim.partition([['bob'], ['alice', 'carol']])
  await carolGoesOn(wallets)
  assert.is(wallets.tell('bob'), 'nothing')
  cut[Symbol.dispose]()
  await wallets.settle(1, 20_000)
  assert.is(wallets.tell('bob'), 'complete')
})

trouble('lost messages are asked for again', async () => {
  for (const seed of [1, 2, 3]) {
    await using wallets = await Wallets.of(4, { seed, quality: { lossRate: 0.2 } })
    void wallets.begin({ timeoutMs: 60_000 })
    await wallets.settle(1, 70_000)
    for (const { name } of wallets.nodes) assert.is(wallets.tell(name), 'complete', `seed ${seed}, ${name}`)
  }
})

trouble('a signer that fails in the middle leaves, with the others told', async () => {
  const wallets = new Wallets()
  await using _ = wallets
  await wallets.add('alice')
  const secret = secretOf('bob')
  const { LocalSigner } = await import('../../../lib/protocols/musig2/local-signer.ts')
  const signer = new LocalSigner(secret, () => backend)
  const broken = Object.assign(Object.create(signer) as typeof signer, {
    publicKey: signer.publicKey, prove: (digest: Uint8Array) => signer.prove(digest), ecdh: (point: Uint8Array) => signer.ecdh(point),
    nonce: () => Promise.reject(new Error('the device was unplugged')),
  })
  await wallets.add('bob', { musig2: { keys: broken } })
  await wallets.link(false)
  const codes: string[] = []
  wallets.sim.node('bob').coordinator.on('error', ({ code }) => void codes.push(code))
  void wallets.begin()
  await wallets.settle(1, 10_000)
  assert.is(wallets.tell('alice'), 'failed bob')
  assert.ok(codes.includes('ERR_MUSIG2_SIGNER_FAILED'), codes.join())
})

/** One list for the whole world: what a directory looks like to a plugin. */
class Board implements IProtocolHandler {
  static list: ResourceAnnouncement[] = []
  readonly protocolName = 'board'
  #context!: ProtocolContext
  onRegister(context: ProtocolContext): void { this.#context = context }
  async handleMessage(): Promise<void> {}
  readonly resources = {
    announce: async (resourceType: string, resourceId: string, data: unknown) => {
      const resource = { resourceType, resourceId, data, creatorPeerId: this.#context.localPeer.peerId, createdAt: this.#context.clock.now() }
      Board.list.push(resource)
      return { update: async () => {}, withdraw: async () => void (Board.list = Board.list.filter(each => each !== resource)), [Symbol.asyncDispose]: async () => {} }
    },
    discover: async (type: string) => Board.list.filter(({ resourceType }) => resourceType === type),
    getStats: () => ({ totalAnnouncements: Board.list.length }),
  } as unknown as IResourceDirectory
}

trouble('a late joiner finds the session in the directory, which holds a rendezvous and a deadline and nothing else', async () => {
  Board.list = []
  const wallets = new Wallets()
  await using _ = wallets
  for (const name of ['alice', 'bob']) {
    await wallets.sim.addNode(name, {
      config: { sybilCost: false },
      protocols: () => {
        const handler = new MuSig2({ keys: secretOf(name), crypto: backend })
        handler.onRequest(approve)
        return [new Board(), handler]
      },
    })
  }
  const [alice, bob] = ['alice', 'bob'].map(name => wallets.sim.node(name))
  const keys = ['alice', 'bob'].map(name => backend.publicKeyOf(secretOf(name)))
  const signed = alice!.handler(MuSig2).sign({ signers: keys, message: wallets.message, timeoutMs: 60_000 })
  await wallets.sim.run({ forMs: 1_000 })
  assert.is(Board.list.length, 1)
  assert.equal(Object.keys(Board.list[0]!.data as object), ['deadlineMs'])
  assert.match(Board.list[0]!.resourceId, /^[0-9a-f]{64}$/)
  // bob knows where alice is, and nothing of the session.
  await wallets.sim.connect(bob!, alice!)
  await wallets.sim.clock.drive(bob!.handler(MuSig2).discover())
  const { signature, publicKey } = await wallets.sim.clock.drive(signed)
  assert.ok(backend.verify(signature, wallets.message, publicKey))
  await wallets.sim.run({ forMs: 1_000 })
  assert.equal(Board.list, [], 'withdrawn when the session was over')
})

trouble('the directory is asked when a peer comes, and not for each that does', async () => {
  Board.list = []
  let asked = 0
  const wallets = new Wallets()
  await using _ = wallets
  await wallets.sim.addNode('alice', {
    config: { sybilCost: false },
    protocols: () => {
      const board = new Board()
      Object.assign(board.resources, { discover: async () => { asked++; return [] } })
      return [board, new MuSig2({ keys: secretOf('alice'), crypto: backend })]
    },
  })
  assert.is(asked, 1)
  for (const name of ['bob', 'carol', 'dave']) {
    const node = await wallets.sim.addNode(name, { config: { sybilCost: false }, protocols: () => [new MuSig2({ keys: secretOf(name), crypto: backend })] })
    await wallets.sim.connect(node, 'alice')
  }
  assert.is(asked, 1)
  await wallets.sim.run({ forMs: 31_000 })
  const erin = await wallets.sim.addNode('erin', { config: { sybilCost: false }, protocols: () => [new MuSig2({ keys: secretOf('erin'), crypto: backend })] })
  await wallets.sim.connect(erin, 'alice')
  await wallets.sim.run({ forMs: 100 })
  assert.is(asked, 2)
})

trouble('members that share no link with the initiator hear of the session by gossip, and dial it', async () => {
  const wallets = new Wallets()
  await using _ = wallets
  const names = ['alice', 'relay', 'bob']
  for (const name of names) {
    await wallets.sim.addNode(name, {
      // The simulator's addresses are those of a private network, which records of strangers may not lead into.
      config: { network: 'private', sybilCost: false },
      protocols: () => {
        const handler = new MuSig2({ keys: secretOf(name), crypto: backend })
        handler.onRequest(approve)
        return [new Gossip(), handler]
      },
    })
  }
  const [alice, relay, bob] = names.map(name => wallets.sim.node(name))
  await wallets.sim.connect(alice!, relay!)
  await wallets.sim.connect(bob!, relay!)
  await wallets.sim.run({ forMs: 3_000 })
  // bob has an address of alice's, as a peer exchange gives, and no link.
  const record = await wallets.sim.clock.drive(new Promise<Uint8Array>((resolve, reject) => {
    alice!.coordinator.registerProtocol({ protocolName: 'address', handleMessage: async () => {}, onRegister: context => void context.addresses.own().then(resolve, reject) })
  }))
  bob!.coordinator.registerProtocol({ protocolName: 'address', handleMessage: async () => {}, onRegister: context => void context.addresses.add(record) })
  await wallets.sim.run({ forMs: 100 })
  const keys = ['alice', 'bob'].map(name => backend.publicKeyOf(secretOf(name)))
  const { signature, publicKey } = await wallets.sim.clock.drive(alice!.handler(MuSig2).sign({ signers: keys, message: wallets.message, timeoutMs: 60_000 }))
  assert.ok(backend.verify(signature, wallets.message, publicKey))
})

trouble('a peer named with a signer is dialled', async () => {
  await using wallets = await Wallets.of(2, { unlinked: true })
  const bob = wallets.sim.node('bob')
  const peer = { peerId: bob.id, addresses: { memory: bob.address }, state: 'disconnected' as const, lastSeen: 0 }
  void wallets.begin({ signers: [wallets.keys[0]!, { publicKey: wallets.keys[1]!, peer }] })
  await wallets.settle(1, 10_000)
  assert.is(wallets.tell('alice'), 'complete')
})

trouble('unregistering ends what waits, drops every secret and leaves no timer', async () => {
  await using wallets = await waitingForCarol('nonces')
  const alice = wallets.musig2('alice')
  const id = alice.sessions()[0]!.sessionId
  const waiting = alice.result(id).catch((error: { code: string }) => error.code)
  wallets.sim.node('alice').coordinator.unregisterProtocol('musig2')
  assert.is(await wallets.sim.clock.drive(waiting), 'ERR_PROTOCOL_NOT_REGISTERED')
  assert.equal(alice.sessions(), [])
  assert.throws(() => alice.getStats(), (error: { code: string }) => error.code === 'ERR_PROTOCOL_NOT_REGISTERED')
})

trouble.run()
