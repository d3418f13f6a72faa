import type { IStore } from '../contracts/store.ts'

/** A store that ends with the process. Keys are listed in code unit order. */
export class MemoryStore implements IStore {
  readonly #values = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#values.get(key)?.slice()
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#values.set(key, value.slice())
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key)
  }

  async *entries(prefix: string, options: { limit?: number } = {}): AsyncIterable<[string, Uint8Array]> {
    const keys = [...this.#values.keys()].filter(key => key.startsWith(prefix)).sort()
    for (const key of keys.slice(0, options.limit)) {
      const value = this.#values.get(key)
      if (value !== undefined) yield [key, value.slice()]
    }
  }
}

/** A view of a store in which every key carries a prefix: one room's own drawer. */
export function prefixedStore(store: IStore, prefix: string): IStore {
  return {
    get: key => store.get(prefix + key),
    put: (key, value, options) => store.put(prefix + key, value, options),
    delete: key => store.delete(prefix + key),
    async *entries(inner, options) {
      for await (const [key, value] of store.entries(prefix + inner, options)) yield [key.slice(prefix.length), value]
    },
  }
}

/** A store in which all keys that begin with `prefix` live in another one, there without it. */
export function mountedStore(store: IStore, prefix: string, mounted: IStore): IStore {
  const inner = prefixed(mounted, prefix)
  const of = (key: string): IStore => (key.startsWith(prefix) ? inner : store)
  return {
    get: key => of(key).get(key),
    put: (key, value, options) => of(key).put(key, value, options),
    delete: key => of(key).delete(key),
    entries: (key, options) => of(key).entries(key, options),
  }
}

/** The opposite of `prefixedStore`: what it holds shows under keys with the prefix before them. */
function prefixed(store: IStore, prefix: string): IStore {
  const bare = (key: string): string => key.slice(prefix.length)
  return {
    get: key => store.get(bare(key)),
    put: (key, value, options) => store.put(bare(key), value, options),
    delete: key => store.delete(bare(key)),
    async *entries(key, options) {
      for await (const [name, value] of store.entries(bare(key), options)) yield [prefix + name, value]
    },
  }
}
