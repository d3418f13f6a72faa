import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { chooseBackend } from '../../lib/crypto/select.node.ts'

/** Every backend this machine can load, each once, the slowest first. */
export async function allBackends(): Promise<ICryptoBackend[]> {
  const chosen = [createNobleBackend(), (await chooseBackend('wasm')).backend, (await chooseBackend('node')).backend]
  const kind = (backend: ICryptoBackend): string => `${backend.curve} and ${backend.symmetric}`
  return chosen.filter((backend, index) => chosen.findIndex(other => kind(other) === kind(backend)) === index)
}

/** The fastest backend here: for tests that repeat a handshake many times. */
export async function fastBackend(): Promise<ICryptoBackend> {
  return (await chooseBackend('auto')).backend
}
