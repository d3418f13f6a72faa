import type { ICryptoBackend } from '../contracts/crypto.ts'
import { composeBackend } from './compose.ts'
import { createNativeCurve, type Secp256k1Bindings } from './native-curve.ts'
import { platformRandom } from './platform-random.ts'

/**
 * The addon's own entry and no other: the package's default one falls back without a word to a JavaScript
 * implementation with known flaws (CVE-2025-14505).
 */
const BINDINGS: string = 'secp256k1/bindings.js'

/** Curve operations by the native addon, everything else by `base`. */
export function createNativeBackend(addon: Secp256k1Bindings, base: ICryptoBackend): ICryptoBackend {
  // libsecp256k1 blinds its products with the generator; a fresh seed makes that worth something.
  addon.contextRandomize(platformRandom(32))
  return composeBackend('node', createNativeCurve(addon, base), base)
}

/**
 * The backend on the optional peer package `secp256k1`, or null where that is not installed. Rejects where it is and does not
 * load. `load` imports the addon; tests bring their own.
 */
export async function loadNativeBackend(base: ICryptoBackend, load: () => Promise<unknown> = () => import(BINDINGS)): Promise<ICryptoBackend | null> {
  let loaded: unknown
  try {
    loaded = await load()
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
  // The package is CommonJS: what it exports is the default.
  return createNativeBackend((loaded as { default: Secp256k1Bindings }).default, base)
}

/** The package itself was not found; anything else went wrong inside it. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'secp256k1'`)
}
