/** Measures MuSig2 and prints one line of JSON: `sessions`, `mesh` or `aggregate`, each with --signers and --backend. */
import { parseArgs } from 'node:util'
import { aggregateKeys } from '../../../lib/bitcoin/bip327/index.ts'
import type { BackendName } from '../../../lib/crypto/choose.ts'
import { createNobleBackend } from '../../../lib/crypto/noble.ts'
import { chooseBackend } from '../../../lib/crypto/select.node.ts'
import { P2PCoordinator } from '../../../lib/p2p-coordinator.ts'
import { MuSig2 } from '../../../lib/protocols/musig2/handler.ts'
import type { MuSig2Result } from '../../../lib/protocols/musig2/options.ts'
import { SimulatedMesh } from '../../../lib/testing/simulated-mesh.ts'

const { positionals: [command], values } = parseArgs({ allowPositionals: true, options: { signers: { type: 'string' }, backend: { type: 'string' }, times: { type: 'string' } } })
const signers = Number(values.signers)
const times = Number(values.times ?? 1)
// Pure JavaScript means all of it: hashing and sealing as well.
const backend = values.backend === 'noble' ? createNobleBackend() : (await chooseBackend((values.backend ?? 'auto') as BackendName)).backend
const secrets = Array.from({ length: signers }, (_, at) => backend.sha256(new TextEncoder().encode(`signer ${at} of a benchmark`)))
const keys = secrets.map(secret => backend.publicKeyOf(secret))
const messageOf = (at: number): Uint8Array => backend.sha256(Uint8Array.of(at >>> 8, at))

const commands: Record<string, () => Promise<Record<string, number>>> = { sessions, mesh, aggregate }
const measured = await commands[command ?? '']!()
console.log(JSON.stringify({ ...measured, signers, backend: `${backend.name}: ${backend.curve} curve, ${backend.symmetric} hashes` }))

function handlerOf(at: number): MuSig2 {
  const musig2 = new MuSig2({ keys: secrets[at]!, crypto: backend, allowOpaque: true })
  musig2.onRequest(request => request.approve())
  return musig2
}

/** From `sign` to a signature that every wallet has verified; every wallet in this one process, over its own sockets on loopback. */
async function sessions(): Promise<Record<string, number>> {
  const handlers = secrets.map((_, at) => handlerOf(at))
  const name = values.backend === 'noble' ? 'noble' : 'auto'
  const nodes = handlers.map(handler => {
    const node = new P2PCoordinator({ backend: name, network: 'private' })
    node.registerProtocol(handler)
    return node
  })
  for (const [at, node] of nodes.entries()) {
    const { address } = await node.listen('ws://127.0.0.1:0')
    for (const later of nodes.slice(at + 1)) await later.connectToPeer(address)
  }
  const tookMs: number[] = []
  const cpuMs: number[] = []
  const warmUp = 3
  for (let at = 0; at < times + warmUp; at++) {
    const everybody = Promise.all(handlers.map(handler => new Promise<MuSig2Result>((resolve, reject) => {
      handler.events.once('complete', resolve)
      handler.events.once('aborted', reject)
    })))
    const message = messageOf(at)
    const cpuBefore = process.cpuUsage()
    const before = performance.now()
    await handlers[at % signers]!.sign({ signers: keys, message, timeoutMs: 60_000 })
    const results = await everybody
    if (at >= warmUp) {
      tookMs.push(performance.now() - before)
      const { user, system } = process.cpuUsage(cpuBefore)
      cpuMs.push((user + system) / 1_000)
    }
    if (!results.every(({ signature, publicKey }) => backend.verify(signature, message, publicKey))) throw new Error('a signature that does not verify')
    for (const handler of handlers) handler.events.removeAllListeners()
  }
  await Promise.all(nodes.map(node => node.shutdown()))
  return { p50: percentile(tookMs, 0.5), p90: percentile(tookMs, 0.9), cpuMs: percentile(cpuMs, 0.5), samples: tookMs.length }
}

/** All signers in one simulated mesh, message signatures by the simulator's stand-in. */
async function mesh(): Promise<Record<string, number>> {
  const cpuS: number[] = []
  for (let at = 0; at < times; at++) {
    const world = new SimulatedMesh({ seed: at + 1, latencyMs: [20, 80], maxConnections: signers + 1 })
    const handlers = secrets.map((_, index) => handlerOf(index))
    const nodes = handlers.map((handler, index) => world.addNode(`signer-${index}`, [handler]))
    for (const [index, node] of nodes.entries()) for (const other of nodes.slice(0, index)) world.link(node, other)
    const ends: MuSig2Result[] = []
    for (const handler of handlers) handler.events.on('complete', result => void ends.push(result))
    await world.run({ forMs: 100 })
    const before = process.cpuUsage()
    const message = messageOf(at)
    const signed = handlers[0]!.sign({ signers: keys, message, timeoutMs: 60_000 })
    signed.catch(() => {})
    await world.run({ forMs: 30_000 })
    const { user, system } = process.cpuUsage(before)
    const { signature, publicKey } = await signed
    if (ends.length !== signers || !backend.verify(signature, message, publicKey)) throw new Error(`${ends.length} of ${signers} have the signature`)
    cpuS.push((user + system) / 1e6)
    await world.shutdown()
  }
  return { cpuS: percentile(cpuS, 0.5), samples: cpuS.length }
}

async function aggregate(): Promise<Record<string, number>> {
  const tookMs: number[] = []
  const cpuMs: number[] = []
  for (let at = 0; at < times + 3; at++) {
    const cpuBefore = process.cpuUsage()
    const before = performance.now()
    aggregateKeys(backend, keys)
    if (at < 3) continue
    tookMs.push(performance.now() - before)
    const { user, system } = process.cpuUsage(cpuBefore)
    cpuMs.push((user + system) / 1_000)
  }
  return { p50: percentile(tookMs, 0.5), cpuMs: percentile(cpuMs, 0.5), samples: tookMs.length }
}

/** Sorts in place. */
function percentile(list: number[], part: number): number {
  list.sort((a, b) => a - b)
  return list[Math.min(list.length - 1, Math.floor(part * list.length))]!
}
