/** What a real wallet has of its own: where its key comes from. Here it is made up, and gone when the process ends. */
import { getRandomValues } from 'node:crypto'

export function generateSecret(): Uint8Array {
  return getRandomValues(new Uint8Array(32))
}

export function wipe(secret: Uint8Array): void {
  secret.fill(0)
}
