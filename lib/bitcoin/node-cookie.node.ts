import { readFile } from 'node:fs/promises'

/** For `NodeRpcOptions.credentials`: reads the node's `.cookie` file at each call, as a node writes a new one when it starts. Rejects with the system's error when it is not there. */
export function readCookie(path: string): () => Promise<string> {
  return async () => await readFile(path, 'utf8')
}
