import type { ICryptoBackend } from '../contracts/crypto.ts'
import { firstThatPasses, rememberChoices, type BackendName, type ChosenBackend, type Level } from './choose.ts'
import { createNobleBackend } from './noble.ts'
import { registeredBackend } from './registry.ts'

export type { BackendName, ChosenBackend } from './choose.ts'

/** The choice of a backend in browsers; in Node it is `select.node.ts`. */

let base: ICryptoBackend | undefined

/** At hand at once, before anything is loaded or tested. */
export function baseBackend(): ICryptoBackend {
  return (base ??= createNobleBackend())
}

const noble: Level = { label: 'noble', load: baseBackend }
const remembered = rememberChoices()

/**
 * The backend by that name after its self-test, or the next slower one that passes; `notes` then says why.
 * `auto` is WebAssembly where `useWasm` of `peerweft/crypto/wasm` was called, else `noble`. Rejects with RangeError for a
 * name that cannot be had here, and with ERR_CRYPTO_SELF_TEST_FAILED when nothing passes.
 */
export async function chooseBackend(name: BackendName): Promise<ChosenBackend> {
  const fast = registeredBackend()
  const wasm: Level[] = fast === undefined ? [] : [{ label: 'wasm', load: () => fast }]
  switch (name) {
    case 'noble':
      return remembered('noble', () => firstThatPasses([noble]))
    case 'wasm':
      if (fast === undefined) throw new RangeError("crypto backend 'wasm' needs `await useWasm()` of 'peerweft/crypto/wasm' first")
      return firstThatPasses([...wasm, noble])
    case 'auto':
      return fast === undefined ? remembered('noble', () => firstThatPasses([noble])) : firstThatPasses([...wasm, noble])
    case 'node':
      throw new RangeError("crypto backend 'node' runs in Node only; here there are 'auto', 'noble' and 'wasm'")
    default:
      throw new RangeError(`expected crypto backend 'auto', 'noble' or 'wasm', got ${JSON.stringify(name)}`)
  }
}
