/** One wallet of example 06, in a process of its own: it has one key, shows no one its secret, and signs what its rule allows. */
import { P2PCoordinator } from '../../lib/index.ts'
import { MuSig2 } from '../../lib/protocols/musig2/index.node.ts'
import { generateSecret, wipe } from './wallet.ts'

const name = process.argv[2] ?? 'nobody'
const secret = generateSecret()
const musig2 = new MuSig2({ keys: secret, network: 'regtest' })
wipe(secret)

// What a wallet's screen would show, and a rule in place of its user's finger: signs where the fee is less than 2,000 satoshis.
musig2.onRequest(request => {
  const { psbt, description } = request
  if (psbt === undefined) return request.decline('I sign transactions that I can read')
  const outputs = psbt.outputs.map(({ amountSats, address }) => `${amountSats} sat to ${address}`).join(', ')
  console.log(`${name} is asked (${JSON.stringify(description)}): ${outputs}; fee ${psbt.feeSats} sat`)
  if (psbt.feeSats >= 2_000n) return request.decline('the fee is too high')
  request.approve()
})

const coordinator = new P2PCoordinator({ peerId: name })
coordinator.registerProtocol(musig2)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** What the main process may ask for. Keys, addresses and signatures cross it; secrets and nonces do not. */
const commands = {
  async start() {
    const { address } = await coordinator.listen('ws://127.0.0.1:0')
    return { key: hex(musig2.publicKeys[0]!), address, curve: coordinator.getStats().crypto.curve }
  },
  async connect(address: string) {
    await coordinator.connectToPeer(address)
  },
  aggregate(signers: string[]) {
    const keys = signers.map(bytes)
    const internal = musig2.aggregate(keys)
    const { publicKey, address } = musig2.aggregate(keys, [{ kind: 'taproot' }])
    return { internalKey: hex(internal.publicKey), publicKey: hex(publicKey), address }
  },
  async sign(signers: string[], psbt: string, description: string) {
    const signed = await musig2.sign({ signers: signers.map(bytes), psbt: bytes(psbt), description, timeoutMs: 15_000 })
    return { signature: hex(signed.signature), publicKey: hex(signed.publicKey), psbt: hex(signed.psbt!) }
  },
  async stop() {
    await coordinator.shutdown()
  },
}
export type Commands = typeof commands

process.on('message', (request: Request) => void answer(request))
process.on('disconnect', () => void coordinator.shutdown())

interface Request { id: number; command: keyof Commands; args: never[] }

async function answer({ id, command, args }: Request): Promise<void> {
  try {
    process.send?.({ id, result: await (commands[command] as (...args: never[]) => unknown)(...args) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
  }
  if (command === 'stop') process.disconnect()
}
