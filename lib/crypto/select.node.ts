import type { ICryptoBackend } from '../contracts/crypto.ts'
import { firstThatPasses, rememberChoices, type BackendName, type ChosenBackend, type Level } from './choose.ts'
import { loadNativeBackend } from './native.node.ts'
import { createNobleBackend } from './noble.ts'
import { nodeSymmetric } from './node-symmetric.node.ts'
import { failedOperation } from './self-test.ts'
import { loadWasmBackend } from './wasm.ts'

export type { BackendName, ChosenBackend } from './choose.ts'

/** The choice of a backend in Node; in browsers it is `select.ts`. */

let base: ICryptoBackend | undefined

/**
 * At hand at once, before anything is loaded: the curve in JavaScript, hashing and the cipher by node:crypto if
 * those pass their self-test, which takes well under a millisecond.
 */
export function baseBackend(): ICryptoBackend {
  return (base ??= onSoundSymmetric(createNobleBackend(nodeSymmetric)))
}

/** The backend itself, or all noble where its hashing or its cipher fails: some builds of OpenSSL lack ChaCha20. */
export function onSoundSymmetric(backend: ICryptoBackend): ICryptoBackend {
  return failedOperation(backend, 'symmetric') === null ? backend : createNobleBackend()
}

const remembered = rememberChoices()

/**
 * The backend by that name after its self-test, or the next slower one that passes; `notes` then says why. `auto` is
 * `node`: the native addon where the optional package secp256k1 is installed, else WebAssembly, else `noble`. Rejects with
 * RangeError for another name, and with ERR_CRYPTO_SELF_TEST_FAILED when nothing passes.
 */
export async function chooseBackend(name: BackendName): Promise<ChosenBackend> {
  const levels = levelsOf(name)
  return remembered(name, async () => {
    const chosen = await firstThatPasses(levels)
    if (name !== 'noble' && baseBackend().symmetric !== 'node') {
      chosen.notes.push('node:crypto failed its self-test: hashing and sealing run in JavaScript')
    }
    return chosen
  })
}

function levelsOf(name: BackendName): Level[] {
  const noble: Level = { label: 'noble', load: createNobleBackend }
  const nobleOnNode: Level = { label: 'noble with node:crypto', load: baseBackend }
  const wasm: Level = { label: 'wasm', load: () => loadWasmBackend(baseBackend()) }
  const native: Level = {
    label: 'node',
    load: () => loadNativeBackend(baseBackend()),
    // Asked for by name it is missed; by `auto` it is not.
    absent: name === 'node' ? "the optional package 'secp256k1' is not installed" : undefined,
  }
  switch (name) {
    case 'noble': return [noble]
    case 'wasm': return [wasm, nobleOnNode, noble]
    case 'node':
    case 'auto': return [native, wasm, nobleOnNode, noble]
    default: throw new RangeError(`expected crypto backend 'auto', 'noble', 'wasm' or 'node', got ${JSON.stringify(name)}`)
  }
}
