import type { ICryptoBackend } from '../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { failedOperation } from './self-test.ts'

/** What a user may ask for. `auto` is the fastest there is. */
export type BackendName = 'auto' | 'noble' | 'wasm' | 'node'

export interface ChosenBackend {
  readonly backend: ICryptoBackend
  /** What was tried in vain, one sentence each, for the log. */
  readonly notes: string[]
}

/** One rung of the ladder from fast to slow. */
export interface Level {
  readonly label: string
  /** Null where it is not installed, which is worth a word only if `absent` gives one. */
  load(): ICryptoBackend | null | Promise<ICryptoBackend | null>
  readonly absent?: string | undefined
}

/**
 * The first level that loads and passes its self-test. Throws ERR_CRYPTO_SELF_TEST_FAILED when none does: no
 * signature of such a machine can be believed.
 */
export async function firstThatPasses(levels: readonly Level[]): Promise<ChosenBackend> {
  const notes: string[] = []
  for (const level of levels) {
    const backend = await tryLevel(level, notes)
    if (backend !== null) return { backend, notes }
  }
  throw new P2PError(ErrorCode.CRYPTO_SELF_TEST_FAILED, `no cryptographic backend passes its self-test here: ${notes.join('; ')}`)
}

async function tryLevel(level: Level, notes: string[]): Promise<ICryptoBackend | null> {
  try {
    const backend = await level.load()
    if (backend === null) {
      if (level.absent !== undefined) notes.push(level.absent)
      return null
    }
    const failed = failedOperation(backend)
    if (failed === null) return backend
    notes.push(`crypto backend ${level.label} failed its self-test at ${failed} and is not used`)
  } catch (error) {
    notes.push(`crypto backend ${level.label} could not be loaded: ${error instanceof Error ? error.message : String(error)}`)
  }
  return null
}

/** The same answer again for the same key: one process needs one self-test, however many nodes it runs. */
export function rememberChoices(): (key: string, choose: () => Promise<ChosenBackend>) => Promise<ChosenBackend> {
  const chosen = new Map<string, Promise<ChosenBackend>>()
  return (key, choose) => {
    const known = chosen.get(key)
    if (known !== undefined) return known
    const choice = choose()
    chosen.set(key, choice)
    return choice
  }
}
