// guard: deadline 300 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHEATS, type CheatName } from '../../../examples/07-coinjoin-round/cheats.ts'
import type { Coin } from '../../../lib/bitcoin/coinjoin-wallet.ts'
import { P2PError } from '../../../lib/contracts/errors.ts'
import type { ProtocolContext } from '../../../lib/contracts/protocol.ts'
import type { IResourceDirectory, ResourceAnnouncement } from '../../../lib/contracts/resources.ts'
import { loadWasmBackend } from '../../../lib/crypto/wasm.ts'
import { toHex } from '../../../lib/foundation/hex.ts'
import { CoinJoin, type CoinJoinOptions } from '../../../lib/protocols/coinjoin/handler.ts'
import type { Cause } from '../../../lib/protocols/coinjoin/session-types.ts'
import { MixTown } from './support/town.ts'

const crypto = await loadWasmBackend()
const net = suite('CoinJoin on whole coordinators')

const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'no error', (error: P2PError) => error.code)

/** What must hold after a round in which these kept to the rules. */
async function checkMix(town: MixTown, honest: readonly number[], run: number): Promise<void> {
  const txids = new Set(honest.map(number => town.citizens[number]!.result?.txid ?? `${number} has none: ${town.citizens[number]!.error?.message}`))
  assert.is(txids.size, 1, [...txids].join('; '))
  const [txid] = txids as Set<string>
  assert.equal(town.chain.taken, [txid])
  const outputs = new Set<string>()
  for (const number of honest) {
    const { result, round } = town.citizens[number]!
    assert.is(round!.progress.run, run)
    assert.is(result!.peers, honest.length)
    assert.ok(result!.fee > 0n && result!.fee <= 5_000n)
    outputs.add(toHex(town.scriptOf(result!)))
  }
  assert.is(outputs.size, honest.length, 'everybody has an output of its own')
}

for (const peers of [3, 5]) {
  net(`${peers} wallets that know nobody in particular mix, and nobody is told whose output is whose`, async () => {
    await using town = await MixTown.open({ peers, crypto, seed: peers, kind: number => (number % 2 === 0 ? 'p2tr' : 'p2wpkh') })
    const phases: string[] = []
    await town.join()
    town.citizens[0]!.round!.on('phase', ({ phase }) => void phases.push(phase))
    await town.end()
    await checkMix(town, town.citizens.map((_, number) => number), 0)
    assert.equal(phases, ['ke', 'cm', 'dc', 'verdict', 'final', 'done'])
    // Members never speak under their nodes' keys.
    const nodes = new Set(town.citizens.map(({ node }) => node.id))
    for (const { round } of town.citizens) for (const key of round!.member!.session!.active) assert.not.ok(nodes.has(key))
  })
}

const EXPECTED: Readonly<Record<CheatName, readonly string[]>> = {
  garbage: ['BADVECTOR'], silent: ['silence', 'left'], 'false-alarm': ['FALSEALARM'], 'bad-signature': ['BADSIG'], equivocate: ['EQUIV'],
}
for (const cheat of Object.keys(CHEATS) as CheatName[]) {
  net(`one of five cheats (${cheat}): it alone is out, the four others mix, and everybody can see why`, async () => {
    const outsider: { evidence?: Uint8Array } = {}
    await using town = await MixTown.open({ peers: 5, crypto, seed: cheat, cheats: { 3: cheat } })
    const causes: Cause[] = []
    await town.join()
    for (const number of [0, 1, 2, 4]) {
      town.citizens[number]!.round!.on('excluded', cause => void causes.push(cause))
      town.handlerOf(number).events.on('evidence', evidence => { outsider.evidence ??= evidence })
    }
    await town.end([0, 1, 2, 4])
    await checkMix(town, [0, 1, 2, 4], 1)
    const mallory = town.citizens[3]!
    const key = mallory.round!.member!.id
    assert.is(causes.length, 4)
    for (const cause of causes) {
      assert.equal(cause.blamed, [key])
      assert.ok(EXPECTED[cheat].includes(cause.kind === 'fault' ? cause.fault : cause.kind), cause.kind === 'fault' ? cause.fault : cause.kind)
    }
    if (cheat === 'silent') return assert.is(outsider.evidence, undefined, 'votes are no evidence')
    // Somebody who was not there can check it, and a changed byte shows nothing.
    const shown = await town.handlerOf(0).checkEvidence(outsider.evidence!, town.announcement.params)
    assert.equal(shown!.blamed.map(({ coins }) => coins.map(({ outpoint }) => outpoint)), [[`${mallory.coin.txid}:${mallory.coin.vout}`]])
    const changed = outsider.evidence!.slice()
    changed[changed.length - 40]! ^= 1
    assert.is(await town.handlerOf(0).checkEvidence(changed, town.announcement.params), null)
    // The coin is banned by those who saw it: it does not come into the next roster.
    await town.sim.run({ forMs: 70_000 })
    for (const number of [0, 1, 2, 3, 4]) {
      const citizen = town.citizens[number]!
      delete citizen.result
      delete citizen.error
      citizen.coin = number === 3 ? mallory.coin : town.chain.fund(await citizen.wallet.receive(), 1_020_000n)
    }
    await town.join([0, 1, 2, 4])
    await town.join([3])
    await town.end([0, 1, 2, 4])
    for (const number of [0, 1, 2, 4]) assert.is(town.citizens[number]!.result?.peers, 4, town.citizens[number]!.error?.message)
  })
}

