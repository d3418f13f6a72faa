import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backend, bytesOf } from './support/table.ts'
import { Wallets } from './support/wallets.ts'

// guard: deadline 300 s

const faults = suite('musig2 while everything else goes wrong')

/** What an honest member may be named for: it restarted, was cut off, or its own machine failed. */
const INNOCENT = new Set(['silent', 'restarted', 'failed', 'declined', 'cancelled', 'other-nonces', 'other-roster'])

for (const seed of [1, 2, 3]) {
  faults(`seed ${seed}: crashes, partitions, losses and bad disks for two minutes accuse nobody of what it did not do, and every session ends`, async () => {
    await using wallets = await Wallets.of(4, { seed, faults: ['crash', 'partition-halves', 'loss', 'clock-jump'], faultEveryMs: 6_000, faultsUntilMs: 120_000 })
    const ended: string[] = []
    const results: { signature: Uint8Array; message: Uint8Array; publicKey: Uint8Array }[] = []
    let begun = 0
    for (let at = 0; at < 24; at++) {
      wallets.sim.at(5_000 * (at + 1), () => {
        const node = wallets.nodes[at % 4]!
        if (!node.isUp) return
        begun++
        const message = bytesOf(`session ${at}`)
        // A crash takes the promise with it.
        wallets.musig2(node.name).sign({ signers: wallets.keys, message, timeoutMs: 20_000 }).then(
          ({ signature, publicKey }) => { ended.push('complete'); results.push({ signature, message, publicKey }) },
          (error: { reason?: string; code?: string }) => void ended.push(error.reason ?? error.code ?? 'other'),
        )
      })
    }
    await wallets.sim.run({ forMs: 180_000 })
    assert.ok(begun > 12, `${begun} begun`)
    for (const ends of wallets.ends.values()) {
      for (const end of ends) if ('error' in end) assert.ok(INNOCENT.has(end.error.reason), `${end.error.reason}: ${end.error.message}`)
    }
    for (const { signature, message, publicKey } of results) assert.ok(backend.verify(signature, message, publicKey))
    assert.ok(results.length > 0, ended.join())
    // All is well again: so are sessions.
    const before = wallets.ends.get('alice')!.length
    void wallets.begin()
    await wallets.sim.runUntil(() => wallets.ends.get('alice')!.length > before, { withinMs: 60_000 })
    assert.is(wallets.tell('alice'), 'complete')
    for (const { name } of wallets.nodes) assert.is(wallets.musig2(name).getStats().secretNonces, 0)
  })
}

faults.run()
