import { P2PError } from '../../lib/contracts/errors.ts'

/** The P2PError a promise rejects with; throws where it resolves or rejects with anything else. */
export async function rejection(promise: Promise<unknown>): Promise<P2PError> {
  const outcome = await promise.then(() => 'it resolved', (error: unknown) => error)
  if (outcome instanceof P2PError) return outcome
  throw new Error(`expected a P2PError, got ${String(outcome)}`, { cause: outcome })
}