net('a coin that was invented, has been spent, is too young or not its owner\'s never gets into a roster', async () => {
  await using town = await MixTown.open({ peers: 6, crypto, seed: 'coins' })
  const [, , , invented, spent, young] = town.citizens
  const refusals: string[] = []
  invented!.coin = { ...invented!.coin, txid: '99'.repeat(32) }
  const fresh = town.chain.fund(await young!.wallet.receive(), 1_010_000n, { confirmations: 0 })
  young!.coin = fresh
  await town.sim.run({ forMs: 1_000 })
  town.chain.spend(spent!.coin.txid, spent!.coin.vout)
  await town.join()
  await town.end()
  await checkMix(town, [0, 1, 2], 0)
  for (const citizen of [invented!, spent!, young!]) refusals.push((citizen.error as P2PError).code)
  assert.equal(refusals, ['ERR_COINJOIN_CLOSED', 'ERR_COINJOIN_CLOSED', 'ERR_COINJOIN_CLOSED'])
  // Somebody else's coin: the wallet has no key for it.
  const theirs = town.citizens[0]!.coin
  assert.is(await town.sim.clock.drive(codeOf(town.handlerOf(1).joinRound(town.announcement, { inputs: [theirs], wallet: town.citizens[1]!.wallet, maxFee: 5_000 }))), 'ERR_WALLET_NO_KEY')
})

net('one coin in two requests strikes both out; the others mix', async () => {
  await using town = await MixTown.open({ peers: 5, crypto, seed: 'twice' })
  town.citizens[4]!.coin = town.citizens[3]!.coin
  town.citizens[4]!.hand = town.citizens[3]!.hand
  await town.join()
  await town.end()
  await checkMix(town, [0, 1, 2], 0)
  for (const number of [3, 4]) assert.is((town.citizens[number]!.error as P2PError).code, 'ERR_COINJOIN_CLOSED')
})

net('fewer than the round needs: everybody is told at the boundary', async () => {
  await using town = await MixTown.open({ peers: 4, crypto, seed: 'few' })
  await town.join([0, 1])
  await town.end([0, 1])
  for (const number of [0, 1]) assert.is((town.citizens[number]!.error as P2PError).code, 'ERR_COINJOIN_TOO_FEW')
  assert.equal(town.chain.taken, [])
})

net('coins are registered one by one until they reach; a fee above maxFee is refused before anything is said', async () => {
  await using town = await MixTown.open({ peers: 3, crypto, seed: 'inputs' })
  const [alice, bob] = town.citizens
  const drive = <T>(promise: Promise<T>): Promise<T> => town.sim.clock.drive(promise)
  assert.is(await drive(codeOf(town.handlerOf(1).joinRound(town.announcement, { inputs: [bob!.coin], wallet: bob!.wallet, maxFee: 10 }))), 'ERR_COINJOIN_FEE')
  assert.is(await drive(codeOf(town.handlerOf(0).registerInput(alice!.coin))), 'ERR_COINJOIN_CLOSED')
  const half = async (): Promise<Coin> => town.chain.fund(await alice!.wallet.receive(), 510_000n)
  const [first, second] = [await half(), await half()]
  const round = await drive(town.handlerOf(0).joinRound(town.announcement, { wallet: alice!.wallet, maxFee: 5_000 }))
  await drive(town.handlerOf(0).registerInput(first))
  assert.ok(round.isOpen)
  assert.is(await drive(round.registerInput(first).then(() => 'taken', (error: Error) => error.name)), 'RangeError')
  await drive(town.handlerOf(0).registerInput(second))
  assert.not.ok(round.isOpen)
  assert.is(await drive(codeOf(round.registerInput(alice!.coin))), 'ERR_COINJOIN_CLOSED')
  alice!.round = round
  round.done.then(result => { alice!.result = result }, (error: Error) => { alice!.error = error })
  await town.join([1, 2])
  await town.end()
  await checkMix(town, [0, 1, 2], 0)
  // The same coin again in the same epoch would be two requests.
  assert.is(await drive(codeOf(town.handlerOf(0).joinRound(town.announcement, { inputs: [first, second], wallet: alice!.wallet, maxFee: 5_000 }))), 'no error', 'another epoch has begun')
})

