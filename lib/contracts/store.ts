/** An abstract-level shaped key-value store: memory by default, LevelDB in the daemon, IndexedDB in a browser. */
export interface IStore {
  get(key: string): Promise<Uint8Array | undefined>
  /** Resolves after the write is durable when `sync` is set. */
  put(key: string, value: Uint8Array, options?: { sync?: boolean }): Promise<void>
  delete(key: string): Promise<void>
  entries(prefix: string, options?: { limit?: number }): AsyncIterable<[string, Uint8Array]>
}
