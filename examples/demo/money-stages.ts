/** The acts with a directory and with money: a round is found, a transaction is signed by three, and five coins are mixed. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { Transaction } from '@scure/btc-signer'
import { Actor } from './cast.ts'
import { short, until, type Network, type Stage } from './stage.ts'

/** Sats each output of the mix holds. */
const DENOMINATION = 1_000_000
/** Requests to take part are gathered for as long, but for the last ten seconds. */
const EPOCH_SECONDS = 18

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

export const directory: Stage = {
  title: 'alice announces a round of CoinJoin; grace, who comes later, finds it by what it is like',
  async run(network) {
    const { actors, ids, addresses, chainUrl, say } = network
    const [alice] = actors
    const id = await alice!.ask('openRound', DENOMINATION, EPOCH_SECONDS)
    say(`alice  announces coinjoin-round ${id.slice(0, 8)}: ${DENOMINATION} sats each`)
    const grace = new Actor('grace', { chainUrl })
    try {
      await grace.ask('listen')
      await grace.ask('join', addresses.get('erin')!)
      const [found, ...more] = await foundBy(grace, DENOMINATION)
      if (found?.id !== id || found.by !== ids.get('alice') || more.length > 0) throw new Error(`grace found ${JSON.stringify([found, ...more])}`)
      say(`grace  knows erin alone, asks for rounds of at least ${DENOMINATION} sats, and finds ${found.id.slice(0, 8)} by ${short(found.by)}`)
      const larger = await grace.ask('findRounds', DENOMINATION + 1)
      if (larger.length > 0) throw new Error(`grace found ${JSON.stringify(larger)}, which is too small`)
      say('grace  asks for larger ones, and finds none')
      await grace.stop()
    } finally {
      grace.kill()
    }
    network.joined = join(network, id)
    // The mix tells of it, should it fail.
    network.joined.catch(() => {})
    say('the five join it; their clocks are set to where an epoch begins, or they would wait for one. Other things happen meanwhile')
    return 'a round announced by one was found by a node that came later, by its data; five joined it'
  },
}

/** All at the beginning of an epoch, as an epoch mixes those who came in it. */
async function join({ actors, chain }: Network, id: string): Promise<void> {
  await Promise.all(actors.map(actor => foundBy(actor, DENOMINATION)))
  const untilEpochMs = EPOCH_SECONDS * 1_000 - Date.now() % (EPOCH_SECONDS * 1_000)
  await Promise.all(actors.map(actor => actor.ask('setClockAhead', untilEpochMs)))
  await Promise.all(actors.map(async (actor, number) => {
    const script = await actor.ask('receive')
    const coin = chain.fund(bytes(script), BigInt(DENOMINATION + 20_000 + 7_000 * number))
    await actor.ask('mix', id, { txid: coin.txid, vout: coin.vout, amount: String(coin.amount), script })
  }))
}

async function foundBy(actor: Actor, denominationMin: number): Promise<{ id: string; by: string; denomination: number }[]> {
  let found: { id: string; by: string; denomination: number }[] = []
  await until(`${actor.name} finds a round`, async () => (found = await actor.ask('findRounds', denominationMin)).length > 0)
  return found
}

export const sign: Stage = {
  title: 'alice, bob and carol spend an output that they own together',
  async run({ actors, say }) {
    const signers = actors.slice(0, 3)
    const keys = await Promise.all(signers.map(actor => actor.ask('signingKey')))
    const [alice] = signers
    const { address, internalKey, publicKey } = await alice!.ask('together', keys)
    say(`their address: ${address}`)
    const script = bytes(`5120${publicKey}`)
    const transaction = new Transaction()
    transaction.addInput({ txid: '7f'.repeat(32), index: 0, witnessUtxo: { script, amount: 100_000n }, tapInternalKey: bytes(internalKey) })
    transaction.addOutputAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 99_500n, { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef })
    const { signature, ms } = await alice!.ask('sign', keys, hex(transaction.toPSBT()), 'rent for March')
    // Neither the digest nor the check comes from what the nodes used.
    const digest = transaction.preimageWitnessV1(0, [script], 0, [100_000n])
    if (!schnorr.verify(bytes(signature), digest, bytes(publicKey))) throw new Error('the signature does not verify')
    say(`one signature by three, in ${ms.toFixed(0)} ms; an independent library verifies it: ${signature.slice(0, 16)}...`)
    return `three keys made one signature in ${ms.toFixed(0)} ms (MuSig2, BIP327); each signer saw what it signed`
  },
}

export const mix: Stage = {
  title: 'The round that all five wait for begins: five coins go in, five equal outputs come out',
  async run({ actors, chain, joined, say }) {
    await joined
    say('all five have registered a coin each, under keys made for this round alone')
    const results = await Promise.all(actors.map(actor => actor.ask('mixed')))
    const [first] = results
    if (results.some(({ txid, peers }) => txid !== first!.txid || peers !== actors.length)) throw new Error(`they ended with ${JSON.stringify(results)}`)
    const transaction = Transaction.fromRaw(chain.rawOf(first!.txid)!, { allowUnknownOutputs: true })
    const outputs = Array.from({ length: transaction.outputsLength }, (_, index) => transaction.getOutput(index))
    const equal = outputs.filter(({ amount }) => amount === BigInt(DENOMINATION)).map(output => hex(output.script!))
    if (new Set(equal).size !== actors.length) throw new Error(`expected ${actors.length} equal outputs, got ${equal.length}`)
    if (!results.every(({ outputKey }) => equal.includes(`5120${outputKey}`))) throw new Error('somebody has no output')
    say(`transaction ${first!.txid.slice(0, 16)}..., ${transaction.vsize} vB: ${equal.length} outputs of ${DENOMINATION} sats under keys nobody had seen`)
    for (const [index, actor] of actors.entries()) say(`${actor.name.padEnd(5)}  knows which is its own, for ${results[index]!.fee} sats of fee; nobody else can tell`)
    return 'five coins mixed with no coordinator: nobody, members included, can tell whose output is whose'
  },
}