net('a node that dies in the middle costs a run; after its restart the coin waits for the next epoch', async () => {
  await using town = await MixTown.open({ peers: 5, crypto, seed: 'crash' })
  await town.join()
  await town.sim.runUntil(() => town.citizens[2]!.round!.progress.phase === 'dc', { withinMs: 100_000 })
  town.sim.crash('node-2')
  await town.end([0, 1, 3, 4])
  await checkMix(town, [0, 1, 3, 4], 1)
})

net('a member whose roster is another than that of the rest takes up theirs', async () => {
  let hidden: string | undefined
  class Deaf extends CoinJoin {
    /** One request to take part never gets through to this node. */
    override onRegister(context: ProtocolContext): void {
      super.onRegister(Object.create(context, { verify: { value: async (frame: Uint8Array) => {
        const message = await context.verify(frame)
        if (message.type === 'pr' && message.from !== this.rounds[0]?.member?.id && (hidden ??= message.from) === message.from) throw new P2PError('ERR_WIRE_MALFORMED', 'lost')
        return message
      } } }) as ProtocolContext)
    }
  }
  await using town = await MixTown.open({ peers: 5, crypto, seed: 'rosters', handler: (number, options: CoinJoinOptions) => (number === 4 ? new Deaf(options) : new CoinJoin(options)) })
  await town.join([4, 0, 1, 2, 3])
  await town.end()
  assert.ok(hidden !== undefined)
  await checkMix(town, [0, 1, 2, 3, 4], 0)
})

/** A directory in one process: what a DHT does for many. */
function directory(): { resources: IResourceDirectory; held: Map<string, ResourceAnnouncement> } {
  const held = new Map<string, ResourceAnnouncement>()
  const resources = {
    announce: async (resourceType: string, resourceId: string, data: unknown) => {
      held.set(resourceId, { resourceId, resourceType, data, creatorPeerId: '', createdAt: 0 })
      return { update: async () => {}, withdraw: async () => void held.delete(resourceId), [Symbol.asyncDispose]: async () => {} }
    },
    discover: async (type: string, filters: Record<string, unknown> = {}) => [...held.values()].filter(({ resourceType, data }) => resourceType === type && Object.entries(filters).every(([name, value]) => (data as Record<string, unknown>)[name] === value)),
    get: async (_type: string, id: string) => held.get(id) ?? null,
    getStats: () => ({ totalAnnouncements: held.size }),
  } as unknown as IResourceDirectory
  return { resources, held }
}

net('rounds are announced and found by the seed\'s filters, joined by id, and no announcement can lie about itself', async () => {
  const { resources, held } = directory()
  await using town = await MixTown.open({ peers: 3, crypto, seed: 'directory' })
  for (const { node } of town.citizens) {
    node.coordinator.registerProtocol({ protocolName: 'directory', resources, handleMessage: async () => {} })
  }
  const coinjoin = town.handlerOf(0)
  const drive = <T>(promise: Promise<T>): Promise<T> => town.sim.clock.drive(promise)
  const { id } = await drive(coinjoin.announceRound({ denomination: 100_000_000, minPeers: 5, network: 'regtest', expiry: 1_900_000_000 }))
  assert.equal((await drive(town.handlerOf(1).discoverRounds({ denomination: 100_000_000, minParticipants: 5, status: 'waiting' }))).map(round => round.id), [id])
  assert.equal(await drive(town.handlerOf(1).discoverRounds({ denomination: 5 })), [])
  const honest = held.get(id)!
  held.set('ff'.repeat(32), { ...honest, resourceId: 'ff'.repeat(32) })
  held.set('ee'.repeat(32), { ...honest, resourceId: 'ee'.repeat(32), data: { denomination: -1 } })
  assert.equal((await drive(town.handlerOf(2).discoverRounds())).map(round => round.id), [id])
  assert.is(await drive(codeOf(town.handlerOf(2).joinRound('ff'.repeat(32), { wallet: town.citizens[2]!.wallet, maxFee: 1 }))), 'ERR_COINJOIN_UNKNOWN_ROUND')
  const round = await drive(town.handlerOf(2).joinRound(id, { wallet: town.citizens[2]!.wallet, maxFee: 5_000 }))
  assert.is(round.id, id)
  await drive(round.leave())
  assert.is(await drive(codeOf(round.done)), 'ERR_COINJOIN_FAILED')
})

net.run()
