import { Wallets } from './wallets.ts'

/** alice, bob and carol, of whom carol takes each step when the test says so: the session waits for her there. */
export async function waitingForCarol(phase: 'asked' | 'gathering' | 'nonces' | 'partials'): Promise<Wallets> {
  const wallets = await Wallets.of(3)
  wallets.holders.set('carol', request => phase === 'asked' || phase === 'gathering' ? undefined : request.approve({ allowOpaque: true, manual: true }))
  if (phase === 'asked') wallets.holders.set('bob', () => {})
  void wallets.begin({ timeoutMs: 40_000 })
  const bob = (): string | undefined => wallets.musig2('bob').sessions()[0]?.phase
  switch (phase) {
    case 'asked':
      await wallets.sim.runUntil(() => wallets.requests.get('bob')!.length === 1, { withinMs: 5_000 })
      break
    case 'gathering':
      await wallets.sim.runUntil(() => wallets.musig2('alice').sessions()[0]?.peers[1] !== undefined && wallets.requests.get('carol')!.length === 1, { withinMs: 5_000 })
      break
    case 'nonces':
      await wallets.sim.runUntil(() => bob() === 'nonces', { withinMs: 5_000 })
      await wallets.sim.run({ forMs: 500 })
      mustHold(wallets, 1)
      break
    case 'partials':
      await wallets.sim.runUntil(() => bob() === 'nonces', { withinMs: 5_000 })
      void wallets.musig2('carol').shareNonces(wallets.requests.get('carol')![0]!.sessionId).catch(() => {})
      await wallets.sim.runUntil(() => bob() === 'partials', { withinMs: 5_000 })
      await wallets.sim.run({ forMs: 500 })
      mustHold(wallets, 0)
  }
  return wallets
}

export async function carolGoesOn(wallets: Wallets): Promise<void> {
  const request = wallets.requests.get('carol')!.at(-1)!
  request.approve({ allowOpaque: true })
  await wallets.settle(1, 60_000, ['alice', 'carol'])
}

function mustHold(wallets: Wallets, secretNonces: number): void {
  const held = wallets.musig2('bob').getStats().secretNonces
  if (held !== secretNonces) throw new Error(`expected bob to hold ${secretNonces} secret nonces, got ${held}`)
}
