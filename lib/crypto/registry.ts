import type { ICryptoBackend } from '../contracts/crypto.ts'

let registered: ICryptoBackend | undefined

/** Keeps the backend that `useWasm` loaded, for `chooseBackend` in browsers; undefined forgets it. */
export function register(backend: ICryptoBackend | undefined): void {
  registered = backend
}

export function registeredBackend(): ICryptoBackend | undefined {
  return registered
}
