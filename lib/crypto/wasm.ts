/**
 * The opt-in door for browsers, `peerweft/crypto/wasm`: curve operations in WebAssembly, some ten times
 * faster than in JavaScript. Importing loads nothing; `await useWasm()` does.
 */
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { composeBackend } from './compose.ts'
import { untilTrapped } from './fall-back.ts'
import { createNobleBackend } from './noble.ts'
import { platformRandom } from './platform-random.ts'
import { register } from './registry.ts'
import { createWasmCurve, type TinySecp256k1 } from './wasm-curve.ts'

export type { TinySecp256k1 } from './wasm-curve.ts'

/**
 * Curve operations by tiny-secp256k1, everything else by `base`. `random` blinds secrets and does not show in any
 * result, so it stays the platform's even where a simulator seeds the rest.
 */
export function createWasmBackend(tiny: TinySecp256k1, base: ICryptoBackend, random: RandomBytes = platformRandom): ICryptoBackend {
  return composeBackend('wasm', untilTrapped(createWasmCurve(tiny, base, random), base), base)
}

/** Loads tiny-secp256k1 (1.2 MB) and compiles it. Rejects where that cannot be done. */
export async function loadWasmBackend(base: ICryptoBackend = createNobleBackend()): Promise<ICryptoBackend> {
  return createWasmBackend(await import('tiny-secp256k1'), base)
}

/**
 * From now on `auto` means WebAssembly in this page, if it passes its self-test. Call it before the first `listen` or
 * `connect`. Pass the module where your bundler needs its own way to load it. In Node there is nothing to do: `auto` finds it.
 */
export async function useWasm(tiny?: TinySecp256k1): Promise<void> {
  const base = createNobleBackend()
  register(tiny === undefined ? await loadWasmBackend(base) : createWasmBackend(tiny, base))
}
