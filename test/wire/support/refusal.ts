import { P2PError } from '../../../lib/contracts/errors.ts'

/** The P2PError that `act` throws; throws itself where there is none. */
export function refusal(act: () => unknown): P2PError {
  let result: unknown
  try {
    result = act()
  } catch (error) {
    if (error instanceof P2PError) return error
    throw new Error(`expected a P2PError, got ${String(error)}`, { cause: error })
  }
  throw new Error(`expected a refusal, got ${String(result)}`)
}

/** Its code, or undefined where `act` returns. Anything but a P2PError is a crash and comes out. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof P2PError) return error.code
    throw error
  }
}
